//! The commands, one file each.

mod completions;
pub mod dag;
mod init;
mod log;
mod man;
mod show;
mod status;
mod version;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;

/// What `dml` can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    Init(init::InitArgs),
    Status(status::StatusArgs),
    Log(log::LogArgs),
    Show(show::ShowArgs),
    #[command(subcommand)]
    Dag(dag::DagCommand),
    Version(version::VersionArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Runs `command`.
pub fn run(context: &mut Context<'_>, command: &Command) -> Result<(), CommandError> {
    match command {
        Command::Init(args) => init::run(context, args),
        Command::Status(args) => status::run(context, args),
        Command::Log(args) => log::run(context, args),
        Command::Show(args) => show::run(context, args),
        Command::Dag(command) => dag::run(context, command),
        Command::Version(args) => version::run(context, args),
        Command::Completions(args) => completions::run(context, args),
        Command::Man(args) => man::run(context, args),
    }
}
