//! `dml bundle`: commands about bundles.

mod apply;
mod create;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;

/// Carry objects between repositories in one file
#[derive(Subcommand, Debug)]
#[command(arg_required_else_help = true)]
pub enum BundleCommand {
    Create(create::CreateArgs),
    Apply(apply::ApplyArgs),
}

pub fn run(context: &mut Context<'_>, command: &BundleCommand) -> Result<(), CommandError> {
    match command {
        BundleCommand::Create(args) => create::run(context, args),
        BundleCommand::Apply(args) => apply::run(context, args),
    }
}
