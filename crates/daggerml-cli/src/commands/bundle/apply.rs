use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use daggerml::Repository;
use daggerml::error::Error;
use daggerml::id::{CommitId, DagId, TypedId};
use daggerml::maintenance::bundle::{self, Limits};
use daggerml::name::Name;
use daggerml::record::{Kind, Reference};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Report, Ui, style};

/// Take a bundle in
///
/// All of it is verified first; when anything is wrong, nothing is changed. Give
/// its commit a branch or its DAG a name, or the next `dml gc` removes what came.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml bundle apply main.bundle --branch theirs
  dml bundle apply training.bundle --dag training
  dml bundle apply - < main.bundle")]
pub struct ApplyArgs {
    /// The bundle; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Make the branch NAME at the bundle's commit
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
}

#[derive(Serialize)]
struct Root {
    kind: &'static str,
    id: String,
}

impl Report for AppliedReport {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        ui.note(format_args!(
            "{} objects, {} of them new",
            self.objects, self.new
        ));
        for root in &self.roots {
            ui.note(format_args!("{} {}", root.kind, style::short(&root.id)));
        }
        if let Some(branch) = &self.branch {
            ui.note(format_args!("Made the branch {branch}"));
        }
        if let Some(dag) = &self.dag {
            ui.note(format_args!("Committed {dag}"));
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, args: &ApplyArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let name = args.dag.as_deref().map(Name::new).transpose()?;
    let mut input = open(&args.file)?;
    let limits = Limits::default();
    let (applied, ()) = bundle::apply(repository.store(), &mut input, &limits, |_, roots| {
        // What the names need is checked before anything is changed.
        if args.branch.is_some() {
            only(roots, Kind::Commit)?;
        }
        if args.dag.is_some() {
            only(roots, Kind::Dag)?;
        }
        Ok(())
    })?;
    if let Some(branch) = &args.branch {
        let commit = CommitId::from_object(only(&applied.roots, Kind::Commit)?.id);
        repository.create_branch(branch, commit)?;
    }
    if let Some(name) = name {
        let dag = DagId::from_object(only(&applied.roots, Kind::Dag)?.id);
        commit(&repository, name, dag)?;
    }
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
    })
}

fn commit(repository: &Repository, name: Name, dag: DagId) -> Result<(), Error> {
    let message = format!("Take {name} from a bundle");
    let changes = std::iter::once((name, Some(dag))).collect();
    repository.commit_names(&changes, &message).map(drop)
}

/// The one root, which must be of this kind.
fn only(roots: &[Reference], kind: Kind) -> Result<Reference, Error> {
    match roots {
        [root] if root.kind == kind => Ok(*root),
        _ => Err(Error::Invalid {
            message: format!("the bundle does not hold just one {kind}"),
        }),
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>, CommandError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| CommandError::open(path, &error))?;
    Ok(Box::new(BufReader::new(file)))
}
