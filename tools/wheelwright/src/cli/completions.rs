//! `wheelwright completions`: shell completions on standard output.

use std::process::ExitCode;

use clap_complete::Shell;

use super::Outcome;

/// Print shell completions
#[derive(clap::Args)]
pub(super) struct Args {
    /// The shell to write them for
    shell: Shell,
}

impl Args {
    pub(super) fn run(self, command: &mut clap::Command) -> Outcome {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, command, "wheelwright", &mut text);
        super::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
