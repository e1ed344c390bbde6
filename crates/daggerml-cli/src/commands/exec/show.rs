use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::report::{AttemptReport, CallReport};
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui, text};

/// Show a call and every attempt at it, newest first
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml exec show 87c25e")]
pub struct ShowArgs {
    /// The call: 6 or more digits of its key
    #[arg(value_name = "CALL", add = complete::calls())]
    call: String,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    call: CallReport,
    attempts: Vec<AttemptReport>,
}

impl Report for Shown {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let out = ui.out();
        writeln!(out, "call     {}", self.call.key)?;
        writeln!(out, "state    {}", self.call.state())?;
        if let Some(dag) = &self.call.dag {
            writeln!(out, "dag      {dag}")?;
        }
        if let Some(running) = &self.call.running {
            let (attempt, pid) = (running.attempt, running.pid);
            let (host, since) = (text::line(&running.host), running.since.local());
            writeln!(
                out,
                "running  attempt {attempt} since {since}, process {pid} on {host}"
            )?;
        }
        let mut table = Table::new(&["ATTEMPT", "OUTCOME", "ADAPTER", "STARTED", "TOOK", "DAG"]);
        for (at, made) in self.attempts.iter().enumerate() {
            table.row([
                Cell::number(self.attempts.len() - at),
                Cell::plain(made.outcome()),
                Cell::plain(&made.adapter),
                Cell::plain(made.started.local()),
                Cell::number(made.took()),
                Cell::id(made.dag.as_deref().unwrap_or_default()),
            ]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, args: &ShowArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let key = repository.find_call(&args.call)?;
    let call = CallReport::new(&repository.call(key)?);
    let attempts = repository.attempts(key)?;
    let attempts = attempts.iter().map(AttemptReport::new).collect();
    context.ui.report(&Shown { call, attempts })
}
