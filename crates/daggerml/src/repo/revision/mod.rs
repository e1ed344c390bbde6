//! Revisions: text that stands for a commit, tree, DAG or node.
//!
//! The grammar is in `docs/spec/revisions.md`; `parse` reads it, `resolve`
//! looks the parts up, and `prefix` finds objects by the first digits of their ids.

mod parse;
mod prefix;
pub(crate) mod resolve;

pub use parse::{Revision, Step};

use super::Repository;
use crate::error::{Error, Result};
use crate::id::{BlobId, CommitId, DagId, DatumId, ExecId, NodeId, ObjectId, TombstoneId, TreeId};
use crate::record::Kind;

/// What a revision stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// A commit.
    Commit(CommitId),
    /// A tree.
    Tree(TreeId),
    /// A DAG.
    Dag(DagId),
    /// A node.
    Node {
        /// The DAG it was found in; `None` when only its id was given.
        dag: Option<DagId>,
        /// The node.
        node: NodeId,
    },
    /// A datum.
    Datum(DatumId),
    /// An attempt at a call.
    Exec(ExecId),
    /// What is left of an excised object.
    Tombstone(TombstoneId),
    /// The parts of a blob.
    Blob(BlobId),
}

impl Resolved {
    /// Returns the kind of object.
    pub fn kind(self) -> Kind {
        match self {
            Self::Commit(_) => Kind::Commit,
            Self::Tree(_) => Kind::Tree,
            Self::Dag(_) => Kind::Dag,
            Self::Node { .. } => Kind::Node,
            Self::Datum(_) => Kind::Datum,
            Self::Exec(_) => Kind::Exec,
            Self::Tombstone(_) => Kind::Tombstone,
            Self::Blob(_) => Kind::Blob,
        }
    }

    /// Returns the object's id.
    pub fn id(self) -> ObjectId {
        match self {
            Self::Commit(id) => id.into(),
            Self::Tree(id) => id.into(),
            Self::Dag(id) => id.into(),
            Self::Node { node, .. } => node.into(),
            Self::Datum(id) => id.into(),
            Self::Exec(id) => id.into(),
            Self::Tombstone(id) => id.into(),
            Self::Blob(id) => id.into(),
        }
    }
}

/// The commits of `A..B`: those of `B` that `A` does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Commits to leave out, with all before them.
    pub exclude: Option<CommitId>,
    /// The newest commit.
    pub include: CommitId,
}

impl Repository {
    /// Returns what `text` stands for.
    pub fn resolve(&self, text: &str) -> Result<Resolved> {
        let revision = Revision::parse(text)?;
        resolve::resolve(self, &self.snapshot()?, text, &revision)
    }

    /// Returns the commit that `text` stands for.
    pub fn commit_at(&self, text: &str) -> Result<CommitId> {
        match self.resolve(text)? {
            Resolved::Commit(id) => Ok(id),
            other => Err(wrong_kind(text, other, Kind::Commit)),
        }
    }

    /// Returns the tree that `text` stands for: a tree, or a commit's.
    pub fn tree_at(&self, text: &str) -> Result<TreeId> {
        let resolved = self.resolve(text)?;
        match resolve::peel(&self.snapshot()?, text, resolved, Kind::Tree)? {
            Resolved::Tree(id) => Ok(id),
            other => Err(wrong_kind(text, other, Kind::Tree)),
        }
    }

    /// Returns the DAG that `text` stands for: `REV:name`, an id, or the name of a DAG
    /// in what is checked out.
    pub fn dag_at(&self, text: &str) -> Result<DagId> {
        match self.resolve_here(text)? {
            Resolved::Dag(id) => Ok(id),
            other => Err(wrong_kind(text, other, Kind::Dag)),
        }
    }

    /// Returns what `text` stands for, as a name in what is checked out first.
    pub(crate) fn resolve_here(&self, text: &str) -> Result<Resolved> {
        let snapshot = self.snapshot()?;
        if !text.is_empty()
            && let Some(found) = resolve::in_head(&snapshot, text)?
        {
            return Ok(found);
        }
        drop(snapshot);
        self.resolve(text)
    }

    /// Returns the commits that `text` stands for: `A..B`, or all of one revision.
    /// A side left out is `HEAD`.
    pub fn range(&self, text: &str) -> Result<Range> {
        let side = |side: &str| self.commit_at(if side.is_empty() { "HEAD" } else { side });
        Ok(match text.split_once("..") {
            Some((from, to)) => Range {
                exclude: Some(side(from)?),
                include: side(to)?,
            },
            None => Range {
                exclude: None,
                include: side(text)?,
            },
        })
    }
}

pub(crate) fn wrong_kind(text: &str, found: Resolved, wanted: Kind) -> Box<Error> {
    Error::WrongKind {
        text: text.to_owned(),
        found: found.kind(),
        wanted,
    }
    .into()
}
