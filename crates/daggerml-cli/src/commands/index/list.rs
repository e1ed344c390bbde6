use std::io;

use clap::Args;
use daggerml::dag::DraftInfo;
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Moment, Report, Table, Ui, style};

/// List the drafts, oldest first
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml index list")]
pub struct ListArgs {}

#[derive(Serialize)]
struct Indexes {
    indexes: Vec<IndexReport>,
}

/// A draft, as every command shows it.
#[derive(Serialize)]
pub struct IndexReport {
    id: String,
    name: String,
    message: String,
    nodes: u64,
    created: Moment,
    flushed: Moment,
    /// Whether it is the DAG of a call.
    call: bool,
    frozen: bool,
    /// Why it was frozen.
    note: String,
}

impl IndexReport {
    pub fn new(info: &DraftInfo) -> Self {
        Self {
            id: info.id.to_string(),
            name: info.name.to_string(),
            message: info.message.clone(),
            nodes: info.nodes,
            created: Moment(info.created),
            flushed: Moment(info.flushed),
            call: info.call,
            frozen: info.frozen,
            note: info.note.clone(),
        }
    }

    fn state(&self) -> String {
        match (self.frozen, self.call) {
            (true, _) if self.note.is_empty() => "frozen".to_owned(),
            (true, _) => format!("frozen: {}", self.note),
            (false, true) => "call".to_owned(),
            (false, false) => "open".to_owned(),
        }
    }
}

impl Report for Indexes {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["INDEX", "NAME", "NODES", "LAST WRITTEN", "STATE"]);
        for index in &self.indexes {
            table.row([
                Cell::id(&index.id),
                Cell::new(style::NAME, &index.name),
                Cell::number(index.nodes),
                Cell::plain(index.flushed.local()),
                Cell::plain(index.state()),
            ]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, _args: &ListArgs) -> Result<(), CommandError> {
    let indexes: Vec<_> = context
        .repository()?
        .drafts()?
        .iter()
        .map(IndexReport::new)
        .collect();
    if indexes.is_empty() {
        context.ui.note("No drafts");
    }
    context.ui.report(&Indexes { indexes })
}
