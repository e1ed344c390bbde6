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

fn judge(metadata: &Headers, by_setuptools: bool) -> Vec<Problem> {
    let mut list = fields::problems(metadata, by_setuptools);
    list.extend(values::problems(metadata));
    list
}

/// Whether setuptools made the artifact: its wheels say so, its sdists have an
/// `.egg-info` folder.
fn by_setuptools(subject: &Subject<'_>) -> bool {
    if let Some(wheel) = subject.info("WHEEL") {
        let wheel = Headers::parse(wheel.text.as_deref().unwrap_or_default());
        let generator = wheel.get("Generator").unwrap_or_default();
        return generator.starts_with("bdist_wheel") || generator.starts_with("setuptools");
    }
    let made = |path: &str| path.ends_with(".egg-info/PKG-INFO");
    subject.sdist.is_some() && subject.members.iter().any(|m| made(&m.path))
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
            format!("line {line} is no field: {text}"),
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
    for problem in judge(&metadata, by_setuptools(subject)) {
        findings.add_problem(METADATA_FIELD, path, problem);
    }
    for problem in values::oddities(&metadata) {
        findings.add_problem(METADATA_SPEC, path, problem);
    }
}
