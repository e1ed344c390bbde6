use clap::Args;
use daggerml::history::RebaseOptions;
use serde_json::json;

use super::merge::{Side, choices};
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{style, text};

/// Make the commits of what is checked out anew on top of another commit
///
/// All of them, or none when there is a conflict: the error names it. Then choose
/// with --resolve or --favor.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml rebase main
  dml rebase main --favor theirs     where both changed a name, ours is main
  dml rebase main --resolve training=theirs --resolve model=ours")]
pub struct RebaseArgs {
    /// What to build on
    #[arg(value_name = "REVISION", add = complete::revisions())]
    onto: String,

    /// Which side is right where both changed a name: ours is REVISION, theirs
    /// the commits made anew
    #[arg(long, value_enum, value_name = "SIDE")]
    favor: Option<Side>,

    /// Decide a conflict: CHOICE is ours, theirs, removed, or a revision of a DAG
    #[arg(long, value_name = "NAME=CHOICE", conflicts_with = "favor")]
    resolve: Vec<String>,
}

pub fn run(context: &mut Context<'_>, args: &RebaseArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let onto = repository.commit_at(&args.onto)?;
    let options = RebaseOptions {
        favor: Side::favor(args.favor),
        choices: choices(&repository, &args.resolve)?,
    };
    let done = repository.rebase(onto, &options)?;
    let new = done.new.to_string();
    let json = json!({
        "old": done.old.to_string(),
        "new": new,
        "replayed": done.replayed,
        "dropped": done.dropped,
    });
    if done.new == done.old {
        return context.ui.done(&json, "Nothing to rebase");
    }
    let old = done.old.to_string();
    let message = format_args!(
        "Made {} anew; now at {}, was at {}",
        text::count(done.replayed, "commit"),
        style::short(&new),
        style::short(&old)
    );
    context.ui.done(&json, message)
}
