//! What of a work tree is read: which folders no build needs, and where links lead.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use walkdir::DirEntry;

/// Results, and what belongs to one machine, wherever it is.
const ANYWHERE: &[&str] = &[
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".venv",
    "__pycache__",
    "node_modules",
];
/// Results in the work tree's own folder. Elsewhere these are names like others.
const AT_THE_TOP: &[&str] = &["dist", "target", "venv"];
/// What makes one of them a part of the sources.
const SOURCES: &[&str] = &["Cargo.toml", "__init__.py"];
/// What cargo and Python write into the folders that they make.
const MARKS: &[&str] = &["CACHEDIR.TAG", "pyvenv.cfg"];

/// The folder of a git repository, of which some backends take the version.
pub const GIT: &str = ".git";

/// Does no build read this folder, which a walk over a work tree found?
pub fn is_left_out(entry: &DirEntry) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_dir() {
        return false;
    }
    let has = |names: &[&str]| names.iter().any(|name| entry.path().join(name).is_file());
    let is = |names: &[&str]| names.iter().any(|name| entry.file_name() == *name);
    is(ANYWHERE)
        || entry.path().ends_with("target/wheelwright")
        || (is(AT_THE_TOP) && (has(MARKS) || (entry.depth() == 1 && !has(SOURCES))))
}

/// The file that a symbolic link in `folder` leads to, if it is in the same git repository;
/// without one, in the same folder.
pub fn linked_file(link: &Path, folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let top = folder
        .ancestors()
        .find(|above| above.join(GIT).exists())
        .unwrap_or(&folder);
    let top = std::fs::canonicalize(top).ok()?;
    let file = std::fs::canonicalize(link).ok()?;
    let below = file.strip_prefix(&top).ok()?;
    let is_of_git = below.iter().any(|part| part == OsStr::new(GIT));
    (file.is_file() && !is_of_git).then_some(file)
}

/// A path without `..`, as it is written.
pub fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use walkdir::WalkDir;

    use super::is_left_out;

    #[test]
    fn sources_are_kept_whatever_their_folder_is_called() {
        let root = tempfile::tempdir().unwrap();
        let kept = [
            "dist/Cargo.toml",
            "package/dist/a.py",
            "src/target/mod.rs",
            "target/__init__.py",
        ];
        let left_out = [
            "package/__pycache__/a.pyc",
            "package/venv/pyvenv.cfg",
            "rust/target/CACHEDIR.TAG",
            "target/wheelwright/lock",
            "venv/bin/python",
        ];
        for path in kept.iter().chain(&left_out) {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found: Vec<String> = WalkDir::new(root.path())
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| !is_left_out(entry))
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let path = entry.path().strip_prefix(root.path()).unwrap();
                path.to_str().unwrap().replace('\\', "/")
            })
            .collect();
        assert_eq!(found, kept);
    }
}
