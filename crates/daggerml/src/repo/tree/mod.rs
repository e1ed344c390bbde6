//! Trees as a whole: looking up, listing and changing names.
//!
//! The records are pieces of a hash trie (see [`Tree`]); here they become one map.

mod diff;

pub use diff::{Changes, diff};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::id::{DagId, TreeId};
use crate::name::Name;
use crate::record::{FAN_OUT, LEAF_MAX, Tree};
use crate::store::{ReadObjects, WriteTxn};

/// The DAG of that name in the tree `root`.
pub fn lookup(objects: &impl ReadObjects, root: TreeId, name: &Name) -> Result<Option<DagId>> {
    walk(root, name, |id| objects.load::<_, Tree>(id).map(Arc::new))
}

/// The same, with the pieces on the way got by `piece`.
pub(super) fn walk(
    root: TreeId,
    name: &Name,
    mut piece: impl FnMut(TreeId) -> Result<Arc<Tree>>,
) -> Result<Option<DagId>> {
    let mut id = root;
    for depth in 0.. {
        match &*piece(id)? {
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

/// A tree like `root` (`None`: the empty one) with the names in `changes` set, or
/// removed where they are `None`.
///
/// It costs the pieces on the way to each changed name, and not the others.
pub fn update(
    txn: &mut WriteTxn<'_>,
    root: Option<TreeId>,
    changes: &BTreeMap<Name, Option<DagId>>,
) -> Result<TreeId> {
    let changes: Vec<_> = changes.iter().map(|(name, dag)| (name, *dag)).collect();
    match change(txn, root, &changes, 0)?.id {
        Some(id) => Ok(id),
        None => txn.save(&Tree::empty()),
    }
}

type Change<'n> = (&'n Name, Option<DagId>);

/// A piece after a change.
struct Changed {
    /// `None` when nothing is left of it.
    id: Option<TreeId>,
    /// How many names came, less those that went.
    grown: i64,
}

/// Changes the piece `id` at `depth`.
fn change(
    txn: &mut WriteTxn<'_>,
    id: Option<TreeId>,
    changes: &[Change<'_>],
    depth: usize,
) -> Result<Changed> {
    if changes.is_empty() {
        return Ok(Changed { id, grown: 0 });
    }
    let piece = match id {
        Some(id) => txn.load::<_, Tree>(id)?,
        None => Tree::empty(),
    };
    match piece {
        Tree::Leaf(entries) => {
            let before = entries.len();
            let mut entries: BTreeMap<Name, DagId> = entries.into_iter().collect();
            for (name, dag) in changes {
                match dag {
                    Some(dag) => entries.insert((*name).clone(), *dag),
                    None => entries.remove(*name),
                };
            }
            let grown = difference(entries.len(), before);
            let id = build(txn, entries.into_iter().collect(), depth)?;
            Ok(Changed { id, grown })
        }
        Tree::Branch {
            count,
            mut children,
        } => {
            let mut slots: [Vec<Change<'_>>; FAN_OUT] = Default::default();
            for change in changes {
                if let Some(slot) = slots.get_mut(Tree::slot(change.0, depth)) {
                    slot.push(*change);
                }
            }
            let mut grown = 0;
            for (child, changes) in children.iter_mut().zip(slots) {
                let changed = change(txn, *child, &changes, depth + 1)?;
                *child = changed.id;
                grown += changed.grown;
            }
            let count = count.saturating_add_signed(grown);
            let id = if count > LEAF_MAX as u64 {
                Some(txn.save(&Tree::Branch { count, children })?)
            } else {
                // Small enough for one leaf again: the same names must give the same records.
                let mut entries = Vec::new();
                for child in children.iter().flatten() {
                    entries.extend(list(txn, *child)?);
                }
                build(txn, entries, depth)?
            };
            Ok(Changed { id, grown })
        }
    }
}

fn difference(after: usize, before: usize) -> i64 {
    let signed = |count| i64::try_from(count).unwrap_or(i64::MAX);
    signed(after) - signed(before)
}

/// Stores a piece at `depth` with exactly these entries; `None` when there are none.
fn build(
    txn: &mut WriteTxn<'_>,
    entries: Vec<(Name, DagId)>,
    depth: usize,
) -> Result<Option<TreeId>> {
    if entries.is_empty() {
        return Ok(None);
    }
    if entries.len() <= LEAF_MAX {
        return Ok(Some(txn.save(&Tree::leaf(entries))?));
    }
    let count = entries.len() as u64;
    let mut slots: [Vec<(Name, DagId)>; FAN_OUT] = Default::default();
    for entry in entries {
        if let Some(slot) = slots.get_mut(Tree::slot(&entry.0, depth)) {
            slot.push(entry);
        }
    }
    let mut children = Box::new([None; FAN_OUT]);
    for (child, entries) in children.iter_mut().zip(slots) {
        *child = build(txn, entries, depth + 1)?;
    }
    Ok(Some(txn.save(&Tree::Branch { count, children })?))
}
