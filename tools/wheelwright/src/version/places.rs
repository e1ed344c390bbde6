//! Every place of a repository that states the version, compared with the one
//! in the root `Cargo.toml`, and edited when that changes.
//!
//! | place | form |
//! |---|---|
//! | `Cargo.toml`: `[workspace.package]`, path dependencies | Cargo's |
//! | every `Cargo.lock`: the crates of the workspace | Cargo's |
//! | every package's `pyproject.toml`, and its ranges for the others | Python's |
//! | the changelog's first heading | Cargo's |
//! | the pages that `wheelwright.toml` lists | Cargo's after a `v`, else Python's |

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use super::{Version, VersionError};
use crate::project::ProjectError;
use crate::project::name::Name;
use crate::project::workspace::{self, Settings};
use crate::version::changelog;

mod edits;
mod text;

/// A repository whose version cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// `wheelwright.toml` cannot be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what its name says.
    #[error("{}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The root `Cargo.toml` states no usable version.
    #[error("{}: [workspace.package] version", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VersionError,
    },
}

/// One place that says something else than it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file, relative to the repository.
    pub path: String,
    /// Which place in it.
    pub what: String,
    /// What it says.
    pub from: String,
    /// What it should say.
    pub to: String,
    /// Can [`Plan::write`] mend it?
    pub editable: bool,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {} is {}, not {}",
            self.path, self.what, self.from, self.to
        )
    }
}

/// What has to change for every place to agree.
#[derive(Debug, Default)]
pub struct Plan {
    /// The places, file by file.
    pub changes: Vec<Change>,
    texts: Vec<(PathBuf, String)>,
}

