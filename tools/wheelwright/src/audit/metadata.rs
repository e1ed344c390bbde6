//! Rules on METADATA and PKG-INFO.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{Requirement, VerbatimUrl};

use super::rules::{
    METADATA_AGREE, METADATA_FIELD, METADATA_FORMAT, METADATA_MISSING, METADATA_VERSION,
    NAME_FORMAT,
};
use super::{Findings, Subject};
use crate::artifact::file_name::normalize;
use crate::artifact::headers::Headers;

/// Fields with the metadata version that brought them and whether one is the most.
const FIELDS: &[(&str, (u32, u32), bool)] = &[
    ("Metadata-Version", (1, 0), true),
    ("Name", (1, 0), true),
    ("Version", (1, 0), true),
    ("Platform", (1, 0), false),
    ("Supported-Platform", (1, 1), false),
    ("Summary", (1, 0), true),
    ("Description", (1, 0), true),
    ("Keywords", (1, 0), true),
    ("Home-page", (1, 0), true),
    ("Download-URL", (1, 1), true),
    ("Author", (1, 0), true),
    ("Author-email", (1, 0), true),
    ("License", (1, 0), true),
    ("Classifier", (1, 1), false),
    ("Requires", (1, 1), false),
    ("Provides", (1, 1), false),
    ("Obsoletes", (1, 1), false),
    ("Maintainer", (1, 2), true),
    ("Maintainer-email", (1, 2), true),
    ("Requires-Dist", (1, 2), false),
    ("Requires-Python", (1, 2), true),
    ("Requires-External", (1, 2), false),
    ("Project-URL", (1, 2), false),
    ("Provides-Dist", (1, 2), false),
    ("Obsoletes-Dist", (1, 2), false),
    ("Description-Content-Type", (2, 1), true),
    ("Provides-Extra", (2, 1), false),
    ("Dynamic", (2, 2), false),
    ("License-Expression", (2, 4), true),
    // Its own version is 2.4; setuptools wrote it years before, and indexes took it.
    ("License-File", (2, 1), false),
    ("Import-Name", (2, 5), false),
    ("Import-Namespace", (2, 5), false),
];

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    if let Some(Err(reason)) = &subject.sdist {
        findings.add(
            NAME_FORMAT,
            None,
            reason,
            "name-version.tar.gz",
            "rename it as its builder named it",
        );
    }
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
    let path = member.path.clone();
    format(&path, &metadata, findings);
    fields(&path, &metadata, findings);
    values(&path, &metadata, findings);
    agree(subject, &path, &metadata, findings);
}

fn format(path: &str, metadata: &Headers, findings: &mut Findings) {
    let fix = "let the build backend write it";
    if !metadata.utf8 {
        findings.add(METADATA_FORMAT, Some(path), "it is not UTF-8", "UTF-8", fix);
    }
    for (line, text) in &metadata.stray {
        findings.add(
            METADATA_FORMAT,
            Some(path),
            format!("line {line} is no field: {text}"),
            "`Name: value`",
            fix,
        );
    }
}

