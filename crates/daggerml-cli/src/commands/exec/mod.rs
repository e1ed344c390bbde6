//! `dml exec`: commands about calls.

mod cancel;
pub mod explain;
mod invalidate;
mod list;
mod log;
mod report;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;

/// Look at calls: what runs, what was run, and what it wrote
#[derive(Subcommand, Debug)]
#[command(arg_required_else_help = true)]
pub enum ExecCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Explain(explain::ExplainArgs),
    Log(log::LogArgs),
    Invalidate(invalidate::InvalidateArgs),
    Cancel(cancel::CancelArgs),
}

pub fn run(context: &mut Context<'_>, command: &ExecCommand) -> Result<(), CommandError> {
    match command {
        ExecCommand::List(args) => list::run(context, args),
        ExecCommand::Show(args) => show::run(context, args),
        ExecCommand::Explain(args) => explain::run(context, args),
        ExecCommand::Log(args) => log::run(context, args),
        ExecCommand::Invalidate(args) => invalidate::run(context, args),
        ExecCommand::Cancel(args) => cancel::run(context, args),
    }
}
