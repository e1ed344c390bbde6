use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use daggerml::Repository;
use daggerml::repo::FOLDER;
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Report, Ui};

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

#[derive(Serialize)]
struct Made {
    repository: String,
}

impl Report for Made {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        writeln!(ui.out(), "Made the repository {}", self.repository)
    }
}

pub fn run(context: &mut Context<'_>, args: &InitArgs) -> Result<(), CommandError> {
    let dir = match &args.dir {
        Some(dir) => context.directory().join(dir),
        None => context.directory().to_owned(),
    };
    let repository = Repository::init(&dir)?;
    let made = Made {
        repository: repository.root().join(FOLDER).display().to_string(),
    };
    context.ui.report(&made)
}
