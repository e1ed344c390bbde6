use std::io::{self, Write};

use clap::Args;
use daggerml::maintenance::fsck::{self, Finding, Subject};
use daggerml::record::Kind;
use serde::Serialize;

use super::gc::KindTotal;
use crate::context::Context;
use crate::error::{CommandError, CommandErrorKind};
use crate::ui::{Report, Ui, size, style, text};

/// Check everything, and name what is damaged
///
/// Every object is hashed and decoded, every reference followed. The exit code is
/// 1 when anything is damaged. Nothing is changed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml fsck
  dml fsck --deep
  dml fsck --json | jq '.findings[]'")]
pub struct FsckArgs {
    /// Do builtin operations again, and compare what they make with what is stored
    #[arg(long)]
    deep: bool,
}

#[derive(Serialize)]
struct Checked {
    clean: bool,
    objects: Vec<KindTotal>,
    excised: Vec<ExcisedObject>,
    /// How many commits a shallow clone leaves out.
    shallow: u64,
    /// Values that a filter left at remotes.
    promised: Promised,
    findings: Vec<FindingReport>,
    lost_pages: u64,
}

#[derive(Serialize)]
struct Promised {
    objects: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct ExcisedObject {
    kind: &'static str,
    id: String,
    reason: String,
}

/// Something that is damaged.
#[derive(Serialize)]
struct FindingReport {
    /// `page`, `object` or `entry`.
    subject: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What is damaged, in words.
    name: String,
    detail: String,
    referrers: Vec<String>,
    lost: Vec<String>,
}

impl FindingReport {
    fn new(finding: &Finding) -> Self {
        let (subject, kind, id) = match &finding.subject {
            Subject::Page(_) => ("page", None, None),
            Subject::Object(kind, id) => ("object", kind.map(Kind::as_str), Some(id.to_string())),
            Subject::Entry(..) => ("entry", None, None),
        };
        Self {
            subject,
            kind,
            id,
            name: finding.subject.to_string(),
            detail: finding.detail.clone(),
            referrers: finding
                .referrers
                .iter()
                .map(|reference| format!("{} {}", reference.kind, reference.id))
                .collect(),
            lost: finding.lost.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Report for Checked {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        for finding in &self.findings {
            let name = style::paint(style::REMOVED, text::line(&finding.name));
            writeln!(ui.out(), "{name}: {}", text::line(&finding.detail))?;
            for referrer in &finding.referrers {
                writeln!(ui.out(), "  referred to by {referrer}")?;
            }
            for lost in &finding.lost {
                writeln!(ui.out(), "  lost: {}", text::line(lost))?;
            }
        }
        for object in &self.excised {
            let reason = text::line(&object.reason);
            writeln!(
                ui.out(),
                "{} {} was excised: {reason}",
                object.kind,
                style::short(&object.id)
            )?;
        }
        if self.lost_pages > 0 {
            writeln!(
                ui.out(),
                "{} pages are out of use (harmless)",
                self.lost_pages
            )?;
        }
        if self.shallow > 0 {
            writeln!(
                ui.out(),
                "The history is shallow: {} before it stayed at the remote",
                text::count(self.shallow, "commit")
            )?;
        }
        if self.promised.objects > 0 {
            writeln!(
                ui.out(),
                "{} ({}) stayed at remotes",
                text::count(self.promised.objects, "value"),
                size(self.promised.bytes)
            )?;
        }
        let sound: u64 = self.objects.iter().map(|total| total.objects).sum();
        writeln!(
            ui.out(),
            "{sound} objects are sound, {} things are damaged",
            self.findings.len()
        )
    }
}

pub fn run(context: &mut Context<'_>, args: &FsckArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let mut progress = context.ui.progress();
    let options = fsck::Options { deep: args.deep };
    let report = fsck::fsck_with(repository.store(), options, &mut |step| progress.step(step));
    drop(progress);
    let report = report?;
    context.ui.report(&Checked {
        clean: report.is_clean(),
        objects: KindTotal::of(&report.objects),
        excised: report
            .excised
            .iter()
            .map(|excised| ExcisedObject {
                kind: excised.object.kind.as_str(),
                id: excised.object.id.to_string(),
                reason: excised.reason.clone(),
            })
            .collect(),
        shallow: report.shallow,
        promised: Promised {
            objects: report.promised.objects,
            bytes: report.promised.bytes,
        },
        findings: report.findings.iter().map(FindingReport::new).collect(),
        lost_pages: report.lost_pages,
    })?;
    if report.is_clean() {
        return Ok(());
    }
    Err(
        CommandError::new(CommandErrorKind::Damage, "the repository is damaged")
            .hint("keep a copy of the folder .dml as it is, then restore what is lost from a copy or a bundle"),
    )
}
