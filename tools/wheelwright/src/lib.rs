//! A maker of wheels: builds, audits and reproduces the artifacts of projects
//! that are part Rust and part Python, for every platform, from one machine.
//!
//! Each package is described by its `pyproject.toml` ([`project`]); the
//! repository lists its packages and platforms in `wheelwright.toml`. A build
//! ([`build`]) compiles native extensions with a pinned toolchain
//! ([`toolchain`]), writes artifacts with the deterministic packer ([`pack`])
//! and tries them in fresh virtual environments ([`smoke`]). A release ([`release`])
//! puts the very bytes that were built on an [`index`]; all of it has one [`version`].
//! Builders sign what they made ([`attest`]), and users check that enough of them made
//! the files they have ([`verify`]); anybody can build a release again ([`rebuild`]).
//!
//! What reads, judges and compares wheels and sdists, whoever made them, is a crate
//! of its own: [`wheelwright_artifacts`].

pub mod attest;
pub mod build;
pub mod cli;
mod errors;
mod exclusive;
mod git;
pub mod index;
pub mod init;
pub mod pack;
pub mod project;
pub mod provenance;
pub mod rebuild;
pub mod release;
pub mod reproduce;
pub mod sbom;
pub mod smoke;
mod temporary;
mod terminal;
pub mod toolchain;
pub mod verify;
pub mod version;
mod work_tree;

use std::process::ExitCode;

/// The program: a compiler wrapper when called by such a name (see
/// [`toolchain::wrappers`]), the command line of [`cli`] otherwise.
pub fn main() -> ExitCode {
    match toolchain::wrappers::wrapped_tool(std::env::args_os().next().as_deref()) {
        Some(tool) => toolchain::wrappers::run(&tool, std::env::args_os().skip(1)),
        None => cli::run(std::env::args_os()),
    }
}
