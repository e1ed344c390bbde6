use std::io::{self, Write};

use clap::Args;
use daggerml::history::{Choice, MergeConflict, MergeState};
use daggerml::id::DagId;
use daggerml::record::Kind;
use daggerml::repo::branches::Head;
use serde::Serialize;

use super::log::CommitReport;
use super::remote::upstream::UpstreamReport;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui, size, style, text};

/// Show where the repository is and what is in it
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml status
  dml status --json | jq -r .branch")]
pub struct StatusArgs {}

#[derive(Serialize)]
struct Status {
    repository: String,
    /// `None` when a commit is checked out.
    branch: Option<String>,
    /// What the branch follows.
    upstream: Option<UpstreamReport>,
    head: Option<CommitReport>,
    dags: u64,
    indexes: usize,
    /// The bytes of the store's file.
    size: u64,
    read_only: bool,
    /// Whether older commits stayed at a remote.
    shallow: bool,
    /// How many values stayed at remotes.
    promised: usize,
    merge: Option<MergeReport>,
}

/// A merge that waits for choices.
#[derive(Serialize)]
struct MergeReport {
    theirs: String,
    message: String,
    conflicts: Vec<ConflictReport>,
}

#[derive(Serialize)]
struct ConflictReport {
    name: String,
    base: Option<String>,
    ours: Option<String>,
    theirs: Option<String>,
    /// `ours`, `theirs`, `removed` or the id of a DAG.
    choice: Option<String>,
}

impl MergeReport {
    fn new(state: &MergeState) -> Self {
        let text = |id: &Option<DagId>| id.map(|id| id.to_string());
        let conflict = |found: &MergeConflict| ConflictReport {
            name: found.conflict.name.to_string(),
            base: text(&found.conflict.base),
            ours: text(&found.conflict.ours),
            theirs: text(&found.conflict.theirs),
            choice: found.choice.map(|choice| match choice {
                Choice::Ours => "ours".to_owned(),
                Choice::Theirs => "theirs".to_owned(),
                Choice::Removed => "removed".to_owned(),
                Choice::Dag(id) => id.to_string(),
            }),
        };
        Self {
            theirs: state.theirs.to_string(),
            message: state.message.clone(),
            conflicts: state.conflicts.iter().map(conflict).collect(),
        }
    }

    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let theirs = style::id(&self.theirs);
        writeln!(ui.out(), "\nMerging {theirs}; conflicts:")?;
        let mut table = Table::new(&["NAME", "OURS", "THEIRS", "CHOICE"]);
        for conflict in &self.conflicts {
            let side = |id: &Option<String>| match id {
                Some(id) => Cell::id(id),
                None => Cell::plain("removed"),
            };
            table.row([
                Cell::new(style::NAME, &conflict.name),
                side(&conflict.ours),
                side(&conflict.theirs),
                Cell::plain(style::short(conflict.choice.as_deref().unwrap_or("-"))),
            ]);
        }
        table.write(ui)?;
        let left = self.conflicts.iter().any(|found| found.choice.is_none());
        let next = if left {
            "Choose with `dml merge --resolve NAME=CHOICE`"
        } else {
            "End the merge with `dml merge --continue`"
        };
        writeln!(ui.out(), "{next}, or give it up with `dml merge --abort`")
    }
}

impl Report for Status {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        writeln!(ui.out(), "Repository {}", text::line(&self.repository))?;
        match &self.branch {
            Some(branch) => writeln!(ui.out(), "On branch {}", style::paint(style::NAME, branch))?,
            None => writeln!(ui.out(), "On no branch")?,
        }
        if let Some(upstream) = &self.upstream {
            let (name, apart) = (style::paint(style::NAME, &upstream.name), upstream.apart());
            writeln!(ui.out(), "Follows {name}: {apart}")?;
        }
        match &self.head {
            Some(head) => head.line(ui)?,
            None => writeln!(ui.out(), "No commits yet")?,
        }
        let size = size(self.size);
        writeln!(
            ui.out(),
            "DAGs: {}, drafts: {}, size: {size}",
            self.dags,
            self.indexes
        )?;
        if self.read_only {
            writeln!(ui.out(), "Read-only")?;
        }
        if self.shallow {
            writeln!(ui.out(), "Shallow: older commits stayed at the remote")?;
        }
        if self.promised > 0 {
            let promised = text::count(self.promised as u64, "value");
            writeln!(ui.out(), "Filtered: {promised} stayed at the remote")?;
        }
        match &self.merge {
            Some(merge) => merge.text(ui),
            None => Ok(()),
        }
    }
}

pub fn run(context: &mut Context<'_>, _args: &StatusArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let (branch, head) = match repository.head_state()? {
        Head::Branch { name, commit } => (Some(name), commit),
        Head::Detached(commit) => (None, Some(commit)),
    };
    let absents = repository.snapshot()?.absents()?;
    let commits = absents.iter();
    let commits = commits.filter(|(_, absent)| absent.kind == Kind::Commit);
    let commits = commits.count();
    let mut status = Status {
        repository: repository.root().display().to_string(),
        upstream: match &branch {
            Some(branch) => UpstreamReport::of(&repository, branch, head)?,
            None => None,
        },
        branch,
        head: None,
        dags: repository.dag_count()?,
        indexes: repository.drafts()?.len(),
        size: repository.store().size()?,
        read_only: repository.store().read_only().is_some(),
        shallow: commits > 0,
        promised: absents.len() - commits,
        merge: repository.merge_state()?.as_ref().map(MergeReport::new),
    };
    if let Some(id) = head {
        let commit = repository.commit(id)?;
        status.head = Some(CommitReport::new(id, &commit, Vec::new()));
    }
    context.ui.report(&status)
}
