//! `wheelwright attest`: says, signed, what was built here.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Outcome;
use crate::attest::{self, Builder};
use crate::project::workspace;

/// Sign a statement of the artifacts that were built here
///
/// Writes BUILDER-PLATFORM.rebuild.json, an in-toto statement in a DSSE envelope, and
/// beside it a .sig that `ssh-keygen -Y verify -n wheelwright-rebuild` checks. Build from
/// a commit first: the statement names it (docs/spec/rebuild.md).
#[derive(clap::Args)]
pub(super) struct Args {
    /// Wheels, sdists, or folders of them [default: dist, beside wheelwright.toml]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The private Ed25519 key, in OpenSSH's format or PKCS #8, without a passphrase
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What built the artifacts
    #[arg(long, value_name = "BUILDER", default_value = "cargo")]
    builder: Builder,
    /// Where the statement goes [default: beside the artifacts]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let root = workspace::root(&std::env::current_dir()?)?;
        let mut paths = self.paths;
        if paths.is_empty() {
            paths.push(root.join("dist"));
        }
        let out = self.out.unwrap_or_else(|| {
            let first = &paths[0];
            let folder = if first.is_dir() {
                Some(&**first)
            } else {
                first.parent()
            };
            folder
                .map(PathBuf::from)
                .unwrap_or_default()
                .join(attest::file_name(self.builder))
        });
        let key = attest::key(&self.key)?;
        let statement = attest::statement(&root, self.builder, &paths)?;
        let signature = attest::write(&statement, &key, &out)?;
        let text = format!(
            "{}\n{}\n{} files, signed by {}\n",
            out.display(),
            signature.display(),
            statement.files.len(),
            key.public().fingerprint()
        );
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
