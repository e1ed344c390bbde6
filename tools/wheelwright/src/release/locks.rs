//! Checks that each lock file still fits the file that it was made from.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::requirement;
use crate::toolchain::{process, rust};
use crate::version::places::{self, PlacesError};

/// A line for every stale lock file below `root`.
///
/// # Errors
/// A file cannot be read.
pub fn stale(root: &Path) -> Result<Vec<String>, PlacesError> {
    let mut findings = Vec::new();
    for lock in places::manifests(root)? {
        if lock.ends_with("Cargo.lock") {
            findings.extend(cargo(root, &lock));
        }
    }
    for requirements in requirements(root)? {
        findings.extend(python(root, &requirements)?);
    }
    Ok(findings)
}

/// Asks Cargo: with `--locked` it fails if the lock file would have to change.
fn cargo(root: &Path, lock: &Path) -> Option<String> {
    let manifest = lock.with_file_name("Cargo.toml");
    let mut command = Command::new(rust::cargo());
    command
        .args(["metadata", "--locked", "--quiet", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(&manifest)
        .current_dir(root);
    let error = process::run(&mut command, "install rustup").err()?;
    let message = error.to_string();
    let lock = relative(root, lock);
    // Cargo prints every cause on its own line; the first says enough.
    let why = message
        .lines()
        .find_map(|line| line.split("error: ").nth(1))
        .unwrap_or(message.trim());
    Some(if why.contains("--locked") || why.contains("lock file") {
        format!(
            "{lock} is stale; run `cargo metadata --manifest-path {}`",
            relative(root, &manifest)
        )
    } else {
        format!("{lock} could not be checked: {why}")
    })
}

/// Every `NAME.in` that has a `NAME.txt` beside it.
fn requirements(root: &Path) -> Result<Vec<PathBuf>, PlacesError> {
    let found = places::files(root, |name| {
        Path::new(name).extension() == Some("in".as_ref())
    })?;
    Ok(found
        .into_iter()
        .filter(|path| path.with_extension("txt").is_file())
        .collect())
}

/// Every requirement is in the lock, in a version that it accepts, by hash.
fn python(root: &Path, requirements: &Path) -> Result<Vec<String>, PlacesError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| PlacesError::File {
            path: path.to_owned(),
            source,
        })
    };
    let lock = requirements.with_extension("txt");
    let wanted = read(requirements)?;
    let locked = entries(&read(&lock)?);
    let (wanted_name, lock_name) = (relative(root, requirements), relative(root, &lock));
    let mut findings = Vec::new();
    let bare = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    for line in wanted.lines().map(bare).filter(|line| !line.is_empty()) {
        let checked = match requirement::check(&line, None) {
            Ok(checked) => checked,
            Err(problem) => {
                findings.push(format!("{wanted_name}: {problem}"));
                continue;
            }
        };
        let pins: Vec<_> = locked
            .iter()
            .filter(|entry| entry.name == checked.name.normal())
            .collect();
        let fits = |entry: &&&Entry| {
            let versions = checked.versions.as_ref();
            versions.is_none_or(|versions| versions.contains(&entry.version))
        };
        if pins.is_empty() || pins.iter().any(|entry| !fits(&entry)) {
            findings.push(format!(
                "{lock_name} is stale: it does not lock `{line}` of {wanted_name}; lock it again with uv pip compile"
            ));
        }
    }
    for entry in locked.iter().filter(|entry| !entry.hashed) {
        findings.push(format!("{lock_name}: {} has no hash", entry.name));
    }
    Ok(findings)
}

struct Entry {
    name: String,
    version: pep440_rs::Version,
    hashed: bool,
}

/// The `name==version` lines of a lock file, each with the hashes below it.
fn entries(lock: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in lock.lines() {
        if line.trim_start().starts_with("--hash=sha256:") {
            if let Some(last) = entries.last_mut() {
                last.hashed = true;
            }
            continue;
        }
        let stated = line.split([';', '\\']).next().unwrap_or_default();
        let Some((name, version)) = stated.split_once("==") else {
            continue;
        };
        if let (Ok(name), Ok(version)) = (
            crate::project::name::Name::parse(name.trim()),
            version.trim().parse(),
        ) {
            entries.push(Entry {
                name: name.normal().to_owned(),
                version,
                hashed: line.contains("--hash=sha256:"),
            });
        }
    }
    entries
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_lock_must_hold_what_is_asked_for_by_hash() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("a.in", "Tool >=2  # why\n\n# a comment\nother\n");
        write("b.in", "no lock beside it\n");
        write(
            "a.txt",
            "tool==2.1 ; python_version < '3' \\\n    --hash=sha256:00\nother==1 \\\n    --hash=sha256:11\n",
        );
        assert_eq!(stale(folder.path()).unwrap(), Vec::<String>::new());
        write("a.txt", "tool==1.9 \\\n    --hash=sha256:00\n");
        let found = stale(folder.path()).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("a.txt is stale") && found[0].contains("Tool >=2"));
        write("a.txt", "tool==2.9\nother==1 \\\n    --hash=sha256:00\n");
        assert_eq!(stale(folder.path()).unwrap(), ["a.txt: tool has no hash"]);
    }
}
