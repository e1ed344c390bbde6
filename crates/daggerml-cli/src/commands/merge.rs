use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use daggerml::history::{Choice, Conflict, FastForward, Favor, Merge, MergeOptions, MergeState};
use daggerml::name::Name;
use daggerml::{Error, Repository};
use serde_json::json;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;

/// Join another line of history into what is checked out
///
/// Names that only one side changed are taken from it. A name that both changed is
/// a conflict, unless --favor says who is right: then nothing is changed yet, and
/// the merge waits until every conflict is resolved.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml merge trial
  dml merge trial --favor theirs
  dml merge --resolve training=theirs --resolve model=main~2:model
  dml merge --continue
  dml merge --abort")]
pub struct MergeArgs {
    /// What to merge
    #[arg(value_name = "REVISION", required_unless_present_any = ["resolve", "go_on", "abort"], add = complete::revisions())]
    revision: Option<String>,

    /// Which side is right where both changed a name: ours is what is checked out,
    /// theirs what is merged in
    #[arg(long, value_enum, value_name = "SIDE")]
    favor: Option<Side>,

    /// The message of the merge commit
    #[arg(short, long)]
    message: Option<String>,

    /// Whether the branch may just move forward, without a merge commit
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Forward::Auto)]
    ff: Forward,

    /// Resolve a conflict: CHOICE is ours, theirs, removed, or a revision of a DAG
    #[arg(long, value_name = "NAME=CHOICE", conflicts_with_all = ["revision", "abort"])]
    resolve: Vec<String>,

    /// End a merge whose conflicts are resolved
    #[arg(long = "continue", conflicts_with_all = ["revision", "abort"])]
    go_on: bool,

    /// Give up a merge that waits
    #[arg(long, conflicts_with = "revision")]
    abort: bool,
}

/// Whether the branch may just move.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Forward {
    /// When it can
    Auto,
    /// Never: there is always a merge commit
    Never,
    /// Only so; fail where that is not enough
    Only,
}

/// A side of a conflict.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Side {
    // What they are depends on the command, and is said by its option.
    Ours,
    Theirs,
}

impl Side {
    /// Whom to favour.
    pub fn favor(side: Option<Self>) -> Favor {
        match side {
            None => Favor::Neither,
            Some(Self::Ours) => Favor::Ours,
            Some(Self::Theirs) => Favor::Theirs,
        }
    }
}

pub fn run(context: &mut Context<'_>, args: &MergeArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    if args.abort {
        repository.merge_abort()?;
        return context
            .ui
            .done(&json!({"merge": "aborted"}), "Gave up the merge");
    }
    if let Some(revision) = &args.revision {
        return begin(context, &repository, args, revision);
    }
    for (name, choice) in choices(&repository, &args.resolve)? {
        repository.resolve_conflict(name.as_str(), choice)?;
    }
    if args.go_on {
        let commit = repository.merge_continue()?.to_string();
        let json = json!({"merge": "merged", "commit": commit});
        let message = format_args!("Merged: {}", style::short(&commit));
        return context.ui.done(&json, message);
    }
    let left = repository
        .merge_state()?
        .map_or(0, |state| undecided(&state));
    let message = match left {
        0 => "All conflicts are resolved; `dml merge --continue` ends the merge".to_owned(),
        left => format!("Conflicts left: {left}; `dml status` shows them"),
    };
    context.ui.done(
        &json!({"merge": "waiting", "conflicts_left": left}),
        message,
    )
}

/// Returns how many conflicts are still to be decided.
pub fn undecided(state: &MergeState) -> usize {
    let choices = state.conflicts.iter().map(|conflict| conflict.choice);
    choices.filter(Option::is_none).count()
}

fn begin(
    context: &mut Context<'_>,
    repository: &Repository,
    args: &MergeArgs,
    revision: &str,
) -> Result<(), CommandError> {
    let options = MergeOptions {
        fast_forward: match args.ff {
            Forward::Auto => FastForward::Allow,
            Forward::Never => FastForward::Never,
            Forward::Only => FastForward::Only,
        },
        favor: Side::favor(args.favor),
        message: args.message.clone(),
        label: Some(revision.to_owned()),
    };
    match repository.merge(repository.commit_at(revision)?, &options)? {
        Merge::UpToDate => context
            .ui
            .done(&json!({"merge": "up_to_date"}), "Nothing to merge"),
        Merge::FastForward(commit) => {
            let commit = commit.to_string();
            let json = json!({"merge": "fast_forward", "commit": commit});
            let message = format_args!("Moved forward to {}", style::short(&commit));
            context.ui.done(&json, message)
        }
        Merge::Merged(commit) => {
            let commit = commit.to_string();
            let json = json!({"merge": "merged", "commit": commit});
            let message = format_args!("Merged: {}", style::short(&commit));
            context.ui.done(&json, message)
        }
        Merge::Conflicts(conflicts) => Err(Conflict::error("merge", &conflicts).into()),
    }
}

/// Returns what names are decided to be: each of `resolutions` is NAME=CHOICE.
pub fn choices(
    repository: &Repository,
    resolutions: &[String],
) -> Result<BTreeMap<Name, Choice>, CommandError> {
    let mut choices = BTreeMap::new();
    for resolution in resolutions {
        let (name, choice) = choice(repository, resolution)?;
        choices.insert(name, choice);
    }
    Ok(choices)
}

/// What a conflict can be decided to be.
const CHOICES: &str = "CHOICE is ours, theirs, removed, or a revision of a DAG (main~2:NAME)";

fn choice(repository: &Repository, resolution: &str) -> Result<(Name, Choice), CommandError> {
    // A name may have an equals sign in it; a choice seldom has.
    let Some((name, choice)) = resolution.rsplit_once('=') else {
        return Err(
            CommandError::wrong_usage(format!("{resolution:?} is not NAME=CHOICE")).hint(CHOICES),
        );
    };
    let choice = match choice {
        "ours" => Choice::Ours,
        "theirs" => Choice::Theirs,
        "removed" => Choice::Removed,
        revision => Choice::Dag(
            repository
                .dag_at(revision)
                .map_err(|error| CommandError::from(error).hint(CHOICES))?,
        ),
    };
    let name = Name::new(name).map_err(Error::from)?;
    Ok((name, choice))
}
