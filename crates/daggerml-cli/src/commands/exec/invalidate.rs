use clap::Args;
use daggerml::Repository;
use serde_json::json;

use super::Calls;
use crate::context::Context;
use crate::error::CommandError;

/// Let calls be run again, though their results are cached
///
/// Nothing is removed: the attempts stay, and DAGs that made the calls keep them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml exec invalidate 87c25e")]
pub struct InvalidateArgs {
    #[command(flatten)]
    calls: Calls,
}

pub fn run(context: &mut Context<'_>, args: &InvalidateArgs) -> Result<(), CommandError> {
    let note = |call: &str, cached| {
        if cached {
            format!("Invalidated {call}")
        } else {
            format!("{call} was not cached")
        }
    };
    let invalidated = args
        .calls
        .each(context, Repository::invalidate_call, "cached", note)?;
    context
        .ui
        .done_quietly(&json!({"invalidated": invalidated}))
}
