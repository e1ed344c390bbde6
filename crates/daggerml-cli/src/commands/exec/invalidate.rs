use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;

/// Let calls be run again, though their results are cached
///
/// Nothing is removed: the attempts stay, and DAGs that made the calls keep them.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml exec invalidate 87c25e")]
pub struct InvalidateArgs {
    /// The calls: 6 or more digits of their keys
    #[arg(value_name = "CALL", required = true)]
    calls: Vec<String>,
}

pub fn run(context: &mut Context<'_>, args: &InvalidateArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let keys = args
        .calls
        .iter()
        .map(|text| repository.find_call(text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut invalidated = Vec::new();
    for key in keys {
        let cached = repository.invalidate_call(key)?;
        let text = key.to_string();
        let short = text.get(..12).unwrap_or(&text);
        context.ui.note(if cached {
            format!("Invalidated {short}")
        } else {
            format!("{short} was not cached")
        });
        invalidated.push(json!({"key": text, "cached": cached}));
    }
    context
        .ui
        .done_quietly(&json!({"invalidated": invalidated}))
}
