use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::text::count;

/// Throw drafts away
///
/// What they hold is removed by the next `dml gc`, as far as nothing else has it.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml index discard 1f2e3d")]
pub struct DiscardArgs {
    /// The drafts: 6 or more digits of their ids
    #[arg(value_name = "INDEX", required = true)]
    indexes: Vec<String>,
}

pub fn run(context: &mut Context<'_>, args: &DiscardArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let found = args
        .indexes
        .iter()
        .map(|text| repository.find_draft(text))
        .collect::<Result<Vec<_>, _>>()?;
    let mut discarded = Vec::new();
    for info in found {
        repository.discard(info.id)?;
        context.ui.note(format_args!(
            "Discarded {} ({})",
            info.name,
            count(info.nodes, "node")
        ));
        discarded.push(json!({"id": info.id.to_string(), "name": info.name.to_string()}));
    }
    context.ui.done_quietly(&json!({"discarded": discarded}))
}
