//! `wheelwright provenance`: an in-toto statement about built files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use wheelwright_artifacts::checksums;
use wheelwright_artifacts::digest::Digest;

use super::Outcome;
use crate::provenance::{self, Build};

/// Print an in-toto statement with SLSA provenance of built files
#[derive(clap::Args)]
pub(super) struct Args {
    /// The built files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Who ran the build, as a URI
    #[arg(long, value_name = "URI")]
    builder: String,
    /// The repository, as a URI
    #[arg(long, value_name = "URI")]
    source: String,
    /// The commit that was built, in full
    #[arg(long, value_name = "HASH", value_parser = commit)]
    commit: String,
    /// A file that pins further input, such as Cargo.lock; may be repeated
    #[arg(long, value_name = "FILE")]
    material: Vec<PathBuf>,
}

fn commit(text: &str) -> Result<String, String> {
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    if hex && matches!(text.len(), 40 | 64) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("a commit is 40 (or 64) hexadecimal digits; try `git rev-parse HEAD`".into())
    }
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let mut materials = BTreeMap::new();
        for path in &self.material {
            let digest = Digest::of(&super::read(path)?);
            materials.insert(path.to_string_lossy().replace('\\', "/"), digest);
        }
        let statement = provenance::statement(
            &checksums::digests(&self.files)?,
            &Build {
                builder: self.builder,
                source: self.source,
                commit: self.commit,
                materials,
            },
        );
        super::print(format!("{statement:#}\n").as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
