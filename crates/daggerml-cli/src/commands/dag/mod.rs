//! `dml dag`: commands about DAGs.

mod delete;
mod find;
mod get;
mod graph;
mod list;
mod node;
mod rename;
pub mod report;
mod show;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;

pub use find::{DagArgs, NodeArgs};

/// Look at DAGs, and change their names
#[derive(Subcommand, Debug)]
#[command(arg_required_else_help = true)]
pub enum DagCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Get(get::GetArgs),
    Node(node::NodeCommandArgs),
    Graph(graph::GraphArgs),
    Delete(delete::DeleteArgs),
    Rename(rename::RenameArgs),
}

pub fn run(context: &mut Context<'_>, command: &DagCommand) -> Result<(), CommandError> {
    match command {
        DagCommand::List(args) => list::run(context, args),
        DagCommand::Show(args) => show::run(context, args),
        DagCommand::Get(args) => get::run(context, args),
        DagCommand::Node(args) => node::run(context, args),
        DagCommand::Graph(args) => graph::run(context, args),
        DagCommand::Delete(args) => delete::run(context, args),
        DagCommand::Rename(args) => rename::run(context, args),
    }
}
