use clap::Args;
use daggerml::Repository;
use daggerml::maintenance::migrate;
use daggerml::repo::FOLDER;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;

/// Bring a repository of an older version up to date
///
/// Does nothing when it is up to date. Older versions of DaggerML may not be able
/// to open it afterwards.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml migrate")]
pub struct MigrateArgs {}

pub fn run(context: &mut Context<'_>, _args: &MigrateArgs) -> Result<(), CommandError> {
    // The repository cannot be opened before it is migrated, only found.
    let folder = Repository::root_of(context.directory())?.join(FOLDER);
    let done = migrate::migrate(&folder)?;
    let json = json!({"from": done.from, "to": done.to});
    if done.from == done.to {
        context
            .ui
            .done(&json, format_args!("Up to date (layout {})", done.to))
    } else {
        let message = format_args!("Migrated from layout {} to {}", done.from, done.to);
        context.ui.done(&json, message)
    }
}
