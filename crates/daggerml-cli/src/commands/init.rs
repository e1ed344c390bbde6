use std::path::PathBuf;

use clap::{Args, ValueHint};
use daggerml::Repository;
use daggerml::repo::FOLDER;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;

/// Make a new repository
///
/// Makes the folder `.dml` in DIR. Everything that DaggerML keeps is in there.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml init             a repository in the current folder
  dml init results     one in the folder results, made if need be")]
pub struct InitArgs {
    /// Where [default: the current folder, or that of --repository]
    #[arg(value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

pub fn run(context: &mut Context<'_>, args: &InitArgs) -> Result<(), CommandError> {
    let dir = match &args.dir {
        Some(dir) => context.directory().join(dir),
        None => context.directory().to_owned(),
    };
    let repository = Repository::init(&dir)?;
    let folder = repository.root().join(FOLDER).display().to_string();
    let json = json!({"repository": folder});
    context
        .ui
        .done(&json, format_args!("Made the repository {folder}"))
}
