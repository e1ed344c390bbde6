//! `wheelwright sdist`: source distributions.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Outcome;
use crate::pack::sdist;
use crate::project::workspace;

/// Pack one sdist from a project
///
/// A native package's sdist holds the crates of its extension and the part of
/// Cargo.lock that is about them. Prints the sdist's path.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder that holds pyproject.toml
    #[arg(long, value_name = "FOLDER")]
    project: PathBuf,
    /// Also pack every crate that is needed, so that it builds without network
    #[arg(long)]
    vendor: bool,
    /// Where to write the sdist
    #[arg(long, value_name = "FOLDER", default_value = "dist")]
    out: PathBuf,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let project = workspace::project(&self.project)?;
        crate::project::files::warn_of_left_out(&project)?;
        let path = sdist::pack(&project, self.vendor)?.write(&self.out)?;
        super::print(format!("{}\n", path.display()).as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
