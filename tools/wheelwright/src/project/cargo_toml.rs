//! `Cargo.toml` of an extension's crate, as far as a wheel is made of it. It is read as
//! a file: no program is started.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{ProjectError, source};
use crate::work_tree::plain;

/// The crates by which an extension speaks with Python.
pub(super) const BINDINGS: &[&str] = &["pyo3", "pyo3-ffi"];

/// The manifest of a crate, with what it inherits from its workspace.
#[derive(Debug, Clone)]
pub struct CargoToml {
    /// Its path.
    pub path: PathBuf,
    /// The whole file.
    pub(super) table: Table,
    /// The workspace's folder, and its `[workspace]`.
    pub(super) workspace: Option<(PathBuf, Table)>,
}

impl CargoToml {
    /// Reads the manifest at `path`.
    ///
    /// # Errors
    /// It, or its workspace's, cannot be read, or is not TOML.
    pub fn read(path: &Path) -> Result<Self, ProjectError> {
        let table = read(path)?;
        let folder = path.parent().unwrap_or(path);
        let workspace = workspace(folder, &table)?;
        Ok(Self {
            path: path.to_owned(),
            table,
            workspace,
        })
    }

    /// The crate's folder.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// The workspace's folder: that of its `Cargo.lock`.
    pub fn root(&self) -> &Path {
        self.workspace
            .as_ref()
            .map_or_else(|| self.folder(), |(root, _)| root)
    }

    /// A value of `[package]`, and the folder that a path in it is relative to.
    fn package(&self, key: &str) -> Option<(&Value, &Path)> {
        let own = self.table.get("package")?.get(key)?;
        if own.get("workspace").and_then(Value::as_bool) != Some(true) {
            return Some((own, self.folder()));
        }
        let (root, workspace) = self.workspace.as_ref()?;
        let inherited = workspace.get("package")?.get(key)?;
        Some((inherited, root))
    }

    /// A text of `[package]`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.package(key)?.0.as_str()
    }

    /// The texts of a list of `[package]`.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        let list = self.package(key).and_then(|(value, _)| value.as_array());
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// A file that `[package]` names.
    pub fn file(&self, key: &str) -> Option<PathBuf> {
        let (value, folder) = self.package(key)?;
        Some(folder.join(value.as_str()?))
    }

    /// Does `[package]` say `false` to a key?
    pub fn denies(&self, key: &str) -> bool {
        self.package(key).and_then(|(value, _)| value.as_bool()) == Some(false)
    }

    /// The library's name, where `[lib]` says one.
    pub fn library(&self) -> Option<&str> {
        self.table.get("lib")?.get("name")?.as_str()
    }

    /// Is its library one that can be loaded?
    pub fn is_dynamic(&self) -> bool {
        let types = self.table.get("lib").and_then(|lib| {
            lib.get("crate-type")
                .or_else(|| lib.get("crate_type"))?
                .as_array()
        });
        types
            .into_iter()
            .flatten()
            .any(|kind| kind.as_str() == Some("cdylib"))
    }

    /// Does the crate make programs?
    pub fn has_programs(&self) -> bool {
        let listed = self.table.get("bin").and_then(Value::as_array);
        let found = !self.denies("autobins")
            && ["src/main.rs", "src/bin"]
                .iter()
                .any(|path| self.folder().join(path).exists());
        found || listed.is_some_and(|list| !list.is_empty())
    }

    /// Does the crate itself ask for `PyO3`, whatever its features?
    pub fn names_pyo3(&self) -> bool {
        self.dependencies()
            .flatten()
            .filter(|(_, stated)| stated.get("optional").and_then(Value::as_bool) != Some(true))
            .any(|(name, stated)| BINDINGS.contains(&package_of(name, stated)))
    }

    /// Is there a `Cargo.lock`?
    pub fn is_locked(&self) -> bool {
        self.root().join("Cargo.lock").is_file()
    }

    /// Is its library one that can be loaded, and for no interpreter: does `Cargo.lock`
    /// list no crate that speaks with Python?
    pub fn is_plain_library(&self) -> bool {
        let text = std::fs::read_to_string(self.root().join("Cargo.lock")).unwrap_or_default();
        let lock: Table = toml::from_str(&text).unwrap_or_default();
        let packages = lock.get("package").and_then(Value::as_array);
        let mut names = packages
            .into_iter()
            .flatten()
            .filter_map(|one| one.get("name"));
        let speaks = |name: &Value| {
            let name = name.as_str().unwrap_or_default();
            BINDINGS.contains(&name) || name == "uniffi"
        };
        self.is_dynamic() && packages.is_some() && !names.any(speaks)
    }

    /// The version of `PyO3` in `Cargo.lock`, where there is one; the highest of several.
    pub fn locked_pyo3(&self) -> Option<(u64, u64)> {
        let text = std::fs::read_to_string(self.root().join("Cargo.lock")).ok()?;
        let lock: Table = toml::from_str(&text).ok()?;
        let packages = lock.get("package")?.as_array()?;
        packages
            .iter()
            .filter(|package| {
                let name = package.get("name").and_then(Value::as_str);
                name.is_some_and(|name| BINDINGS.contains(&name))
            })
            .filter_map(|package| {
                let mut parts = package.get("version")?.as_str()?.split('.');
                Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
            })
            .max()
    }

    /// `[dependencies]`, and those of all targets.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = &Table> {
        self.tables("dependencies")
    }

    /// The same of what its build script needs.
    fn build_dependencies(&self) -> impl Iterator<Item = &Table> {
        self.tables("build-dependencies")
    }

    /// Where the crates lie that it is compiled with, and that are of the repository.
    pub fn beside(&self) -> Vec<PathBuf> {
        let all = self.dependencies().chain(self.build_dependencies());
        all.flatten()
            .filter_map(|(name, stated)| self.dependency(name, stated).0)
            .collect()
    }

    /// Where a dependency's crate lies, if it is one of the repository, and what the
    /// workspace says of it.
    pub(super) fn dependency(
        &self,
        name: &str,
        stated: &Value,
    ) -> (Option<PathBuf>, Option<&Value>) {
        let path = |value: &Value| value.get("path").and_then(Value::as_str).map(PathBuf::from);
        if stated.get("workspace").and_then(Value::as_bool) != Some(true) {
            return (
                path(stated).map(|path| plain(&self.folder().join(path))),
                None,
            );
        }
        let shared = self.workspace.as_ref().and_then(|(root, workspace)| {
            let shared = workspace.get("dependencies")?.get(name)?;
            Some((path(shared).map(|path| plain(&root.join(path))), shared))
        });
        shared.map_or((None, None), |(path, shared)| (path, Some(shared)))
    }

    fn tables(&self, key: &'static str) -> impl Iterator<Item = &Table> {
        let of_targets = self.table.get("target").and_then(Value::as_table);
        let of_targets = of_targets
            .into_iter()
            .flat_map(move |targets| targets.values().filter_map(move |target| target.get(key)));
        self.table
            .get(key)
            .into_iter()
            .chain(of_targets)
            .filter_map(Value::as_table)
    }
}

