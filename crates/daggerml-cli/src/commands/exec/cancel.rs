use clap::Args;
use serde_json::json;

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
    /// The calls: 6 or more digits of their keys
    #[arg(value_name = "CALL", required = true)]
    calls: Vec<String>,
}

pub fn run(context: &mut Context<'_>, args: &CancelArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let keys = args
        .calls
        .iter()
        .map(|text| repository.find_call(text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut canceled = Vec::new();
    for key in keys {
        let running = repository.cancel_call(key)?;
        let text = key.to_string();
        let short = text.get(..12).unwrap_or(&text);
        context.ui.note(if running {
            format!("Asked {short} to stop")
        } else {
            format!("{short} is not running")
        });
        canceled.push(json!({"key": text, "running": running}));
    }
    context.ui.done_quietly(&json!({"canceled": canceled}))
}
