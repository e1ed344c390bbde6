use clap::Args;
use daggerml::Error;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;

/// Print what an attempt at a call wrote to standard error
///
/// The middle of a long log is left out. Of an attempt that failed, the last line
/// says why.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml exec log 87c25e
  dml exec log 87c25e --attempt 1")]
pub struct LogArgs {
    /// The call: 6 or more digits of its key
    #[arg(value_name = "CALL")]
    call: String,

    /// Which attempt, from 1; by default the newest
    #[arg(long, value_name = "N")]
    attempt: Option<usize>,
}

pub fn run(context: &mut Context<'_>, args: &LogArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let key = repository.find_call(&args.call)?;
    let attempts = repository.attempts(key)?;
    let number = args.attempt.unwrap_or(attempts.len());
    let found = attempts.len().checked_sub(number);
    let found = found.and_then(|at| attempts.get(at));
    let Some(made) = found else {
        return Err(CommandError::from(Error::NotFound {
            what: "attempt",
            name: number.to_string(),
            place: format!("the call {key}"),
        }));
    };
    let log = repository.log_of(&made.exec)?;
    if context.ui.is_json() {
        let text = String::from_utf8_lossy(&log);
        let document = json!({"key": key.to_string(), "attempt": number, "log": text});
        return context.ui.json(&document);
    }
    if log.is_empty() {
        context.ui.note("No log");
    }
    Ok(context.ui.raw(&log)?)
}
