use clap::Args;
use daggerml::Repository;
use daggerml::id::{ObjectId, TypedId};
use daggerml::maintenance::excise;
use daggerml::record::{AnyRecord, Node};
use daggerml::store::ReadObjects;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;
use crate::ui::text::count;

/// Replace an object by a tombstone, for good
///
/// For what must not be kept: a secret, someone's data. Everything that refers to
/// it stays as it is; reading it gives an error that says why it is gone. Copies,
/// bundles and other repositories still have it.
///
/// Only the object itself goes. A secret is in a value, not in the node that has
/// it: name a node and give --value.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml excise training/users --value --reason \"patient data\" --yes
  dml excise 1f2e3d4c5b6a --reason \"patient data\" --yes")]
pub struct ExciseArgs {
    /// The object: a revision or an id
    object: String,

    /// Excise the value of OBJECT, which is a DAG, DAG/NODE, or the id of a node
    #[arg(long)]
    value: bool,

    /// Why; it is kept in the tombstone
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Do it; without this, only say what would be excised
    #[arg(long)]
    yes: bool,
}

pub fn run(context: &mut Context<'_>, args: &ExciseArgs) -> Result<(), CommandError> {
    if args.reason.trim().is_empty() {
        return Err(CommandError::wrong_usage("the reason is empty")
            .hint("say why: whoever comes upon the tombstone will ask"));
    }
    let repository = context.repository()?;
    let id = find(&repository, args)?;
    let (kind, stays) = what_stays(&repository, id);
    if !args.yes {
        let error = format!("this would excise {kind} {id} for good");
        let error = CommandError::wrong_usage(error);
        let error = stays.into_iter().fold(error, CommandError::hint);
        return Err(error.hint("add --yes to do it"));
    }
    let done = excise::excise(repository.store(), id, &args.reason)?;
    let id = done.id.to_string();
    let json = json!({
        "kind": done.kind.as_str(),
        "id": id,
        "bytes": done.bytes,
        "already": done.already,
    });
    let (kind, short) = (done.kind, style::short(&id));
    if done.already {
        return context
            .ui
            .done(&json, format_args!("{kind} {short} was excised before"));
    }
    let bytes = count(done.bytes, "byte");
    context
        .ui
        .note(format_args!("Excised {kind} {short} ({bytes})"));
    for note in stays {
        context.ui.note(note);
    }
    context.ui.done_quietly(&json)
}

fn find(repository: &Repository, args: &ExciseArgs) -> Result<ObjectId, CommandError> {
    if args.value {
        let (_, node) = repository.node_at(&args.object)?;
        let node: Node = repository.snapshot()?.load(node)?;
        return match node.datum() {
            Some(datum) => Ok(datum.object()),
            None => Err(CommandError::wrong_usage("the node is a call that failed")),
        };
    }
    // A whole id needs no looking up: the object may be damaged.
    match args.object.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(repository.resolve(&args.object)?.id()),
    }
}

/// Returns what the object is, and what goes on to be there without it that one may not
/// think of. Of a damaged object nothing is known.
fn what_stays(repository: &Repository, id: ObjectId) -> (&'static str, Vec<String>) {
    let unknown = ("object", Vec::new());
    let Ok(snapshot) = repository.snapshot() else {
        return unknown;
    };
    let bytes = snapshot.raw_object(id).ok().flatten();
    let Some(Ok(record)) = bytes.map(AnyRecord::decode) else {
        return unknown;
    };
    let kind = record.kind().as_str();
    let stays = match &record {
        AnyRecord::Node(node) => node.datum().map(|datum| {
            format!(
                "Its value stays, datum {}; --value excises that, and leaves the node",
                datum.object().short()
            )
        }),
        AnyRecord::Commit(commit) => commit.parents.first().map(|parent| {
            format!(
                "History ends there: `dml gc` will remove what came before, unless a branch or \
                 tag has it (`dml tag NAME {}`)",
                parent.object().short()
            )
        }),
        _ => None,
    };
    (kind, stays.into_iter().collect())
}
