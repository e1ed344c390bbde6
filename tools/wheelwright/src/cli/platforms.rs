//! `wheelwright platforms`: the platform table.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::Outcome;
use crate::project::workspace;
use crate::toolchain::platform::Table;

/// List the platforms that wheels can be built for
///
/// These are wheelwright's own, and those that the repository's wheelwright.toml adds.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let table = match workspace::root(&std::env::current_dir()?) {
            Ok(root) => workspace::table(&root)?,
            Err(_) => Table::own(), // there is no repository here
        };
        let mut text = String::new();
        if self.json {
            text = serde_json::to_string_pretty(table.rows())?;
            text.push('\n');
        } else {
            for row in table.rows() {
                writeln!(
                    text,
                    "{:<20} {:<26} {}",
                    row.name, row.wheel_tag, row.rust_target
                )?;
            }
        }
        super::print(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
