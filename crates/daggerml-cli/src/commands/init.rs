use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use daggerml::repo::FOLDER;
use daggerml::{Repository, Sharing};
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;

/// Make a new repository
///
/// Makes the folder `.dml` in DIR. Everything that DaggerML keeps is in there. Only you
/// may use it, whatever the umask says, unless it is shared.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml init             a repository in the current folder
  dml init results     one in the folder results, made if need be
  dml init --shared=group /srv/team  one for everybody in the group of /srv/team")]
pub struct InitArgs {
    /// Where [default: the current folder, or that of --repository]
    #[arg(value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,

    /// Who may use it, beside you [default: nobody]
    #[arg(long, value_name = "WITH", value_enum)]
    shared: Option<With>,
}

/// Who a repository is shared with.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum With {
    /// Everybody in the folder's group
    Group,
}

pub fn run(context: &mut Context<'_>, args: &InitArgs) -> Result<(), CommandError> {
    let dir = match &args.dir {
        Some(dir) => context.directory().join(dir),
        None => context.directory().to_owned(),
    };
    let sharing = match args.shared {
        Some(With::Group) => Sharing::Group,
        None => Sharing::Private,
    };
    let repository = Repository::init_for(&dir, sharing)?;
    let folder = repository.root().join(FOLDER).display().to_string();
    let json = json!({"repository": folder});
    context
        .ui
        .done(&json, format_args!("Made the repository {folder}"))
}
