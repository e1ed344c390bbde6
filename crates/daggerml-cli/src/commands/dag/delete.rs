use clap::Args;
use serde_json::json;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;

/// Remove names of DAGs, by a commit
///
/// Earlier commits keep the DAGs: `dml revert` brings them back.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml dag delete trial
  dml dag delete trial-1 trial-2 -m \"Clean up\"")]
pub struct DeleteArgs {
    /// The names
    #[arg(value_name = "NAME", required = true, add = complete::dags())]
    names: Vec<String>,

    /// The message of the commit
    #[arg(short, long)]
    message: Option<String>,
}

pub fn run(context: &mut Context<'_>, args: &DeleteArgs) -> Result<(), CommandError> {
    let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
    let commit = context
        .repository()?
        .delete_dags(&names, args.message.as_deref())?;
    let commit = commit.to_string();
    let json = json!({"deleted": names, "commit": commit});
    context
        .ui
        .done(&json, format_args!("Removed by {}", style::short(&commit)))
}
