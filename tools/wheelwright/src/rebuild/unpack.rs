//! An sdist, laid out on the disk without trusting it.

use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use wheelwright_artifacts::artifact::tar_gz::TarGz;
use wheelwright_artifacts::artifact::{Archive, Artifact, MemberKind};
use wheelwright_artifacts::epoch::ZIP_EPOCH;

use super::RebuildError;

/// Unpacks an sdist into `folder`; returns the one folder that it holds. Members keep
/// their times, which some backends copy into the wheel. A link to a file of the archive
/// becomes a copy of that.
///
/// # Errors
/// A member would leave the folder, is no file, folder or such a link, or the archive
/// has not one top folder with a `pyproject.toml` or `setup.py`.
pub(super) fn sdist(artifact: &Artifact, folder: &Path) -> Result<PathBuf, RebuildError> {
    let Archive::TarGz(tar) = &artifact.archive else {
        return Err(refused(&artifact.file_name, "it is not a .tar.gz"));
    };
    if let Some(damage) = &tar.damage {
        return Err(refused(&artifact.file_name, damage));
    }
    let mut top: Option<String> = None;
    for (index, entry) in tar.entries.iter().enumerate() {
        let path = plain(&entry.path).ok_or_else(|| {
            refused(
                &artifact.file_name,
                &format!("its member {:?} leads elsewhere", entry.path),
            )
        })?;
        let Some(Component::Normal(first)) = path.components().next() else {
            continue;
        };
        let first = first.to_string_lossy().into_owned();
        if top.get_or_insert_with(|| first.clone()) != &first {
            return Err(refused(
                &artifact.file_name,
                "it has more than one top folder",
            ));
        }
        let target = folder.join(&path);
        let content = match entry.kind {
            MemberKind::Folder => {
                fs::create_dir_all(&target).map_err(RebuildError::file(&target))?;
                continue;
            }
            MemberKind::File => Some(index),
            MemberKind::Link => linked(tar, index, &path),
            MemberKind::Special => None,
        };
        let Some(content) = content else {
            let what = format!(
                "its member {:?} is a link out of it or a device",
                entry.path
            );
            return Err(refused(&artifact.file_name, &what));
        };
        let bytes = tar
            .content(content)
            .map_err(|problem| refused(&artifact.file_name, &problem))?;
        write(&target, bytes, entry.mode, entry.time)?;
    }
    let root = top.map(|top| folder.join(top)).unwrap_or_default();
    if root.join("pyproject.toml").is_file() || root.join("setup.py").is_file() {
        return Ok(root);
    }
    Err(refused(
        &artifact.file_name,
        "it has neither pyproject.toml nor setup.py in its top folder",
    ))
}

fn refused(file: &str, problem: &str) -> RebuildError {
    RebuildError::Source {
        problem: format!("{file} is not unpacked: {problem}"),
    }
}

/// Returns a member's path if it leads to a place below the folder, on any system.
fn plain(path: &str) -> Option<PathBuf> {
    if path.contains(['\\', ':', '\0']) {
        return None;
    }
    let mut plain = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => plain.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(plain)
}

/// Returns the file of the archive that a link leads to: a symbolic link's target is
/// relative to its folder, a hard link's to the archive.
fn linked(tar: &TarGz, index: usize, path: &Path) -> Option<usize> {
    let link = tar.entries.get(index)?.link.as_deref()?;
    let relative = path.parent().unwrap_or(Path::new("")).join(link);
    let wanted = [resolved(&relative), plain(link)];
    let is_it = |entry: &wheelwright_artifacts::artifact::tar::Entry| {
        entry.kind == MemberKind::File
            && plain(&entry.path).is_some_and(|path| wanted.contains(&Some(path)))
    };
    tar.entries.iter().position(is_it)
}

/// Returns a path without its `..`, if it does not leave where it begins.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            _ => return None,
        }
    }
    Some(parts.into_iter().collect())
}

fn write(path: &Path, bytes: &[u8], mode: u32, time: u64) -> Result<(), RebuildError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(RebuildError::file(folder))?;
    }
    // A second member of one name takes the place of the first, as in every unpacker.
    fs::write(path, bytes).map_err(RebuildError::file(path))?;
    #[cfg(unix)]
    {
        let runs = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        let mode = std::os::unix::fs::PermissionsExt::from_mode(runs);
        fs::set_permissions(path, mode).map_err(RebuildError::file(path))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    // What wheels, being zip files, cannot hold keeps backends from making one.
    let time = time.max(ZIP_EPOCH);
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time));
    let file = File::options().append(true).open(path);
    let file = file.map_err(RebuildError::file(path))?;
    if let Some(time) = time {
        // A time that the filesystem cannot hold stays out of the wheel too.
        let _ = file.set_modified(time);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_stay_below_the_folder() {
        for (path, expected) in [
            ("a/b", Some("a/b")),
            ("./a/b/", Some("a/b")),
            ("a/../b", None),
            ("/a", None),
            ("a\\b", None),
            ("C:a", None),
        ] {
            assert_eq!(plain(path).as_deref(), expected.map(Path::new), "{path}");
        }
        assert_eq!(resolved(Path::new("a/../b")), Some("b".into()));
        assert_eq!(resolved(Path::new("a/../../b")), None);
    }

    proptest! {
        #[test]
        fn no_path_leads_out(path in "(\\.|\\.\\.|/|\\\\|:|[a-z]|\\PC){0,20}") {
            for found in [plain(&path), resolved(Path::new(&path))].into_iter().flatten() {
                let below = |part| matches!(part, Component::Normal(_));
                prop_assert!(found.components().all(below), "{found:?}");
            }
        }
    }
}
