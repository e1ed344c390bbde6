use std::io::{self, Write};

use clap::Args;
use daggerml::id::{CommitId, DagId, DatumId, NodeId, TreeId, TypedId};
use daggerml::record::{Commit, Kind};
use daggerml::repo::tree;
use daggerml::store::{ReadObjects, Snapshot};
use serde::Serialize;

use super::dag::{report::DagReport, report::NodeReport, report::datum};
use super::log::{CommitReport, refs_by_commit};
use crate::context::Context;
use crate::error::CommandError;
use crate::revision;
use crate::ui::{Cell, JsonValue, Report, Table, Ui, style, value};

/// Show an object: a commit and what it changed, a DAG, a node, a value
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml show                 the newest commit
  dml show main
  dml show 1f2e3d4c        any object, by 6 or more digits of its id")]
pub struct ShowArgs {
    /// A revision, or an id of any object
    #[arg(default_value = "HEAD")]
    object: String,
}

#[derive(Serialize)]
struct CommitShown {
    kind: &'static str,
    #[serde(flatten)]
    commit: CommitReport,
    changes: Vec<Change>,
}

/// What a commit did to one name.
#[derive(Serialize)]
struct Change {
    name: String,
    /// `added`, `changed` or `removed`.
    how: &'static str,
    old: Option<String>,
    new: Option<String>,
}

impl Report for CommitShown {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        self.commit.page(ui)?;
        if !self.changes.is_empty() {
            writeln!(ui.out())?;
        }
        for change in &self.changes {
            let (sign, style) = match change.how {
                "added" => ('+', style::ADDED),
                "removed" => ('-', style::REMOVED),
                _ => ('~', style::CHANGED),
            };
            let id = change.new.as_deref().or(change.old.as_deref());
            let id = style::id(id.unwrap_or_default());
            writeln!(ui.out(), "{style}{sign} {}{style:#}  {id}", change.name)?;
        }
        Ok(())
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
    let (kind, id) = revision::object(&repository, &args.object)?;
    let snapshot = repository.snapshot()?;
    match kind {
        Kind::Commit => {
            let shown = commit(&snapshot, CommitId::from_object(id))?;
            context.ui.report(&shown)
        }
        Kind::Dag => {
            let report = DagReport::new(&snapshot, None, DagId::from_object(id))?;
            context.ui.report(&report)
        }
        Kind::Node => {
            let report = NodeReport::new(&snapshot, NodeId::from_object(id), Vec::new())?;
            context.ui.report(&report)
        }
        Kind::Datum => {
            let datum = datum(&snapshot, DatumId::from_object(id))?;
            context.ui.report(&DatumShown {
                kind: "datum",
                id: id.to_string(),
                r#type: datum.type_name(),
                value: JsonValue(&datum),
            })
        }
        Kind::Tree => {
            let dags = tree::list(&snapshot, TreeId::from_object(id))?;
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
        other => Err(CommandError::wrong_usage(format!(
            "{} is a record of kind {other}; there is nothing to show of it",
            args.object
        ))),
    }
}

fn commit(snapshot: &Snapshot, id: CommitId) -> Result<CommitShown, CommandError> {
    let commit: Commit = snapshot.load(id)?;
    let new = tree::list(snapshot, commit.tree)?;
    let old = match commit.parents.first() {
        Some(parent) => {
            let parent: Commit = snapshot.load(*parent)?;
            tree::list(snapshot, parent.tree)?
        }
        None => std::collections::BTreeMap::new(),
    };
    let names: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let changes = names
        .into_iter()
        .filter_map(|name| {
            let (old, new) = (old.get(name), new.get(name));
            let how = match (old, new) {
                (None, Some(_)) => "added",
                (Some(_), None) => "removed",
                (old, new) if old == new => return None,
                _ => "changed",
            };
            Some(Change {
                name: name.to_string(),
                how,
                old: old.map(ToString::to_string),
                new: new.map(ToString::to_string),
            })
        })
        .collect();
    let refs = refs_by_commit(snapshot)?.remove(&id).unwrap_or_default();
    Ok(CommitShown {
        kind: "commit",
        commit: CommitReport::new(id, &commit, refs),
        changes,
    })
}
