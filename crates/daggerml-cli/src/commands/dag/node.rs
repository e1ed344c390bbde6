use clap::Args;

use super::NodeArgs;
use super::report::NodePage;
use crate::context::Context;
use crate::error::CommandError;

/// Show a node: what made it, from what, and its value
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml dag node training             the node that is the result
  dml dag node training accuracy
  dml dag node training 1f2e3d4c")]
pub struct NodeCommandArgs {
    #[command(flatten)]
    node: NodeArgs,
}

pub fn run(context: &mut Context<'_>, args: &NodeCommandArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let found = args.node.find(&repository, &snapshot)?;
    let report = NodePage::new(&snapshot, found.id, found.names)?;
    context.ui.report(&report)
}
