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
use crate::sorting;
use crate::store::{ReadObjects, WriteTxn};

/// Returns the DAG of that name in the tree `root`.
pub fn lookup(objects: &impl ReadObjects, root: TreeId, name: &Name) -> Result<Option<DagId>> {
    walk(root, name, |id| objects.load::<_, Tree>(id).map(Arc::new))
}

/// Looks up `name` in the tree `root`, as [`lookup`] does; `piece` reads each piece on the
/// way.
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

/// Returns all names of the tree `root` with their DAGs, in order of the names.
pub fn list(objects: &impl ReadObjects, root: TreeId) -> Result<BTreeMap<Name, DagId>> {
    let mut found = BTreeMap::new(); // `collect` would sort first
    for entry in entries(objects, root) {
        let (name, dag) = entry?;
        found.insert(name, dag);
    }
    Ok(found)
}

/// Returns all names of the tree `root` with their DAGs, as they are found: the pieces are read
/// when they are needed. The order is that of the hashes of the names, so it is the same for
/// the same names.
pub fn entries<O: ReadObjects>(objects: &O, root: TreeId) -> TreeEntries<'_, O> {
    TreeEntries {
        objects,
        waiting: vec![root],
        leaf: Vec::new().into_iter(),
    }
}

/// The names of a tree; see [`entries`].
pub struct TreeEntries<'o, O> {
    objects: &'o O,
    /// The pieces that were not read yet, the next one last.
    waiting: Vec<TreeId>,
    leaf: std::vec::IntoIter<(Name, DagId)>,
}

impl<O: ReadObjects> Iterator for TreeEntries<'_, O> {
    type Item = Result<(Name, DagId)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.leaf.next() {
                return Some(Ok(entry));
            }
            match self.objects.load::<_, Tree>(self.waiting.pop()?) {
                Ok(Tree::Leaf(entries)) => self.leaf = entries.into_iter(),
                Ok(Tree::Branch { children, .. }) => {
                    self.waiting.extend(children.iter().rev().flatten());
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Returns a tree like `root` (`None`: the empty one) with the names in `changes` set, or
/// removed where they are `None`.
///
/// Only the pieces on the way to changed names are read and written.
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

/// What became of a piece.
struct Changed {
    /// `None` when nothing is left of it.
    id: Option<TreeId>,
    /// The number of names that were added, less the number that were removed.
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
            let mut entries = sorting::map(entries);
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
                // It fits into one leaf again, and must become one: a tree with the same names must
                // have the same records, whatever was changed before.
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
