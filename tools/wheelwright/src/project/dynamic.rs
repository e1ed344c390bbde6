//! `project.dynamic` of a package with an extension: what `Cargo.toml` says, as maturin
//! takes it from there.

use std::path::Path;

use super::cargo_toml::CargoToml;
use super::license;
use super::pyproject::{License, Pairs, Person, ProjectTable, Readme, TypedReadme};

/// What `Cargo.toml` can say.
const FIELDS: &[&str] = &[
    "version",
    "description",
    "readme",
    "license",
    "license-files",
    "authors",
    "keywords",
    "urls",
];

/// The names that a README has where a crate does not say.
const READMES: &[&str] = &["README.md", "README.txt", "README.rst", "README"];

/// The table of a project that has none: all is left to the crate.
pub fn all_of(cargo: &CargoToml) -> ProjectTable {
    ProjectTable {
        name: cargo.text("name").unwrap_or_default().to_owned(),
        dynamic: FIELDS.iter().map(|field| (*field).to_owned()).collect(),
        ..ProjectTable::default()
    }
}

/// A sentence with the position in `dynamic` that it is about.
pub type AtField = (usize, String);

/// Fills in the fields that the project in `folder` leaves to `Cargo.toml`. Returns those
/// that no `Cargo.toml` can say.
///
/// # Errors
/// A field that `Cargo.toml` does not say although it must.
pub fn fill(
    table: &mut ProjectTable,
    cargo: &CargoToml,
    folder: &Path,
) -> Result<Vec<AtField>, AtField> {
    let mut unknown = Vec::new();
    for (position, field) in table.dynamic.clone().iter().enumerate() {
        if FIELDS.contains(&field.as_str()) {
            fill_one(table, field, cargo, folder).map_err(|problem| (position, problem))?;
        } else {
            let problem = format!(
                "{field:?} is in no Cargo.toml (which says {}); write it into [project]",
                FIELDS.join(", ")
            );
            unknown.push((position, problem));
        }
    }
    Ok(unknown)
}

fn fill_one(
    table: &mut ProjectTable,
    field: &str,
    cargo: &CargoToml,
    folder: &Path,
) -> Result<(), String> {
    let path = cargo.path.display();
    match field {
        "version" if table.version.is_empty() => {
            let written = cargo.text("version").ok_or_else(|| {
                format!("\"version\" is left to {path}, which has no [package] version; write one")
            })?;
            let version: pep440_rs::Version = written.parse().map_err(|_| {
                format!(
                    "\"version\" is left to {path}, whose {written:?} is no version of a Python \
                     package (PEP 440); write version into [project]"
                )
            })?;
            table.version = version.to_string();
        }
        "description" if table.description.is_none() => {
            let written = cargo.text("description").unwrap_or_default();
            let words: Vec<&str> = written.split_whitespace().collect();
            table.description = Some(words.join(" ")).filter(|text| !text.is_empty());
        }
        "readme" if table.readme.is_none() => table.readme = readme(cargo, folder)?,
        "license" if table.license.is_none() => {
            table.license = cargo.text("license").map(|written| {
                let labelled = table
                    .classifiers
                    .iter()
                    .any(|one| one.starts_with("License ::"));
                // How crates wrote `OR` before SPDX.
                let parts: Vec<&str> = written.split('/').map(str::trim).collect();
                match license::expression(&parts.join(" OR ")) {
                    // An index refuses an expression beside a classifier (PEP 639).
                    Ok(expression) if !labelled => License::Expression(expression),
                    _ => License::Text(written.to_owned()),
                }
            });
            table.license_file = license_file(cargo, folder);
        }
        "license-files" if table.license_files.is_none() => {
            table.license_file = license_file(cargo, folder);
        }
        "authors" if table.authors.is_empty() => {
            table.authors = cargo.texts("authors").into_iter().map(person).collect();
        }
        "keywords" if table.keywords.is_empty() => {
            table.keywords = cargo
                .texts("keywords")
                .into_iter()
                .map(str::to_owned)
                .collect();
        }
        "urls" if table.urls.is_empty() => {
            let labels = [
                ("Homepage", "homepage"),
                ("Documentation", "documentation"),
                ("Source Code", "repository"),
            ];
            let written = labels.iter().filter_map(|(label, key)| {
                Some(((*label).to_owned(), cargo.text(key)?.to_owned()))
            });
            table.urls = Pairs(written.collect());
        }
        _ => {} // written down as well; what is written counts
    }
    Ok(())
}

/// The crate's README: a file of the project, or the text of one that lies elsewhere.
fn readme(cargo: &CargoToml, folder: &Path) -> Result<Option<Readme>, String> {
    if cargo.denies("readme") {
        return Ok(None);
    }
    let usual = || {
        let all = READMES.iter().map(|name| cargo.folder().join(name));
        all.into_iter().find(|path| path.is_file())
    };
    let Some(path) = cargo.file("readme").or_else(usual) else {
        return Ok(None);
    };
    if let Some(inside) = inside(&path, folder) {
        return Ok(Some(match content_type(&path) {
            "text/plain" => Readme::Typed(TypedReadme {
                file: Some(inside),
                text: None,
                content_type: Some("text/plain".to_owned()),
            }),
            _ => Readme::File(inside),
        }));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!(
            "\"readme\" is left to {}, and {} cannot be read: {error}",
            cargo.path.display(),
            path.display()
        )
    })?;
    Ok(Some(Readme::Typed(TypedReadme {
        file: None,
        text: Some(text),
        content_type: Some(content_type(&path).to_owned()),
    })))
}

fn content_type(path: &Path) -> &'static str {
    let suffix = path.extension().unwrap_or_default().to_ascii_lowercase();
    match suffix.to_str() {
        Some("md" | "markdown") => "text/markdown",
        Some("rst") => "text/x-rst",
        _ => "text/plain",
    }
}

/// The crate's licence file, if it is one of the project's.
fn license_file(cargo: &CargoToml, folder: &Path) -> Option<String> {
    inside(&cargo.file("license-file")?, folder).filter(|file| folder.join(file).is_file())
}

/// A path of the project, relative to its folder, with `/`.
fn inside(path: &Path, folder: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .strip_prefix(folder)
        .ok()?
        .components()
        .map(|part| match part {
            std::path::Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    Some(parts?.join("/"))
}

/// `Name <address>`, as cargo writes people.
fn person(written: &str) -> Person {
    let (name, email) = match written.rsplit_once('<') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix('>')),
        None => (written.trim(), None),
    };
    Person {
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        email: email.map(|email| email.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::person;

    #[test]
    fn people_of_cargo() {
        for (written, name, email) in [
            (
                "A. Uthor <a@example.org>",
                Some("A. Uthor"),
                Some("a@example.org"),
            ),
            ("A. Uthor", Some("A. Uthor"), None),
            ("<a@example.org>", None, Some("a@example.org")),
        ] {
            let person = person(written);
            assert_eq!(
                (person.name.as_deref(), person.email.as_deref()),
                (name, email)
            );
        }
    }
}
