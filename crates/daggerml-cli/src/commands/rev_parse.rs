use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Report, Ui};

/// Print the ids that revisions stand for
///
/// One line each. What a revision can be is in docs/spec/revisions.md: HEAD, a
/// branch, a tag, 6 or more digits of an id; then ~N, ^N, ^{KIND}; then :DAG or
/// :DAG/NODE.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml rev-parse HEAD
  dml rev-parse main~2 @v1.0 main:training main:training/loss
  dml rev-parse HEAD^{tree} --json | jq -r '.objects[].id'")]
pub struct RevParseArgs {
    /// The revisions
    #[arg(value_name = "REVISION", required = true)]
    revisions: Vec<String>,
}

#[derive(Serialize)]
struct Parsed<'a> {
    objects: Vec<Object<'a>>,
}

#[derive(Serialize)]
struct Object<'a> {
    revision: &'a str,
    kind: &'static str,
    id: String,
}

impl Report for Parsed<'_> {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        for object in &self.objects {
            writeln!(ui.out(), "{}", object.id)?;
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, args: &RevParseArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let mut objects = Vec::new();
    for revision in &args.revisions {
        let found = repository.resolve(revision)?;
        objects.push(Object {
            revision,
            kind: found.kind().as_str(),
            id: found.id().to_string(),
        });
    }
    context.ui.report(&Parsed { objects })
}
