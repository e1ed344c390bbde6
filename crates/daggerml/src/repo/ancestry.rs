//! Which commit comes before which.
//!
//! A commit's time is later than its parents' (see `commit`), so walking by
//! time, newest first, meets every commit after all that follow it.

use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::error::Result;
use crate::id::CommitId;
use crate::record::{Commit, Kind, Time};
use crate::repo::Repository;
use crate::store::ReadObjects;

/// The parents of a commit.
pub(crate) struct Parents {
    /// Those that are here.
    pub here: Vec<CommitId>,
    /// One that a shallow clone leaves out.
    pub absent: Option<CommitId>,
}

/// Returns the parents of a commit. A shallow clone ends where they are absent.
pub(crate) fn parents(objects: &impl ReadObjects, commit: Commit) -> Result<Parents> {
    let mut found = Parents {
        here: Vec::new(),
        absent: None,
    };
    for parent in commit.parents {
        let id = parent.into();
        if objects.absent(id)?.is_none() || objects.has_object(id)? {
            found.here.push(parent);
        } else {
            found.absent = Some(parent);
        }
    }
    Ok(found)
}

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
                waiting.extend(parents(objects, commit)?.here);
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
/// come before another one. More than one only where lines of history cross. There must be
/// some, or an end of all history, that a shallow clone does not hide.
pub(crate) fn merge_bases(
    objects: &impl ReadObjects,
    ours: CommitId,
    theirs: CommitId,
) -> Result<Vec<CommitId>> {
    let mut cut = None;
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
        let before = parents(objects, objects.load(id)?)?;
        cut = cut.or(before.absent);
        for parent in before.here {
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
    if let (true, Some(absent)) = (found.is_empty(), cut) {
        objects.object(absent.into(), Kind::Commit)?; // says that it is not here
    }
    Ok(found)
}

/// A commit that [`exclusive`] met.
#[derive(Clone, Copy)]
struct Met {
    /// Whether it is in the history that the other side has.
    had: bool,
    queued: bool,
}

/// Returns the commits that are in the history of `wanted` and not in that of `had`, the
/// newest first. All of `wanted` and `had` must be there.
pub(crate) fn exclusive(
    objects: &impl ReadObjects,
    wanted: &[CommitId],
    had: &[CommitId],
) -> Result<Vec<CommitId>> {
    let mut met: HashMap<CommitId, Met> = HashMap::new();
    let mut queue: BinaryHeap<(Time, CommitId)> = BinaryHeap::new();
    // How many in the queue are wanted: without any, nothing more can be found.
    let mut open = 0_usize;
    let mut found = Vec::new();
    let starts = had.iter().map(|id| (*id, true));
    let mut next: Vec<(CommitId, bool)> =
        starts.chain(wanted.iter().map(|id| (*id, false))).collect();
    loop {
        for (id, had) in next.drain(..) {
            let before = met.get(&id).copied();
            match before {
                Some(before) if before.had || !had => continue,
                // Its history is to be met again, if it was.
                Some(Met { queued: true, .. }) => open = open.saturating_sub(1),
                Some(_) | None => {
                    queue.push((objects.load::<_, Commit>(id)?.time, id));
                    open += usize::from(!had);
                }
            }
            met.insert(id, Met { had, queued: true });
        }
        let Some((_, id)) = (if open > 0 { queue.pop() } else { None }) else {
            break;
        };
        let had = met.get(&id).is_some_and(|met| met.had);
        met.insert(id, Met { had, queued: false });
        if !had {
            open -= 1;
            found.push(id);
        }
        let parents = parents(objects, objects.load(id)?)?.here;
        next.extend(parents.into_iter().map(|parent| (parent, had)));
    }
    found.retain(|id| met.get(id).is_some_and(|met| !met.had));
    Ok(found)
}

/// Returns how many commits `ours` has in its history that `theirs` does not have.
pub(crate) fn count_exclusive(
    objects: &impl ReadObjects,
    ours: CommitId,
    theirs: CommitId,
) -> Result<u64> {
    Ok(exclusive(objects, &[ours], &[theirs])?.len() as u64)
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
