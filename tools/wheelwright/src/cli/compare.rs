//! `wheelwright compare`: are two artifacts, or all of several builders, the same?

use std::path::PathBuf;
use std::process::ExitCode;

use wheelwright_artifacts::compare::{self, Table, Verdict};

use super::Outcome;

/// Compare two wheels or two sdists, or all that several builders made
///
/// Prints `identical`, `equivalent after PASSES`, or `different` with the first
/// difference: member, section and symbol, line or byte. Exits with 0, 0 and 1;
/// with `--strict` only identical files give 0.
///
/// With `--sums`, each argument is a builder: a folder of artifacts, or its
/// `SHA256SUMS`. Prints for each artifact whether all made the same bytes; exits
/// with 1 if not.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The first artifact, or builder
    a: PathBuf,
    /// The second
    b: PathBuf,
    /// More builders
    #[arg(requires = "sums")]
    more: Vec<PathBuf>,
    /// Compare builders
    #[arg(long, conflicts_with_all = ["strict", "json"])]
    sums: bool,
    /// Be content when this many builders made an artifact, and none made other bytes; a
    /// builder whose folder is missing made none
    #[arg(long, value_name = "COUNT", requires = "sums", value_parser = clap::value_parser!(u16).range(1..))]
    at_least: Option<u16>,
    /// Take equivalent for different
    #[arg(long)]
    strict: bool,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        if self.sums {
            let builders: Vec<_> = [self.a, self.b].into_iter().chain(self.more).collect();
            let table = Table::read(&builders, self.at_least.map(usize::from))?;
            super::print(format!("{table}\n").as_bytes())?;
            return Ok(if table.agrees() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(super::FAILED)
            });
        }
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
