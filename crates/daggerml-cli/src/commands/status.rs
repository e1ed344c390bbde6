use std::io::{self, Write};

use clap::Args;
use daggerml::record::Commit;
use daggerml::repo::refs::ReadRefs;
use daggerml::repo::tree;
use daggerml::store::ReadObjects;
use serde::Serialize;

use super::log::CommitReport;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Report, Ui, style};

/// Show where the repository is and what is in it
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml status
  dml status --json | jq -r .branch")]
pub struct StatusArgs {}

#[derive(Serialize)]
struct Status {
    repository: String,
    branch: Option<String>,
    head: Option<CommitReport>,
    dags: usize,
}

impl Report for Status {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        writeln!(ui.out(), "Repository {}", self.repository)?;
        match &self.branch {
            Some(branch) => writeln!(ui.out(), "On branch {}", style::paint(style::NAME, branch))?,
            None => writeln!(ui.out(), "Not on a branch")?,
        }
        match &self.head {
            Some(head) => head.line(ui)?,
            None => writeln!(ui.out(), "No commits yet")?,
        }
        writeln!(ui.out(), "{} DAGs", self.dags)
    }
}

pub fn run(context: &mut Context<'_>, _args: &StatusArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let mut status = Status {
        repository: repository.root().display().to_string(),
        branch: snapshot
            .current_branch()?
            .map(|name| super::log::branch_name(&name).to_owned()),
        head: None,
        dags: 0,
    };
    if let Some(id) = snapshot.head()? {
        let commit: Commit = snapshot.load(id)?;
        status.dags = tree::list(&snapshot, commit.tree)?.len();
        status.head = Some(CommitReport::new(id, &commit, Vec::new()));
    }
    context.ui.report(&status)
}
