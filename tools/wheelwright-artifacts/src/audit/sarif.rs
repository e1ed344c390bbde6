//! Findings as SARIF 2.1.0, which code hosts show beside the source.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::finding::Severity;
use super::report::Report;
use super::rules::RULES;

/// One SARIF log of several reports.
pub fn sarif(reports: &[Report]) -> Value {
    let level = |severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.summary },
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        })
        .collect();
    let results: Vec<Value> = reports
        .iter()
        .flat_map(|report| report.findings.iter().map(move |finding| (report, finding)))
        .map(|(report, finding)| {
            let mut location = json!({
                "physicalLocation": { "artifactLocation": { "uri": uri(&report.file) } },
            });
            if let Some(member) = &finding.member {
                location["logicalLocations"] = json!([{ "fullyQualifiedName": member, "kind": "member" }]);
            }
            json!({
                "ruleId": finding.rule,
                "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule),
                "level": level(finding.severity),
                "message": {
                    "text": format!("{}; allowed: {}; fix: {}", finding.found, finding.allowed, finding.fix),
                },
                "locations": [location],
            })
        })
        .collect();
    sarif_log(&rules, &results)
}

/// Makes a SARIF log of one run of this tool, of its rules and its results.
pub fn sarif_log(rules: &[Value], results: &[Value]) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "wheelwright",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "results": results,
        }],
    })
}

/// A path as a URI reference: what is not plain is percent-encoded.
fn uri(path: &str) -> String {
    path.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) {
            out.push(char::from(b));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}
