//! Hints: what to do about an error.

use super::Error;

impl Error {
    /// What to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Execution(error) => error.hint()?,
            Self::RepositoryNotFound { .. } => {
                "run `dml init` where the repository should be".to_owned()
            }
            Self::AmbiguousId { .. } => "give more digits".to_owned(),
            Self::AmbiguousRevision { .. } => "write one of them in full".to_owned(),
            Self::NotFoundNear { similar, .. } if !similar.is_empty() => {
                format!("did you mean {}?", similar.join(", "))
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
            Self::IndexInvalid { id, .. } => {
                format!("it cannot be resumed; remove it with `dml index discard {id}`")
            }
            Self::BundleInvalid { .. } => "make it again; nothing of it was taken in".to_owned(),
            Self::ReadOnly { .. } => {
                "to change it, copy the repository to where you may write".to_owned()
            }
            Self::StoreDamaged { .. } => "restore the file from a copy".to_owned(),
            Self::Io { source, .. }
            | Self::Database {
                source: heed::Error::Io(source),
                ..
            } => io_hint(source)?.to_owned(),
            _ => return None,
        })
    }
}

fn io_hint(source: &std::io::Error) -> Option<&'static str> {
    use std::io::ErrorKind as Io;
    match source.kind() {
        Io::StorageFull | Io::QuotaExceeded => {
            Some("make room on the disk and try again; everything committed is still there")
        }
        Io::PermissionDenied => Some("check who owns the folder and its permissions"),
        Io::ReadOnlyFilesystem => {
            Some("the file system is read-only; copy the repository elsewhere to change it")
        }
        _ => None,
    }
}
