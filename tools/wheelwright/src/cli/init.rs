//! `wheelwright init`: the files of a project that wheelwright builds and releases.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::Outcome;
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
        init::write(&folder, &files)?;
        for file in &files {
            let done = match file.state {
                State::Missing => "wrote",
                _ => "unchanged",
            };
            let _ = writeln!(text, "{done} {}", file.path);
        }
        for step in init::still_to_do(&folder) {
            let _ = writeln!(text, "next: {step}");
        }
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
