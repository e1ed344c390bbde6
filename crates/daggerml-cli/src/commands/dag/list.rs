use std::io;

use clap::Args;
use daggerml::record::{Dag, Node};
use daggerml::repo::refs::HEAD;
use daggerml::repo::tree;
use daggerml::store::ReadObjects;
use serde::Serialize;

use super::report::{ErrorReport, ResultReport};
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
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
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
}

impl Report for Dags {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["NAME", "DAG", "NODES", "RESULT"]);
        for entry in &self.dags {
            table.row([
                Cell::new(style::NAME, &entry.name),
                Cell::id(&entry.dag),
                Cell::number(entry.nodes),
                super::report::outcome(entry.result.as_ref(), entry.error.as_ref()),
            ]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, args: &ListArgs) -> Result<(), CommandError> {
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
            let dag: Dag = snapshot.load(id)?;
            let result = match dag.result() {
                Some(node) => {
                    let record: Node = snapshot.load(node)?;
                    Some(ResultReport::new(&snapshot, node, &record)?)
                }
                None => None,
            };
            dags.push(Entry {
                name: name.to_string(),
                dag: id.to_string(),
                nodes: dag.nodes.len(),
                tags: dag.tags.iter().map(ToString::to_string).collect(),
                result,
                error: dag.error().map(ErrorReport::new),
            });
        }
    }
    if dags.is_empty() {
        context.ui.note("No DAGs yet");
    }
    context.ui.report(&Dags { dags })
}
