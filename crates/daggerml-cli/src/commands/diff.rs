use std::io::{self, Write};

use clap::Args;
use daggerml::Repository;
use daggerml::error::Result;
use daggerml::history::{DagChange, DagDiff, NodeChange, PathStep, ValueChange};
use daggerml::id::{DagId, TreeId};
use daggerml::name::Name;
use daggerml::repo::refs::HEAD;
use daggerml::repo::revision::Resolved;
use daggerml::repo::tree;
use serde::Serialize;

use super::dag::report::{ErrorReport, OwnedJson};
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Report, Ui, style, text, value};

/// The width of a value in a difference.
const PREVIEW: usize = 64;

/// Show what differs between two revisions
///
/// Between commits: the names whose DAGs differ, and with --values what differs in
/// them. Between two DAGs: their nodes, by name, down to the parts of values.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml diff                            what the newest commit changed
  dml diff v1.0                       since v1.0
  dml diff v1.0 main --values
  dml diff v1.0..main                 the same as v1.0 main
  dml diff v1.0:training main:training")]
pub struct DiffArgs {
    /// The older side, or both as FROM..TO [default: the commit before TO]
    #[arg(add = complete::revisions())]
    from: Option<String>,

    /// The newer side [default: HEAD]
    #[arg(add = complete::revisions())]
    to: Option<String>,

    /// Only the DAGs of these names
    #[arg(long, value_name = "NAME")]
    dag: Vec<String>,

    /// Look into the DAGs that changed
    #[arg(long)]
    values: bool,
}

/// A name whose DAG differs.
#[derive(Serialize)]
pub struct NameChange {
    name: String,
    /// `added`, `changed` or `removed`.
    how: &'static str,
    old: Option<String>,
    new: Option<String>,
}

impl NameChange {
    pub fn new(change: &DagChange) -> Self {
        Self {
            name: change.name.to_string(),
            how: how(change.before.is_some(), change.after.is_some()),
            old: change.before.map(|id| id.to_string()),
            new: change.after.map(|id| id.to_string()),
        }
    }

    /// On one line.
    pub fn line(&self, ui: &mut Ui) -> io::Result<()> {
        let (style, sign) = sign(self.how);
        let id = self.new.as_deref().or(self.old.as_deref());
        let id = style::id(id.unwrap_or_default());
        let name = text::line(&self.name);
        writeln!(ui.out(), "{style}{sign} {name}{style:#}  {id}")
    }
}

impl DiffArgs {
    /// Both sides. Two revisions in one argument are a range, as `dml log` takes it.
    fn revisions(&self) -> (Option<&str>, &str) {
        fn or_head(side: &str) -> &str {
            if side.is_empty() { HEAD } else { side }
        }
        let (from, to) = match (&self.from, &self.to) {
            (Some(range), None) => match range.split_once("..") {
                Some((from, to)) => (Some(from), to),
                None => (Some(range.as_str()), HEAD),
            },
            (from, to) => (from.as_deref(), to.as_deref().unwrap_or(HEAD)),
        };
        (from.map(or_head), or_head(to))
    }
}

fn how(before: bool, after: bool) -> &'static str {
    match (before, after) {
        (false, _) => "added",
        (_, false) => "removed",
        _ => "changed",
    }
}

fn sign(how: &str) -> (anstyle::Style, char) {
    match how {
        "added" => (style::ADDED, '+'),
        "removed" => (style::REMOVED, '-'),
        _ => (style::CHANGED, '~'),
    }
}

#[derive(Serialize)]
struct Differences {
    dags: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    #[serde(flatten)]
    change: NameChange,
    /// What differs in the DAG, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<DagDifference>,
}

/// What differs between two DAGs.
#[derive(Serialize)]
struct DagDifference {
    names: Vec<NodeDifference>,
    result: Option<NodeDifference>,
    old_error: Option<ErrorReport>,
    new_error: Option<ErrorReport>,
    /// Nodes that only the newer has, and only the older.
    added: Vec<String>,
    removed: Vec<String>,
    tags_added: Vec<String>,
    tags_removed: Vec<String>,
}

#[derive(Serialize)]
struct NodeDifference {
    name: Option<String>,
    how: &'static str,
    old: Option<String>,
    new: Option<String>,
    values: Vec<ValueDifference>,
}

/// A part of a value that differs; a side that has nothing there has no field.
#[derive(Serialize)]
struct ValueDifference {
    path: Vec<PathPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<OwnedJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<OwnedJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum PathPart {
    Index(usize),
    Key(OwnedJson),
    Item(bool),
    Part(&'static str),
}

impl DagDifference {
    fn new(diff: &DagDiff) -> Self {
        let ids = |ids: &[daggerml::id::NodeId]| ids.iter().map(ToString::to_string).collect();
        Self {
            names: diff.names.iter().map(NodeDifference::new).collect(),
            result: diff.result.as_ref().map(NodeDifference::new),
            old_error: diff.error_before.as_ref().map(ErrorReport::new),
            new_error: diff.error_after.as_ref().map(ErrorReport::new),
            added: ids(&diff.added),
            removed: ids(&diff.removed),
            tags_added: diff.tags_added.iter().map(ToString::to_string).collect(),
            tags_removed: diff.tags_removed.iter().map(ToString::to_string).collect(),
        }
    }

    fn write(&self, ui: &mut Ui, indent: &str) -> io::Result<()> {
        for node in self.names.iter().chain(&self.result) {
            node.write(ui, indent)?;
        }
        for (sign, style, error) in [
            ('-', style::REMOVED, &self.old_error),
            ('+', style::ADDED, &self.new_error),
        ] {
            if let Some(error) = error {
                writeln!(ui.out(), "{indent}{style}{sign} {}{style:#}", error.line())?;
            }
        }
        for (sign, style, tags) in [
            ('-', style::REMOVED, &self.tags_removed),
            ('+', style::ADDED, &self.tags_added),
        ] {
            for tag in tags {
                let tag = text::line(tag);
                writeln!(ui.out(), "{indent}{style}{sign} tag {tag}{style:#}")?;
            }
        }
        let (added, removed) = (self.added.len(), self.removed.len());
        let added = text::count(added, "node");
        writeln!(ui.out(), "{indent}{added} added, {removed} removed")
    }
}

impl Report for DagDifference {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        self.write(ui, "")
    }
}

impl NodeDifference {
    fn new(change: &NodeChange) -> Self {
        Self {
            name: change.name.as_ref().map(ToString::to_string),
            how: how(change.before.is_some(), change.after.is_some()),
            old: change.before.map(|id| id.to_string()),
            new: change.after.map(|id| id.to_string()),
            values: change.values.iter().map(ValueDifference::new).collect(),
        }
    }

