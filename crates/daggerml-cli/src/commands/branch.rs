use std::io;

use clap::Args;
use daggerml::Repository;
use daggerml::id::CommitId;
use daggerml::repo::branches::{Head, REMOTES};
use serde::Serialize;
use serde_json::json;

use super::remote::upstream::UpstreamReport;
use crate::complete;
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
  dml branch -d result          delete
  dml branch --remotes          list those that were fetched
  dml branch --set-upstream origin/main          follow it
  dml branch --set-upstream origin/trial trial   let the branch trial follow it")]
pub struct BranchArgs {
    /// Make the branch NAME
    name: Option<String>,

    /// Where to make it
    #[arg(value_name = "REVISION", default_value = "HEAD", requires = "name", add = complete::revisions())]
    revision: String,

    /// Delete branches, all or none; refused when commits would be on no branch or tag
    #[arg(short, long, value_name = "NAME", num_args = 1.., conflicts_with_all = ["name", "rename"], add = complete::branches())]
    delete: Vec<String>,

    /// Rename a branch
    #[arg(short = 'm', long, value_names = ["OLD", "NEW"], num_args = 2, conflicts_with = "name", add = complete::branches())]
    rename: Vec<String>,

    /// Delete all the same, or move a branch that is there already
    #[arg(short, long)]
    force: bool,

    /// List the branches of remotes, as they were when they were last fetched
    #[arg(short, long, conflicts_with_all = ["name", "delete", "rename", "force"])]
    remotes: bool,

    /// Let NAME [default: what is checked out] follow a branch of a remote, so that push,
    /// pull and status know it
    #[arg(
        short = 'u',
        long,
        value_name = "REMOTE/BRANCH",
        add = complete::upstreams(),
        conflicts_with_all = ["revision", "delete", "rename", "force", "remotes"]
    )]
    set_upstream: Option<String>,

    /// Let NAME [default: what is checked out] follow nothing
    #[arg(
        long,
        conflicts_with_all = ["revision", "delete", "rename", "force", "remotes", "set_upstream"]
    )]
    unset_upstream: bool,
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
    /// What it follows.
    upstream: Option<UpstreamReport>,
}

impl Report for Branches {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let some = self.branches.iter().any(|branch| branch.upstream.is_some());
        let header = ["", "BRANCH", "COMMIT", "FOLLOWS"];
        let mut table = Table::new(&header[..if some { 4 } else { 3 }]);
        for branch in &self.branches {
            let follows =
                |upstream: &UpstreamReport| format!("{}: {}", upstream.name, upstream.apart());
            table.row([
                Cell::new(style::ADDED, if branch.current { "*" } else { "" }),
                Cell::new(style::NAME, &branch.name),
                Cell::id(&branch.commit),
                Cell::plain(branch.upstream.as_ref().map(follows).unwrap_or_default()),
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
    if args.set_upstream.is_some() || args.unset_upstream {
        return follow(context, &repository, args);
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
    let mut branches = Vec::new();
    if args.remotes {
        for info in repository.refs(REMOTES)? {
            branches.push(Branch {
                name: info.name().to_owned(),
                commit: info.commit.to_string(),
                current: false,
                upstream: None,
            });
        }
    } else {
        let current = current(&repository)?;
        for info in repository.branches()? {
            branches.push(Branch {
                current: current.as_deref() == Some(info.name()),
                upstream: UpstreamReport::of(&repository, info.name(), Some(info.commit))?,
                name: info.name().to_owned(),
                commit: info.commit.to_string(),
            });
        }
    }
    if branches.is_empty() {
        context.ui.note(if args.remotes {
            "No branches of remotes yet: `dml fetch` brings them"
        } else {
            "No branches yet: the first commit makes one"
        });
    }
    context.ui.report(&Branches { branches })
}

/// Returns the name of the branch that is checked out.
fn current(repository: &Repository) -> Result<Option<String>, CommandError> {
    Ok(match repository.head_state()? {
        Head::Branch { name, .. } => Some(name),
        Head::Detached(_) => None,
    })
}

/// Lets a branch follow one of a remote, or nothing.
fn follow(
    context: &mut Context<'_>,
    repository: &Repository,
    args: &BranchArgs,
) -> Result<(), CommandError> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => current(repository)?.ok_or_else(|| {
            CommandError::wrong_usage("no branch is checked out")
                .hint("name the branch: `dml branch --set-upstream REMOTE/BRANCH NAME`")
        })?,
    };
    let Some(upstream) = &args.set_upstream else {
        let before = repository.unset_upstream(&name)?;
        let json = json!({"upstream": null, "name": name});
        return context.ui.done(
            &json,
            if before {
                format!("{name} follows nothing now")
            } else {
                format!("{name} followed nothing")
            },
        );
    };
    let Some((remote, branch)) = upstream.split_once('/') else {
        return Err(
            CommandError::wrong_usage(format!("{upstream:?} is not REMOTE/BRANCH"))
                .hint(format!("is it origin/{upstream}?")),
        );
    };
    repository.set_upstream(&name, remote, branch)?;
    let json = json!({"upstream": upstream, "name": name});
    let message = format_args!("{name} follows {upstream} now");
    context.ui.done(&json, message)
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
