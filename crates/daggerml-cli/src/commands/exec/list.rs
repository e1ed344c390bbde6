use std::io;

use clap::Args;
use daggerml::execution::Filter;
use serde::Serialize;

use super::report::CallReport;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui};

/// List the calls: those that run, then the others, newest first
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml exec list
  dml exec list --running")]
pub struct ListArgs {
    /// Only those that run
    #[arg(long)]
    running: bool,

    /// At most so many
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Calls {
    calls: Vec<CallReport>,
}

impl Report for Calls {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["CALL", "STATE", "ADAPTER", "SINCE", "TOOK"]);
        for call in &self.calls {
            let (adapter, since, took) = match (&call.running, &call.newest) {
                (Some(running), _) => (&*running.adapter, running.since.local(), String::new()),
                (None, Some(made)) => (&*made.adapter, made.started.local(), made.took()),
                (None, None) => ("", String::new(), String::new()),
            };
            table.row([
                Cell::id(&call.key),
                Cell::plain(call.state()),
                Cell::plain(adapter),
                Cell::plain(since),
                Cell::number(took),
            ]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, args: &ListArgs) -> Result<(), CommandError> {
    let filter = Filter {
        running: args.running,
    };
    let mut calls = context.repository()?.calls(filter)?;
    calls.truncate(args.limit.unwrap_or(usize::MAX));
    let calls: Vec<_> = calls.iter().map(CallReport::new).collect();
    if calls.is_empty() {
        context.ui.note("No calls");
    }
    context.ui.report(&Calls { calls })
}
