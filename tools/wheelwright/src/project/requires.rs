//! `Requires-Dist` and `Provides-Extra`: what a package and its extras need.

use std::collections::BTreeMap;

use super::name::Name;
use super::requirement::{self, Checked};
use super::{Project, ProjectError};

/// The fields, in the order that `METADATA` has them.
///
/// # Errors
/// Something is not a requirement, or no name of an extra.
pub fn lines(project: &Project) -> Result<Vec<(&'static str, String)>, ProjectError> {
    let table = &project.table;
    let extras = extras(project)?;
    let mut lines = Vec::new();
    for (position, written) in table.dependencies.iter().enumerate() {
        let keys = ["project", "dependencies", &position.to_string()];
        let checked = requirement::check(written, None)
            .and_then(|checked| known_extras(project, &extras, checked))
            .map_err(|problem| project.error_at(&keys, problem))?;
        lines.push(("Requires-Dist", checked.text));
    }
    for (extra, list) in table.optional_dependencies.iter() {
        let field = "optional-dependencies";
        let Ok(name) = Name::parse(extra) else {
            continue; // refused above
        };
        lines.push(("Provides-Extra", name.normal().to_owned()));
        for (position, written) in list.iter().enumerate() {
            let keys = ["project", field, extra, &position.to_string()];
            let checked = requirement::check(written, Some(name.normal()))
                .and_then(|checked| known_extras(project, &extras, checked))
                .map_err(|problem| project.error_at(&keys, problem))?;
            lines.push(("Requires-Dist", checked.text));
        }
    }
    Ok(lines)
}

/// The extras by their normal form, as they are written: installers compare that
/// form (PEP 685), so two of the same would be one.
fn extras(project: &Project) -> Result<BTreeMap<String, &str>, ProjectError> {
    let mut extras = BTreeMap::new();
    for (extra, _) in project.table.optional_dependencies.iter() {
        let keys = ["project", "optional-dependencies", extra];
        let name = Name::parse(extra).map_err(|_| {
            let problem = format!(
                "{extra:?} is not a name of an extra: letters, digits, '-', '_' and '.', \
                 a letter or digit at both ends"
            );
            project.error_at(&keys, problem)
        })?;
        if let Some(other) = extras.insert(name.normal().to_owned(), extra.as_str()) {
            let problem = format!(
                "{extra:?} and {other:?} are one extra, {}; put both lists into one",
                name.normal()
            );
            return Err(project.error_at(&keys, problem));
        }
    }
    Ok(extras)
}

/// A package that asks for extras of its own must have them.
fn known_extras(
    project: &Project,
    extras: &BTreeMap<String, &str>,
    checked: Checked,
) -> Result<Checked, String> {
    let own = checked.name.normal() == project.name.normal();
    match checked
        .extras
        .iter()
        .find(|extra| !extras.contains_key(*extra))
    {
        Some(unknown) if own => Err(format!(
            "{} has no extra {unknown:?} in [project.optional-dependencies]",
            project.name
        )),
        _ => Ok(checked),
    }
}
