//! What differs between two trees. Pieces that are the same are not looked into.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::id::{DagId, TreeId};
use crate::name::Name;
use crate::record::Tree;
use crate::store::ReadObjects;

/// The names that differ between two trees, with their DAGs before and after.
pub type Changes = BTreeMap<Name, (Option<DagId>, Option<DagId>)>;

/// Returns the names that differ between the trees `before` and `after`; `None` is the
/// empty tree.
pub fn diff(
    objects: &impl ReadObjects,
    before: Option<TreeId>,
    after: Option<TreeId>,
) -> Result<Changes> {
    let mut changes = Changes::new();
    let mut waiting = vec![(before, after)];
    while let Some((before, after)) = waiting.pop() {
        if before == after {
            continue;
        }
        match (piece(objects, before)?, piece(objects, after)?) {
            (Tree::Branch { children: a, .. }, Tree::Branch { children: b, .. }) => {
                waiting.extend(a.iter().copied().zip(b.iter().copied()));
            }
            (a, b) => {
                let mut found = Changes::new();
                for (name, dag) in entries(objects, a)? {
                    found.entry(name).or_default().0 = Some(dag);
                }
                for (name, dag) in entries(objects, b)? {
                    found.entry(name).or_default().1 = Some(dag);
                }
                found.retain(|_, (before, after)| before != after);
                changes.append(&mut found);
            }
        }
    }
    Ok(changes)
}

fn piece(objects: &impl ReadObjects, id: Option<TreeId>) -> Result<Tree> {
    id.map_or_else(|| Ok(Tree::empty()), |id| objects.load(id))
}

fn entries(objects: &impl ReadObjects, piece: Tree) -> Result<Vec<(Name, DagId)>> {
    match piece {
        Tree::Leaf(entries) => Ok(entries),
        Tree::Branch { children, .. } => {
            let mut found = Vec::new();
            for child in children.iter().flatten() {
                found.extend(super::list(objects, *child)?);
            }
            Ok(found)
        }
    }
}
