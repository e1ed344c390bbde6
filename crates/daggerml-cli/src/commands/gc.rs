use std::io::{self, Write};

use clap::Args;
use daggerml::maintenance::{Totals, gc};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Cell, Report, Table, Ui, size};

/// Remove objects that nothing refers to
///
/// What branches, tags, drafts and running calls reach is kept. Safe beside
/// other programs that read and write. What becomes free is given back to the file
/// system (not on Windows), except for what somebody still reads.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml gc --dry-run     only say what would go
  dml gc")]
pub struct GcArgs {
    /// Only say what would be removed
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Collected {
    dry_run: bool,
    kept: Vec<KindTotal>,
    removed: Vec<KindTotal>,
    file: FileSize,
}

/// How many bytes the data file had and has.
#[derive(Serialize)]
struct FileSize {
    before: u64,
    after: u64,
}

/// How much there is of one kind of object.
#[derive(Serialize)]
pub struct KindTotal {
    pub kind: &'static str,
    pub objects: u64,
    pub bytes: u64,
}

impl KindTotal {
    /// Returns all kinds of `totals`.
    pub fn of(totals: &Totals) -> Vec<Self> {
        totals
            .iter()
            .map(|(kind, total)| Self {
                kind: kind.as_str(),
                objects: total.objects,
                bytes: total.bytes,
            })
            .collect()
    }
}

impl Report for Collected {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let removed = if self.dry_run { "TO REMOVE" } else { "REMOVED" };
        let mut table = Table::new(&["", "KIND", "OBJECTS", "BYTES"]);
        for (title, totals) in [("KEPT", &self.kept), (removed, &self.removed)] {
            let mut title = title;
            for total in totals.iter().filter(|total| total.objects > 0) {
                table.row([
                    Cell::plain(title),
                    Cell::plain(total.kind),
                    Cell::number(total.objects),
                    Cell::number(size(total.bytes)),
                ]);
                title = "";
            }
        }
        table.write(ui)?;
        if self.dry_run {
            return Ok(());
        }
        let (before, after) = (size(self.file.before), size(self.file.after));
        writeln!(ui.out(), "The data file had {before}, and has {after} now")
    }
}

pub fn run(context: &mut Context<'_>, args: &GcArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let options = gc::Options {
        dry_run: args.dry_run,
    };
    let mut progress = context.ui.progress();
    let report = gc::gc(repository.store(), options, &mut |step| progress.step(step));
    drop(progress);
    let report = report?;
    if report.removed.all().objects == 0 {
        context.ui.note("Nothing to remove");
    }
    context.ui.report(&Collected {
        dry_run: report.dry_run,
        kept: KindTotal::of(&report.kept),
        removed: KindTotal::of(&report.removed),
        file: FileSize {
            before: report.file.before,
            after: report.file.after,
        },
    })
}
