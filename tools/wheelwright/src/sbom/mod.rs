//! A software bill of materials of one compiled extension: the crates that were
//! linked into it and the C code they brought.
//!
//! `cargo tree` says what the dependencies are on a platform; the messages
//! of the build itself (`--message-format=json`), when there are any, say which
//! of them were compiled and which static libraries build scripts linked.

mod cyclonedx;
mod linked;
mod tree;

pub use cyclonedx::{Subject, cyclonedx};
pub use linked::{Crate, License, Linked, Native, linked};

/// Why no bill could be written.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// `cargo metadata` failed.
    #[error("cargo metadata: {0}")]
    Metadata(#[from] cargo_metadata::Error),
    /// `cargo tree` failed, or says what cannot be understood.
    #[error("cargo tree: {problem}")]
    Tree {
        /// What it says.
        problem: String,
    },
    /// The manifest is none of the workspace's packages.
    #[error("{manifest} is not a package of its workspace")]
    NoPackage {
        /// The manifest.
        manifest: String,
    },
    /// Cargo.lock cannot be read.
    #[error("{path}: {reason}")]
    Lock {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The build's messages do not name the package at all.
    #[error("the build's messages do not mention {package}: they are of another build")]
    OtherBuild {
        /// The package.
        package: String,
    },
}
