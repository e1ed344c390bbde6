//! What can go wrong with a remote.

use std::io::{self, ErrorKind as Io};

use super::ErrorKind;
use crate::id::CommitId;
use crate::record::{Kind, Reference};

/// A remote, or the way to it, failed. `remote` is its address without credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Text is not the address of a remote.
    #[error("{text:?} is not the address of a remote: {detail}")]
    AddressInvalid {
        /// The text, without secrets.
        text: String,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// Nothing here can speak to such an address.
    #[error("addresses that begin with {scheme}:// are not known here")]
    SchemeUnknown {
        /// What the address begins with.
        scheme: String,
    },
    /// Text is not the name of a blob.
    #[error("{text:?} is not the key of a blob")]
    KeyInvalid {
        /// The text, perhaps shortened.
        text: String,
    },
    /// Text is not the mark of a version of a blob.
    #[error("the mark of a blob's version has 1 to 1,024 bytes of plain text, not {length}")]
    EtagInvalid {
        /// How many bytes it has.
        length: usize,
    },
    /// The remote cannot be reached, or cannot answer now. To try again may help.
    #[error("cannot {verb} {key:?} of {remote}: {detail}")]
    Unavailable {
        /// The remote.
        remote: String,
        /// What was tried: `get`, `put` ...
        verb: &'static str,
        /// The blob, or the prefix of a list.
        key: String,
        /// What happened.
        detail: String,
    },
    /// The remote refused: credentials or rights are missing.
    #[error("{remote} does not allow to {verb} {key:?}: {detail}")]
    Denied {
        /// The remote.
        remote: String,
        /// What was tried.
        verb: &'static str,
        /// The blob, or the prefix of a list.
        key: String,
        /// What it said.
        detail: String,
    },
    /// The remote failed in a way that to try again does not help.
    #[error("cannot {verb} {key:?} of {remote}: {detail}")]
    Failed {
        /// The remote.
        remote: String,
        /// What was tried.
        verb: &'static str,
        /// The blob, or the prefix of a list.
        key: String,
        /// What happened.
        detail: String,
    },
    /// There is no remote at the address.
    #[error("{remote} is not a remote: {detail}")]
    NotARemote {
        /// The address.
        remote: String,
        /// What is there instead.
        detail: String,
    },
    /// The remote has a format that this version does not know.
    #[error("{remote} has format version {found}; this version of DaggerML knows {known}")]
    Unsupported {
        /// The remote.
        remote: String,
        /// Its version.
        found: u64,
        /// The one that is known.
        known: u64,
    },
    /// A blob has more bytes than it may have.
    #[error("{key:?} of {remote} has more than the {limit} bytes that it may have")]
    TooLarge {
        /// The remote.
        remote: String,
        /// The blob.
        key: String,
        /// The most bytes.
        limit: u64,
    },
    /// What speaks to the remote does not keep to the protocol.
    #[error("what speaks to {remote} answered {verb} {key:?} wrongly: {detail}")]
    Protocol {
        /// The remote.
        remote: String,
        /// What was asked.
        verb: &'static str,
        /// The blob, or the prefix of a list.
        key: String,
        /// What is wrong with the answer.
        detail: String,
    },
    /// An object of the remote refers to one that is not there.
    #[error("{remote} lacks {reference}")]
    Incomplete {
        /// The remote.
        remote: String,
        /// What is not there.
        reference: Reference,
    },
    /// Refs were not changed, since others or rules are in the way.
    #[error("{remote} was not changed: {}", told(refs))]
    Rejected {
        /// The remote.
        remote: String,
        /// Which refs were in the way, and why.
        refs: Vec<Rejected>,
    },
    /// Another process changed the remote each time this one was about to.
    #[error("{remote} changes so often that this change found no gap")]
    Busy {
        /// The remote.
        remote: String,
    },
    /// The operation was stopped.
    #[error("the operation was stopped")]
    Interrupted,
    /// An object was left at a remote on purpose: by a shallow or a filtered clone.
    #[error("{reference} is not here: {}", left(reference, remote, *bytes, cause))]
    Elsewhere {
        /// The name of the remote that has it.
        remote: String,
        /// The object.
        reference: Reference,
        /// How many bytes it has; 0 when that is not known.
        bytes: u64,
        /// Why it could not be fetched; empty when nobody tried.
        cause: String,
    },
    /// A remote may lack what is left out of this shallow clone.
    #[error("{remote} is not known to have commit {commit}, and this shallow clone lacks it too")]
    Shallow {
        /// The remote.
        remote: String,
        /// The commit.
        commit: CommitId,
    },
    /// A blob of the remote is not what it should be, or is gone.
    #[error("{key:?} of {remote} is damaged: {detail}")]
    Damaged {
        /// The remote.
        remote: String,
        /// The blob.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// A ref that was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its full name at the remote.
    pub name: String,
    /// Why.
    pub reason: RejectedReason,
}

/// Why a ref was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectedReason {
    /// It has commits there that are not here.
    Behind,
    /// It moved since it was last fetched.
    Moved,
    /// There is a tag of that name.
    TagExists,
}

impl RejectedReason {
    /// Returns the reason's name in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Moved => "moved",
            Self::TagExists => "tag_exists",
        }
    }
}

