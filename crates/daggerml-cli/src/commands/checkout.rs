use clap::Args;
use daggerml::repo::branches::{Head, RefInfo};
use daggerml::repo::refs::HEAD;
use daggerml::{Error, ErrorKind, Repository};
use serde_json::json;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;
use crate::ui::text::count;

/// Choose the branch, or commit, that HEAD is
///
/// New DAGs are committed to the branch that is checked out, and names are looked
/// up in its newest commit.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml checkout main
  dml checkout -b trial           make a branch here and check it out
  dml checkout -b trial v1.0      make it elsewhere
  dml checkout v1.0               look at a commit, on no branch")]
pub struct CheckoutArgs {
    /// A branch, or any revision
    #[arg(value_name = "REVISION", required_unless_present_any = ["make", "orphan"], add = complete::revisions())]
    revision: Option<String>,

    /// Make the branch NAME at REVISION, and check it out
    #[arg(short = 'b', long, value_name = "NAME")]
    make: Option<String>,

    /// Check out the branch NAME, which begins anew, without history
    #[arg(long, value_name = "NAME", conflicts_with_all = ["make", "revision"])]
    orphan: Option<String>,
}

/// Returns the error that there is no such revision; if a remote has a branch of that name,
/// how to make one of it here.
fn at_remote(repository: &Repository, revision: &str, error: Box<Error>) -> CommandError {
    let is_missing = error.kind() == ErrorKind::NotFound;
    let made = CommandError::from(error);
    if !is_missing {
        return made;
    }
    let theirs = repository.remote_branches().unwrap_or_default();
    let found = theirs.iter().map(RefInfo::name).filter(|name| {
        let branch = name.split_once('/').map(|(_, branch)| branch);
        branch == Some(revision)
    });
    match found.min() {
        Some(name) => made.hint(format!(
            "`dml checkout -b {revision} {name}` makes a branch that begins as {name} is"
        )),
        None => made,
    }
}

pub fn run(context: &mut Context<'_>, args: &CheckoutArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let before = repository.head_state()?;
    let head = match (&args.orphan, &args.make, &args.revision) {
        (Some(name), _, _) => repository.checkout_new(name, None)?,
        (None, Some(name), None) => repository.checkout_new(name, repository.head()?)?,
        (None, Some(name), Some(revision)) => {
            repository.checkout_new(name, Some(repository.commit_at(revision)?))?
        }
        (None, None, revision) => {
            let revision = revision.as_deref().unwrap_or(HEAD);
            repository
                .checkout(revision)
                .map_err(|error| at_remote(&repository, revision, error))?
        }
    };
    let left = match before {
        // An error here must not hide that the checkout was done.
        Head::Detached(commit) if !repository.keeps_commit(commit).unwrap_or(true) => {
            Some(commit.to_string())
        }
        _ => None,
    };
    if let Some(left) = &left {
        let left = style::short(left);
        context.ui.note(format_args!(
            "Left commit {left}, which no branch or tag has; `dml branch NAME {left}` keeps it \
             from `dml gc`"
        ));
    }
    let open = repository
        .drafts()
        .map_or(0, |open| open.iter().filter(|open| !open.call).count());
    if open > 0 {
        context.ui.note(format_args!(
            "{} will be committed here, if this is still checked out then (`dml index list`)",
            count(open, "draft")
        ));
    }
    match head {
        Head::Branch { name, commit } => {
            let commit = commit.map(|id| id.to_string());
            let json = json!({"branch": name, "commit": commit, "left": left});
            context.ui.done(&json, format_args!("On branch {name}"))
        }
        Head::Detached(commit) => {
            let commit = commit.to_string();
            let json = json!({"branch": null, "commit": commit, "left": left});
            let message = format_args!(
                "At commit {}, on no branch; `dml checkout -b NAME` makes one",
                style::short(&commit)
            );
            context.ui.done(&json, message)
        }
    }
}
