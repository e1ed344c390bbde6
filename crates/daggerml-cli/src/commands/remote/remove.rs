use clap::Args;
use serde_json::json;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;

/// Forget a remote
///
/// Its settings and what is known of its branches are removed here. What is at the remote
/// stays as it is.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml remote remove backup")]
pub struct RemoveArgs {
    /// The remote
    #[arg(add = complete::remotes())]
    name: String,
}

pub fn run(context: &mut Context<'_>, args: &RemoveArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    repository.remove_remote(&args.name)?;
    let json = json!({"removed": args.name});
    let message = format_args!(
        "Removed the remote {}; what is there stays as it is",
        args.name
    );
    context.ui.done(&json, message)
}
