//! Rules on licences (PEP 639).

use super::expression::license_expression;
use super::metadata::version;
use super::rules::{LICENSE_CLASSIFIER, LICENSE_EXPRESSION, LICENSE_FILES, LICENSE_PRESENT};
use super::{Findings, Subject};

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some((member, metadata)) = subject.metadata() else {
        return;
    };
    let path = Some(member.path.as_str());
    if let Some(expression) = metadata.get("License-Expression") {
        if let Err(reason) = license_expression(expression) {
            findings.add(
                LICENSE_EXPRESSION,
                path,
                format!("{expression}: {reason}"),
                "an SPDX expression",
                "write one such as `MIT OR Apache-2.0` in project.license",
            );
        }
        if metadata.get("License").is_some_and(|l| !l.is_empty()) {
            findings.add(
                LICENSE_EXPRESSION,
                path,
                "the field License besides License-Expression",
                "License-Expression alone",
                "remove the old statement; an index refuses both together",
            );
        }
        if let Some(classifier) = metadata
            .all("Classifier")
            .find(|c| c.starts_with("License ::"))
        {
            findings.add(
                LICENSE_CLASSIFIER,
                path,
                classifier,
                "License-Expression alone",
                "remove the classifier: PEP 639 forbids both together",
            );
        }
    } else {
        findings.add(
            LICENSE_PRESENT,
            path,
            "there is no License-Expression",
            "an SPDX expression",
            "set project.license = \"MIT\" (or your own) in pyproject.toml",
        );
    }
    let named: Vec<&str> = metadata.all("License-File").collect();
    if named.is_empty() {
        findings.add(
            LICENSE_PRESENT,
            path,
            "there is no License-File",
            "the licence text in the artifact",
            "set project.license-files in pyproject.toml",
        );
    }
    // Before 2.4, where the field is an error, backends wrote paths of their own.
    if version(&metadata).is_some_and(|v| v < (2, 4)) {
        return;
    }
    let folder = if subject.wheel.is_some() {
        "licenses/"
    } else {
        ""
    };
    for file in named {
        let escapes = path_problem(file);
        if escapes.is_some() || subject.info(&format!("{folder}{file}")).is_none() {
            findings.add(
                LICENSE_FILES,
                path,
                format!(
                    "License-File {file}: {}",
                    escapes.unwrap_or("there is no such file")
                ),
                format!(
                    "a file at {}/{folder}{file}",
                    subject.root.as_deref().unwrap_or_default()
                ),
                "correct project.license-files, or use a build backend that packs them",
            );
        }
    }
}

/// What an index refuses in the path of a licence file.
fn path_problem(path: &str) -> Option<&'static str> {
    if path.contains("..") {
        // Wherever they stand; an index looks no closer.
        Some("it has two dots in a row")
    } else if path.contains('*') {
        Some("it is a pattern")
    } else {
        super::archive_zip::path_problem(path)
    }
}
