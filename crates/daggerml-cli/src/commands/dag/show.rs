use clap::Args;

use super::DagArgs;
use super::report::DagReport;
use crate::context::Context;
use crate::error::CommandError;

/// Show a DAG: its nodes, and how it ended
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml dag show training
  dml dag show training --at v1.0
  dml dag show 1f2e3d4c")]
pub struct ShowArgs {
    #[command(flatten)]
    dag: DagArgs,
}

pub fn run(context: &mut Context<'_>, args: &ShowArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let (name, id) = args.dag.find(&repository)?;
    let name = name.as_ref().map(daggerml::name::Name::as_str);
    let report = DagReport::new(&repository.snapshot()?, name, id)?;
    context.ui.report(&report)
}
