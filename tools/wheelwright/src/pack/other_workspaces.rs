//! Other workspaces of the repository: crates from outside of the extension's workspace
//! inherit from their manifests, so an sdist has the part of these that is about them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::PackError;
use super::crates::{LocalCrates, below, forget_tests};
use crate::project::cargo_toml::CargoToml;
use crate::project::files::File;
use crate::work_tree::plain;

/// The manifests of these workspaces, with their paths relative to the extension's.
///
/// # Errors
/// A manifest cannot be read.
pub(super) fn manifests(crates: &LocalCrates) -> Result<Vec<File>, PackError> {
    let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let outside = crates.all.iter().filter(|one| one.folder.starts_with(".."));
    for one in outside {
        if !inherits(&Value::Table(
            crates.read_manifest(&one.path("Cargo.toml"))?,
        )) {
            continue;
        }
        let folder = plain(&crates.root.join(&one.folder));
        let root = plain(CargoToml::read(&folder.join("Cargo.toml"))?.root());
        if let (Some(place), Some(member)) = (below(&crates.root, &root), below(&root, &folder)) {
            members.entry(place).or_default().push(member);
        }
    }
    let mut files = Vec::new();
    for (place, members) in members {
        let path = format!("{place}/Cargo.toml");
        let mut manifest = crates.read_manifest(&path)?;
        let root = plain(&crates.root.join(&place));
        if members.iter().any(String::is_empty) {
            forget_tests(&mut manifest);
        } else {
            manifest.retain(|table, _| table == "workspace");
        }
        if let Some(workspace) = manifest.get_mut("workspace").and_then(Value::as_table_mut) {
            cut(workspace, crates, &root, &members);
        }
        let bytes = manifest.to_string().into_bytes();
        files.push(File { path, bytes });
    }
    Ok(files)
}

/// Does a manifest say `workspace = true` of anything?
fn inherits(value: &Value) -> bool {
    match value {
        Value::Table(table) => table.iter().any(|(key, value)| {
            inherits(value) || key == "workspace" && *value == Value::from(true)
        }),
        Value::Array(array) => array.iter().any(inherits),
        _ => false,
    }
}

/// Leaves in a `[workspace]` what is about `members`.
fn cut(workspace: &mut Table, crates: &LocalCrates, root: &Path, members: &[String]) {
    let list = |names: Vec<String>| Value::Array(names.into_iter().map(Value::from).collect());
    let kept = members.iter().filter(|one| !one.is_empty()).cloned();
    workspace.insert("members".to_owned(), list(kept.collect()));
    let own = below(root, &crates.root).filter(|own| !own.starts_with(".."));
    workspace.insert("exclude".to_owned(), list(own.into_iter().collect()));
    for key in ["default-members", "metadata"] {
        workspace.remove(key);
    }
    let there: Vec<PathBuf> = (crates.all.iter())
        .map(|one| plain(&crates.root.join(&one.folder)))
        .collect();
    let shared = workspace.get_mut("dependencies");
    if let Some(shared) = shared.and_then(Value::as_table_mut) {
        shared.retain(|_, dependency| {
            let path = dependency.get("path").and_then(Value::as_str);
            path.is_none_or(|path| there.contains(&plain(&root.join(path))))
        });
    }
}
