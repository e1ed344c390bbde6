//! The `METADATA` of a package (core metadata 2.4, or 2.5 for import names).

use std::fmt::Write as _;
use std::str::FromStr as _;

use wheelwright_artifacts::audit::Profile;

use super::pyproject::License;
use super::text::{many_lines, one_line};
use super::{Project, ProjectError, license, people, readme, requires, urls};

/// A wheel's `METADATA`, also an sdist's `PKG-INFO`. Whoever reads it gets back
/// what `pyproject.toml` says, or there is an error.
///
/// # Errors
/// A field of `pyproject.toml` cannot be used, or the README cannot be read.
pub fn metadata(project: &Project, license_files: &[String]) -> Result<String, ProjectError> {
    let table = &project.table;
    let version = if table.import_names.is_some() || table.import_namespaces.is_some() {
        "2.5"
    } else {
        "2.4"
    };
    let mut lines = Lines {
        project,
        text: format!("Metadata-Version: {version}\n"),
    };
    lines.add("Name", &["project", "name"], project.name.written())?;
    lines.add(
        "Version",
        &["project", "version"],
        &project.version.to_string(),
    )?;
    if let Some(summary) = table.description.as_deref().filter(|text| !text.is_empty()) {
        lines.add("Summary", &["project", "description"], summary)?;
    }
    for (label, address) in table.urls.iter() {
        let keys = ["project", "urls", label];
        urls::check(label, address).map_err(|problem| project.error_at(&keys, problem))?;
        lines.add("Project-URL", &keys, &format!("{label}, {address}"))?;
    }
    for (field, key, people) in [
        ("Author", "authors", &table.authors),
        ("Maintainer", "maintainers", &table.maintainers),
    ] {
        let keys = ["project", key];
        let people = people::lines(people).map_err(|(position, problem)| {
            project.error_at(&["project", key, &position.to_string()], problem)
        })?;
        if !people.names.is_empty() {
            lines.add(field, &keys, &people.names)?;
        }
        if !people.addresses.is_empty() {
            lines.add(&format!("{field}-email"), &keys, &people.addresses)?;
        }
    }
    match &table.license {
        Some(License::Expression(written)) => {
            let expression = expression(project, written)?;
            lines.add("License-Expression", &["project", "license"], &expression)?;
        }
        Some(License::Text(written)) => {
            let folded = folded(written)
                .map_err(|problem| project.error_at(&["project", "license"], problem))?;
            let _ = writeln!(lines.text, "License: {folded}");
        }
        Some(License::File(_)) | None => {}
    }
    for file in license_files {
        lines.add("License-File", &["project", "license-files"], file)?;
    }
    if let Some(keywords) = keywords(project)? {
        lines.add("Keywords", &["project", "keywords"], &keywords)?;
    }
    for (position, classifier) in table.classifiers.iter().enumerate() {
        let keys = ["project", "classifiers", &position.to_string()];
        // PEP 639 has no use for both, but indexes take them, and so do maturin's projects.
        let both = matches!(table.license, Some(License::Expression(_)))
            && project.settings.audit.profile != Profile::Index;
        if both && classifier.starts_with("License ::") {
            let problem = format!(
                "{classifier:?} says the same as `license`, which PEP 639 has in its place; \
                 remove it"
            );
            return Err(project.error_at(&keys, problem));
        }
        lines.add("Classifier", &keys, classifier)?;
    }
    if let Some(range) = pythons(project)? {
        lines.add("Requires-Python", &["project", "requires-python"], &range)?;
    }
    for (field, value) in requires::lines(project)? {
        lines.add(field, &["project"], &value)?;
    }
    for (field, key, names) in [
        ("Import-Name", "import-names", &table.import_names),
        (
            "Import-Namespace",
            "import-namespaces",
            &table.import_namespaces,
        ),
    ] {
        for name in names.iter().flatten() {
            lines.add(field, &["project", key], name)?;
        }
    }
    if let Some(readme) = &table.readme {
        let (content_type, body) = readme::read(project, readme)?;
        lines.add(
            "Description-Content-Type",
            &["project", "readme", "content-type"],
            &content_type,
        )?;
        lines.text.push('\n');
        lines.text.push_str(&body);
    }
    Ok(lines.text)
}

/// The lines that are written so far.
struct Lines<'a> {
    project: &'a Project,
    text: String,
}

impl Lines<'_> {
    /// Adds a field, whose value comes from the key of `pyproject.toml`.
    fn add(&mut self, field: &str, keys: &[&str], value: &str) -> Result<(), ProjectError> {
        let value = one_line(value).map_err(|problem| self.project.error_at(keys, problem))?;
        let _ = writeln!(self.text, "{field}: {value}");
        Ok(())
    }
}

/// A licence's text, whose further lines begin with spaces, as e-mail headers fold.
fn folded(written: &str) -> Result<String, String> {
    let text = many_lines(written)?;
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    if lines.is_empty() {
        return Err(
            "is empty; write an SPDX expression such as \"MIT\", or remove the key".to_owned(),
        );
    }
    Ok(lines.join("\n        "))
}

/// The Python versions that the package runs on.
fn pythons(project: &Project) -> Result<Option<String>, ProjectError> {
    let Some(written) = &project.table.requires_python else {
        return Ok(None);
    };
    let range = pep440_rs::VersionSpecifiers::from_str(written).map_err(|error| {
        let problem = error.to_string().replace('\n', " ");
        project.error_at(&["project", "requires-python"], problem)
    })?;
    Ok(Some(range.to_string().replace(", ", ",")))
}

/// The licence, as an SPDX expression.
fn expression(project: &Project, written: &str) -> Result<String, ProjectError> {
    license::expression(written).map_err(|problem| {
        let problem = format!(
            "{written:?} is not an SPDX expression ({problem}); write one such as \"MIT\" or \
             \"LicenseRef-Own\", and name the licence's text in license-files"
        );
        project.error_at(&["project", "license"], problem)
    })
}

/// The search words, separated by commas.
fn keywords(project: &Project) -> Result<Option<String>, ProjectError> {
    let words = &project.table.keywords;
    for (position, word) in words.iter().enumerate() {
        let checked = match one_line(word) {
            Ok(word) if word.contains(',') => Err(format!(
                "{word:?} has a comma, which separates keywords; write two"
            )),
            checked => checked.map(|_| ()),
        };
        checked.map_err(|problem| {
            project.error_at(&["project", "keywords", &position.to_string()], problem)
        })?;
    }
    Ok((!words.is_empty()).then(|| words.join(",")))
}
