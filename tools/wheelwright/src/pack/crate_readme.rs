//! The README of an extension's crate that lies outside of the project: an sdist has it
//! beside the crate's manifest, which names it.

use toml::{Table, Value};

use super::crates::LocalCrates;
use crate::project::cargo_toml::CargoToml;
use crate::project::files::File;
use crate::project::pyproject::Readme;
use crate::project::{Project, ProjectError, source};

/// Adds it to the files of an sdist, if `project` leaves its description to the crate and no
/// file of the project is meant.
///
/// # Errors
/// A file cannot be read.
pub(super) fn add(
    project: &Project,
    crates: &LocalCrates,
    files: &mut Vec<File>,
) -> Result<(), ProjectError> {
    let elsewhere =
        matches!(&project.table.readme, Some(Readme::Typed(typed)) if typed.file.is_none());
    if !elsewhere || !project.table.dynamic.iter().any(|field| field == "readme") {
        return Ok(());
    }
    let Some(path) = CargoToml::read(&crates.manifest())?.file("readme") else {
        return Ok(());
    };
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(());
    };
    let bytes = std::fs::read(&path).map_err(|source| ProjectError::Read {
        path: path.clone(),
        source,
    })?;
    let manifest = crates.extension.path("Cargo.toml");
    for file in files.iter_mut().filter(|file| file.path == manifest) {
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        let mut table: Table = source::parse(&crates.manifest(), &text)?;
        if let Some(package) = table.get_mut("package").and_then(Value::as_table_mut) {
            package.insert("readme".to_owned(), Value::from(name));
        }
        file.bytes = table.to_string().into_bytes();
    }
    let path = crates.extension.path(name);
    files.retain(|file| file.path != path);
    files.push(File { path, bytes });
    Ok(())
}
