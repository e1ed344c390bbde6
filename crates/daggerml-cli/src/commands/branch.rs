use std::io;

use clap::Args;
use daggerml::id::CommitId;
use daggerml::repo::branches::{Head, RefInfo};
use serde::Serialize;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui, style};

/// List, make, rename and delete branches
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml branch                    list them; * is checked out
  dml branch trial              make one where HEAD is
  dml branch trial main~3       make one elsewhere
  dml branch -m trial result    rename
  dml branch -d result          delete")]
pub struct BranchArgs {
    /// Make the branch NAME
    name: Option<String>,

    /// Where to make it
    #[arg(value_name = "REVISION", default_value = "HEAD", requires = "name")]
    revision: String,

    /// Delete branches, all or none; refused when commits would be on no branch or tag
    #[arg(short, long, value_name = "NAME", num_args = 1.., conflicts_with_all = ["name", "rename"])]
    delete: Vec<String>,

    /// Rename a branch
    #[arg(short = 'm', long, value_names = ["OLD", "NEW"], num_args = 2, conflicts_with = "name")]
    rename: Vec<String>,

    /// Delete all the same, or move a branch that is there already
    #[arg(short, long)]
    force: bool,
}

#[derive(Serialize)]
struct Branches {
    branches: Vec<Branch>,
}

#[derive(Serialize)]
struct Branch {
    name: String,
    commit: String,
    current: bool,
}

impl Report for Branches {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["", "BRANCH", "COMMIT"]);
        for branch in &self.branches {
            table.row([
                Cell::new(style::ADDED, if branch.current { "*" } else { "" }),
                Cell::new(style::NAME, &branch.name),
                Cell::id(&branch.commit),
            ]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, args: &BranchArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    if let [old, new] = args.rename.as_slice() {
        repository.rename_branch(old, new)?;
        let json = json!({"renamed": {"from": old, "to": new}});
        return context
            .ui
            .done(&json, format_args!("Renamed {old} to {new}"));
    }
    if !args.delete.is_empty() {
        let commits = repository.delete_branches(&args.delete, args.force)?;
        return deleted(context, &args.delete, &commits);
    }
    if let Some(name) = &args.name {
        let commit = repository.commit_at(&args.revision)?;
        let before = if args.force {
            repository.set_branch(name, commit)?
        } else {
            repository.create_branch(name, commit)?;
            None
        };
        let commit = commit.to_string();
        let short = style::short(&commit);
        let Some(before) = before.map(|id| id.to_string()) else {
            let json = json!({"made": {"name": name, "commit": commit}});
            let message = format_args!("Made the branch {name} at {short}");
            return context.ui.done(&json, message);
        };
        let json = json!({"moved": {"name": name, "commit": commit, "from": before}});
        let message = format_args!(
            "Moved the branch {name} to {short}; it was at {}",
            style::short(&before)
        );
        return context.ui.done(&json, message);
    }
    let current = match repository.head_state()? {
        Head::Branch { name, .. } => Some(name),
        Head::Detached(_) => None,
    };
    let branch = |info: RefInfo| Branch {
        current: current.as_deref() == Some(info.name()),
        name: info.name().to_owned(),
        commit: info.commit.to_string(),
    };
    let branches = Branches {
        branches: repository.branches()?.into_iter().map(branch).collect(),
    };
    if branches.branches.is_empty() {
        context
            .ui
            .note("No branches yet: the first commit makes one");
    }
    context.ui.report(&branches)
}

/// Says which branches or tags were deleted, and where they were.
pub fn deleted(
    context: &mut Context<'_>,
    names: &[String],
    commits: &[CommitId],
) -> Result<(), CommandError> {
    let mut deleted = Vec::new();
    for (name, commit) in names.iter().zip(commits) {
        let commit = commit.to_string();
        context.ui.note(format_args!(
            "Deleted {name}, which was at {}",
            style::short(&commit)
        ));
        deleted.push(json!({"name": name, "commit": commit}));
    }
    context.ui.done_quietly(&json!({"deleted": deleted}))
}
