//! Revert: a commit that undoes another.

use std::collections::BTreeMap;

use super::merge_state::Choice;
use super::rebase::nothing;
use super::three_way::{Favor, join};
use crate::error::{Error, Result};
use crate::id::CommitId;
use crate::name::Name;
use crate::record::{Commit, Time};
use crate::repo::commit::{save, tree_of};
use crate::repo::refs::check_no_merge;
use crate::repo::refs::{self, ReadRefs};
use crate::repo::{Repository, tree};
use crate::store::ReadObjects;

/// How to revert.
#[derive(Clone, Debug, Default)]
pub struct RevertOptions {
    /// For a merge: the number of the parent to go back to, from 1.
    pub mainline: Option<usize>,
    /// Which side is right where the same name was changed again since: ours is
    /// the later change, theirs the state from before the commit.
    pub favor: Favor,
    /// What names are to be where there is a conflict.
    pub choices: BTreeMap<Name, Choice>,
    /// The message; one that names the commit, when not given.
    pub message: Option<String>,
}

impl Repository {
    /// Commits the undoing of `commit` on top of what is checked out, or changes
    /// nothing when there is a conflict.
    pub fn revert(&self, commit: CommitId, options: &RevertOptions) -> Result<CommitId> {
        let author = self.author()?;
        self.store().write(|txn| {
            check_no_merge(txn)?;
            let head = txn.head()?.ok_or_else(nothing)?;
            let undone: Commit = txn.load(commit)?;
            let before = parent(&undone, options.mainline)?;
            let before = tree_of(txn, before)?;
            let ours = tree_of(txn, Some(head))?;
            let joined = join(txn, Some(undone.tree), ours, before, options.favor)?;
            let changes = joined.choose(&options.choices).decided("revert")?;
            let tree = tree::update(txn, ours, &changes)?;
            if Some(tree) == ours {
                return Err(Error::Invalid {
                    message: format!("reverting commit {commit} would change nothing"),
                }
                .into());
            }
            let message = options.message.clone().unwrap_or_else(|| {
                let title = undone.message.lines().next().unwrap_or_default();
                format!("Revert {title:?}\n\nThis undoes commit {commit}.")
            });
            let made = save(txn, tree, vec![head], &author, &message, Time::now())?;
            refs::advance(txn, made)?;
            Ok(made)
        })
    }
}

fn parent(commit: &Commit, mainline: Option<usize>) -> Result<Option<CommitId>> {
    let parents = commit.parents.len();
    match mainline {
        None if parents > 1 => Err(Error::Invalid {
            message: format!(
                "the commit is a merge of {parents} parents; say which one to go back to (mainline)"
            ),
        }
        .into()),
        None => Ok(commit.parents.first().copied()),
        Some(number) => match number.checked_sub(1).and_then(|at| commit.parents.get(at)) {
            Some(parent) => Ok(Some(*parent)),
            None => Err(Error::Invalid {
                message: format!("the commit has {parents} parents; there is no number {number}"),
            }
            .into()),
        },
    }
}