impl Plan {
    /// Writes the edited files.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self) -> Result<(), PlacesError> {
        for (path, text) in &self.texts {
            std::fs::write(path, text).map_err(|source| PlacesError::File {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

/// The version that the root `Cargo.toml` states.
///
/// # Errors
/// It states none, or one that Python cannot write.
pub fn stated(root: &Path) -> Result<Version, PlacesError> {
    let path = root.join("Cargo.toml");
    let manifest = document(&path)?;
    let text = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("package"))
        .and_then(|package| package.get("version"))
        .and_then(Item::as_str)
        .ok_or_else(|| PlacesError::Malformed {
            path: path.clone(),
            problem: "[workspace.package] states no version".to_owned(),
        })?;
    text.parse()
        .map_err(|source| PlacesError::Version { path, source })
}

/// Every place below `root` that does not say `wanted`.
///
/// # Errors
/// A file cannot be read or is malformed.
pub fn plan(root: &Path, wanted: Version) -> Result<Plan, PlacesError> {
    let settings = workspace::settings(root)?;
    let old = stated(root)?;
    let files = manifests(root)?;
    let mut plan = Plan::default();
    let mut crates = BTreeSet::new();
    for path in files.iter().filter(|path| path.ends_with("Cargo.toml")) {
        if let Some(name) = member(root, path, wanted, &mut plan)? {
            crates.insert(name);
        }
    }
    edit_toml(root, "Cargo.toml", &mut plan, |manifest, change| {
        edits::root_manifest(manifest, wanted, change);
    })?;
    for path in files.iter().filter(|path| path.ends_with("Cargo.lock")) {
        edit_toml(root, &relative(root, path), &mut plan, |lock, change| {
            edits::lock_file(lock, &crates, wanted, change);
        })?;
    }
    let names = package_names(root, &settings)?;
    for folder in settings.folders() {
        let path = format!("{folder}/pyproject.toml");
        edit_toml(root, &path, &mut plan, |pyproject, change| {
            edits::project(pyproject, &names, wanted, change);
        })?;
    }
    if let Some(path) = &settings.release.changelog {
        edit_text(root, path, &mut plan, |text, change| {
            let found = changelog::first_heading(text).unwrap_or("missing");
            change("the version of the first heading", found, &wanted.semver());
            changelog::begin(text, wanted)
        })?;
    }
    for path in &settings.release.names_version {
        edit_text(root, path, &mut plan, |page, change| {
            let edited = text::replace(page, old, wanted);
            if !text::names(&edited, wanted) {
                change("the version it names", "another", &wanted.pep440());
            } else if edited != *page {
                change("the version it names", &old.pep440(), &wanted.pep440());
            }
            edited
        })?;
    }
    Ok(plan)
}

/// Notes a place by its name, what it says and what it should say.
type Note<'a> = dyn FnMut(&str, &str, &str) + 'a;

fn edit_text(
    root: &Path,
    relative: &str,
    plan: &mut Plan,
    edit: impl FnOnce(&str, &mut Note<'_>) -> String,
) -> Result<(), PlacesError> {
    let path = root.join(relative);
    let text = read(&path)?;
    let mut changes = Vec::new();
    let edited = edit(&text, &mut |what, from, to| {
        if from != to {
            changes.push(Change {
                path: relative.to_owned(),
                what: what.to_owned(),
                from: from.to_owned(),
                to: to.to_owned(),
                editable: true,
            });
        }
    });
    plan.changes.extend(changes);
    if edited != text {
        plan.texts.push((path, edited));
    }
    Ok(())
}

fn edit_toml(
    root: &Path,
    relative: &str,
    plan: &mut Plan,
    edit: impl FnOnce(&mut DocumentMut, &mut Note<'_>),
) -> Result<(), PlacesError> {
    let mut parsed = document(&root.join(relative))?;
    edit_text(root, relative, plan, |_, note| {
        edit(&mut parsed, note);
        parsed.to_string()
    })
}

/// The crate whose manifest `path` is, if its version is the workspace's. A
/// member of the workspace with a version of its own is noted.
fn member(
    root: &Path,
    path: &Path,
    wanted: Version,
    plan: &mut Plan,
) -> Result<Option<String>, PlacesError> {
    let manifest = document(path)?;
    let Some(package) = manifest.get("package") else {
        return Ok(None);
    };
    let version = package.get("version");
    let inherits = version
        .and_then(|version| version.get("workspace"))
        .is_some();
    let stated = version.and_then(Item::as_str);
    if let Some(stated) = stated
        && manifest.get("workspace").is_none()
    {
        plan.changes.push(Change {
            path: relative(root, path),
            what: "package.version".to_owned(),
            from: stated.to_owned(),
            to: format!("the workspace's {wanted}; write `version.workspace = true`"),
            editable: false,
        });
    }
    let name = package.get("name").and_then(Item::as_str);
    Ok(name.filter(|_| inherits).map(str::to_owned))
}

fn package_names(root: &Path, settings: &Settings) -> Result<BTreeSet<String>, PlacesError> {
    let mut names = BTreeSet::new();
    for folder in settings.folders() {
        let path = root.join(folder).join("pyproject.toml");
        let parsed = document(&path)?;
        let name = parsed
            .get("project")
            .and_then(|project| project.get("name"))
            .and_then(Item::as_str)
            .unwrap_or_default();
        let name = Name::parse(name).map_err(|problem| PlacesError::Malformed { path, problem })?;
        names.insert(name.normal().to_owned());
    }
    Ok(names)
}

/// Every `Cargo.toml` and `Cargo.lock` of the repository's own, sorted.
pub(crate) fn manifests(root: &Path) -> Result<Vec<PathBuf>, PlacesError> {
    files(root, |name| ["Cargo.toml", "Cargo.lock"].contains(&name))
}

/// Every file of such a name that is the repository's own, sorted: nothing
/// hidden, built or fetched.
pub(crate) fn files(
    root: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<PathBuf>, PlacesError> {
    let own = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0
            || !(name.starts_with('.') || ["target", "node_modules", "dist"].contains(&&*name))
    };
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(root).into_iter().filter_entry(own) {
        let entry = entry.map_err(|error| PlacesError::File {
            path: error.path().unwrap_or(root).to_owned(),
            source: error.into(),
        })?;
        if entry.file_type().is_file() && wanted(&entry.file_name().to_string_lossy()) {
            found.push(entry.into_path());
        }
    }
    found.sort();
    Ok(found)
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

pub(super) fn read(path: &Path) -> Result<String, PlacesError> {
    std::fs::read_to_string(path).map_err(|source| PlacesError::File {
        path: path.to_owned(),
        source,
    })
}

pub(super) fn document(path: &Path) -> Result<DocumentMut, PlacesError> {
    read(path)?
        .parse()
        .map_err(|error: toml_edit::TomlError| PlacesError::Malformed {
            path: path.to_owned(),
            problem: error.to_string(),
        })
}