/// The metadata version as two numbers.
pub fn version(metadata: &Headers) -> Option<(u32, u32)> {
    let (major, minor) = metadata.get("Metadata-Version")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn fields(path: &str, metadata: &Headers, findings: &mut Findings) {
    let fix = "correct the project's pyproject.toml, or its build backend";
    let stated = metadata.get("Metadata-Version").unwrap_or("missing");
    let version = match version(metadata) {
        Some(version) if ((1, 0)..=(2, 5)).contains(&version) => version,
        _ => {
            let found = format!("Metadata-Version is {stated}");
            findings.add(METADATA_FIELD, Some(path), found, "1.0 to 2.5", fix);
            (2, 5)
        }
    };
    if version < (2, 4) {
        findings.add(
            METADATA_VERSION,
            Some(path),
            format!("Metadata-Version {stated}"),
            "2.4 or later",
            "use a build backend that writes PEP 639 metadata",
        );
    }
    for required in ["Name", "Version"] {
        if metadata.get(required).is_none_or(str::is_empty) {
            findings.add(
                METADATA_FIELD,
                Some(path),
                format!("{required} is missing"),
                "a value",
                fix,
            );
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in &metadata.fields {
        let known = FIELDS.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name));
        let Some((canonical, since, single)) = known else {
            let found = format!("the field {name} is unknown");
            findings.add(
                METADATA_FIELD,
                Some(path),
                found,
                "fields of core metadata",
                fix,
            );
            continue;
        };
        if *since > version {
            findings.add(
                METADATA_FIELD,
                Some(path),
                format!("{canonical} in Metadata-Version {stated}"),
                format!("from {}.{} on", since.0, since.1),
                "use a newer build backend, or leave the field out",
            );
        }
        if *single && seen.contains(canonical) {
            findings.add(
                METADATA_FIELD,
                Some(path),
                format!("{canonical} is there twice"),
                "once",
                fix,
            );
        }
        seen.push(canonical);
    }
    if !metadata.body.trim().is_empty() && seen.contains(&"Description") {
        findings.add(
            METADATA_FIELD,
            Some(path),
            "Description is there twice, as field and body",
            "once",
            fix,
        );
    }
}

fn values(path: &str, metadata: &Headers, findings: &mut Findings) {
    let fix = "correct it in pyproject.toml";
    if let Some(name) = metadata.get("Name")
        && !valid_name(name)
    {
        let allowed = "ASCII letters, digits, `-_.` between them";
        findings.add(
            METADATA_FIELD,
            Some(path),
            format!("Name is {name}"),
            allowed,
            fix,
        );
    }
    if let Some(version) = metadata.get("Version")
        && let Err(reason) = Version::from_str(version)
    {
        let found = format!("Version is {version}: {}", one_line(&reason.to_string()));
        findings.add(METADATA_FIELD, Some(path), found, "a PEP 440 version", fix);
    } else if metadata.get("Version").is_some_and(|v| v.contains('+')) {
        findings.add(
            METADATA_FIELD,
            Some(path),
            format!("Version is {}", metadata.get("Version").unwrap_or_default()),
            "a version without a local part (`+…`), which an index refuses",
            fix,
        );
    }
    if let Some(python) = metadata.get("Requires-Python")
        && let Err(reason) = VersionSpecifiers::from_str(python)
    {
        let found = format!(
            "Requires-Python is {python}: {}",
            one_line(&reason.to_string())
        );
        findings.add(METADATA_FIELD, Some(path), found, "version specifiers", fix);
    }
    requirements(path, metadata, findings);
    for extra in metadata.all("Provides-Extra") {
        if !valid_name(extra) {
            findings.add(
                METADATA_FIELD,
                Some(path),
                format!("Provides-Extra: {extra}"),
                "a valid name",
                fix,
            );
        }
    }
    if let Some(summary) = metadata.get("Summary")
        && (summary.contains('\n') || summary.chars().count() > 512)
    {
        findings.add(
            METADATA_FIELD,
            Some(path),
            "Summary is long",
            "one line of up to 512 characters",
            fix,
        );
    }
    for url in metadata.all("Project-URL") {
        let label = url.split_once(',').map_or(url, |(label, _)| label);
        if !url.contains(',') || label.chars().count() > 32 {
            findings.add(
                METADATA_FIELD,
                Some(path),
                format!("Project-URL: {url}"),
                "`label, URL`, the label up to 32 characters",
                fix,
            );
        }
    }
}

fn requirements(path: &str, metadata: &Headers, findings: &mut Findings) {
    let fix = "correct it in pyproject.toml";
    for requirement in metadata.all("Requires-Dist") {
        match Requirement::<VerbatimUrl>::from_str(requirement) {
            Err(reason) => {
                let found = format!(
                    "Requires-Dist: {requirement}: {}",
                    one_line(&reason.to_string())
                );
                findings.add(
                    METADATA_FIELD,
                    Some(path),
                    found,
                    "a PEP 508 requirement",
                    fix,
                );
            }
            Ok(Requirement {
                version_or_url: Some(pep508_rs::VersionOrUrl::Url(_)),
                ..
            }) => {
                let allowed = "a name and versions; an index refuses direct links";
                findings.add(
                    METADATA_FIELD,
                    Some(path),
                    format!("Requires-Dist: {requirement}"),
                    allowed,
                    fix,
                );
            }
            Ok(_) => {}
        }
    }
}

/// An error message's first line.
fn one_line(message: &str) -> &str {
    message.lines().next().unwrap_or(message)
}

fn valid_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.chars().all(inner) && edge(name.chars().next()) && edge(name.chars().last())
}

fn agree(subject: &Subject<'_>, path: &str, metadata: &Headers, findings: &mut Findings) {
    let fix = "build it anew instead of renaming; all three come from pyproject.toml";
    let (Some(name), Some(version)) = (metadata.get("Name"), metadata.get("Version")) else {
        return;
    };
    let mut differ = |what: String, other_name: &str, other_version: &str| {
        // In file names a dash may stand as an underscore.
        let same_version = match (
            Version::from_str(&other_version.replace('_', "-")),
            Version::from_str(version),
        ) {
            (Ok(a), Ok(b)) => a == b,
            _ => other_version == version,
        };
        if normalize(other_name) != normalize(name) || !same_version {
            findings.add(
                METADATA_AGREE,
                Some(path),
                format!("metadata says {name} {version}, {what} {other_name} {other_version}"),
                "the same everywhere",
                fix,
            );
        }
    };
    if let Some(wheel) = subject.wheel_name() {
        differ("the file name".into(), &wheel.name, &wheel.version);
    }
    if let Some(Ok(sdist)) = &subject.sdist {
        differ("the file name".into(), &sdist.name, &sdist.version);
    }
    if let Some(root) = subject.root.as_deref()
        && let Some((folder_name, folder_version)) =
            root.trim_end_matches(".dist-info").rsplit_once('-')
    {
        differ(format!("the folder {root}"), folder_name, folder_version);
    }
    if subject.wheel.is_some() {
        let folders: std::collections::BTreeSet<&str> = subject
            .members
            .iter()
            .filter_map(|m| m.path.split_once('/'))
            .map(|(top, _)| top)
            .filter(|top| top.ends_with(".dist-info"))
            .collect();
        if folders.len() > 1 {
            let list: Vec<&str> = folders.into_iter().collect();
            findings.add(
                METADATA_AGREE,
                None,
                format!("several .dist-info folders: {}", list.join(", ")),
                "one",
                fix,
            );
        }
    }
}
