//! The edits of one TOML file, each noted.

use std::collections::BTreeSet;

use toml_edit::{DocumentMut, Item};

use super::{Note, text};
use crate::project::requirement;
use crate::version::Version;

/// Replaces a string and keeps what surrounds it.
fn replace(item: &mut Item, what: &str, wanted: &str, change: &mut Note<'_>) {
    let Some(value) = item.as_value_mut() else {
        return;
    };
    let Some(found) = value.as_str().map(str::to_owned) else {
        return;
    };
    change(what, &found, wanted);
    if found != wanted {
        let decor = value.decor().clone();
        *value = wanted.into();
        *value.decor_mut() = decor;
    }
}

pub(super) fn root_manifest(manifest: &mut DocumentMut, wanted: Version, change: &mut Note<'_>) {
    let wanted = wanted.semver();
    let Some(workspace) = manifest.get_mut("workspace") else {
        return;
    };
    if let Some(version) = workspace
        .get_mut("package")
        .and_then(|p| p.get_mut("version"))
    {
        replace(version, "[workspace.package] version", &wanted, change);
    }
    let dependencies = workspace.get_mut("dependencies");
    for (name, dependency) in dependencies
        .and_then(Item::as_table_like_mut)
        .into_iter()
        .flat_map(|table| table.iter_mut())
    {
        if dependency.get("path").is_some()
            && let Some(version) = dependency.get_mut("version")
        {
            let what = format!("[workspace.dependencies] {name}");
            replace(version, &what, &wanted, change);
        }
    }
}

pub(super) fn lock_file(
    lock: &mut DocumentMut,
    crates: &BTreeSet<String>,
    wanted: Version,
    change: &mut Note<'_>,
) {
    let packages = lock
        .get_mut("package")
        .and_then(Item::as_array_of_tables_mut);
    for package in packages.into_iter().flat_map(|all| all.iter_mut()) {
        let name = package
            .get("name")
            .and_then(Item::as_str)
            .map(str::to_owned);
        let Some(name) = name.filter(|name| crates.contains(name)) else {
            continue;
        };
        if package.get("source").is_none()
            && let Some(version) = package.get_mut("version")
        {
            replace(version, &name, &wanted.semver(), change);
        }
    }
}

pub(super) fn project(
    pyproject: &mut DocumentMut,
    names: &BTreeSet<String>,
    wanted: Version,
    change: &mut Note<'_>,
) {
    let Some(project) = pyproject.get_mut("project") else {
        return;
    };
    if let Some(version) = project.get_mut("version") {
        replace(version, "project.version", &wanted.pep440(), change);
    }
    let mut lists = Vec::new();
    if let Some(project) = project.as_table_like_mut() {
        for (key, item) in project.iter_mut() {
            match key.get() {
                "dependencies" => lists.push(item),
                "optional-dependencies" => lists.extend(
                    item.as_table_like_mut()
                        .into_iter()
                        .flat_map(|table| table.iter_mut())
                        .map(|(_, item)| item),
                ),
                _ => {}
            }
        }
    }
    for list in lists {
        for value in list
            .as_array_mut()
            .into_iter()
            .flat_map(|all| all.iter_mut())
        {
            let Some(written) = value.as_str().map(str::to_owned) else {
                continue;
            };
            let Ok(checked) = requirement::check(&written, None) else {
                continue;
            };
            if !names.contains(checked.name.normal()) {
                continue;
            }
            let ranged = text::with_range(&written, &wanted.range());
            let what = format!("the range for {}", checked.name);
            change(&what, &written, &ranged);
            if written != ranged {
                let decor = value.decor().clone();
                *value = ranged.into();
                *value.decor_mut() = decor;
            }
        }
    }
}
