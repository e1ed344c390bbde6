//! Errors. Every one says what is wrong, where, and, where it can, what to do.

mod builtin;
mod execution;
mod hint;
mod kind;
mod remote;
mod safety;

use std::io;
use std::path::{Path, PathBuf};

pub use builtin::BuiltinError;
pub use execution::ExecutionError;
pub use kind::ErrorKind;
pub use remote::{Rejected, RejectedReason, RemoteError};
pub use safety::UnsafeReason;

pub use crate::fault::{Fault, FaultKind, IdError, NameError, ValueError};

use crate::id::{BlobId, DagId, DraftId, Kind, NodeId, ObjectId};
use crate::record::ErrorInfo;

/// The result of an operation of the engine. The error is in a box, so that a result is small
/// where nothing is wrong; `match *error` tells which error it is, [`Error::kind`] of which kind.
pub type Result<T, E = Box<Error>> = std::result::Result<T, E>;

/// Anything that can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something is not a value.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Text is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Text is not an id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A builtin operation was asked to do what it cannot.
    #[error(transparent)]
    Builtin(#[from] BuiltinError),
    /// A call was not run to its end.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// A remote, or the way to it, failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Bytes from outside are not a record.
    #[error("not a record: {0}")]
    Fault(#[from] Fault),
    /// An object is not in the store.
    #[error("{kind} {id} is not in this repository")]
    ObjectNotFound {
        /// The kind of object.
        kind: Kind,
        /// Its id.
        id: ObjectId,
    },
    /// An object's bytes do not have its id.
    #[error("{kind} {id} is damaged: its bytes do not match its id")]
    HashMismatch {
        /// The kind it should be.
        kind: Kind,
        /// Its id.
        id: ObjectId,
    },
    /// An object's bytes match its id, but are not a record of the kind wanted.
    #[error("{kind} {id} is damaged: {fault}")]
    ObjectInvalid {
        /// The kind it should be.
        kind: Kind,
        /// Its id.
        id: ObjectId,
        /// What is wrong with its bytes.
        fault: Fault,
    },
    /// An object was excised.
    #[error("{kind} {id} was excised: {reason}")]
    Excised {
        /// The kind it was.
        kind: Kind,
        /// Its id.
        id: ObjectId,
        /// Why.
        reason: String,
    },
    /// A blob cannot be read, or not from some byte on.
    #[error("blob {id} cannot be read at byte {at} of {size}: {problem}")]
    Blob {
        /// Which.
        id: BlobId,
        /// Where the part begins that cannot be read.
        at: u64,
        /// How many bytes the blob has.
        size: u64,
        /// What is wrong with the part.
        problem: Box<Error>,
    },
    /// An id prefix stands for several objects.
    #[error("the id prefix {prefix} is ambiguous: {}", candidates.join(", "))]
    AmbiguousId {
        /// The prefix.
        prefix: String,
        /// Ids it could stand for (not all, when there are many).
        candidates: Vec<String>,
    },
    /// Text does not name anything.
    #[error("{what} {name:?} not found{}", in_place(place))]
    NotFound {
        /// What was looked for: `branch`, `dag`, `node`, `revision` ...
        what: &'static str,
        /// Its name.
        name: String,
        /// Where; empty when that is plain.
        place: String,
    },
    /// Text does not name anything, but comes near to some names.
    #[error("{what} {name:?} not found{}", in_place(place))]
    NotFoundNear {
        /// What was looked for: `branch`, `dag`, `node`, `revision` ...
        what: &'static str,
        /// Its name.
        name: String,
        /// Where; empty when that is plain.
        place: String,
        /// What it may have been meant to be, nearest first.
        similar: Vec<String>,
    },
    /// Text is not a revision.
    #[error("{text:?} is not a revision: {why}")]
    RevisionInvalid {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A revision stands for several things.
    #[error("the revision {text:?} is ambiguous: {}", candidates.join(", "))]
    AmbiguousRevision {
        /// The revision.
        text: String,
        /// What it could stand for, written in full.
        candidates: Vec<String>,
    },
    /// A revision stands for an object of another kind than wanted.
    #[error("{text:?} is a {found}, not a {wanted}")]
    WrongKind {
        /// The revision.
        text: String,
        /// The kind it has.
        found: Kind,
        /// The kind it should have.
        wanted: Kind,
    },
    /// The same names were changed on both sides.
    #[error("{action} conflicts in {}", listed(names))]
    Conflicts {
        /// What was under way: `merge`, `rebase`, `revert`.
        action: &'static str,
        /// The names of DAGs that both sides changed.
        names: Vec<String>,
    },
    /// A configuration file cannot be used.
    #[error("the configuration {}: {detail}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        detail: String,
    },
    /// A name is taken.
    #[error("{what} {name:?} already exists")]
    Exists {
        /// What: `branch`, `tag`, `repository` ...
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is no repository.
    #[error("no DaggerML repository in {} or any folder above it", from.display())]
    RepositoryNotFound {
        /// Where the search began.
        from: PathBuf,
    },
    /// Arguments make no sense.
    #[error("{message}")]
    Invalid {
        /// What is wrong, and what would be right.
        message: String,
    },
    /// Two changes contradict each other.
    #[error("{message}")]
    Conflict {
        /// Which.
        message: String,
    },
    /// The store's file is not what it should be.
    #[error("the store {} is damaged: {detail}", path.display())]
    StoreDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The store's file cannot be used by this version.
    #[error("the store {} cannot be used: {detail}", path.display())]
    StoreUnsupported {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// A bundle has a format that this version does not know.
    #[error("the bundle has format version {found}; this version of DaggerML knows {known}")]
    BundleUnsupported {
        /// Its version.
        found: u64,
        /// The one that is known.
        known: u64,
    },
    /// Bytes are not a bundle.
    #[error("not a sound bundle: {detail} (at byte {offset})")]
    BundleInvalid {
        /// Where, in bytes from the start.
        offset: u64,
        /// What is wrong.
        detail: String,
    },
    /// The store can only be read.
    #[error("the store {} can only be read: {detail}", path.display())]
    ReadOnly {
        /// The store's folder.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Something in a repository's folder may do harm.
    #[error("{} is not used: {reason}", path.display())]
    Unsafe {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: UnsafeReason,
    },
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database engine refused.
    #[error("cannot {action} in the store {}: {source}", path.display())]
    Database {
        /// What was tried.
        action: &'static str,
        /// The store's folder.
        path: PathBuf,
        /// What it said.
        source: heed::Error,
    },
    /// The stored state of a draft cannot be read.
    #[error("the draft {id} is damaged: {fault}")]
    DraftInvalid {
        /// Which.
        id: DraftId,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A DAG ended in an error, so it has no result.
    #[error("{}: {} (recorded in DAG {})", info.kind, info.message, ObjectId::from(*dag).short())]
    Failed {
        /// The DAG.
        dag: DagId,
        /// The node that calls it, where one was asked for its value.
        node: Option<NodeId>,
        /// The error.
        info: Box<ErrorInfo>,
        /// Whether it may not come again: [`crate::record::Dag::is_transient`].
        transient: bool,
    },
    /// A handle was used after its end.
    #[error("{message}")]
    Closed {
        /// Which, and what to do.
        message: String,
    },
}

/// For `?`, where the part of an error is not in its box yet.
macro_rules! boxed_from {
    ($($part:ty),*) => {$(
        impl From<$part> for Box<Error> {
            fn from(part: $part) -> Self {
                Self::new(part.into())
            }
        }
    )*};
}

boxed_from!(
    ValueError,
    NameError,
    IdError,
    BuiltinError,
    ExecutionError,
    RemoteError,
    Fault
);

/// Makes an error of what the file system says when it refuses an action on a path.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Box<Error> {
    move |source| {
        Error::Io {
            action,
            path: path.to_owned(),
            source,
        }
        .into()
    }
}

fn in_place(place: &str) -> String {
    if place.is_empty() {
        String::new()
    } else {
        format!(" in {place}")
    }
}

/// Up to ten names, and how many more.
fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names
        .iter()
        .take(10)
        .map(|name| format!("{name:?}"))
        .collect();
    let more = names.len().saturating_sub(10);
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}
