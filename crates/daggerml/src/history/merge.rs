//! Merge: joining another line of history into what is checked out.

use super::merge_state::Pending;
use super::three_way::{Conflict, Favor, Joined, join};
use crate::error::{Error, Result};
use crate::id::{CommitId, ObjectId, TreeId};
use crate::record::Time;
use crate::repo::ancestry::{is_ancestor, merge_bases};
use crate::repo::commit::{NameChanges, save, tree_of};
use crate::repo::refs::{self, ReadRefs, check_no_merge};
use crate::repo::{Repository, tree};
use crate::store::{ReadObjects, WriteTxn};

/// Whether a merge may move the branch without a commit of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FastForward {
    /// When it can.
    #[default]
    Allow,
    /// Never: there is always a merge commit.
    Never,
    /// Only so; else nothing is changed.
    Only,
}

/// How to merge.
#[derive(Clone, Debug, Default)]
pub struct MergeOptions {
    /// Whether to fast-forward.
    pub fast_forward: FastForward,
    /// Which side is right in a conflict.
    pub favor: Favor,
    /// The message of the merge commit.
    pub message: Option<String>,
    /// What is merged, as the user wrote it, for the message.
    pub label: Option<String>,
}

/// What a merge did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Nothing: what is checked out had it all.
    UpToDate,
    /// The branch moved to the other commit.
    FastForward(CommitId),
    /// A merge commit was made.
    Merged(CommitId),
    /// Nothing yet: someone has to choose. The merge waits in the repository for
    /// [`Repository::resolve_conflict`] and [`Repository::merge_continue`].
    Conflicts(Vec<Conflict>),
}

impl Repository {
    /// Merges `theirs` into what is checked out.
    pub fn merge(&self, theirs: CommitId, options: &MergeOptions) -> Result<Merge> {
        let author = self.author()?;
        let message = options.message.clone().unwrap_or_else(|| {
            let short = ObjectId::from(theirs).short();
            format!("Merge {}", options.label.as_deref().unwrap_or(&short))
        });
        self.store().write(|txn| {
            check_no_merge(txn)?;
            let their_tree = tree_of(txn, Some(theirs))?;
            let Some(head) = txn.head()? else {
                refs::advance(txn, theirs)?;
                return Ok(Merge::FastForward(theirs));
            };
            if is_ancestor(txn, theirs, head)? {
                return Ok(Merge::UpToDate);
            }
            if options.fast_forward != FastForward::Never && is_ancestor(txn, head, theirs)? {
                refs::advance(txn, theirs)?;
                return Ok(Merge::FastForward(theirs));
            }
            if options.fast_forward == FastForward::Only {
                return Err(Error::Conflict {
                    message: "the branches have grown apart, so this is no fast-forward; \
                              merge or rebase"
                        .to_owned(),
                }
                .into());
            }
            let ours = tree_of(txn, Some(head))?;
            let base = base_tree(txn, head, theirs)?;
            let joined = join(txn, base, ours, their_tree, options.favor)?;
            if joined.conflicts.is_empty() {
                let commit = conclude(txn, head, theirs, &joined.changes, &author, &message)?;
                return Ok(Merge::Merged(commit));
            }
            Pending::begin(theirs, &message).save(txn)?;
            Ok(Merge::Conflicts(joined.conflicts))
        })
    }

    /// Ends a merge that waited for choices, with a merge commit.
    pub fn merge_continue(&self) -> Result<CommitId> {
        let author = self.author()?;
        self.store().write(|txn| {
            let pending = Pending::load(txn)?.ok_or_else(none_waits)?;
            let head = txn.head()?.ok_or_else(super::rebase::nothing)?;
            let joined = pending_join(txn, head, pending.theirs)?;
            let changes = joined.choose(&pending.choices).decided("merge")?;
            let message = &pending.message;
            let commit = conclude(txn, head, pending.theirs, &changes, &author, message)?;
            Pending::remove(txn)?;
            Ok(commit)
        })
    }

    /// Gives up a merge that waits for choices. Nothing else changes.
    pub fn merge_abort(&self) -> Result<()> {
        self.store().write(|txn| {
            Pending::load(txn)?.ok_or_else(none_waits)?;
            Pending::remove(txn)
        })
    }
}

/// Returns what joining `theirs` into `head` comes to, without favour.
pub(super) fn pending_join(
    txn: &impl ReadObjects,
    head: CommitId,
    theirs: CommitId,
) -> Result<Joined> {
    let base = base_tree(txn, head, theirs)?;
    let ours = tree_of(txn, Some(head))?;
    let theirs = tree_of(txn, Some(theirs))?;
    join(txn, base, ours, theirs, Favor::Neither)
}

/// Returns the tree of the newest merge base; the empty one where there is none.
fn base_tree(objects: &impl ReadObjects, a: CommitId, b: CommitId) -> Result<Option<TreeId>> {
    let base = merge_bases(objects, a, b)?.first().copied();
    tree_of(objects, base)
}

fn conclude(
    txn: &mut WriteTxn<'_>,
    head: CommitId,
    theirs: CommitId,
    changes: &NameChanges,
    author: &str,
    message: &str,
) -> Result<CommitId> {
    let before = tree_of(txn, Some(head))?;
    let tree = tree::update(txn, before, changes)?;
    let commit = save(txn, tree, vec![head, theirs], author, message, Time::now())?;
    refs::advance(txn, commit)?;
    Ok(commit)
}

pub(super) fn none_waits() -> Box<Error> {
    Error::Invalid {
        message: "no merge waits for choices".to_owned(),
    }
    .into()
}
