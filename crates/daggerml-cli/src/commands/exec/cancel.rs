use clap::Args;
use daggerml::Repository;
use serde_json::json;

use super::Calls;
use crate::context::Context;
use crate::error::CommandError;

/// Ask whoever runs calls to stop them
///
/// It takes a second or two; all who wait for the calls are told. A call whose
/// runner died is no longer claimed afterwards.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml exec cancel 87c25e")]
pub struct CancelArgs {
    #[command(flatten)]
    calls: Calls,
}

pub fn run(context: &mut Context<'_>, args: &CancelArgs) -> Result<(), CommandError> {
    let note = |call: &str, running| {
        if running {
            format!("Asked {call} to stop")
        } else {
            format!("{call} is not running")
        }
    };
    let canceled = args
        .calls
        .each(context, Repository::cancel_call, "running", note)?;
    context.ui.done_quietly(&json!({"canceled": canceled}))
}
