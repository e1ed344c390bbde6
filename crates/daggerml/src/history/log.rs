//! The log: commits, newest first.

use std::collections::{BinaryHeap, HashSet};

use crate::error::{Error, Result};
use crate::id::{CommitId, DagId};
use crate::name::Name;
use crate::record::{Commit, Time};
use crate::repo::ancestry::parents;
use crate::repo::{Repository, tree};
use crate::store::{ReadObjects, Snapshot};

/// Which commits a log is of.
#[derive(Clone, Debug, Default)]
pub struct HistoryOptions {
    /// Where to begin.
    pub include: Vec<CommitId>,
    /// Commits to leave out, with all before them.
    pub exclude: Vec<CommitId>,
    /// Only first parents: not the commits that a merge brought in.
    pub first_parent: bool,
    /// Only commits that changed the DAG of this name.
    pub dag: Option<Name>,
    /// The most commits.
    pub limit: Option<usize>,
}

/// One commit of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its id.
    pub id: CommitId,
    /// The commit.
    pub commit: Commit,
    /// Whether the history of a shallow clone ends here: a parent is not here.
    pub shallow: bool,
}

/// The commits of a log, newest first, each after all that follow it. They are
/// read as they are asked for.
pub struct History {
    snapshot: Snapshot,
    options: HistoryOptions,
    queue: BinaryHeap<(Time, CommitId)>,
    seen: HashSet<CommitId>,
    excluded: Excluded,
    given: usize,
    /// Why a parent of the commit given last cannot be read.
    failed: Option<Box<Error>>,
}

/// The commits to leave out, found as far back as the log has come.
struct Excluded {
    queue: BinaryHeap<(Time, CommitId)>,
    known: HashSet<CommitId>,
}

impl Repository {
    /// Returns the log that `options` describe.
    pub fn log(&self, options: HistoryOptions) -> Result<History> {
        let snapshot = self.snapshot()?;
        let mut log = History {
            queue: BinaryHeap::new(),
            seen: HashSet::new(),
            excluded: Excluded {
                queue: BinaryHeap::new(),
                known: HashSet::new(),
            },
            given: 0,
            failed: None,
            options,
            snapshot,
        };
        for id in log.options.exclude.clone() {
            let time = log.snapshot.load::<_, Commit>(id)?.time;
            log.excluded.queue.push((time, id));
        }
        for id in log.options.include.clone() {
            log.enqueue(id)?;
        }
        Ok(log)
    }
}

impl History {
    fn enqueue(&mut self, id: CommitId) -> Result<()> {
        if self.seen.insert(id) {
            self.queue
                .push((self.snapshot.load::<_, Commit>(id)?.time, id));
        }
        Ok(())
    }

    fn advance(&mut self) -> Result<Option<HistoryEntry>> {
        while self.options.limit.is_none_or(|limit| self.given < limit) {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let Some((time, id)) = self.queue.pop() else {
                break;
            };
            if self.excluded.contains(&self.snapshot, time, id)? {
                continue;
            }
            let commit: Commit = self.snapshot.load(id)?;
            let followed = if self.options.first_parent {
                1
            } else {
                usize::MAX
            };
            let before = parents(&self.snapshot, commit.clone())?;
            let followed = commit.parents.iter().take(followed);
            for parent in followed.filter(|parent| before.here.contains(parent)) {
                // The commit itself is given first.
                if let Err(error) = self.enqueue(*parent) {
                    self.failed = Some(error);
                }
            }
            let changed = match &self.options.dag {
                Some(name) => changed(&self.snapshot, &commit, name)?,
                None => true,
            };
            if changed {
                self.given += 1;
                let shallow = before.absent.is_some();
                return Ok(Some(HistoryEntry {
                    id,
                    commit,
                    shallow,
                }));
            }
        }
        Ok(None)
    }
}

impl Excluded {
    fn contains(&mut self, snapshot: &Snapshot, time: Time, id: CommitId) -> Result<bool> {
        while let Some(&(newest, next)) = self.queue.peek()
            && newest >= time
        {
            self.queue.pop();
            if self.known.insert(next) {
                for parent in parents(snapshot, snapshot.load(next)?)?.here {
                    self.queue
                        .push((snapshot.load::<_, Commit>(parent)?.time, parent));
                }
            }
        }
        Ok(self.known.contains(&id))
    }
}

/// Returns whether the commit's DAG of that name is not any of its parents'.
fn changed(snapshot: &Snapshot, commit: &Commit, name: &Name) -> Result<bool> {
    let here = tree::lookup(snapshot, commit.tree, name)?;
    let mut before: Vec<Option<DagId>> = Vec::new();
    for parent in parents(snapshot, commit.clone())?.here {
        let parent: Commit = snapshot.load(parent)?;
        before.push(tree::lookup(snapshot, parent.tree, name)?);
    }
    Ok(if before.is_empty() {
        here.is_some()
    } else {
        !before.contains(&here)
    })
}

impl Iterator for History {
    type Item = Result<HistoryEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