fn left(reference: &Reference, remote: &str, bytes: u64, cause: &str) -> String {
    if reference.kind == Kind::Commit {
        return "the history of this shallow clone does not go back so far".to_owned();
    }
    let colon = if cause.is_empty() { "" } else { ": " };
    format!("this filtered clone left it ({bytes} bytes) at the remote {remote:?}{colon}{cause}")
}

fn told(refs: &[Rejected]) -> String {
    let each = refs.iter().map(|rejected| {
        let why = match rejected.reason {
            RejectedReason::Behind => "has commits that this push would drop",
            RejectedReason::Moved => "moved since it was last fetched",
            RejectedReason::TagExists => "is a tag there already, at another commit",
        };
        format!("{:?} {why}", rejected.name)
    });
    each.collect::<Vec<_>>().join(", ")
}

impl RemoteError {
    /// Makes the error of a verb that the file system refused.
    pub(crate) fn of_io(
        remote: &str,
        verb: &'static str,
        key: &str,
        action: &str,
        source: &io::Error,
    ) -> Self {
        let (remote, key) = (remote.to_owned(), key.to_owned());
        let detail = format!("cannot {action} a file: {source}");
        match source.kind() {
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Self::Denied {
                remote,
                verb,
                key,
                detail,
            },
            Io::Interrupted
            | Io::TimedOut
            | Io::WouldBlock
            | Io::StaleNetworkFileHandle
            | Io::ResourceBusy
            | Io::HostUnreachable
            | Io::NetworkUnreachable
            | Io::NetworkDown => Self::Unavailable {
                remote,
                verb,
                key,
                detail,
            },
            Io::NotADirectory => Self::NotARemote {
                remote,
                detail: "it is a file and no folder; `dml bundle apply` takes in a bundle"
                    .to_owned(),
            },
            _ => Self::Failed {
                remote,
                verb,
                key,
                detail,
            },
        }
    }

    /// Returns whether to try again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::AddressInvalid { .. } | Self::KeyInvalid { .. } | Self::EtagInvalid { .. } => {
                ErrorKind::Invalid
            }
            Self::SchemeUnknown { .. } | Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::NotARemote { .. } => ErrorKind::NotFound,
            Self::Rejected { .. } | Self::Busy { .. } | Self::Shallow { .. } => ErrorKind::Conflict,
            Self::Interrupted => ErrorKind::Canceled,
            Self::Elsewhere { reference, .. } if reference.kind == Kind::Commit => {
                ErrorKind::NotFound
            }
            Self::Unavailable { .. } | Self::Elsewhere { .. } => ErrorKind::Unavailable,
            Self::Denied { .. } => ErrorKind::Denied,
            Self::Failed { .. } => ErrorKind::Io,
            Self::TooLarge { .. }
            | Self::Protocol { .. }
            | Self::Incomplete { .. }
            | Self::Damaged { .. } => ErrorKind::Corrupt,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        if let Self::Elsewhere {
            remote, reference, ..
        } = self
        {
            return Some(match reference.kind {
                Kind::Commit => format!("`dml fetch {remote} --unshallow` brings all history"),
                _ => format!(
                    "when {remote} can be reached, reading the value fetches it; \
                     `dml fetch {remote} --filter none` brings all values"
                ),
            });
        }
        Some(match self {
            Self::AddressInvalid { .. } => {
                "write a folder's path, file:///path, ssh://host/path or s3://bucket/prefix"
            }
            Self::SchemeUnknown { scheme } if matches!(&**scheme, "s3" | "gs" | "az" | "https") => {
                "install the package daggerml-adapter-objectstore, which speaks to it"
            }
            Self::SchemeUnknown { .. } => {
                "install the package that speaks to it, or use a folder (file:///path) or ssh://"
            }
            Self::Unavailable { .. } => {
                "try again; what arrived already is not sent again, and nothing is half done"
            }
            Self::Denied { .. } => {
                "check the rights and the credentials that the tools of that place use"
            }
            Self::NotARemote { .. } => {
                "check the address; a first `dml push` makes a remote in an empty place"
            }
            Self::Unsupported { .. } => "update DaggerML; nothing was changed",
            Self::Rejected { refs, .. } => match refs.first().map(|first| first.reason) {
                Some(RejectedReason::TagExists) => {
                    "give yours another name, or push it with `--force`"
                }
                _ => "`dml pull` joins what is there with yours; then push again",
            },
            Self::Shallow { .. } => {
                "`dml fetch` tells what the remote has; `dml fetch --unshallow` from where you \
                 cloned brings what is missing here"
            }
            Self::Busy { .. } => "push again",
            Self::Interrupted => "run it again: what arrived already is not carried again",
            // Whatever else is damaged can be read around; this names the packs.
            Self::Damaged { key, .. } if key == "refs" => {
                "nothing was changed; restore that file at the remote from a copy, or take it away \
                 and push all branches and tags again from where they are"
            }
            Self::Damaged { .. } | Self::TooLarge { .. } | Self::Incomplete { .. } => {
                "nothing of it was kept; `dml remote fsck` tells all that is damaged there"
            }
            Self::Protocol { .. } => "update the package that speaks to it, or tell its author",
            Self::KeyInvalid { .. }
            | Self::EtagInvalid { .. }
            | Self::Failed { .. }
            | Self::Elsewhere { .. } => return None,
        }
        .to_owned())
    }
}
