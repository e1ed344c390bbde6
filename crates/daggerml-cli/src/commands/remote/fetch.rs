use std::num::NonZeroU32;

use clap::Args;
use daggerml::transfer::remote::{Depth, FetchOptions, Filter};
use serde_json::json;

use super::report::Moved;
use super::told::Told;
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;

/// Bring what is new at a remote here
///
/// Afterwards `REMOTE/BRANCH` is where the branches are there: `dml log origin/main`. Your
/// own branches stay as they are; `dml pull` or `dml merge` joins the two.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_help = "Examples:
  dml fetch
  dml fetch backup --prune
  dml fetch --all
  dml fetch --unshallow          the history that a shallow clone left there
  dml log main..origin/main      what was fetched and is not in main")]
pub struct FetchArgs {
    /// The remote [default: the one that the branch follows, or origin, or the only one]
    #[arg(add = complete::remotes())]
    remote: Option<String>,

    /// From every remote
    #[arg(long, conflicts_with = "remote")]
    all: bool,

    /// Forget branches that are gone there
    #[arg(short, long)]
    prune: bool,

    /// Leave tags where they are
    #[arg(long)]
    no_tags: bool,

    /// Only say what would change
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// In a shallow clone: bring at least the last N commits of each branch
    #[arg(long, value_name = "N")]
    depth: Option<NonZeroU32>,

    /// In a shallow clone: bring all history
    #[arg(long, conflicts_with = "depth")]
    unshallow: bool,

    /// From now on, leave values over a size at the remote until they are read: values:1MiB.
    /// none: bring all, also those that were left there
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
}

pub fn run(context: &mut Context<'_>, args: &FetchArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let options = FetchOptions {
        tags: !args.no_tags,
        prune: args.prune,
        dry_run: args.dry_run,
        depth: match args.depth {
            _ if args.unshallow => Depth::Full,
            None => Depth::Keep,
            Some(count) => Depth::Last(count),
        },
        filter: args.filter.as_deref().map(Filter::parse).transpose()?,
    };
    let names = if args.all {
        let all = repository.remotes()?;
        all.into_iter().map(|remote| Some(remote.name)).collect()
    } else {
        vec![args.remote.clone()]
    };
    if names.is_empty() {
        repository.default_remote()?; // says that there is none
    }
    let mut fetched = Vec::new();
    for name in names {
        let remote = super::open(&repository, name.as_deref())?;
        let told = Told::new(context.ui);
        let report = remote.fetch(&repository, &options, &told);
        drop(told);
        let moved = Moved::fetched(&remote, &report?);
        if args.all && context.ui.is_json() {
            fetched.push(moved);
        } else {
            moved.note_nothing(context.ui);
            context.ui.report(&moved)?;
        }
    }
    if args.all {
        return context.ui.done_quietly(&json!({"fetched": fetched}));
    }
    Ok(())
}
