//! `dml exec`: commands about calls.

mod cancel;
pub mod explain;
mod invalidate;
mod list;
mod log;
mod report;
mod show;

use clap::{Args, Subcommand};
use daggerml::Repository;
use daggerml::record::CallKey;
use serde_json::{Value, json};

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;

/// Look at calls: what runs, what was run, and what it wrote
#[derive(Subcommand, Debug)]
#[command(arg_required_else_help = true)]
pub enum ExecCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Explain(explain::ExplainArgs),
    Log(log::LogArgs),
    Invalidate(invalidate::InvalidateArgs),
    Cancel(cancel::CancelArgs),
}

pub fn run(context: &mut Context<'_>, command: &ExecCommand) -> Result<(), CommandError> {
    match command {
        ExecCommand::List(args) => list::run(context, args),
        ExecCommand::Show(args) => show::run(context, args),
        ExecCommand::Explain(args) => explain::run(context, args),
        ExecCommand::Log(args) => log::run(context, args),
        ExecCommand::Invalidate(args) => invalidate::run(context, args),
        ExecCommand::Cancel(args) => cancel::run(context, args),
    }
}

/// The calls that a command is about.
#[derive(Args, Debug)]
struct Calls {
    /// The calls: 6 or more digits of their keys
    #[arg(value_name = "CALL", required = true, add = complete::calls())]
    calls: Vec<String>,
}

impl Calls {
    /// Does something to each call once all are found, and tells whether there was something
    /// to do: to the user by `note`, and in what is returned by `member`.
    fn each(
        &self,
        context: &mut Context<'_>,
        act: impl Fn(&Repository, CallKey) -> daggerml::Result<bool>,
        member: &str,
        note: impl Fn(&str, bool) -> String,
    ) -> Result<Vec<Value>, CommandError> {
        let repository = context.repository()?;
        let found: Result<Vec<_>, _> = self
            .calls
            .iter()
            .map(|text| repository.find_call(text))
            .collect();
        let mut done = Vec::new();
        for key in found? {
            let told = act(&repository, key)?;
            let text = key.to_string();
            context.ui.note(note(text.get(..12).unwrap_or(&text), told));
            done.push(json!({"key": text, member: told}));
        }
        Ok(done)
    }
}
