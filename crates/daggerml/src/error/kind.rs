//! Kinds of errors.

use super::Error;

/// The kind of an error: stable names for programs, one exit code each in `dml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// What was asked for cannot be done with these arguments.
    Invalid,
    /// Something named is not there.
    NotFound,
    /// Something is there already.
    Exists,
    /// Two changes contradict each other.
    Conflict,
    /// An object was excised.
    Excised,
    /// Stored bytes are not what they should be.
    Corrupt,
    /// The store was made by a newer version, or is not a store.
    Unsupported,
    /// The operating system refused: permissions, a full disk, a broken file system.
    Io,
    /// The repository, or something in it, may do harm: whose it is, or what it is.
    Unsafe,
    /// The handle can no longer be used.
    Closed,
    /// The DAG asked for ended in an error.
    Failed,
    /// The adapter that runs a call failed.
    Adapter,
    /// A call took too long.
    Timeout,
    /// A call was stopped.
    Canceled,
    /// A remote cannot be reached, or cannot answer now.
    Unavailable,
    /// A remote refused: credentials or rights are missing.
    Denied,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Invalid,
        Self::NotFound,
        Self::Exists,
        Self::Conflict,
        Self::Excised,
        Self::Corrupt,
        Self::Unsupported,
        Self::Io,
        Self::Unsafe,
        Self::Closed,
        Self::Failed,
        Self::Adapter,
        Self::Timeout,
        Self::Canceled,
        Self::Unavailable,
        Self::Denied,
    ];

    /// Returns the stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Exists => "exists",
            Self::Conflict => "conflict",
            Self::Excised => "excised",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Io => "io",
            Self::Unsafe => "unsafe",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Adapter => "adapter",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Unavailable => "unavailable",
            Self::Denied => "denied",
        }
    }
}

impl Error {
    /// Returns the kind of error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Value(_) | Self::Name(_) | Self::Id(_) | Self::Invalid { .. } => {
                ErrorKind::Invalid
            }
            Self::AmbiguousId { .. }
            | Self::RevisionInvalid { .. }
            | Self::AmbiguousRevision { .. }
            | Self::WrongKind { .. }
            | Self::Config { .. } => ErrorKind::Invalid,
            Self::Builtin(error) => error.kind(),
            Self::Execution(error) => error.kind(),
            Self::Remote(error) => error.kind(),
            Self::Blob { problem, .. } => problem.kind(),
            Self::ObjectNotFound { .. }
            | Self::NotFound { .. }
            | Self::NotFoundNear { .. }
            | Self::RepositoryNotFound { .. } => ErrorKind::NotFound,
            Self::Exists { .. } => ErrorKind::Exists,
            Self::Conflict { .. } | Self::Conflicts { .. } => ErrorKind::Conflict,
            Self::Excised { .. } => ErrorKind::Excised,
            Self::Fault(_)
            | Self::HashMismatch { .. }
            | Self::ObjectInvalid { .. }
            | Self::DraftInvalid { .. }
            | Self::BundleInvalid { .. }
            | Self::StoreDamaged { .. } => ErrorKind::Corrupt,
            Self::StoreUnsupported { .. } | Self::BundleUnsupported { .. } => {
                ErrorKind::Unsupported
            }
            Self::Io { .. } | Self::Database { .. } | Self::ReadOnly { .. } => ErrorKind::Io,
            Self::Unsafe { .. } => ErrorKind::Unsafe,
            Self::Closed { .. } => ErrorKind::Closed,
            Self::Failed { .. } => ErrorKind::Failed,
        }
    }
}
