use clap::{Args, ValueHint};
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;

/// Add a remote
///
/// Nothing is asked of it yet. A folder need not be there: the first push makes it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml remote add origin /srv/team
  dml remote add backup s3://bucket/team      with the package daggerml-adapter-objectstore")]
pub struct AddArgs {
    /// What to call it; origin is the usual name of the first one
    name: String,

    /// Where it is: the path of a folder, or an address such as `file:///path`,
    /// `ssh://host/path` or `s3://bucket/prefix`
    #[arg(value_hint = ValueHint::AnyPath)]
    address: String,
}

pub fn run(context: &mut Context<'_>, args: &AddArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let address = super::address(context, &args.address)?;
    let added = repository.add_remote(&args.name, address.as_str())?;
    let shown = added.shown(&repository);
    let json = json!({"added": {"name": added.name, "url": shown}});
    let message = format_args!("Added the remote {}: {shown}", added.name);
    context.ui.done(&json, message)
}
