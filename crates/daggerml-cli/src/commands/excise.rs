use clap::Args;
use daggerml::maintenance::excise;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;

/// Replace an object by a tombstone, for good
///
/// For what must not be kept: a secret, someone's data. Everything that refers to
/// it stays as it is; reading it gives an error that says why it is gone. Copies,
/// bundles and other repositories still have it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml excise 1f2e3d4c5b6a --reason \"patient data\" --yes")]
pub struct ExciseArgs {
    /// The object: a revision or an id
    object: String,

    /// Why; it is kept in the tombstone
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Do it; without this, only say what would be excised
    #[arg(long)]
    yes: bool,
}

pub fn run(context: &mut Context<'_>, args: &ExciseArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    // A whole id needs no looking up: the object may be damaged.
    let id = match args.object.parse() {
        Ok(id) => id,
        Err(_) => repository.resolve(&args.object)?.id(),
    };
    if !args.yes {
        return Err(
            CommandError::wrong_usage(format!("this would excise {id} for good"))
                .hint("add --yes to do it"),
        );
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
        context
            .ui
            .done(&json, format_args!("{kind} {short} was excised before"))
    } else {
        context.ui.done(
            &json,
            format_args!("Excised {kind} {short} ({} bytes)", done.bytes),
        )
    }
}
