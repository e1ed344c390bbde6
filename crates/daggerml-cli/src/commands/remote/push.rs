use clap::Args;
use daggerml::error::{RejectedReason, RemoteError};
use daggerml::repo::branches::HEADS;
use daggerml::transfer::remote::{Force, PushOptions, RefChange, Update};
use daggerml::{Error, ErrorKind, Repository};

use super::report::Moved;
use super::told::Told;
use crate::complete;
use crate::context::Context;
use crate::error::{CommandError, CommandErrorKind};

/// Send commits to a remote, and move its branches
///
/// All refs move, or none. A branch only moves to a commit that follows the one before,
/// unless it is forced. A branch that follows nothing follows the one that it was pushed to.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:
  dml push                          what is checked out, to where it follows
  dml push origin main trial        two branches
  dml push origin main:release      main, to a branch of another name
  dml push origin v1.0              a tag
  dml push origin --delete trial    remove a branch there
  dml push --force-with-lease       after a rebase, unless somebody pushed meanwhile")]
pub struct PushArgs {
    /// The remote [default: the one that the branch follows, or origin, or the only one]
    #[arg(add = complete::remotes())]
    remote: Option<String>,

    /// What to push: a branch, a tag, or REVISION:BRANCH [default: what is checked out]
    #[arg(value_name = "REF", add = complete::branches_and_tags())]
    refs: Vec<String>,

    /// All branches
    #[arg(long)]
    all: bool,

    /// All tags too
    #[arg(long)]
    tags: bool,

    /// Remove the refs at the remote
    #[arg(short, long, requires = "refs", conflicts_with_all = ["all", "tags"])]
    delete: bool,

    /// Move refs to commits that do not follow, if the remote's are still where they
    /// were when they were last fetched
    #[arg(long, conflicts_with = "force")]
    force_with_lease: bool,

    /// Move refs to commits that do not follow; commits of others may be lost
    #[arg(short, long)]
    force: bool,

    /// Let the branches follow those at the remote from now on, even if they follow others
    #[arg(short = 'u', long)]
    set_upstream: bool,

    /// Only say what would change
    #[arg(short = 'n', long)]
    dry_run: bool,
}

pub fn run(context: &mut Context<'_>, args: &PushArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let remote = super::open(&repository, args.remote.as_deref())
        .map_err(|error| misplaced(&repository, args.remote.as_deref(), error))?;
    let mut updates = Vec::new();
    for text in &args.refs {
        let text = if args.delete {
            format!(":{text}")
        } else {
            text.clone()
        };
        let update = Update::parse(&repository, &text)?;
        if let Some(source) = &update.source {
            check(&repository, source)?;
        }
        updates.push(update);
    }
    if updates.is_empty() && repository.head()?.is_none() {
        return Err(CommandError::new(
            CommandErrorKind::Engine(ErrorKind::NotFound),
            "there are no commits to push yet",
        )
        .hint("a DAG that is committed in Python makes one: see `dml --help`"));
    }
    let options = PushOptions {
        updates,
        all: args.all,
        tags: args.tags,
        force: match (args.force, args.force_with_lease) {
            (true, _) => Force::Yes,
            (false, true) => Force::WithLease,
            (false, false) => Force::No,
        },
        dry_run: args.dry_run,
        set_upstream: args.set_upstream,
    };
    let told = Told::new(context.ui);
    let report = remote.push(&repository, &options, &told);
    drop(told);
    let report = report.map_err(|error| refused(remote.name(), error))?;
    let absent = |change: &&RefChange| (change.before, change.after) == (None, None);
    for change in report.changes.iter().filter(absent) {
        let (name, remote) = (&change.name, remote.name());
        context
            .ui
            .note(format_args!("There is no {name} at {remote}"));
    }
    let moved = Moved::pushed(&remote, &report);
    moved.note_nothing(context.ui);
    context.ui.report(&moved)
}

/// Checks that there is such a revision, with an error in the words that were typed.
fn check(repository: &Repository, source: &str) -> Result<(), CommandError> {
    if repository.commit_at(source).is_ok() {
        return Ok(());
    }
    let typed = source.strip_prefix(HEADS).unwrap_or(source);
    repository.commit_at(typed)?;
    Ok(())
}

/// Returns the error that there is no such remote; if a branch was meant, what to type.
fn misplaced(repository: &Repository, name: Option<&str>, error: CommandError) -> CommandError {
    match name {
        Some(name) if repository.commit_at(name).is_ok() => {
            CommandError::new(error.kind(), error.message())
                .hint(format!("the remote comes first: `dml push origin {name}`"))
        }
        _ => error,
    }
}

/// Returns the error that refs may not move, with the commands for this remote.
fn refused(remote: &str, error: Box<Error>) -> CommandError {
    let moved = match &*error {
        Error::Remote(RemoteError::Rejected { refs, .. }) => refs
            .iter()
            .any(|rejected| rejected.reason == RejectedReason::Moved),
        _ => false,
    };
    let made = CommandError::from(error);
    if moved {
        return made.hint(format!(
            "`dml fetch {remote}` and `dml log` show what others pushed"
        ));
    }
    made
}
