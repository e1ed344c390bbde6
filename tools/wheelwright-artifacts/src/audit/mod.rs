//! Auditing any wheel or sdist.
//!
//! Members are unpacked once, in `subject`, which keeps the facts that rules
//! need. Each other module holds one group of rules over those facts; the ids
//! are in [`rules`].

#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the formats, and Python's import, fix the case of suffixes"
)]

mod abi3;
mod archive_tar;
mod archive_zip;
mod contents;
mod data_folder;
mod elf;
mod encrypted;
mod entry_points;
mod expression;
mod finding;
mod leaks;
mod license;
mod macho;
mod metadata;
mod names;
mod pe;
mod policy;
mod problem;
mod readme;
mod record;
mod report;
pub mod rules;
mod sarif;
mod subject;
mod tables;
mod tags;
mod wheel_file;

use std::path::Path;

use crate::artifact::{Artifact, Kind, ReadError};

pub use entry_points::entry_points;
pub use expression::license_expression;
pub use finding::{Finding, Severity};
pub use metadata::metadata_fields;
pub use policy::{Policy, PolicyError, Profile};
pub use problem::Problem;
pub use report::Report;
pub use sarif::{sarif, sarif_log};

use rules::Rule;
use subject::Subject;

/// Why an artifact could not be audited.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It cannot be read at all.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The policy names what does not exist.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Audits one file.
///
/// # Errors
/// When the file cannot be read as an artifact; whatever can be read is judged
/// in the report instead.
pub fn audit_file(path: &Path, policy: &Policy) -> Result<Report, AuditError> {
    audit(path, &Artifact::open(path, policy.limits)?, policy)
}

/// Audits an artifact that is already in memory; `path` names it.
///
/// # Errors
/// As [`audit_file`].
pub fn audit_bytes(path: &Path, bytes: Vec<u8>, policy: &Policy) -> Result<Report, AuditError> {
    audit(
        path,
        &Artifact::from_bytes(path, bytes, policy.limits)?,
        policy,
    )
}

fn audit(path: &Path, artifact: &Artifact, policy: &Policy) -> Result<Report, AuditError> {
    let policy = policy.clone().check()?;
    let mut findings = Findings {
        selected: policy.selected(),
        list: Vec::new(),
    };
    let subject = Subject::inspect(artifact, &policy, &findings);
    match artifact.kind {
        Kind::Wheel => {
            archive_zip::check(&subject, &mut findings);
            record::check(&subject, &mut findings);
            wheel_file::check(&subject, &mut findings);
            data_folder::check(&subject, &mut findings);
            entry_points::check(&subject, &mut findings);
            tags::check(&subject, &mut findings);
            elf::check(&subject, &mut findings);
            macho::check(&subject, &mut findings);
            pe::check(&subject, &mut findings);
            abi3::check(&subject, &mut findings);
        }
        Kind::Sdist => archive_tar::check(&subject, &mut findings),
    }
    names::check(&subject, &mut findings);
    metadata::check(&subject, &mut findings);
    license::check(&subject, &mut findings);
    readme::check(&subject, &mut findings);
    contents::check(&subject, &mut findings);
    encrypted::check(&subject, &mut findings);
    leaks::check(&subject, &mut findings);
    Ok(Report::new(path, artifact, findings.list))
}

/// Collects findings of the selected rules.
struct Findings {
    selected: std::collections::BTreeSet<&'static str>,
    list: Vec<Finding>,
}

/// Most findings of one rule that are listed; the last says how many more.
const MOST_PER_RULE: usize = 50;

impl Findings {
    fn wants(&self, rule: Rule) -> bool {
        self.selected.contains(rule.id)
    }

    /// Adds what was found in the text of a member.
    fn add_problem(&mut self, rule: Rule, member: Option<&str>, problem: Problem) {
        self.add(rule, member, problem.found, problem.allowed, problem.fix);
    }

    /// Adds one finding: what is there, what may be, what to do.
    fn add(
        &mut self,
        rule: Rule,
        member: Option<&str>,
        found: impl AsRef<str>,
        allowed: impl Into<String>,
        fix: impl Into<String>,
    ) {
        if !self.wants(rule) {
            return;
        }
        let so_far = self.list.iter().rev().filter(|f| f.rule == rule.id).count();
        if so_far > MOST_PER_RULE {
            return;
        }
        let (member, found) = if so_far == MOST_PER_RULE {
            (
                None,
                "more of the same; only the first are listed".to_owned(),
            )
        } else {
            (
                member.map(finding::printable),
                finding::printable(found.as_ref()),
            )
        };
        self.list.push(Finding {
            rule: rule.id,
            severity: rule.severity,
            member,
            found,
            allowed: allowed.into(),
            fix: fix.into(),
        });
    }
}
