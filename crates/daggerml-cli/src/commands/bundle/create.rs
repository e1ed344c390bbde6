use std::io::{self, BufWriter, IsTerminal};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use daggerml::record::Reference;
use daggerml::transfer::{self, BUNDLE};
use daggerml::{Error, Repository};
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::files;
use crate::ui::size;
use crate::ui::text::count;

/// Pack revisions, and all that they are made of, into a bundle
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml bundle create main -o main.bundle
  dml bundle create main --exclude v1.0 -o news.bundle     for who has v1.0
  dml bundle create main:training | ssh host dml bundle apply -")]
pub struct CreateArgs {
    /// What to pack: commits, DAGs, any revisions
    #[arg(value_name = "REVISION", required = true)]
    revisions: Vec<String>,

    /// Leave out what these have: it must be where the bundle is applied
    #[arg(long, value_name = "REVISION")]
    exclude: Vec<String>,

    /// Write to FILE [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
}

pub fn run(context: &mut Context<'_>, args: &CreateArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let roots = args
        .revisions
        .iter()
        .map(|text| repository.resolve(text))
        .map(|found| {
            found.map(|found| Reference {
                kind: found.kind(),
                id: found.id(),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let exclude = args
        .exclude
        .iter()
        .map(|text| {
            repository
                .resolve(text)
                .map(daggerml::repo::revision::Resolved::id)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let pack = |repository: &Repository, output: &mut dyn io::Write| {
        transfer::create(&repository.snapshot()?, &roots, &exclude, output)
    };
    let Some(path) = &args.output else {
        let out = io::stdout();
        if out.is_terminal() || context.ui.is_json() {
            return Err(CommandError::wrong_usage("a bundle is binary")
                .hint("write it to a file with -o FILE"));
        }
        return match pack(&repository, &mut BufWriter::new(out.lock())) {
            // Whoever read it is gone.
            Err(error) => match *error {
                Error::Io { path, source, .. } if path.as_os_str() == BUNDLE => Err(source.into()),
                error => Err(error.into()),
            },
            Ok(_) => Ok(()),
        };
    };
    let created = files::replace(path, |output| Ok(pack(&repository, output)?))?;
    let json = json!({
        "written": path.display().to_string(),
        "objects": created.objects,
        "bytes": created.bytes,
    });
    let message = format_args!(
        "Packed {}, {}, into {}",
        count(created.objects, "object"),
        size(created.bytes),
        path.display()
    );
    context.ui.done(&json, message)
}
