//! Which fields core metadata has, and what its versions are.

use super::super::problem::Problem;
use crate::artifact::headers::Headers;

/// The metadata versions that an index takes: 1.3 and 2.0 were never in use.
const VERSIONS: &[(u32, u32)] = &[
    (1, 0),
    (1, 1),
    (1, 2),
    (2, 1),
    (2, 2),
    (2, 3),
    (2, 4),
    (2, 5),
];

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
    ("License-File", (2, 4), false),
    ("Import-Name", (2, 5), false),
    ("Import-Namespace", (2, 5), false),
];

/// The metadata version as two numbers, when it is written as such.
pub fn version(metadata: &Headers) -> Option<(u32, u32)> {
    let (major, minor) = metadata.get("Metadata-Version")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether core metadata has a field of this name, in any case.
pub fn is_known(name: &str) -> bool {
    FIELDS.iter().any(|(n, ..)| n.eq_ignore_ascii_case(name))
}

/// What is wrong with the set of fields. `early` is of build backends that wrote
/// `License-File` before metadata 2.4 had it: uploaders leave that field out, so
/// that the index takes the artifact.
pub fn problems(metadata: &Headers, early: bool) -> Vec<Problem> {
    let mut list = Vec::new();
    let builder = "correct the project's pyproject.toml, or its build backend";
    let mut add = |found: String, allowed: &str, fix: &str| {
        list.push(Problem::new(found, allowed).with_fix(fix));
    };
    let stated = metadata.get("Metadata-Version").unwrap_or("missing");
    let taken = |version: &(u32, u32)| {
        VERSIONS.contains(version) && stated == format!("{}.{}", version.0, version.1)
    };
    let version = version(metadata).filter(taken).unwrap_or_else(|| {
        let found = format!("Metadata-Version is {stated}");
        add(found, "1.0, 1.1, 1.2 or 2.1 to 2.5", builder);
        (2, 5)
    });
    for required in ["Name", "Version"] {
        if metadata.get(required).is_none_or(str::is_empty) {
            add(format!("{required} is missing"), "a value", builder);
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in &metadata.fields {
        let known = FIELDS.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name));
        let Some((canonical, since, single)) = known else {
            let found = format!("the field {name} is unknown");
            add(found, "fields of core metadata", builder);
            continue;
        };
        if *since > version && !(early && *canonical == "License-File") {
            add(
                format!("{canonical} in Metadata-Version {stated}"),
                &format!("from {}.{} on", since.0, since.1),
                "use a newer build backend, or leave the field out",
            );
        }
        if *single && seen.contains(canonical) {
            add(format!("{canonical} is there twice"), "once", builder);
        }
        seen.push(canonical);
    }
    if !metadata.body.trim().is_empty() && seen.contains(&"Description") {
        add(
            "Description is there twice, as field and body".into(),
            "once",
            builder,
        );
    }
    list
}
