//! What differs: between trees by name, and between two DAGs.

use std::collections::{BTreeSet, HashSet};

use super::value_diff::{ValueChange, value_diff};
use crate::dag::DagView;
use crate::error::Result;
use crate::id::{DagId, NodeId, TreeId};
use crate::name::Name;
use crate::record::ErrorInfo;
use crate::repo::{Repository, tree};
use crate::sorting;

/// A name that differs between two trees. `None` means that there is no DAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DagChange {
    /// The name.
    pub name: Name,
    /// Its DAG before.
    pub before: Option<DagId>,
    /// Its DAG after.
    pub after: Option<DagId>,
}

/// What differs between two DAGs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DagDiff {
    /// Names of nodes that were added, removed or changed, in order.
    pub names: Vec<NodeChange>,
    /// The result, when it differs.
    pub result: Option<NodeChange>,
    /// The error that the first ended in.
    pub error_before: Option<ErrorInfo>,
    /// The error that the second ended in.
    pub error_after: Option<ErrorInfo>,
    /// Nodes that only the second has.
    pub added: Vec<NodeId>,
    /// Nodes that only the first has.
    pub removed: Vec<NodeId>,
    /// Labels that only the second has.
    pub tags_added: BTreeSet<Name>,
    /// Labels that only the first has.
    pub tags_removed: BTreeSet<Name>,
}

/// A place in a DAG that holds another node than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeChange {
    /// The name; `None` for the result.
    pub name: Option<Name>,
    /// The node before.
    pub before: Option<NodeId>,
    /// The node after.
    pub after: Option<NodeId>,
    /// What differs in the value, when both have one. Empty when another node
    /// has the same value.
    pub values: Vec<ValueChange>,
}

impl DagDiff {
    /// Returns whether the two DAGs are the same.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
            && self.result.is_none()
            && self.error_before == self.error_after
            && self.added.is_empty()
            && self.removed.is_empty()
            && self.tags_added.is_empty()
            && self.tags_removed.is_empty()
    }
}

impl Repository {
    /// Returns the names that differ between two trees (`None`: the empty one), in order.
    pub fn diff(&self, before: Option<TreeId>, after: Option<TreeId>) -> Result<Vec<DagChange>> {
        let changes = tree::diff(&self.snapshot()?, before, after)?;
        Ok(changes
            .into_iter()
            .map(|(name, (before, after))| DagChange {
                name,
                before,
                after,
            })
            .collect())
    }

    /// Returns what differs between two DAGs.
    pub fn diff_dags(&self, before: DagId, after: DagId) -> Result<DagDiff> {
        let (before, after) = (self.view(before)?, self.view(after)?);
        let (a, b) = (before.dag(), after.dag());
        let mut names = Vec::new();
        for name in sorting::set(a.names.keys().chain(b.names.keys())) {
            let (old, new) = (a.named(name.as_str()), b.named(name.as_str()));
            names.extend(change(&before, &after, Some(name), old, new)?);
        }
        let result = change(&before, &after, None, a.result(), b.result())?;
        Ok(DagDiff {
            names,
            result,
            error_before: a.error().cloned(),
            error_after: b.error().cloned(),
            added: only(&b.nodes, &a.nodes),
            removed: only(&a.nodes, &b.nodes),
            tags_added: sorting::set(b.tags.difference(&a.tags).cloned()),
            tags_removed: sorting::set(a.tags.difference(&b.tags).cloned()),
        })
    }
}

fn only(nodes: &[NodeId], others: &[NodeId]) -> Vec<NodeId> {
    let others: HashSet<_> = others.iter().collect();
    nodes
        .iter()
        .filter(|node| !others.contains(node))
        .copied()
        .collect()
}

fn change(
    a: &DagView,
    b: &DagView,
    name: Option<&Name>,
    before: Option<NodeId>,
    after: Option<NodeId>,
) -> Result<Option<NodeChange>> {
    if before == after {
        return Ok(None);
    }
    let mut values = Vec::new();
    if let (Some(before), Some(after)) = (before, after) {
        let (old, new) = (a.node(before)?.datum(), b.node(after)?.datum());
        // A failed call has no value to compare; the same datum has nothing to.
        if old.is_some() && new.is_some() && old != new {
            values = value_diff(&a.value(before)?, &b.value(after)?);
        }
    }
    Ok(Some(NodeChange {
        name: name.cloned(),
        before,
        after,
        values,
    }))
}
