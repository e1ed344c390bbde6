use std::io;

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui, style};

/// List the remotes
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml remote list
  dml remote list --json | jq -r '.remotes[].url'")]
pub struct ListArgs {}

#[derive(Serialize)]
struct Remotes {
    remotes: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    url: String,
}

impl Report for Remotes {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["REMOTE", "ADDRESS"]);
        for remote in &self.remotes {
            table.row([
                Cell::new(style::NAME, &remote.name),
                Cell::plain(&remote.url),
            ]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, _args: &ListArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let mut remotes = Vec::new();
    for remote in repository.remotes()? {
        remotes.push(Entry {
            url: remote.shown(&repository),
            name: remote.name,
        });
    }
    if remotes.is_empty() {
        context
            .ui
            .note("No remotes yet; `dml remote add origin ADDRESS` adds one");
    }
    context.ui.report(&Remotes { remotes })
}
