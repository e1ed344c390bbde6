use std::io;

use clap::Args;
use daggerml::error::Result;
use daggerml::id::DagId;
use daggerml::name::Name;
use daggerml::record::{Dag, Node, Tree};
use daggerml::repo::refs::HEAD;
use daggerml::repo::tree;
use daggerml::store::{ReadObjects, Snapshot};
use serde::Serialize;

use super::report::{ErrorReport, ExcisedReport, ResultReport};
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, JsonList, Table, Ui, style};

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

    /// Sort by name, also where there are more than 10,000 DAGs
    #[arg(long)]
    sort: bool,
}

/// The most names that are sorted without being asked to: that takes a few milliseconds.
const SORTED: u64 = 10_000;

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

/// Where entries go: into a table, or a document.
enum Listing {
    Text(Table),
    Json(JsonList),
}

impl Listing {
    fn new(ui: &Ui) -> Self {
        match ui.json_list("dags") {
            Some(document) => Self::Json(document),
            None => Self::Text(Table::new(&["NAME", "DAG", "NODES", "RESULT"])),
        }
    }

    fn add(&mut self, ui: &mut Ui, entry: &Entry) -> io::Result<()> {
        match self {
            Self::Json(document) => document.item(ui.out(), entry),
            Self::Text(table) => {
                table.row([
                    Cell::new(style::NAME, &entry.name),
                    Cell::id(&entry.dag),
                    Cell::number(entry.nodes),
                    entry.outcome(),
                ]);
                table.flow(ui)
            }
        }
    }

    fn end(&self, ui: &mut Ui) -> io::Result<()> {
        match self {
            Self::Json(document) => document.end(ui.out()),
            Self::Text(table) => table.write(ui),
        }
    }
}

/// Writes the DAGs of `names`, each as soon as it is read.
fn list(
    ui: &mut Ui,
    snapshot: &Snapshot,
    names: &mut dyn Iterator<Item = Result<(Name, DagId)>>,
) -> std::result::Result<(), CommandError> {
    let mut listing = Listing::new(ui);
    for entry in names {
        let (name, id) = entry?;
        listing.add(ui, &Entry::new(snapshot, &name, id)?)?;
    }
    Ok(listing.end(ui)?)
}

pub fn run(context: &mut Context<'_>, args: &ListArgs) -> std::result::Result<(), CommandError> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let tree = if args.at == HEAD && repository.head()?.is_none() {
        None
    } else {
        Some(repository.tree_at(&args.at)?)
    };
    let count = tree.map_or(Ok(0), |tree| {
        Ok::<_, CommandError>(snapshot.load::<_, Tree>(tree)?.count())
    })?;
    let ui = &mut *context.ui;
    match tree {
        Some(tree) if count > SORTED && !args.sort => {
            ui.note(format_args!(
                "{count} DAGs, not sorted by name: --sort reads all names first"
            ));
            list(ui, &snapshot, &mut tree::entries(&snapshot, tree))
        }
        Some(tree) if count > 0 => {
            let names = tree::list(&snapshot, tree)?;
            list(ui, &snapshot, &mut names.into_iter().map(Ok))
        }
        _ => {
            ui.note("No DAGs yet");
            list(ui, &snapshot, &mut std::iter::empty())
        }
    }
}
