//! The `METADATA` and `entry_points.txt` of a package (core metadata 2.4).

use std::fmt::Write as _;

use super::pyproject::{Person, Readme};
use super::{Project, ProjectError, requirement};

/// A wheel's `METADATA`, also an sdist's `PKG-INFO`.
///
/// # Errors
/// A field of `pyproject.toml` cannot be used, or the README cannot be read.
pub fn metadata(project: &Project, license_files: &[String]) -> Result<String, ProjectError> {
    let table = &project.table;
    let mut text = String::from("Metadata-Version: 2.4\n");
    let mut line = |field: &str, value: &str| -> Result<(), ProjectError> {
        if value.contains(['\n', '\r']) {
            return Err(project.field_error(field, "must be a single line"));
        }
        let _ = writeln!(text, "{field}: {value}");
        Ok(())
    };
    line("Name", project.name.written())?;
    line("Version", &project.version.to_string())?;
    if let Some(summary) = &table.description {
        line("Summary", summary)?;
    }
    for (label, address) in table.urls.iter() {
        line("Project-URL", &format!("{label}, {address}"))?;
    }
    for (field, email_field, people) in [
        ("Author", "Author-email", &table.authors),
        ("Maintainer", "Maintainer-email", &table.maintainers),
    ] {
        let (names, addresses) = people_lines(people);
        if !names.is_empty() {
            line(field, &names)?;
        }
        if !addresses.is_empty() {
            line(email_field, &addresses)?;
        }
    }
    if let Some(license) = &table.license {
        line("License-Expression", license)?;
    }
    for file in license_files {
        line("License-File", file)?;
    }
    if !table.keywords.is_empty() {
        line("Keywords", &table.keywords.join(","))?;
    }
    for classifier in &table.classifiers {
        line("Classifier", classifier)?;
    }
    if let Some(range) = &table.requires_python {
        let range: pep440_rs::VersionSpecifiers =
            range
                .parse()
                .map_err(|error: pep440_rs::VersionSpecifiersParseError| {
                    project.field_error("project.requires-python", error.to_string())
                })?;
        line("Requires-Python", &range.to_string().replace(", ", ","))?;
    }
    for written in &table.dependencies {
        let checked = requirement::check(written, None)
            .map_err(|problem| project.field_error("project.dependencies", problem))?;
        line("Requires-Dist", &checked.text)?;
    }
    for (extra, list) in table.optional_dependencies.iter() {
        line("Provides-Extra", extra)?;
        for written in list {
            let checked = requirement::check(written, Some(extra))
                .map_err(|problem| project.field_error("project.optional-dependencies", problem))?;
            line("Requires-Dist", &checked.text)?;
        }
    }
    if let Some(readme) = &table.readme {
        let (file, content_type) = readme_type(project, readme)?;
        line("Description-Content-Type", &content_type)?;
        let body = String::from_utf8(project.read_file(&file)?)
            .map_err(|_| project.field_error("project.readme", format!("{file} is not UTF-8")))?;
        text.push('\n');
        text.push_str(&body.replace("\r\n", "\n"));
    }
    Ok(text)
}

/// A wheel's `entry_points.txt`; `None` if the package has no entry points.
pub fn entry_points(project: &Project) -> Option<String> {
    let table = &project.table;
    let mut groups = vec![
        ("console_scripts", &table.scripts),
        ("gui_scripts", &table.gui_scripts),
    ];
    groups.extend(
        table
            .entry_points
            .iter()
            .map(|(group, entries)| (group.as_str(), entries)),
    );
    let mut sections = Vec::new();
    for (group, entries) in groups {
        if entries.is_empty() {
            continue;
        }
        let mut section = format!("[{group}]\n");
        for (name, target) in entries.iter() {
            let _ = writeln!(section, "{name} = {target}");
        }
        sections.push(section);
    }
    (!sections.is_empty()).then(|| sections.join("\n"))
}

fn people_lines(people: &[Person]) -> (String, String) {
    let mut names = Vec::new();
    let mut addresses = Vec::new();
    for person in people {
        match (&person.name, &person.email) {
            (Some(name), Some(email)) => addresses.push(format!("{name} <{email}>")),
            (Some(name), None) => names.push(name.clone()),
            (None, Some(email)) => addresses.push(email.clone()),
            (None, None) => {}
        }
    }
    (names.join(", "), addresses.join(", "))
}

fn readme_type(project: &Project, readme: &Readme) -> Result<(String, String), ProjectError> {
    match readme {
        Readme::Typed(typed) => Ok((typed.file.clone(), typed.content_type.clone())),
        Readme::File(file) => {
            let extension = file
                .rsplit_once('.')
                .map(|(_, extension)| extension.to_ascii_lowercase());
            let content_type = match extension.as_deref() {
                Some("md") => "text/markdown",
                Some("rst") => "text/x-rst",
                Some("txt") => "text/plain",
                _ => {
                    return Err(project.field_error(
                        "project.readme",
                        format!("the type of {file:?} is not clear; write {{ file = ..., content-type = ... }}"),
                    ));
                }
            };
            Ok((file.clone(), content_type.to_owned()))
        }
    }
}
