//! Why a step did not pass.

use std::io;
use std::path::{Path, PathBuf};

/// The result of everything a step does.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a step did not pass.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{line}`: {source}")]
    Start {
        /// The command line.
        line: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program ended with another status than success.
    #[error("`{line}` ended with {status}")]
    Status {
        /// The command line.
        line: String,
        /// How it ended.
        status: String,
    },
    /// A program ran longer than a step may take.
    #[error("`{line}` was stopped after {seconds} s")]
    TimedOut {
        /// The command line.
        line: String,
        /// The limit.
        seconds: u64,
    },
    /// The thing checked is wrong: one finding a line.
    #[error("{count} {}", if *count == 1 { "finding" } else { "findings" })]
    Findings {
        /// How many; the log has them.
        count: usize,
    },
    /// A program of ours refuses what it looked at.
    #[error("{why}")]
    Refused {
        /// Its last line.
        why: String,
    },
    /// A file does not have the form it should.
    #[error("{path}: {problem}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The machine lacks something that cannot be installed from here.
    #[error("{what}")]
    Missing {
        /// What is missing and how to get it.
        what: String,
    },
}

impl Error {
    /// Makes an [`Error::Io`] out of what the system said about `path`.
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}
