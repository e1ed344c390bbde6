//! `wheelwright man`: the manual page on standard output, or one page for each
//! command into a folder.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Outcome;

/// Print the manual page
#[derive(clap::Args)]
pub(super) struct Args {
    /// Write a page for the program and one for each command into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Args {
    pub(super) fn run(self, command: &clap::Command) -> Outcome {
        if let Some(folder) = self.out {
            std::fs::create_dir_all(&folder)?;
            clap_mangen::generate_to(command.clone(), folder)?;
        } else {
            let mut text = Vec::new();
            clap_mangen::Man::new(command.clone()).render(&mut text)?;
            super::print(&text)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
