//! The tools that a build uses, each pinned: rustc by `rust-toolchain.toml`,
//! zig (C compiler and linker) and pip by hash.

mod alias;
pub mod canonical;
pub mod dlltool;
pub mod frameworks;
pub mod import_library;
mod loader;
pub mod platform;
pub mod process;
pub mod python;
pub mod rust;
mod section_order;
pub mod slots;
pub mod tools;
pub mod windows_libraries;
pub mod wrappers;
pub mod zig;

use std::io;
use std::path::PathBuf;

/// A tool that is missing or does not work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// A program does not start.
    #[error("{program} does not start; {hint}")]
    Start {
        /// The program.
        program: String,
        /// What to do.
        hint: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("{command} failed ({status}): {message}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        message: String,
    },
    /// A tool cannot be installed.
    #[error(
        "cannot install {tool} from Python's package index; let pip reach one (PIP_INDEX_URL \
         names it), or let WHEELWRIGHT_TOOLS name a folder in which a build on a machine like \
         this one installed it: {problem}"
    )]
    Install {
        /// The tool.
        tool: String,
        /// What pip said.
        problem: String,
    },
    /// No Python is new enough.
    #[error("no CPython >= 3.9 was found (tried {tried}); install one, or name it with --python")]
    NoPython {
        /// The names that were tried.
        tried: String,
    },
    /// The compiler that a folder asks for cannot be run.
    #[error(
        "the Rust that {} asks for cannot be run ({problem}); run `rustup toolchain install` \
         there, or let RUSTUP_TOOLCHAIN name one that is installed (`rustup toolchain list`)",
        folder.display()
    )]
    NoToolchain {
        /// The folder.
        folder: PathBuf,
        /// What rustup said.
        problem: String,
    },
    /// The standard library of a target is missing and cannot be installed.
    #[error(
        "Rust's standard library for {target} is missing, and `rustup target add {target}` failed ({problem}); \
         run that where rustup can download, or put a sysroot that holds lib/rustlib/{target} in its place \
         (see \"Without rustup\" in docs/guide/building.md)"
    )]
    NoStandardLibrary {
        /// The target.
        target: String,
        /// Why rustup could not help.
        problem: String,
    },
    /// A file of the tools cannot be written or read.
    #[error("cannot use {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
