use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;

/// Give a DAG another name, by a commit
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml dag rename trial training")]
pub struct RenameArgs {
    /// The name it has
    old: String,

    /// The name it gets
    new: String,

    /// Take the name from the DAG that has it
    #[arg(short, long)]
    force: bool,

    /// The message of the commit
    #[arg(short, long)]
    message: Option<String>,
}

pub fn run(context: &mut Context<'_>, args: &RenameArgs) -> Result<(), CommandError> {
    let message = args.message.as_deref();
    let commit = context
        .repository()?
        .rename_dag(&args.old, &args.new, args.force, message)?;
    let commit = commit.to_string();
    let json = json!({"from": args.old, "to": args.new, "commit": commit});
    context
        .ui
        .done(&json, format_args!("Renamed by {}", style::short(&commit)))
}
