//! The outcome of one audit, and how it is printed.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::finding::{Finding, Severity};
use crate::artifact::Artifact;

/// The outcome of auditing one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The file, as it was named.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
    /// Broken rules, worst first, then by rule and member.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(path: &Path, artifact: &Artifact, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            let key = |f: &Finding| (std::cmp::Reverse(f.severity), f.rule);
            key(a)
                .cmp(&key(b))
                .then_with(|| a.member.cmp(&b.member))
                .then_with(|| a.found.cmp(&b.found))
        });
        findings.dedup();
        Self {
            file: super::finding::printable(&path.display().to_string()),
            sha256: artifact.sha256.clone(),
            size: artifact.size,
            findings,
        }
    }

    /// Whether no rule is broken.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|f| f.severity == severity)
            .count()
    }

    /// One line for each finding, for people.
    pub fn lines(&self) -> String {
        let file = self.file.rsplit('/').next().unwrap_or(&self.file);
        self.findings.iter().fold(String::new(), |mut out, f| {
            let severity = match f.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let place = f
                .member
                .as_ref()
                .map_or_else(String::new, |m| format!("{m}: "));
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                "{file}: {severity}[{}] {place}{}; allowed: {}; fix: {}",
                f.rule, f.found, f.allowed, f.fix
            );
            out
        })
    }
}
