//! `dml dag`: commands about DAGs.

mod list;
pub mod report;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;

/// Look at DAGs, and change their names
#[derive(Subcommand, Debug)]
#[command(arg_required_else_help = true)]
pub enum DagCommand {
    List(list::ListArgs),
}

pub fn run(context: &mut Context<'_>, command: &DagCommand) -> Result<(), CommandError> {
    match command {
        DagCommand::List(args) => list::run(context, args),
    }
}
