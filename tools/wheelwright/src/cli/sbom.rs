//! `wheelwright sbom`: what a compiled extension is made of.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Outcome;
use crate::sbom::{self, Subject};

/// Print a CycloneDX bill of materials of a compiled extension
///
/// Lists the crates that are linked for the target, with the C code they
/// compile in. The same input gives the same bytes.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Cargo.toml of the extension's crate
    #[arg(long, value_name = "FILE")]
    manifest_path: PathBuf,
    /// The Rust target it is compiled for
    #[arg(long, value_name = "TRIPLE")]
    target: String,
    /// The Python distribution it goes into; the crate's name unless given
    #[arg(long)]
    name: Option<String>,
    /// What `cargo build --message-format=json` printed: only what it compiled
    /// and linked is listed
    #[arg(long, value_name = "FILE")]
    messages: Option<PathBuf>,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let messages = self.messages.map(|path| super::read(&path)).transpose()?;
        let linked = sbom::linked(&self.manifest_path, &self.target, &[], messages.as_deref())?;
        let (name, version) = linked.root.split_once('@').unwrap_or((&linked.root, ""));
        let subject = Subject {
            name: self.name.unwrap_or_else(|| name.to_owned()),
            version: version.to_owned(),
            target: self.target,
        };
        super::print(sbom::cyclonedx(&subject, &linked).as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
