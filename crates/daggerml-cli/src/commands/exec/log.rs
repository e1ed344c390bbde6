use std::time::Duration;

use clap::Args;
use daggerml::execution::LogPart;
use daggerml::record::CallKey;
use daggerml::{Error, Repository};
use serde_json::json;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;

/// How long `--follow` waits before it looks again.
const PAUSE: Duration = Duration::from_millis(50);

/// Print what a run of a call wrote to standard error
///
/// The middle of a long log is left out. Of a run that failed, the last line says why. Of a
/// call that runs, it is what was written so far.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml exec log 87c25e
  dml exec log 87c25e --follow
  dml exec log 87c25e --attempt 1")]
pub struct LogArgs {
    /// The call: 6 or more digits of its key
    #[arg(value_name = "CALL", add = complete::calls())]
    call: String,

    /// Which attempt, from 1; by default the newest
    #[arg(long, value_name = "N")]
    attempt: Option<usize>,

    /// Go on until the call has ended; with --json, a document for each part
    #[arg(short, long, conflicts_with = "attempt")]
    follow: bool,
}

pub fn run(context: &mut Context<'_>, args: &LogArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let key = repository.find_call(&args.call)?;
    if args.follow {
        return follow(context, &repository, key);
    }
    let attempts = repository.attempts(key)?;
    let (number, log) = if let Some(number) = args.attempt {
        let found = attempts.len().checked_sub(number);
        let Some(made) = found.and_then(|at| attempts.get(at)) else {
            return Err(CommandError::from(Error::NotFound {
                what: "attempt",
                name: number.to_string(),
                place: format!("the call {key}"),
            }));
        };
        (number, repository.log_of(&made.exec)?)
    } else {
        let running = repository.call(key)?.claim.is_some();
        let number = attempts.len() + usize::from(running);
        (number, repository.log_part(key, None)?.bytes)
    };
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

/// Prints the log as it comes, until the call has ended.
fn follow(
    context: &mut Context<'_>,
    repository: &Repository,
    key: CallKey,
) -> Result<(), CommandError> {
    let mut after = None;
    let mut kept = Vec::new();
    loop {
        let LogPart {
            bytes,
            position,
            live,
            ..
        } = repository.log_part(key, after)?;
        after = Some(position);
        let asleep = bytes.is_empty();
        kept.extend(bytes);
        // A part can end inside of a character.
        let whole = if live {
            whole_characters(&kept)
        } else {
            kept.len()
        };
        let rest = kept.split_off(whole);
        let ready = std::mem::replace(&mut kept, rest);
        if context.ui.is_json() && !ready.is_empty() {
            let text = String::from_utf8_lossy(&ready);
            context
                .ui
                .json(&json!({"key": key.to_string(), "log": text}))?;
            context.ui.finish()?;
        } else if !ready.is_empty() {
            context.ui.raw(&ready)?;
        }
        if !live {
            return Ok(());
        }
        if asleep {
            std::thread::sleep(PAUSE);
        }
    }
}

/// Returns how many bytes there are before a character that is not whole yet.
fn whole_characters(bytes: &[u8]) -> usize {
    let begun = (1..=3.min(bytes.len())).find(|back| {
        let rest = bytes.get(bytes.len() - back..).unwrap_or_default();
        matches!(str::from_utf8(rest), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none())
    });
    bytes.len() - begun.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::whole_characters;

    #[test]
    fn a_character_that_is_not_whole_waits() {
        for (bytes, whole) in [
            (&b"abc"[..], 3),
            (b"", 0),
            (b"ab\xe2\x82", 2),
            (b"ab\xe2\x82\xac", 5),
            (b"\xf0\x9f\x98", 0),
            (b"ab\xff", 3),
            (b"ab\x80\x80\x80\x80", 6),
        ] {
            assert_eq!(whole_characters(bytes), whole, "{bytes:?}");
        }
    }
}
