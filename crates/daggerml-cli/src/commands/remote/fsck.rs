use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::told::Told;
use crate::complete;
use crate::context::Context;
use crate::error::{CommandError, CommandErrorKind};
use crate::ui::{Report, Ui, size, style, text};

/// Read all of a remote, and name what is damaged
///
/// Every byte is compared with what names it, and every object that another one refers to
/// is looked for. The exit code is 1 when something is damaged.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml remote fsck
  dml remote fsck backup --json | jq -r '.findings[].name'")]
pub struct FsckArgs {
    /// The remote [default: the one that the branch follows, or origin, or the only one]
    #[arg(add = complete::remotes())]
    name: Option<String>,
}

#[derive(Serialize)]
struct Checked {
    remote: String,
    url: String,
    clean: bool,
    packs: u64,
    objects: u64,
    results: u64,
    bytes: u64,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    name: String,
    detail: String,
}

impl Report for Checked {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        for finding in &self.findings {
            let name = style::paint(style::REMOVED, &finding.name);
            writeln!(ui.out(), "{name}: {}", text::line(&finding.detail))?;
        }
        ui.note(format_args!(
            "Read {} with {}, and {} ({})",
            text::count(self.packs, "pack"),
            text::count(self.objects, "object"),
            text::count(self.results, "shared result"),
            size(self.bytes)
        ));
        if self.clean {
            ui.note("All of it is as it should be");
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, args: &FsckArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let remote = super::open(&repository, args.name.as_deref())?;
    let told = Told::new(context.ui);
    let report = remote.fsck(&told);
    drop(told);
    let report = report?;
    let clean = report.is_clean();
    let finding = |(name, detail)| Finding { name, detail };
    let checked = Checked {
        remote: remote.name().to_owned(),
        url: remote.address().to_owned(),
        clean,
        packs: report.packs,
        objects: report.objects,
        results: report.results,
        bytes: report.bytes,
        findings: report.findings.into_iter().map(finding).collect(),
    };
    context.ui.report(&checked)?;
    if clean {
        return Ok(());
    }
    let found = text::count(checked.findings.len(), "finding");
    Err(CommandError::new(
        CommandErrorKind::Damage,
        format!("{found} at {}", checked.url),
    )
    .hint(
        "who still has what is damaged can push it to a new remote; `dml fsck` checks a \
             repository",
    ))
}