    fn write(&self, ui: &mut Ui, indent: &str) -> io::Result<()> {
        let (style, sign) = sign(self.how);
        let name = text::line(self.name.as_deref().unwrap_or("(result)"));
        writeln!(ui.out(), "{indent}{style}{sign} {name}{style:#}")?;
        for change in &self.values {
            let path = change.path_text();
            for (style, sign, side) in [
                (style::REMOVED, '-', &change.old),
                (style::ADDED, '+', &change.new),
            ] {
                if let Some(OwnedJson(found)) = side {
                    let shown = value::preview(found, PREVIEW);
                    writeln!(ui.out(), "{indent}    {style}{sign} {path}{shown}{style:#}")?;
                }
            }
        }
        Ok(())
    }
}

impl ValueDifference {
    fn new(change: &ValueChange) -> Self {
        let part = |step: &PathStep| match step {
            PathStep::Index(at) => PathPart::Index(*at),
            PathStep::Key(key) => PathPart::Key(OwnedJson(key.clone())),
            PathStep::Item => PathPart::Item(true),
            PathStep::Part(name) => PathPart::Part(name),
        };
        Self {
            path: change.path.iter().map(part).collect(),
            old: change.before.clone().map(OwnedJson),
            new: change.after.clone().map(OwnedJson),
        }
    }

    fn path_text(&self) -> String {
        let mut path: String = self
            .path
            .iter()
            .map(|part| match part {
                PathPart::Index(at) => format!("[{at}]"),
                PathPart::Key(OwnedJson(key)) => format!("[{}]", value::preview(key, PREVIEW)),
                PathPart::Item(_) => "{}".to_owned(),
                PathPart::Part(name) => format!(".{name}"),
            })
            .collect();
        if !path.is_empty() {
            path.push_str(": ");
        }
        text::line(&path)
    }
}

impl Report for Differences {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        for found in &self.dags {
            found.change.line(ui)?;
            if let Some(diff) = &found.diff {
                diff.write(ui, "    ")?;
            }
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, args: &DiffArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let (from, to) = args.revisions();
    if let Some(from) = from
        && let (Resolved::Dag(from), Resolved::Dag(to)) =
            (repository.resolve(from)?, repository.resolve(to)?)
    {
        let diff = repository.diff_dags(from, to)?;
        if diff.is_empty() {
            context.ui.note("The same");
        }
        return context.ui.report(&DagDifference::new(&diff));
    }
    let (before, after) = sides(&repository, from, to)?;
    check_names(&repository, args, to, before, after)?;
    let mut dags = Vec::new();
    for change in repository.diff(before, Some(after))? {
        if !args.dag.is_empty() && !args.dag.iter().any(|name| name == change.name.as_str()) {
            continue;
        }
        let diff = match (args.values, change.before, change.after) {
            (true, Some(before), Some(after)) => Some(look_into(&repository, before, after)?),
            _ => None,
        };
        dags.push(Difference {
            change: NameChange::new(&change),
            diff,
        });
    }
    if dags.is_empty() {
        context.ui.note("No DAG differs");
    }
    context.ui.report(&Differences { dags })
}

fn look_into(repository: &Repository, before: DagId, after: DagId) -> Result<DagDifference> {
    Ok(DagDifference::new(&repository.diff_dags(before, after)?))
}

/// Checks that each name asked for is on one side at least: else it was mistyped.
fn check_names(
    repository: &Repository,
    args: &DiffArgs,
    to: &str,
    before: Option<TreeId>,
    after: TreeId,
) -> Result<()> {
    let snapshot = repository.snapshot()?;
    for text in &args.dag {
        let name = Name::new(text)?;
        let mut there = false;
        for tree in before.into_iter().chain([after]) {
            there |= tree::lookup(&snapshot, tree, &name)?.is_some();
        }
        if !there {
            // The error that says so, and what may have been meant.
            repository.dag_at(&format!("{to}:{name}"))?;
        }
    }
    Ok(())
}

/// Returns the trees to compare; before the first commit there was an empty one.
fn sides(
    repository: &Repository,
    from: Option<&str>,
    to: &str,
) -> Result<(Option<TreeId>, TreeId)> {
    let after = repository.tree_at(to)?;
    if let Some(from) = from {
        return Ok((Some(repository.tree_at(from)?), after));
    }
    let commit = repository.commit(repository.commit_at(to)?)?;
    let before = match commit.parents.first() {
        Some(parent) => Some(repository.commit(*parent)?.tree),
        None => None,
    };
    Ok((before, after))
}
