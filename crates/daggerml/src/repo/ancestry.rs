//! Which commit comes before which.
//!
//! A commit's time is later than its parents' (see `commit`), so walking by
//! time, newest first, meets every commit after all that follow it.

use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::error::Result;
use crate::id::CommitId;
use crate::record::{Commit, Time};
use crate::repo::Repository;
use crate::store::ReadObjects;

/// Returns whether `old` is `new` or comes before it.
pub(crate) fn is_ancestor(
    objects: &impl ReadObjects,
    old: CommitId,
    new: CommitId,
) -> Result<bool> {
    let oldest = objects.load::<_, Commit>(old)?.time;
    let mut seen = HashSet::new();
    let mut waiting = vec![new];
    while let Some(id) = waiting.pop() {
        if id == old {
            return Ok(true);
        }
        if seen.insert(id) {
            let commit: Commit = objects.load(id)?;
            if commit.time > oldest {
                waiting.extend(commit.parents);
            }
        }
    }
    Ok(false)
}

/// On which sides a commit was met.
#[derive(Clone, Copy, Default)]
struct Sides {
    ours: bool,
    theirs: bool,
    /// It comes before a merge base that was found, so it is not among the best.
    stale: bool,
}

/// Returns the best common ancestors of two commits, newest first: those that do not
/// come before another one. More than one only where lines of history cross.
pub(crate) fn merge_bases(
    objects: &impl ReadObjects,
    ours: CommitId,
    theirs: CommitId,
) -> Result<Vec<CommitId>> {
    let mut sides: HashMap<CommitId, Sides> = HashMap::new();
    let mut queue: BinaryHeap<(Time, CommitId)> = BinaryHeap::new();
    for (id, is_ours) in [(ours, true), (theirs, false)] {
        let side = sides.entry(id).or_default();
        side.ours |= is_ours;
        side.theirs |= !is_ours;
        queue.push((objects.load::<_, Commit>(id)?.time, id));
    }
    let mut done = HashSet::new();
    let mut found = Vec::new();
    while let Some((_, id)) = queue.pop() {
        if !done.insert(id) {
            continue;
        }
        let mut here = sides.get(&id).copied().unwrap_or_default();
        if here.ours && here.theirs && !here.stale {
            found.push(id);
            here.stale = true;
        }
        for parent in objects.load::<_, Commit>(id)?.parents {
            let side = sides.entry(parent).or_default();
            side.ours |= here.ours;
            side.theirs |= here.theirs;
            side.stale |= here.stale;
            queue.push((objects.load::<_, Commit>(parent)?.time, parent));
        }
        let useful = |id: &CommitId| !done.contains(id) && sides.get(id).is_none_or(|s| !s.stale);
        if here.stale && !queue.iter().any(|(_, id)| useful(id)) {
            break;
        }
    }
    Ok(found)
}

impl Repository {
    /// Returns whether `old` is `new` or comes before it.
    pub fn is_ancestor(&self, old: CommitId, new: CommitId) -> Result<bool> {
        is_ancestor(&self.snapshot()?, old, new)
    }

    /// Returns the newest commit that both have in their history.
    pub fn merge_base(&self, a: CommitId, b: CommitId) -> Result<Option<CommitId>> {
        Ok(merge_bases(&self.snapshot()?, a, b)?.first().copied())
    }
}
