//! `wheelwright init`: the files of a project that wheelwright builds and releases.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::{FAILED, Outcome};
use crate::init::{self, State};

/// Write wheelwright.toml and a workflow that builds and releases the project
///
/// For the project in the current folder: wheelwright.toml, unless its own build backend
/// builds it, and .github/workflows/release.yml, in which one Linux machine builds the
/// wheels of every platform and another job uploads them by trusted publishing. Files that
/// are there are never changed.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write nothing, and exit with 1 unless every file is as it would be written
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let folder = std::env::current_dir()?;
        let files = init::wanted(&folder)?;
        let mut text = String::new();
        if self.dry_run {
            for file in &files {
                let state = match file.state {
                    State::Missing => "would be written",
                    State::Same => "is there already",
                    State::Other => "is there, and differs from this",
                };
                let _ = write!(text, "# --- {} {state}\n{}\n", file.path, file.text);
            }
            super::print(text.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        if !self.check {
            init::write(&folder, &files)?;
        }
        for file in &files {
            let done = match file.state {
                State::Missing if self.check => "missing",
                State::Missing => "wrote",
                State::Same => "unchanged",
                State::Other if self.check => "different",
                State::Other => "kept (another file is there; --dry-run shows ours)",
            };
            let _ = writeln!(text, "{done} {}", file.path);
        }
        if self.check {
            super::print(text.as_bytes())?;
            let same = files.iter().all(|file| file.state == State::Same);
            return Ok(ExitCode::from(if same { 0 } else { FAILED }));
        }
        for step in init::still_to_do(&folder) {
            let _ = writeln!(text, "next: {step}");
        }
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
