//! Rules on METADATA and PKG-INFO.

mod address;
mod classifiers;
mod fields;
mod imports;
mod uri;
mod values;

use super::problem::Problem;
use super::rules::{
    METADATA_FIELD, METADATA_FORMAT, METADATA_MISSING, METADATA_SPEC, METADATA_VERSION,
};
use super::{Findings, Subject};
use crate::artifact::headers::Headers;

pub use fields::version;
pub use imports::is_identifier;

/// What an index refuses in the fields of METADATA or PKG-INFO.
pub fn metadata_fields(metadata: &Headers) -> Vec<Problem> {
    judge(metadata, false)
}

fn judge(metadata: &Headers, early: bool) -> Vec<Problem> {
    let mut list = fields::problems(metadata, early);
    list.extend(values::problems(metadata));
    list
}

/// Backends that wrote `License-File` before metadata 2.4 had it, as they call
/// themselves in WHEEL.
const EARLY: &[&str] = &[
    "bdist_wheel",
    "flit",
    "hatchling",
    "maturin",
    "pdm",
    "poetry",
    "scikit-build-core",
    "setuptools",
];

/// Whether one of them made the artifact. An sdist does not say who made it.
fn is_early(subject: &Subject<'_>) -> bool {
    let Some(wheel) = subject.info("WHEEL") else {
        return subject.sdist.is_some();
    };
    let wheel = Headers::parse(wheel.text.as_deref().unwrap_or_default());
    let generator = wheel.get("Generator").unwrap_or_default();
    EARLY.iter().any(|backend| generator.starts_with(backend))
}

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some((member, metadata)) = subject.metadata() else {
        if subject.wheel.is_some() {
            findings.add(
                METADATA_MISSING,
                None,
                "there is no METADATA",
                "one in .dist-info",
                "pack the wheel with its build backend",
            );
        }
        return;
    };
    let path = Some(member.path.as_str());
    let builder = "let the build backend write it";
    if !metadata.utf8 {
        findings.add(METADATA_FORMAT, path, "it is not UTF-8", "UTF-8", builder);
    }
    for (line, text) in &metadata.stray {
        findings.add(
            METADATA_FORMAT,
            path,
            format!("line {line} is not a field: {text}"),
            "`Name: value`",
            builder,
        );
    }
    if version(&metadata).is_some_and(|v| v < (2, 4)) {
        findings.add(
            METADATA_VERSION,
            path,
            format!(
                "Metadata-Version {}",
                metadata.get("Metadata-Version").unwrap_or_default()
            ),
            "2.4 or later",
            "use a build backend that writes PEP 639 metadata",
        );
    }
    for problem in judge(&metadata, is_early(subject)) {
        findings.add_problem(METADATA_FIELD, path, problem);
    }
    for problem in values::oddities(&metadata) {
        findings.add_problem(METADATA_SPEC, path, problem);
    }
}
