use clap::Args;
use daggerml::history::RevertOptions;
use serde_json::json;

use super::merge::{Side, choices};
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;

/// Commit the undoing of a commit
///
/// The names that it changed get back the DAGs they had before it. History stays.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml revert HEAD
  dml revert v1.0~2 -m \"Undo the bad import\"")]
pub struct RevertArgs {
    /// The commit to undo
    #[arg(value_name = "REVISION", add = complete::revisions())]
    revision: String,

    /// The message
    #[arg(short, long)]
    message: Option<String>,

    /// For a merge: the number of the parent to go back to, from 1
    #[arg(long, value_name = "N")]
    mainline: Option<usize>,

    /// Which side is right where a name was changed again since: ours is the
    /// later change, theirs what was before the commit
    #[arg(long, value_enum, value_name = "SIDE")]
    favor: Option<Side>,

    /// Decide a conflict: CHOICE is ours, theirs, removed, or a revision of a DAG
    #[arg(long, value_name = "NAME=CHOICE", conflicts_with = "favor")]
    resolve: Vec<String>,
}

pub fn run(context: &mut Context<'_>, args: &RevertArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let commit = repository.commit_at(&args.revision)?;
    let options = RevertOptions {
        mainline: args.mainline,
        favor: Side::favor(args.favor),
        choices: choices(&repository, &args.resolve)?,
        message: args.message.clone(),
    };
    let made = repository.revert(commit, &options)?.to_string();
    let json = json!({"commit": made, "reverted": commit.to_string()});
    context
        .ui
        .done(&json, format_args!("Undone by {}", style::short(&made)))
}
