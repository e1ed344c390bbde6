use std::io;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::branch::deleted;
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui, style};

/// List, make and delete tags
///
/// A tag is a name for one commit; it never moves.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml tag                  list them
  dml tag v1.0             tag what is checked out
  dml tag v0.9 main~3      tag another commit
  dml tag -d v0.9          delete")]
pub struct TagArgs {
    /// Make the tag NAME
    name: Option<String>,

    /// The commit to tag
    #[arg(value_name = "REVISION", default_value = "HEAD", requires = "name", add = complete::revisions())]
    revision: String,

    /// Delete tags, all or none
    #[arg(short, long, value_name = "NAME", num_args = 1.., conflicts_with = "name", add = complete::tags())]
    delete: Vec<String>,
}

#[derive(Serialize)]
struct Tags {
    tags: Vec<Tag>,
}

#[derive(Serialize)]
struct Tag {
    name: String,
    commit: String,
}

impl Report for Tags {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["TAG", "COMMIT"]);
        for tag in &self.tags {
            table.row([Cell::new(style::NAME, &tag.name), Cell::id(&tag.commit)]);
        }
        table.write(ui)
    }
}

pub fn run(context: &mut Context<'_>, args: &TagArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    if !args.delete.is_empty() {
        let commits = repository.delete_tags(&args.delete)?;
        return deleted(context, &args.delete, &commits);
    }
    if let Some(name) = &args.name {
        let commit = repository.commit_at(&args.revision)?;
        repository.create_tag(name, commit)?;
        let commit = commit.to_string();
        let json = json!({"made": {"name": name, "commit": commit}});
        let message = format_args!("Made the tag {name} at {}", style::short(&commit));
        return context.ui.done(&json, message);
    }
    let tag = |info: daggerml::repo::branches::RefInfo| Tag {
        name: info.name().to_owned(),
        commit: info.commit.to_string(),
    };
    let tags = Tags {
        tags: repository.tags()?.into_iter().map(tag).collect(),
    };
    if tags.tags.is_empty() {
        context.ui.note("No tags yet");
    }
    context.ui.report(&tags)
}
