use clap::Args;
use daggerml::repo::branches::Head;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::style;

/// Choose the branch, or commit, that HEAD is
///
/// New DAGs are committed to the branch that is checked out, and names are looked
/// up in its newest commit.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml checkout main
  dml checkout -b trial           make a branch here and check it out
  dml checkout -b trial v1.0      make it elsewhere
  dml checkout v1.0               look at a commit, on no branch")]
pub struct CheckoutArgs {
    /// A branch, or any revision
    #[arg(value_name = "REVISION", required_unless_present_any = ["make", "orphan"])]
    revision: Option<String>,

    /// Make the branch NAME at REVISION first
    #[arg(short = 'b', long, value_name = "NAME")]
    make: Option<String>,

    /// Check out the branch NAME, which begins anew, without history
    #[arg(long, value_name = "NAME", conflicts_with_all = ["make", "revision"])]
    orphan: Option<String>,
}

pub fn run(context: &mut Context<'_>, args: &CheckoutArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let revision = args.revision.as_deref().unwrap_or("HEAD");
    let head = if let Some(name) = &args.orphan {
        repository.checkout_orphan(name)?
    } else if let Some(name) = &args.make {
        repository.create_branch(name, repository.commit_at(revision)?)?;
        repository.checkout_branch(name)?
    } else {
        repository.checkout(revision)?
    };
    match head {
        Head::Branch { name, commit } => {
            let json = json!({"branch": name, "commit": commit.map(|id| id.to_string())});
            context.ui.done(&json, format_args!("On branch {name}"))
        }
        Head::Detached(commit) => {
            let commit = commit.to_string();
            let json = json!({"branch": null, "commit": commit});
            let message = format_args!(
                "At commit {}, on no branch; `dml checkout -b NAME` makes one",
                style::short(&commit)
            );
            context.ui.done(&json, message)
        }
    }
}
