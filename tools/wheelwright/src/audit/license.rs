//! Rules on licences (PEP 639).

use super::metadata::version;
use super::rules::{LICENSE_CLASSIFIER, LICENSE_EXPRESSION, LICENSE_FILES, LICENSE_PRESENT};
use super::{Findings, Subject};

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some((member, metadata)) = subject.metadata() else {
        return;
    };
    let path = Some(member.path.as_str());
    if let Some(expression) = metadata.get("License-Expression") {
        if let Err(reason) = parse(expression) {
            findings.add(
                LICENSE_EXPRESSION,
                path,
                format!("{expression}: {reason}"),
                "an SPDX expression",
                "write one such as `MIT OR Apache-2.0` in project.license",
            );
        }
        if metadata.get("License").is_some() {
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
    // Before 2.4 backends wrote the field with paths of their own.
    if version(&metadata).is_some_and(|v| v < (2, 4)) {
        return;
    }
    let folder = if subject.wheel.is_some() {
        "licenses/"
    } else {
        ""
    };
    for file in named {
        let escapes = super::archive_zip::path_problem(file);
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

fn parse(expression: &str) -> Result<(), String> {
    // SPDX ids are compared without case in metadata; `LicenseRef-` ones are free.
    let mode = spdx::ParseMode {
        allow_deprecated: true,
        ..spdx::ParseMode::STRICT
    };
    match spdx::Expression::parse_mode(expression, mode) {
        Ok(_) => Ok(()),
        Err(error) => spdx::Expression::canonicalize(expression)
            .ok()
            .flatten()
            .filter(|canonical| {
                canonical.eq_ignore_ascii_case(expression)
                    && spdx::Expression::parse_mode(canonical, mode).is_ok()
            })
            .map(|_| ())
            .ok_or_else(|| error.reason.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "GPL-3.0-only WITH Classpath-exception-2.0",
            "LicenseRef-Proprietary",
            "mit",
        ] {
            assert_eq!(parse(good), Ok(()), "{good}");
        }
        for bad in ["", "MIT License", "MIT AND", "MIT/Apache-2.0", "BSD"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
