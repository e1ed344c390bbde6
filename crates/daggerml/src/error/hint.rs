//! Hints: what to do about an error.

use super::Error;
use crate::id::MIN_PREFIX;

/// What LMDB makes of a write that ended early, as on a full disk; the same on all Unixes.
const EIO: i32 = 5;

impl Error {
    /// Returns what to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Execution(error) => error.hint()?,
            Self::Remote(error) => error.hint()?,
            Self::RepositoryNotFound { .. } => {
                "run `dml init` where the repository should be".to_owned()
            }
            Self::Exists {
                what: "repository", ..
            } => "it can be used as it is: `dml status` says what is in it".to_owned(),
            Self::NotFoundNear {
                what: "revision",
                name,
                similar,
                ..
            } if similar.is_empty() && is_short_prefix(name) => {
                format!("of an id give {MIN_PREFIX} digits or more")
            }
            Self::Excised { .. } => {
                "it is gone for good from this repository; others that took it before may have it"
                    .to_owned()
            }
            Self::AmbiguousId { .. } => "give more digits".to_owned(),
            Self::AmbiguousRevision { .. } => "write one of them in full".to_owned(),
            Self::NotFoundNear { similar, .. } if !similar.is_empty() => {
                format!("did you mean {}?", similar.join(", "))
            }
            Self::NotFoundNear { what: "dag", .. } => {
                "`dml dag list` lists the names that there are".to_owned()
            }
            Self::NotFoundNear {
                what: "revision", ..
            } => "`dml branch`, `dml tag` and `dml log` list what there is".to_owned(),
            Self::Exists {
                what: "remote",
                name,
            } => format!("`dml remote set-url {name} ADDRESS` changes its address"),
            Self::NotFoundNear { what: "remote", .. } => {
                "`dml remote add NAME ADDRESS` adds a remote: ADDRESS can be the path of a \
                 folder; `dml remote list` lists them"
                    .to_owned()
            }
            Self::Conflicts {
                action: "merge", ..
            } => "choose with `dml merge --resolve NAME=ours|theirs|REVISION`, then \
                 `dml merge --continue`, or give up with `dml merge --abort`"
                .to_owned(),
            Self::Conflicts { .. } => "nothing was changed; try again and choose for each with \
                 `--resolve NAME=ours|theirs|removed|REVISION`, or for all of them with \
                 `--favor ours|theirs`"
                .to_owned(),
            Self::HashMismatch { .. } | Self::ObjectInvalid { .. } => {
                "run `dml fsck` to see all that is damaged, and restore the store from a copy"
                    .to_owned()
            }
            Self::DraftInvalid { id, .. } => {
                format!("it cannot be resumed; remove it with `dml index discard {id}`")
            }
            Self::BundleInvalid { .. } => {
                "get it or make it again; nothing of it was taken in".to_owned()
            }
            Self::BundleUnsupported { .. } => {
                "update DaggerML; nothing of it was taken in".to_owned()
            }
            Self::ReadOnly { .. } => {
                "to change it, copy the repository to where you may write".to_owned()
            }
            Self::Unsafe { path, reason } => reason.hint(path),
            Self::Config { .. } => {
                "mend the file in an editor, or move it away: it holds settings only".to_owned()
            }
            Self::StoreDamaged { .. } => "restore the file from a copy".to_owned(),
            Self::Database {
                source: heed::Error::Io(source),
                ..
            } if source.raw_os_error() == Some(EIO) => {
                "the disk may be full, or damaged: make room and try again; everything committed \
                 is still there"
                    .to_owned()
            }
            Self::Io { source, .. }
            | Self::Database {
                source: heed::Error::Io(source),
                ..
            } => io_hint(source)?.to_owned(),
            _ => return None,
        })
    }
}

/// Returns whether `text` may be the first digits of an id, too few of them.
fn is_short_prefix(text: &str) -> bool {
    text.len() < MIN_PREFIX && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn io_hint(source: &std::io::Error) -> Option<&'static str> {
    use std::io::ErrorKind as Io;
    match source.kind() {
        Io::StorageFull | Io::QuotaExceeded => {
            Some("make room on the disk and try again; everything committed is still there")
        }
        Io::IsADirectory | Io::NotADirectory => {
            Some("something else is in its place: look what it is, and move it away")
        }
        Io::PermissionDenied => Some("check who owns the folder and its permissions"),
        Io::ReadOnlyFilesystem => {
            Some("the file system is read-only; copy the repository elsewhere to change it")
        }
        _ => None,
    }
}
