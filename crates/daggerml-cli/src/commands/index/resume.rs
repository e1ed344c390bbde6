use clap::Args;
use serde_json::json;

use super::list::IndexReport;
use crate::context::Context;
use crate::error::CommandError;

/// Take a draft over from the program that had it
///
/// That program, if it still runs, can no longer change it. The DAG is unfrozen.
/// Continue it in Python with `daggerml.resume(ID)`, or end it here with --commit.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml index resume 1f2e3d
  dml index resume 1f2e3d --commit total     end it: the node `total` is its result")]
pub struct ResumeArgs {
    /// The draft: 6 or more digits of its id
    #[arg(value_name = "INDEX")]
    index: String,

    /// End the DAG and commit it, with the node of this name as its result
    #[arg(long, value_name = "NODE")]
    commit: Option<String>,
}

pub fn run(context: &mut Context<'_>, args: &ResumeArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let info = repository.find_draft(&args.index)?;
    let mut dag = repository.resume(info.id)?;
    if dag.info().frozen {
        dag.unfreeze()?;
    }
    let Some(node) = &args.commit else {
        let report = IndexReport::new(dag.info());
        let message = format_args!(
            "Took over {}; go on with daggerml.resume(\"{}\")",
            info.name, info.id
        );
        return context.ui.done(&json!(report), message);
    };
    let result = dag.named(node)?;
    let done = dag.commit(result)?;
    let json = json!({
        "name": info.name.to_string(),
        "dag": done.dag.to_string(),
        "commit": done.commit.to_string(),
    });
    context
        .ui
        .done(&json, format_args!("Committed {}", info.name))
}