/// The name of the package that a dependency is, whatever the manifest calls it.
pub(super) fn package_of<'a>(name: &'a str, stated: &'a Value) -> &'a str {
    let package = stated.get("package").and_then(Value::as_str);
    package.unwrap_or(name)
}

pub(super) fn strings(value: Option<&Value>) -> impl Iterator<Item = String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|one| one.as_str().map(str::to_owned))
}

fn read(path: &Path) -> Result<Table, ProjectError> {
    let text = std::fs::read_to_string(path).map_err(|source| ProjectError::Read {
        path: path.to_owned(),
        source,
    })?;
    source::parse(path, &text)
}

/// The workspace that a crate is in: its own, the one it names, or the nearest above.
fn workspace(folder: &Path, table: &Table) -> Result<Option<(PathBuf, Table)>, ProjectError> {
    let of = |table: &Table| table.get("workspace").and_then(Value::as_table).cloned();
    if let Some(own) = of(table) {
        return Ok(Some((folder.to_owned(), own)));
    }
    let named = table
        .get("package")
        .and_then(|package| package.get("workspace")?.as_str());
    if let Some(named) = named {
        let root = folder.join(named);
        let found = of(&read(&root.join("Cargo.toml"))?);
        return Ok(found.map(|workspace| (root, workspace)));
    }
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for root in whole.ancestors().skip(1) {
        let path = root.join("Cargo.toml");
        if !path.is_file() {
            continue;
        }
        if let Some(workspace) = read(&path).ok().as_ref().and_then(of) {
            let left_out = strings(workspace.get("exclude"))
                .any(|excluded| whole.starts_with(root.join(excluded)));
            return Ok((!left_out).then(|| (root.to_owned(), workspace)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_workspace_gives_is_inherited() {
        let folder = tempfile::tempdir().unwrap();
        let crate_folder = folder.path().join("crates/one");
        std::fs::create_dir_all(&crate_folder).unwrap();
        std::fs::write(
            folder.path().join("Cargo.toml"),
            "[workspace]\nmembers = ['crates/*']\n[workspace.package]\nversion = '2.0.0'\nreadme = 'README.md'\n\
             [workspace.dependencies]\npyo3 = { version = '0.29', features = ['abi3-py39'] }\n",
        )
        .unwrap();
        std::fs::write(
            crate_folder.join("Cargo.toml"),
            "[package]\nname = 'one'\nversion.workspace = true\nreadme.workspace = true\n\
             [dependencies]\npyo3.workspace = true\n",
        )
        .unwrap();
        let manifest = CargoToml::read(&crate_folder.join("Cargo.toml")).unwrap();
        assert_eq!(manifest.text("version"), Some("2.0.0"));
        assert_eq!(
            manifest.file("readme"),
            Some(folder.path().join("README.md"))
        );
        let stable = manifest.stable("abi3", &[], false, false);
        assert_eq!(stable, crate::project::stable::Stable::From(Some(9)));
        assert_eq!(manifest.root(), folder.path());
    }
}
