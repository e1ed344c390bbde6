//! The packer, the repository reader and the programs before rustc, from real files to
//! real artifacts.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod abi3t;
mod again;
mod audit;
mod backend;
mod cffi_packed;
mod imports;
mod init;
mod maturin;
mod packer;
mod programs;
mod programs_packed;
mod project;
mod pyproject;
mod repository;
#[cfg(unix)]
mod rustc;
mod sbom;
mod strangers;
mod trying;
