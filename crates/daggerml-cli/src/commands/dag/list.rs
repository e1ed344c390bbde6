use std::io;

use clap::Args;
use daggerml::error::Result;
use daggerml::id::DagId;
use daggerml::name::Name;
use daggerml::record::{Dag, Node};
use daggerml::repo::refs::HEAD;
use daggerml::repo::tree;
use daggerml::store::{ReadObjects, Snapshot};
use serde::Serialize;

use super::report::{ErrorReport, ExcisedReport, ResultReport};
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui, style};

/// List the DAGs of a revision by name
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml dag list
  dml dag list --at main
  dml dag list --json | jq -r '.dags[].name'")]
pub struct ListArgs {
    /// The revision to look at
    #[arg(long, value_name = "REVISION", default_value = "HEAD", add = complete::revisions())]
    at: String,
}

#[derive(Serialize)]
struct Dags {
    dags: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    dag: String,
    nodes: usize,
    tags: Vec<String>,
    result: Option<ResultReport>,
    error: Option<ErrorReport>,
    /// The excised object, without which the rest is not known.
    excised: Option<ExcisedReport>,
}

impl Entry {
    /// Returns what can be told of a DAG: others are listed though a part of it was excised.
    fn new(snapshot: &Snapshot, name: &Name, id: DagId) -> Result<Self> {
        let mut entry = Self {
            name: name.to_string(),
            dag: id.to_string(),
            nodes: 0,
            tags: Vec::new(),
            result: None,
            error: None,
            excised: None,
        };
        if let Err(error) = entry.read(snapshot, id) {
            entry.excised = Some(ExcisedReport::of(error)?);
        }
        Ok(entry)
    }

    fn read(&mut self, snapshot: &Snapshot, id: DagId) -> Result<()> {
        let dag: Dag = snapshot.load(id)?;
        self.nodes = dag.nodes.len();
        self.tags = dag.tags.iter().map(ToString::to_string).collect();
        self.error = dag.error().map(ErrorReport::new);
        if let Some(node) = dag.result() {
            let record: Node = snapshot.load(node)?;
            self.result = Some(ResultReport::new(snapshot, node, &record)?);
        }
        Ok(())
    }

    fn outcome(&self) -> Cell {
        match (&self.result, &self.error, &self.excised) {
            (Some(result), _, _) => Cell::plain(&result.preview),
            (_, Some(error), _) => Cell::new(style::ERROR, error.line()),
            (_, _, Some(excised)) => Cell::new(style::ERROR, excised.line()),
            (None, None, None) => Cell::plain(""),
        }
    }
}

impl Report for Dags {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["NAME", "DAG", "NODES", "RESULT"]);
        for entry in &self.dags {
            table.row([
                Cell::new(style::NAME, &entry.name),
                Cell::id(&entry.dag),
                Cell::number(entry.nodes),
                entry.outcome(),
            ]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, args: &ListArgs) -> std::result::Result<(), CommandError> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let tree = if args.at == HEAD && repository.head()?.is_none() {
        None
    } else {
        Some(repository.tree_at(&args.at)?)
    };
    let mut dags = Vec::new();
    if let Some(tree) = tree {
        for (name, id) in tree::list(&snapshot, tree)? {
            dags.push(Entry::new(&snapshot, &name, id)?);
        }
    }
    if dags.is_empty() {
        context.ui.note("No DAGs yet");
    }
    context.ui.report(&Dags { dags })
}
