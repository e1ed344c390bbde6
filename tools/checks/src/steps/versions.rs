//! One version: `wheelwright version check` knows every place that says it.

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;

/// Compares every place that says the version with `Cargo.toml`.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let mut command = context.cargo();
    let text = log.output(command.args(["wheelwright", "version", "check"]))?;
    let last = text.lines().next_back().unwrap_or_default();
    Ok(Done::Passed(last.to_owned()))
}
