use clap::{Args, ValueEnum};
use daggerml::history::{Conflict, FastForward, Merge};
use daggerml::transfer::remote::{FetchOptions, PullOptions, Pulled};
use serde::Serialize;

use super::report::Moved;
use super::told::Told;
use crate::commands::merge::Side;
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;

/// Fetch, and join what came into what is checked out
///
/// The branch moves forward where that is possible; else the two are merged. A conflict
/// waits for `dml merge --resolve`, as that of a merge.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml pull
  dml pull origin trial       merge another branch of it
  dml pull --ff-only          fail where a merge would be needed
  dml pull --favor theirs     where both changed a name, take the remote's")]
pub struct PullArgs {
    /// The remote [default: the one that the branch follows, or origin, or the only one]
    #[arg(add = complete::remotes())]
    remote: Option<String>,

    /// The branch there [default: the one that is followed, or that of the same name]
    #[arg(add = complete::branches())]
    branch: Option<String>,

    /// Only move forward; fail where a merge would be needed
    #[arg(long)]
    ff_only: bool,

    /// Which side is right where both changed a name: ours is what is checked out,
    /// theirs what comes from the remote
    #[arg(long, value_enum, value_name = "SIDE", conflicts_with = "ff_only")]
    favor: Option<Side>,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    fetched: Moved,
    from: String,
    merge: How,
    commit: Option<String>,
}

/// What became of the branch.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum How {
    UpToDate,
    FastForward,
    Merged,
}

pub fn run(context: &mut Context<'_>, args: &PullArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let remote = super::open(&repository, args.remote.as_deref())?;
    let options = PullOptions {
        branch: args.branch.clone(),
        fetch: FetchOptions::default(),
        fast_forward: if args.ff_only {
            FastForward::Only
        } else {
            FastForward::Allow
        },
        favor: Side::favor(args.favor),
    };
    let told = Told::new(context.ui);
    let pulled = remote.pull(&repository, &options, &told);
    drop(told);
    let Pulled {
        fetched,
        from,
        merge,
    } = pulled?;
    let (merge, commit) = match merge {
        Merge::UpToDate => (How::UpToDate, None),
        Merge::FastForward(commit) => (How::FastForward, Some(commit.to_string())),
        Merge::Merged(commit) => (How::Merged, Some(commit.to_string())),
        Merge::Conflicts(conflicts) => {
            return Err(Conflict::error("merge", &conflicts).into());
        }
    };
    let report = Report {
        fetched: Moved::fetched(&remote, &fetched),
        from,
        merge,
        commit,
    };
    if context.ui.is_json() {
        return context.ui.json(&report);
    }
    context.ui.report(&report.fetched)?;
    let from = &report.from;
    let commit = style::short(report.commit.as_deref().unwrap_or_default());
    match report.merge {
        How::UpToDate => context
            .ui
            .note(format_args!("All of {from} is here already")),
        How::FastForward => context
            .ui
            .note(format_args!("Moved forward to {commit}, which is {from}")),
        How::Merged => context.ui.note(format_args!("Merged {from}: {commit}")),
    }
    Ok(())
}
