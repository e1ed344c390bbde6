//! `wheelwright compare`: are two artifacts the same?

use std::path::PathBuf;
use std::process::ExitCode;

use super::Outcome;
use crate::compare::{self, Verdict};

/// Compare two wheels or two sdists
///
/// Prints `identical`, `equivalent after PASSES`, or `different` with the first
/// difference: member, section and symbol, line or byte. Exits with 0, 0 and 1;
/// with `--strict` only identical files give 0.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The first artifact
    a: PathBuf,
    /// The second artifact
    b: PathBuf,
    /// Take equivalent for different
    #[arg(long)]
    strict: bool,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let verdict = compare::compare(&self.a, &self.b)?;
        let text = if self.json {
            serde_json::to_string_pretty(&verdict)?
        } else {
            verdict.to_string()
        };
        super::print(format!("{text}\n").as_bytes())?;
        Ok(match verdict {
            Verdict::Identical => ExitCode::SUCCESS,
            Verdict::Equivalent { .. } if !self.strict => ExitCode::SUCCESS,
            Verdict::Equivalent { .. } | Verdict::Different { .. } => ExitCode::from(super::FAILED),
        })
    }
}
