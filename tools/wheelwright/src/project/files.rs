//! Which files of a project go into its artifacts.
//!
//! The answer depends on names alone: not on a version-control system, file
//! modes, times or the order of a folder.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::WalkDir;

use super::{Project, ProjectError};

/// Never packed: caches, compiled files, virtual environments, VCS files, and
/// extensions that an editable install left beside the sources.
const NEVER: &[&str] = &[
    ".*",
    "**/.*",
    "**/__pycache__",
    "__pycache__",
    "**/*.py[co]",
    "**/*.so",
    "**/*.pyd",
    "**/*.dylib",
    "**/*.egg-info",
    "**/*.rej",
    "**/*.orig",
    "**/*~",
    "target",
    "**/node_modules",
];

/// A file: its path relative to the folder that was searched (with `/`), and
/// its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path in the artifact.
    pub path: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Every file under `folder` that may be packed, sorted by path, its path
/// prefixed with `prefix`.
///
/// # Errors
/// The folder cannot be read, or holds a symbolic link or an odd name.
pub fn under(project: &Project, folder: &Path, prefix: &str) -> Result<Vec<File>, ProjectError> {
    let never = patterns(project, "tool.wheelwright.exclude", {
        NEVER
            .iter()
            .copied()
            .chain(project.settings.exclude.iter().map(String::as_str))
    })?;
    search(folder, prefix, &never)
}

fn search(folder: &Path, prefix: &str, never: &GlobSet) -> Result<Vec<File>, ProjectError> {
    let mut files = Vec::new();
    let walk = WalkDir::new(folder)
        .min_depth(1)
        .into_iter()
        .filter_entry(|entry| {
            entry
                .path()
                .strip_prefix(folder)
                .is_ok_and(|relative| !never.is_match(relative))
        });
    for entry in walk {
        let entry = entry.map_err(|error| ProjectError::Read {
            path: error.path().unwrap_or(folder).to_owned(),
            source: error.into(),
        })?;
        if entry.file_type().is_dir() {
            continue;
        }
        let read = |source| ProjectError::Read {
            path: entry.path().to_owned(),
            source,
        };
        if entry.file_type().is_symlink() {
            return Err(read(std::io::Error::other(
                "a symbolic link cannot be packed; replace it by a file or exclude it",
            )));
        }
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let relative: Option<Vec<&str>> = relative
            .components()
            .map(|part| part.as_os_str().to_str())
            .collect();
        let Some(relative) = relative else {
            return Err(read(std::io::Error::other("the name is not UTF-8")));
        };
        files.push(File {
            path: format!("{prefix}{}", relative.join("/")),
            bytes: std::fs::read(entry.path()).map_err(read)?,
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Every file under `folder`, whatever its name, sorted by path.
///
/// # Errors
/// The folder cannot be read, or holds a symbolic link or an odd name.
pub fn every(folder: &Path, prefix: &str) -> Result<Vec<File>, ProjectError> {
    search(folder, prefix, &GlobSet::empty())
}

/// The folders of a project's import packages, relative to it.
pub fn import_folders(project: &Project) -> Vec<String> {
    match &project.maturin {
        Some(maturin) => vec![join(&maturin.python_source, maturin.package())],
        None if project.hatch_packages.is_empty() => vec![join("src", &project.name.file())],
        None => project.hatch_packages.clone(),
    }
}

/// The import packages of a wheel: their files under the names they are
/// imported by.
///
/// # Errors
/// A folder is missing or cannot be read.
pub fn import_packages(project: &Project) -> Result<Vec<File>, ProjectError> {
    let folders = import_folders(project);
    let mut files = Vec::new();
    for folder in &folders {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        files.extend(under(
            project,
            &project.folder.join(folder),
            &format!("{name}/"),
        )?);
    }
    if files.is_empty() {
        return Err(project.field_error(
            "project.name",
            format!("no Python file was found in {}", folders.join(", ")),
        ));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The files that `project.license-files` names, sorted.
///
/// # Errors
/// A pattern is malformed or names no file (PEP 639 asks for an error).
pub fn licenses(project: &Project) -> Result<Vec<File>, ProjectError> {
    const FIELD: &str = "project.license-files";
    let all = under(project, &project.folder, "")?;
    let mut chosen = Vec::new();
    for pattern in &project.table.license_files {
        let matcher = patterns(project, FIELD, std::iter::once(pattern.as_str()))?;
        let before = chosen.len();
        chosen.extend(
            all.iter()
                .filter(|file| matcher.is_match(&file.path))
                .cloned(),
        );
        if chosen.len() == before {
            return Err(project.field_error(FIELD, format!("{pattern:?} names no file")));
        }
    }
    chosen.sort_by(|a, b| a.path.cmp(&b.path));
    chosen.dedup();
    Ok(chosen)
}

fn patterns<'a>(
    project: &Project,
    field: &str,
    patterns: impl Iterator<Item = &'a str>,
) -> Result<GlobSet, ProjectError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .map_err(|error| project.field_error(field, error.to_string()))?;
        set.add(glob);
    }
    set.build()
        .map_err(|error| project.field_error(field, error.to_string()))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
