//! Trees as a whole: looking up, listing and changing names.
//!
//! The records are pieces of a hash trie (see [`Tree`]); here they become one map.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::id::{DagId, TreeId};
use crate::name::Name;
use crate::record::{LEAF_MAX, Tree};
use crate::store::{ReadObjects, WriteTxn};

/// The DAG of that name in the tree `root`.
pub fn lookup(objects: &impl ReadObjects, root: TreeId, name: &Name) -> Result<Option<DagId>> {
    let mut id = root;
    for depth in 0.. {
        match objects.load::<_, Tree>(id)? {
            Tree::Leaf(entries) => {
                return Ok(entries
                    .iter()
                    .find(|(entry, _)| entry == name)
                    .map(|(_, dag)| *dag));
            }
            Tree::Branch { children, .. } => {
                match children.get(Tree::slot(name, depth)).copied().flatten() {
                    Some(child) => id = child,
                    None => return Ok(None),
                }
            }
        }
    }
    Ok(None)
}

/// All names of the tree `root` with their DAGs, in order of the names.
pub fn list(objects: &impl ReadObjects, root: TreeId) -> Result<BTreeMap<Name, DagId>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root];
    while let Some(id) = waiting.pop() {
        match objects.load::<_, Tree>(id)? {
            Tree::Leaf(entries) => found.extend(entries),
            Tree::Branch { children, .. } => waiting.extend(children.iter().flatten()),
        }
    }
    Ok(found)
}

/// A tree like `root` with the names in `changes` set, or removed where they are `None`.
pub fn update(
    txn: &mut WriteTxn<'_>,
    root: TreeId,
    changes: &BTreeMap<Name, Option<DagId>>,
) -> Result<TreeId> {
    let changes: Vec<_> = changes.iter().map(|(name, dag)| (name, *dag)).collect();
    match change(txn, Some(root), &changes, 0)? {
        Some(id) => Ok(id),
        None => txn.save(&Tree::empty()),
    }
}

type Change<'n> = (&'n Name, Option<DagId>);

/// Changes the piece `id` at `depth`; `None` when nothing is left of it.
fn change(
    txn: &mut WriteTxn<'_>,
    id: Option<TreeId>,
    changes: &[Change<'_>],
    depth: usize,
) -> Result<Option<TreeId>> {
    if changes.is_empty() {
        return Ok(id);
    }
    let piece = match id {
        Some(id) => txn.load::<_, Tree>(id)?,
        None => Tree::empty(),
    };
    match piece {
        Tree::Leaf(entries) => {
            let mut entries: BTreeMap<Name, DagId> = entries.into_iter().collect();
            for (name, dag) in changes {
                match dag {
                    Some(dag) => entries.insert((*name).clone(), *dag),
                    None => entries.remove(*name),
                };
            }
            build(txn, entries.into_iter().collect(), depth).map(|built| built.map(|(id, _)| id))
        }
        Tree::Branch { mut children, .. } => {
            for (slot, child) in children.iter_mut().enumerate() {
                let here: Vec<_> = changes
                    .iter()
                    .filter(|(name, _)| Tree::slot(name, depth) == slot)
                    .copied()
                    .collect();
                *child = change(txn, *child, &here, depth + 1)?;
            }
            let mut count = 0;
            for child in children.iter().flatten() {
                count += txn.load::<_, Tree>(*child)?.count();
            }
            if count > LEAF_MAX as u64 {
                return txn.save(&Tree::Branch { count, children }).map(Some);
            }
            // Small enough for one leaf again: the same names must give the same records.
            let mut entries = Vec::new();
            for child in children.iter().flatten() {
                entries.extend(list(txn, *child)?);
            }
            build(txn, entries, depth).map(|built| built.map(|(id, _)| id))
        }
    }
}

/// Stores a piece at `depth` with exactly these entries; its id and count.
fn build(
    txn: &mut WriteTxn<'_>,
    entries: Vec<(Name, DagId)>,
    depth: usize,
) -> Result<Option<(TreeId, u64)>> {
    let count = entries.len() as u64;
    if entries.is_empty() {
        return Ok(None);
    }
    if entries.len() <= LEAF_MAX {
        return Ok(Some((txn.save(&Tree::leaf(entries))?, count)));
    }
    let mut slots: [Vec<(Name, DagId)>; 16] = Default::default();
    for entry in entries {
        if let Some(slot) = slots.get_mut(Tree::slot(&entry.0, depth)) {
            slot.push(entry);
        }
    }
    let mut children = Box::new([None; 16]);
    for (child, entries) in children.iter_mut().zip(slots) {
        *child = build(txn, entries, depth + 1)?.map(|(id, _)| id);
    }
    Ok(Some((txn.save(&Tree::Branch { count, children })?, count)))
}
