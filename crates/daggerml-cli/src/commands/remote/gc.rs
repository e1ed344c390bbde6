use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use daggerml::transfer::remote::RemoteGcOptions;
use serde::Serialize;

use super::told::Told;
use crate::complete;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Report, Ui, size, text};

/// Remove what no branch or tag of a remote reaches, and old results of calls
///
/// Safe beside those who push and fetch. What of the remote is not here yet is fetched
/// first. Small packs are written anew as few larger ones.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml remote gc --dry-run     only say what would go
  dml remote gc backup --grace 0")]
pub struct GcArgs {
    /// The remote [default: the one that the branch follows, or origin, or the only one]
    #[arg(add = complete::remotes())]
    name: Option<String>,

    /// How many hours old garbage must be, by the remote's clock, so that a push that runs
    /// need not begin again
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    grace: u32,

    /// For how many days a shared result stays that no branch or tag names [default: the
    /// setting remote.NAME.result-days, or 90]
    #[arg(long, value_name = "DAYS")]
    result_days: Option<u64>,

    /// Leave small packs as they are
    #[arg(long)]
    no_repack: bool,

    /// Only say what would be done
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Collected {
    remote: String,
    url: String,
    dry_run: bool,
    packs: u64,
    rewritten: u64,
    dropped: u64,
    deleted: u64,
    bytes: u64,
    waiting: u64,
    results: u64,
    results_deleted: u64,
}

impl Report for Collected {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        let (does, writes) = if self.dry_run {
            ("Would delete", "would be")
        } else if self.rewritten == 1 {
            ("Deleted", "was")
        } else {
            ("Deleted", "were")
        };
        writeln!(
            ui.out(),
            "{does} {} ({})",
            text::count(self.deleted, "blob"),
            size(self.bytes)
        )?;
        if self.rewritten > 0 {
            let packs = text::count(self.rewritten, "pack");
            writeln!(ui.out(), "{packs} {writes} written anew")?;
        }
        if self.waiting > 0 {
            let blobs = text::count(self.waiting, "blob");
            ui.note(format_args!("{blobs} too young to be deleted: see --grace"));
        }
        writeln!(ui.out(), "Packs: {}", self.packs)?;
        if self.results + self.results_deleted > 0 {
            writeln!(ui.out(), "Shared results: {}", self.results)?;
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, args: &GcArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let remote = super::open(&repository, args.name.as_deref())?;
    let options = RemoteGcOptions {
        grace: Duration::from_secs(u64::from(args.grace) * 3600),
        repack: !args.no_repack,
        result_days: args.result_days,
        dry_run: args.dry_run,
    };
    let told = Told::new(context.ui);
    let report = remote.gc(&repository, &options, &told);
    drop(told);
    let report = report?;
    context.ui.report(&Collected {
        remote: remote.name().to_owned(),
        url: remote.address().to_owned(),
        dry_run: report.dry_run,
        packs: report.packs,
        rewritten: report.rewritten,
        dropped: report.dropped,
        deleted: report.deleted,
        bytes: report.bytes,
        waiting: report.waiting,
        results: report.results,
        results_deleted: report.results_deleted,
    })
}
