//! Making commits.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::id::{CommitId, DagId};
use crate::name::Name;
use crate::record::{Commit, Time, Tree};
use crate::repo::refs::{self, ReadRefs};
use crate::repo::{Repository, tree};
use crate::store::{ReadObjects, WriteTxn};

/// Commits `changes` on top of what is checked out.
pub(crate) fn commit_changes(
    txn: &mut WriteTxn<'_>,
    changes: &BTreeMap<Name, Option<DagId>>,
    author: &str,
    message: &str,
) -> Result<CommitId> {
    let parent = txn.head()?;
    let before = match parent {
        Some(parent) => txn.load::<_, Commit>(parent)?.tree,
        None => txn.save(&Tree::empty())?,
    };
    let tree = tree::update(txn, before, changes)?;
    let commit = txn.save(&Commit {
        tree,
        parents: parent.into_iter().collect(),
        author: author.to_owned(),
        message: message.to_owned(),
        time: Time::now(),
    })?;
    refs::advance(txn, commit)?;
    Ok(commit)
}

impl Repository {
    /// Who commits are said to be by.
    pub fn author(&self) -> Result<String> {
        Ok(["DML_AUTHOR", "USER", "USERNAME"]
            .into_iter()
            .find_map(|variable| std::env::var(variable).ok())
            .unwrap_or_else(|| "unknown".to_owned()))
    }
}
