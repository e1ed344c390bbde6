//! Names that users see and that several layers need: of the folder `.dml`, and of the
//! setting that says whose repositories are trusted.

/// The name of the folder that makes its parent a repository.
pub const FOLDER: &str = ".dml";

/// The setting that lists folders of other users whose repositories may be used.
pub(crate) const SAFE: &str = "safe.directories";

/// The environment variable that lists more such folders, separated as in `PATH`.
pub(crate) const SAFE_VARIABLE: &str = "DML_SAFE_DIRECTORIES";

/// The setting that lists remotes whose results of calls are taken for true.
pub(crate) const TRUSTED_REMOTES: &str = "remotes.trusted";
