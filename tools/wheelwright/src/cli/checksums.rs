//! `wheelwright checksums`: writes or checks SHA256SUMS.

use std::path::PathBuf;
use std::process::ExitCode;

use wheelwright_artifacts::checksums;

use super::Outcome;

/// Print SHA256SUMS of files, or check them
#[derive(clap::Args)]
pub(super) struct Args {
    /// The files
    #[arg(value_name = "FILE", required_unless_present = "check")]
    files: Vec<PathBuf>,
    /// Check the files beside this checksum file
    #[arg(long, value_name = "SHA256SUMS", conflicts_with = "files")]
    check: Option<PathBuf>,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let Some(sums) = self.check else {
            super::print(checksums::write(&checksums::digests(&self.files)?).as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        };
        let wrong = checksums::check(&sums)?;
        for line in &wrong {
            super::complain(line);
        }
        Ok(if wrong.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(super::FAILED)
        })
    }
}
