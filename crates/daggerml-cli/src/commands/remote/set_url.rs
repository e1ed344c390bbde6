use clap::{Args, ValueHint};
use serde_json::json;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;

/// Give a remote another address
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml remote set-url origin /mnt/disk/team")]
pub struct SetUrlArgs {
    /// The remote
    #[arg(add = complete::remotes())]
    name: String,

    /// Where it is now
    #[arg(value_hint = ValueHint::AnyPath)]
    address: String,
}

pub fn run(context: &mut Context<'_>, args: &SetUrlArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let address = super::address(context, &args.address)?;
    let changed = repository.set_remote_url(&args.name, address.as_str())?;
    let shown = changed.shown(&repository);
    let json = json!({"changed": {"name": changed.name, "url": shown}});
    let message = format_args!("The remote {} is at {shown} now", changed.name);
    context.ui.done(&json, message)
}
