//! `dml index`: commands about drafts.

mod discard;
mod list;
mod resume;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;

/// Look after drafts: those that a program began and has not committed
#[derive(Subcommand, Debug)]
#[command(arg_required_else_help = true)]
pub enum IndexCommand {
    List(list::ListArgs),
    Resume(resume::ResumeArgs),
    Discard(discard::DiscardArgs),
}

pub fn run(context: &mut Context<'_>, command: &IndexCommand) -> Result<(), CommandError> {
    match command {
        IndexCommand::List(args) => list::run(context, args),
        IndexCommand::Resume(args) => resume::run(context, args),
        IndexCommand::Discard(args) => discard::run(context, args),
    }
}
