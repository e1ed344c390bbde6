//! Rules on names: of the file, of its top folder, and what metadata says.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use pep440_rs::Version;

use super::rules::{METADATA_AGREE, NAME_FORMAT, NAME_NORMAL};
use super::{Findings, Subject};
use crate::artifact::file_name::normalize;

const REBUILD: &str = "build it anew instead of renaming; all three come from pyproject.toml";

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for (parsed, form) in [
        (
            subject.wheel.as_ref().and_then(|w| w.as_ref().err()),
            "name-version[-build]-python-abi-platform.whl",
        ),
        (
            subject.sdist.as_ref().and_then(|s| s.as_ref().err()),
            "name-version.tar.gz",
        ),
    ] {
        if let Some(reason) = parsed {
            let fix = "rename it as its builder named it";
            findings.add(NAME_FORMAT, None, reason, form, fix);
        }
    }
    // An index stores the metadata beside the file, under its name and `.metadata`.
    if subject.artifact.file_name.len() > 255 - ".metadata".len() {
        findings.add(
            NAME_FORMAT,
            None,
            format!("{} bytes", subject.artifact.file_name.len()),
            "no more than 246 bytes",
            "shorten the project's name, its version or the set of tags",
        );
    }
    let stated = stated(subject);
    file_name(subject, stated.as_ref(), findings);
    if let Some((name, version)) = &stated {
        folder(subject, name, version, findings);
    }
    if subject.wheel.is_some() {
        dist_info(subject, findings);
    }
}

/// Name and version that METADATA or PKG-INFO states.
fn stated(subject: &Subject<'_>) -> Option<(String, String)> {
    let (_, metadata) = subject.metadata()?;
    let name = metadata.get("Name").filter(|n| !n.is_empty())?;
    let version = metadata.get("Version").filter(|v| !v.is_empty())?;
    Some((name.to_owned(), version.to_owned()))
}

/// A project's name as file names write it.
fn escaped(name: &str) -> String {
    normalize(name).replace('-', "_")
}

fn same_version(a: &str, b: &str) -> bool {
    match (Version::from_str(a), Version::from_str(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

fn file_name(subject: &Subject<'_>, stated: Option<&(String, String)>, findings: &mut Findings) {
    let (name, version) = match (subject.wheel_name(), &subject.sdist) {
        (Some(wheel), _) => (&wheel.name, &wheel.version),
        (None, Some(Ok(sdist))) => (&sdist.name, &sdist.version),
        _ => return,
    };
    let Ok(parsed) = Version::from_str(version) else {
        findings.add(
            NAME_FORMAT,
            None,
            format!("{version} is not a version"),
            "a PEP 440 version",
            REBUILD,
        );
        return;
    };
    if *name != escaped(name) {
        findings.add(
            NAME_FORMAT,
            None,
            format!("begins with {name}"),
            format!("{}, the normalised name", escaped(name)),
            "use a build backend that writes the name so; an index refuses others",
        );
    }
    // Of wheels an index compares versions, of sdists it wants the very text that
    // the version in the metadata has when it is normalised.
    let (rule, normal) = match stated {
        Some((_, stated)) if subject.sdist.is_some() => {
            let stated = Version::from_str(stated);
            (NAME_FORMAT, stated.unwrap_or(parsed).to_string())
        }
        None if subject.sdist.is_some() => (NAME_FORMAT, parsed.to_string()),
        _ => (NAME_NORMAL, parsed.to_string()),
    };
    if *version != normal {
        findings.add(
            rule,
            None,
            format!("the version is written {version}"),
            normal,
            "use a build backend that writes the version so",
        );
    }
    if let Some((stated_name, stated_version)) = stated {
        differ(
            subject,
            "the file name",
            (name, version),
            (stated_name, stated_version),
            findings,
        );
    }
}

/// The top folder's name, against what metadata says.
fn folder(subject: &Subject<'_>, name: &str, version: &str, findings: &mut Findings) {
    let Some(root) = subject.root.as_deref() else {
        return;
    };
    if let Some(other) = root.trim_end_matches(".dist-info").rsplit_once('-') {
        let what = format!("the folder {root}");
        differ(subject, &what, other, (name, version), findings);
    }
}

fn differ(
    subject: &Subject<'_>,
    what: &str,
    other: (&str, &str),
    stated: (&str, &str),
    findings: &mut Findings,
) {
    // Old tools write a dash of the version as an underscore.
    let version = other.1.replace('_', "-");
    if normalize(other.0) == normalize(stated.0) && same_version(&version, stated.1) {
        return;
    }
    let path = subject.metadata().map(|(member, _)| member.path.clone());
    findings.add(
        METADATA_AGREE,
        path.as_deref(),
        format!(
            "metadata says {} {}, {what} {} {}",
            stated.0, stated.1, other.0, other.1
        ),
        "the same everywhere",
        REBUILD,
    );
}

/// An index looks for METADATA, WHEEL and RECORD in one folder, by its exact name.
fn dist_info(subject: &Subject<'_>, findings: &mut Findings) {
    let folders: BTreeSet<&str> = subject
        .members
        .iter()
        .filter_map(|m| m.path.split_once('/'))
        .map(|(top, _)| top)
        .filter(|top| top.to_ascii_lowercase().ends_with(".dist-info"))
        .collect();
    if folders.len() > 1 {
        let list: Vec<&str> = folders.iter().copied().collect();
        findings.add(
            METADATA_AGREE,
            None,
            format!("several .dist-info folders: {}", list.join(", ")),
            "one",
            REBUILD,
        );
    }
    let Some(wheel) = subject.wheel_name() else {
        return;
    };
    let wanted = format!("{}-{}.dist-info", wheel.name, wheel.version);
    if !folders.contains(wanted.as_str())
        && let Some(found) = folders.first()
    {
        findings.add(
            METADATA_AGREE,
            None,
            format!("the folder is {found}"),
            format!("{wanted}, as the file name has it"),
            REBUILD,
        );
    }
}
