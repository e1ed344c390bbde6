use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use daggerml::maintenance::released::{self, Import, Imported};
use serde::Serialize;
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::text::{count, line};
use crate::ui::{Cell, Report, Table, Ui, style};

/// Bring a repository of daggerml 0.1 over
///
/// Its branches, tags, commits, DAGs and values are added to the repository that is used;
/// `dml init` makes one. Names that are taken get `0.1/` in front. It may be run again,
/// and brings what is new. No program may write there meanwhile.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml import-0.1 ../old              the folder with its .dml
  dml import-0.1 ../old --dry-run    only tell what would be done")]
pub struct ImportArgs {
    /// The folder of that repository
    #[arg(value_hint = ValueHint::DirPath)]
    path: PathBuf,

    /// Write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct ImportReport {
    branches: Vec<serde_json::Value>,
    tags: Vec<serde_json::Value>,
    commits: usize,
    dags: usize,
    cut: usize,
    uris: serde_json::Value,
    left: Vec<serde_json::Value>,
    #[serde(skip)]
    import: Import,
    #[serde(skip)]
    dry_run: bool,
}

impl Report for ImportReport {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let mut table = Table::new(&["", "NAME", "HERE", "COMMIT"]);
        let kinds = [
            ("branch", &self.import.branches),
            ("tag", &self.import.tags),
        ];
        for (kind, pointers) in kinds {
            for pointer in pointers {
                table.row([
                    Cell::plain(kind),
                    Cell::plain(&pointer.from),
                    Cell::new(style::NAME, &pointer.name),
                    Cell::id(&pointer.commit.to_string()),
                ]);
            }
        }
        table.write(ui)?;
        let verb = if self.dry_run {
            "Would bring"
        } else {
            "Brought"
        };
        let (commits, dags) = (count(self.commits, "commit"), count(self.dags, "DAG"));
        let mut out = vec![format!("{verb} {commits} and {dags} over")];
        if self.cut > 0 {
            let commits = count(self.cut, "commit");
            out.push(format!(
                "What came before {commits} is not there, and not here"
            ));
        }
        for (from, to) in &self.import.uris {
            out.push(format!("{from:?} is no URI; it is {to} here"));
        }
        for (what, number) in &self.import.left {
            out.push(format!("Not brought over: {number} {what}"));
        }
        for each in out {
            writeln!(ui.out(), "{}", line(&each))?;
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, args: &ImportArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let import = released::import(&repository, &args.path, args.dry_run)?;
    let pointers = |pointers: &[Imported]| {
        pointers
            .iter()
            .map(|each| {
                json!({"from": each.from, "name": each.name, "commit": each.commit.to_string(),
                       "changed": each.changed})
            })
            .collect()
    };
    let report = ImportReport {
        branches: pointers(&import.branches),
        tags: pointers(&import.tags),
        commits: import.commits,
        dags: import.dags,
        cut: import.cut,
        uris: json!(import.uris),
        left: import
            .left
            .iter()
            .map(|(what, number)| json!({"what": what, "number": number}))
            .collect(),
        import,
        dry_run: args.dry_run,
    };
    context.ui.report(&report)
}
