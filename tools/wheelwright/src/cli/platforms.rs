//! `wheelwright platforms`: the platform table.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::Outcome;
use crate::toolchain::platform;

/// List the platforms that wheels can be built for
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let table = platform::table();
        let mut text = String::new();
        if self.json {
            text = serde_json::to_string_pretty(table)?;
            text.push('\n');
        } else {
            for row in table {
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
