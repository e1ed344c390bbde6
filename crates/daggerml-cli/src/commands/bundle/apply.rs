use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use daggerml::error::Error;
use daggerml::id::TypedId;
use daggerml::name::Name;
use daggerml::transfer::{BUNDLE, Limits};
use daggerml::transfer::{Keep, Kept};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::files;
use crate::ui::{Report, Ui, style, text};

/// Take a bundle in
///
/// All of it is verified first; when anything is wrong, nothing is changed. Give
/// its commit a branch or its DAG a name, or the next `dml gc` removes what came.
/// Taking the same bundle in again does no harm.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml bundle apply main.bundle --branch theirs
  dml bundle apply training.bundle --dag training
  dml bundle apply - < main.bundle")]
pub struct ApplyArgs {
    /// The bundle; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Make the branch NAME at the bundle's commit, or move it forward to that
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,

    /// Commit the bundle's DAG under NAME
    #[arg(long, value_name = "NAME", conflicts_with = "branch")]
    dag: Option<String>,
}

#[derive(Serialize)]
struct AppliedReport {
    roots: Vec<Root>,
    objects: u64,
    new: u64,
    bytes: u64,
    branch: Option<String>,
    dag: Option<String>,
    #[serde(skip)]
    kept: Kept,
}

#[derive(Serialize)]
struct Root {
    kind: &'static str,
    id: String,
}

impl Report for AppliedReport {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        ui.note(format_args!(
            "{}, {} of them new",
            text::count(self.objects, "object"),
            self.new
        ));
        for root in &self.roots {
            ui.note(format_args!("{} {}", root.kind, style::short(&root.id)));
        }
        let branch = self.branch.as_deref().unwrap_or_default();
        match self.kept {
            Kept::Nothing => {}
            Kept::Made => ui.note(format_args!("Made the branch {branch}")),
            Kept::Moved(from) => ui.note(format_args!(
                "Moved the branch {branch} forward; it was at {}",
                from.object().short()
            )),
            Kept::Unchanged => ui.note(format_args!("The branch {branch} is there already")),
            Kept::Committed(commit) => ui.note(format_args!(
                "Committed {} by {}",
                self.dag.as_deref().unwrap_or_default(),
                commit.object().short()
            )),
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, args: &ApplyArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let keep = match (&args.branch, &args.dag) {
        (Some(branch), _) => Keep::Branch(branch.clone()),
        (None, Some(name)) => Keep::Dag(Name::new(name)?),
        (None, None) => Keep::Nothing,
    };
    let mut input = open(&args.file)?;
    let (applied, kept) = repository
        .take_bundle(&mut input, &Limits::default(), &keep)
        .map_err(|error| failed(&args.file, error))?;
    context.ui.report(&AppliedReport {
        roots: applied
            .roots
            .iter()
            .map(|root| Root {
                kind: root.kind.as_str(),
                id: root.id.to_string(),
            })
            .collect(),
        objects: applied.objects,
        new: applied.new,
        bytes: applied.bytes,
        branch: args.branch.clone(),
        dag: args.dag.clone(),
        kept,
    })
}

/// Returns the error that the bundle in `path` was not taken in; it says which bundle.
fn failed(path: &Path, error: Box<Error>) -> CommandError {
    let about_it = match &*error {
        Error::BundleInvalid { .. } | Error::BundleUnsupported { .. } => true,
        Error::Io { path, .. } => path.as_os_str() == BUNDLE,
        _ => false,
    };
    let partial = matches!(*error, Error::ObjectNotFound { .. });
    let error = CommandError::from(error);
    if partial {
        return error.about(path.display()).hint(
            "the bundle was made to follow something: take that in first (see --exclude of \
             `dml bundle create`)",
        );
    }
    match about_it {
        true if path.as_os_str() == "-" => error.about("standard input"),
        true => error.about(path.display()),
        false => error,
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>, CommandError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(BufReader::new(files::open(path)?)))
}
