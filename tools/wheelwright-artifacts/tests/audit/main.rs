//! Every rule of the audit: artifacts that break none, and for each rule at
//! least one that breaks it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    clippy::format_push_string,
    reason = "helpers of tests panic to fail, and write formats byte by byte"
)]

mod compare;
mod elf;
mod green;
mod hostile;
mod macho;
mod pe;
mod red_archive;
mod red_binary;
mod red_index;
mod red_metadata;
mod sdist;
mod tars;
mod wheel;

use std::collections::BTreeSet;

use wheelwright_artifacts::audit::{Report, rules};

/// A rule's id and an artifact that breaks it.
type Red = (&'static str, Report);

/// The ids of the rules a report says are broken.
fn broken(report: &Report) -> BTreeSet<&str> {
    report.findings.iter().map(|f| f.rule).collect()
}

#[test]
fn every_rule_can_fail() {
    let mut seen = BTreeSet::new();
    let cases = [
        red_archive::cases(),
        red_metadata::cases(),
        red_binary::cases(),
        red_index::cases(),
    ]
    .concat();
    let mut passed = Vec::new();
    for (rule, report) in &cases {
        if !broken(report).contains(rule) {
            passed.push(format!(
                "{rule}: {} gives {:?}",
                report.file,
                broken(report)
            ));
        }
        seen.insert(*rule);
    }
    assert!(passed.is_empty(), "{passed:#?}");
    let untested: Vec<&str> = rules::RULES
        .iter()
        .map(|rule| rule.id)
        .filter(|id| !seen.contains(id))
        .collect();
    // The compiler that makes ELF files for these tests is a Linux one.
    let elf = |id: &&str| id.starts_with("elf-") && !cfg!(target_os = "linux");
    assert!(untested.iter().all(elf), "no red fixture for {untested:?}");
}

#[test]
fn the_specification_lists_the_same_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/audit.md");
    let text = std::fs::read_to_string(path).unwrap();
    let listed: BTreeSet<(&str, &str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let id = cells.next()?.trim_end_matches('`');
            Some((id, cells.next()?, cells.next()?))
        })
        .filter(|(_, severity, _)| matches!(*severity, "error" | "warning"))
        .collect();
    let coded: BTreeSet<(&str, &str, &str)> = rules::RULES
        .iter()
        .map(|rule| {
            let severity = match rule.severity {
                wheelwright_artifacts::audit::Severity::Error => "error",
                wheelwright_artifacts::audit::Severity::Warning => "warning",
            };
            let profile = match rule.profile {
                wheelwright_artifacts::audit::Profile::Index => "index",
                wheelwright_artifacts::audit::Profile::Ours => "ours",
                wheelwright_artifacts::audit::Profile::Strict => "strict",
            };
            (rule.id, severity, profile)
        })
        .collect();
    assert_eq!(listed, coded);
}
