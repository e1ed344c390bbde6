use std::io::{self, Write};

use clap::Args;
use daggerml::record::Node;
use daggerml::store::ReadObjects;
use serde::Serialize;

use super::NodeArgs;
use super::report::datum;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{JsonValue, Report, Ui, value};

/// Print a value: a DAG's result, or that of any of its nodes
///
/// Long collections are cut, unless --full is given. With --json the value is
/// whole and nothing of it is lost; `dml cat` writes a string or bytes as they are.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml dag get training                   the result
  dml dag get training accuracy          the node of that name
  dml dag get training --json | jq .value")]
pub struct GetArgs {
    #[command(flatten)]
    node: NodeArgs,

    /// Print all of it
    #[arg(long)]
    full: bool,
}

#[derive(Serialize)]
struct Got<'v> {
    dag: String,
    node: String,
    datum: String,
    r#type: &'static str,
    value: JsonValue<'v>,
    #[serde(skip)]
    most: usize,
}

impl Report for Got<'_> {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        writeln!(ui.out(), "{}", value::pretty(self.value.0, self.most))
    }
}

pub fn run(context: &mut Context<'_>, args: &GetArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let found = args.node.find(&repository, &snapshot)?;
    let node: Node = snapshot.load(found.id)?;
    let Some(id) = node.datum() else {
        // A call that failed: the engine's error says how.
        repository.view(found.dag)?.value(found.id)?;
        return Err(CommandError::wrong_usage("the node has no value"));
    };
    let value = datum(&snapshot, id)?;
    context.ui.report(&Got {
        dag: found.dag.to_string(),
        node: found.id.to_string(),
        datum: id.to_string(),
        r#type: value.type_name(),
        value: JsonValue(&value),
        most: if args.full { usize::MAX } else { value::SHOWN },
    })
}
