//! Rebase: the commits of a branch made anew on top of another commit.

use std::collections::BTreeMap;

use super::log::HistoryOptions;
use super::merge_state::Choice;
use super::three_way::{Favor, join};
use crate::error::{Error, Result};
use crate::id::CommitId;
use crate::name::Name;
use crate::record::Commit;
use crate::repo::ancestry::is_ancestor;
use crate::repo::commit::{save, tree_of};
use crate::repo::refs::check_no_merge;
use crate::repo::refs::{self, ReadRefs};
use crate::repo::{Repository, tree};
use crate::store::WriteTxn;

/// How to rebase.
#[derive(Clone, Debug, Default)]
pub struct RebaseOptions {
    /// Which side is right in a conflict: ours is what is rebased onto, theirs
    /// the commits being made anew.
    pub favor: Favor,
    /// What names are to be where there is a conflict.
    pub choices: BTreeMap<Name, Choice>,
}

/// What a rebase did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebase {
    /// Where the branch was.
    pub old: CommitId,
    /// Where it is.
    pub new: CommitId,
    /// How many commits were made anew.
    pub replayed: usize,
    /// How many were left out, because they would change nothing or were merges.
    pub dropped: usize,
}

impl Repository {
    /// Makes the commits of what is checked out, that `onto` does not have, anew
    /// on top of `onto`: all of them, or none when there is a conflict. Merges
    /// are left out, and what they brought in is made anew commit by commit.
    pub fn rebase(&self, onto: CommitId, options: &RebaseOptions) -> Result<Rebase> {
        let (head, commits) = {
            let head = self.head()?.ok_or_else(nothing)?;
            let mut commits = Vec::new();
            if !self.is_ancestor(head, onto)? {
                let log = self.log(HistoryOptions {
                    include: vec![head],
                    exclude: vec![onto],
                    ..HistoryOptions::default()
                })?;
                for entry in log {
                    commits.push(entry?);
                }
            }
            commits.reverse();
            (head, commits)
        };
        let merges = commits.iter().any(|entry| entry.commit.parents.len() > 1);
        self.store().write(|txn| {
            if txn.head()? != Some(head) {
                return Err(moved());
            }
            check_no_merge(txn)?;
            let mut done = Rebase {
                old: head,
                new: onto,
                replayed: 0,
                dropped: 0,
            };
            if !merges && is_ancestor(txn, onto, head)? {
                done.new = head;
                return Ok(done);
            }
            for entry in &commits {
                match replay(txn, done.new, &entry.commit, options)? {
                    Some(commit) => {
                        done.new = commit;
                        done.replayed += 1;
                    }
                    None => done.dropped += 1,
                }
            }
            refs::advance(txn, done.new)?;
            Ok(done)
        })
    }
}

/// Makes `commit` anew on top of `onto`; `None` when it would change nothing.
fn replay(
    txn: &mut WriteTxn<'_>,
    onto: CommitId,
    commit: &Commit,
    options: &RebaseOptions,
) -> Result<Option<CommitId>> {
    if commit.parents.len() > 1 {
        return Ok(None);
    }
    let base = tree_of(txn, commit.parents.first().copied())?;
    let ours = tree_of(txn, Some(onto))?;
    let joined = join(txn, base, ours, Some(commit.tree), options.favor)?;
    let changes = joined.choose(&options.choices).decided("rebase")?;
    let tree = tree::update(txn, ours, &changes)?;
    if Some(tree) == ours {
        return Ok(None);
    }
    save(
        txn,
        tree,
        vec![onto],
        &commit.author,
        &commit.message,
        commit.time,
    )
    .map(Some)
}

pub(super) fn nothing() -> Box<Error> {
    Error::NotFound {
        what: "commit",
        name: "HEAD".to_owned(),
        place: "this repository: nothing is committed yet".to_owned(),
    }
    .into()
}

pub(super) fn moved() -> Box<Error> {
    Error::Conflict {
        message: "another process changed what is checked out meanwhile; try again".to_owned(),
    }
    .into()
}
