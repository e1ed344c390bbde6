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
    #[arg(long, value_name = "FILE", required_unless_present = "key_variable")]
    key: Option<PathBuf>,
    /// Take the key from this environment variable, as CI gives secrets to a job; if it
    /// is not set, or empty, nothing is signed, which is said, and the exit code is 0
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    key_variable: Option<String>,
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
        let key = match (&self.key, &self.key_variable) {
            (Some(path), _) => Some(attest::key(path)?),
            (None, Some(name)) => attest::key_in(name)?,
            (None, None) => None,
        };
        let Some(key) = key else {
            let name = self.key_variable.unwrap_or_default();
            let builder = self.builder.name();
            let text = format!("skipped: no statement of {builder}, since {name} holds no key\n");
            super::print(text.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        };
        if let Some(folder) = out.parent() {
            std::fs::create_dir_all(folder)?;
        }
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
