use std::io::{self, Write};

use clap::Args;
use daggerml::error::RemoteError;
use daggerml::history::DagChange;
use daggerml::id::CommitId;
use daggerml::record::Commit;
use daggerml::repo::revision::Resolved;
use daggerml::repo::tree;
use daggerml::store::ReadObjects;
use daggerml::{Error, Repository};
use serde::Serialize;

use super::dag::report::{DagReport, NodePage, datum};
use super::diff::NameChange;
use super::log::{CommitReport, Refs};
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, JsonValue, Report, Table, Ui, style, value};

/// Show an object: a commit and what it changed, a DAG, a node, a value
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml show                 the newest commit
  dml show main~2
  dml show v1.0:training   the DAG of that name at v1.0
  dml show 1f2e3d4c        any object, by 6 or more digits of its id")]
pub struct ShowArgs {
    /// A revision, or an id of any object
    #[arg(default_value = "HEAD", add = complete::revisions())]
    object: String,
}

#[derive(Serialize)]
struct CommitShown {
    kind: &'static str,
    #[serde(flatten)]
    commit: CommitReport,
    /// `None` where it is not known, since the commit before was excised.
    changes: Option<Vec<NameChange>>,
}

impl Report for CommitShown {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        self.commit.page(ui)?;
        match &self.changes {
            None => writeln!(ui.out(), "\nWhat came before was excised"),
            Some(changes) => {
                if !changes.is_empty() {
                    writeln!(ui.out())?;
                }
                changes.iter().try_for_each(|change| change.line(ui))
            }
        }
    }
}

#[derive(Serialize)]
struct TreeShown {
    kind: &'static str,
    id: String,
    dags: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    dag: String,
}

impl Report for TreeShown {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["DAG", "NAME"]);
        for entry in &self.dags {
            table.row([Cell::id(&entry.dag), Cell::new(style::NAME, &entry.name)]);
        }
        table.write(ui)
    }
}

#[derive(Serialize)]
struct DatumShown<'v> {
    kind: &'static str,
    id: String,
    r#type: &'static str,
    value: JsonValue<'v>,
}

impl Report for DatumShown<'_> {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        writeln!(ui.out(), "{}", value::pretty(self.value.0, value::SHOWN))
    }
}

pub fn run(context: &mut Context<'_>, args: &ShowArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let found = repository.resolve(&args.object)?;
    let snapshot = repository.snapshot()?;
    match found {
        Resolved::Commit(id) => {
            let shown = commit(&repository, id)?;
            context.ui.report(&shown)
        }
        Resolved::Dag(id) => {
            let report = DagReport::new(&snapshot, None, id)?;
            context.ui.report(&report)
        }
        Resolved::Node { node, .. } => {
            let report = NodePage::new(&snapshot, node, Vec::new())?;
            context.ui.report(&report)
        }
        Resolved::Datum(id) => {
            let datum = datum(&snapshot, id)?;
            context.ui.report(&DatumShown {
                kind: "datum",
                id: id.to_string(),
                r#type: datum.type_name(),
                value: JsonValue(&datum),
            })
        }
        Resolved::Tree(id) => {
            let dags = tree::list(&snapshot, id)?;
            context.ui.report(&TreeShown {
                kind: "tree",
                id: id.to_string(),
                dags: dags
                    .iter()
                    .map(|(name, dag)| Entry {
                        name: name.to_string(),
                        dag: dag.to_string(),
                    })
                    .collect(),
            })
        }
        Resolved::Exec(_) | Resolved::Tombstone(_) | Resolved::Blob(_) => {
            // Reading a tombstone's place gives the error that says why it is gone.
            let (id, kind) = (found.id(), found.kind());
            snapshot.object(id, kind)?;
            Err(CommandError::wrong_usage(format!(
                "{kind} {id} is a record that `dml show` cannot show"
            )))
        }
    }
}

fn commit(repository: &Repository, id: CommitId) -> Result<CommitShown, CommandError> {
    let commit = repository.commit(id)?;
    let mut shallow = false;
    let changes = match changes(repository, &commit) {
        Ok(changes) => Some(changes.iter().map(NameChange::new).collect()),
        Err(error) if matches!(*error, Error::Excised { .. }) => None,
        Err(error) if matches!(*error, Error::Remote(RemoteError::Elsewhere { .. })) => {
            shallow = true;
            None
        }
        Err(error) => return Err(error.into()),
    };
    let refs = Refs::read(repository)?.at(id);
    Ok(CommitShown {
        kind: "commit",
        commit: CommitReport {
            shallow,
            ..CommitReport::new(id, &commit, refs)
        },
        changes,
    })
}

fn changes(repository: &Repository, commit: &Commit) -> Result<Vec<DagChange>, Box<Error>> {
    let before = match commit.parents.first() {
        Some(parent) => Some(repository.commit(*parent)?.tree),
        None => None,
    };
    repository.diff(before, Some(commit.tree))
}
