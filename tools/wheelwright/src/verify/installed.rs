//! What is installed in an environment, compared with wheels that passed.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use wheelwright_artifacts::artifact::file_name::normalize;
use wheelwright_artifacts::artifact::{Artifact, Limits, record};
use wheelwright_artifacts::digest::Digest;

use super::VerifyError;
use super::release::Wanted;
use crate::pack::is_wheel;

/// The most differences that are named.
const MOST_NAMED: usize = 10;
/// What installers add to a package's `.dist-info`.
const ADDED: &[&str] = &[
    "INSTALLER",
    "RECORD",
    "REQUESTED",
    "direct_url.json",
    "uv_cache.json",
];

/// A folder into which packages are installed (`site-packages`).
#[derive(Debug)]
pub struct Environment {
    folder: PathBuf,
}

/// How an installed package compares with the wheels that passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The wheel that it comes from, or comes nearest to.
    pub wheel: Option<String>,
    /// The files that are not as in the wheel, each with what is wrong.
    pub differences: Vec<String>,
}

impl Environment {
    /// The environment whose packages are in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Returns the release of `name` that is installed.
    ///
    /// # Errors
    /// The folder cannot be read, or has no such package.
    pub fn release(&self, name: &str) -> Result<Wanted, VerifyError> {
        let missing = || VerifyError::NotInstalled {
            place: self.folder.clone(),
            name: name.to_owned(),
        };
        let entries = std::fs::read_dir(&self.folder).map_err(|source| VerifyError::File {
            path: self.folder.clone(),
            source,
        })?;
        for entry in entries.flatten() {
            let folder = entry.file_name().to_string_lossy().into_owned();
            let stem = folder.strip_suffix(".dist-info");
            if let Some((found, version)) = stem.and_then(|stem| stem.rsplit_once('-'))
                && normalize(found) == normalize(name)
            {
                return format!("{name}=={version}").parse();
            }
        }
        Err(missing())
    }

    /// Begins to compare the installed files of a release with wheels.
    pub(super) fn start(&self, wanted: &Wanted) -> Matches<'_> {
        Matches {
            environment: self,
            name: wanted.to_string(),
            nearest: None,
        }
    }

    /// Returns what is not as in the wheel of this content.
    fn differences(&self, wheel: &Path, content: Vec<u8>) -> Result<Vec<String>, String> {
        let artifact = Artifact::from_bytes(wheel, content, Limits::default())
            .map_err(|error| error.to_string())?;
        let archive = &artifact.archive;
        let mut differences = Vec::new();
        let mut known = BTreeSet::new();
        let mut own = None;
        for index in 0..archive.len() {
            let path = archive.path(index);
            let Some(place) = place(path) else { continue };
            if let Some(folder) = place.strip_suffix("/RECORD") {
                own = Some(folder.to_owned());
                continue;
            }
            known.insert(place.to_owned());
            let wanted = Digest::of(&archive.content(index)?);
            match Digest::of_file(&self.folder.join(place)) {
                Ok(found) if found == wanted => {}
                Ok(_) => differences.push(format!("{place}: has other bytes than in the wheel")),
                Err(error) => differences.push(format!("{place}: {error}")),
            }
        }
        let own = own.ok_or("the wheel has no RECORD")?;
        differences.extend(self.added(&own, &known)?);
        Ok(differences)
    }

    /// Returns the files that the installed RECORD lists and the wheel does not hold.
    fn added(&self, own: &str, known: &BTreeSet<String>) -> Result<Vec<String>, String> {
        let path = self.folder.join(own).join("RECORD");
        let bytes = std::fs::read(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let rows = record::parse(&bytes)?.into_iter().map(|row| row.path);
        let is_added = |path: &String| {
            let installers = path
                .strip_prefix(own)
                .and_then(|rest| rest.strip_prefix('/'));
            let compiled = Path::new(path).extension() == Some("pyc".as_ref());
            // Programs and data lie outside of the folder, and are made by the installer.
            place(path).is_some()
                && !compiled
                && !known.contains(path)
                && !installers.is_some_and(|name| ADDED.contains(&name))
        };
        Ok(rows
            .filter(is_added)
            .map(|path| format!("{path}: is not in the wheel"))
            .collect())
    }
}

/// The search for the wheel that is installed.
pub(super) struct Matches<'a> {
    environment: &'a Environment,
    name: String,
    nearest: Option<Comparison>,
}

impl Matches<'_> {
    /// Compares with a file that passed, if it is a wheel.
    pub(super) fn consider(&mut self, file: &str, content: Vec<u8>) {
        if !is_wheel(file) {
            return;
        }
        let differences = self.environment.differences(Path::new(file), content);
        let differences = differences.unwrap_or_else(|problem| vec![problem]);
        let best = self.nearest.as_ref().map(|best| best.differences.len());
        if best.is_none_or(|best| differences.len() < best) {
            self.nearest = Some(Comparison {
                wheel: Some(file.to_owned()),
                differences,
            });
        }
    }

    /// Returns the comparison with the nearest wheel.
    pub(super) fn finish(self) -> Comparison {
        let name = self.name;
        let mut comparison = self.nearest.unwrap_or_else(|| Comparison {
            wheel: None,
            differences: vec![format!(
                "no wheel of {name} passed, so nothing can be compared"
            )],
        });
        let more = comparison.differences.len().saturating_sub(MOST_NAMED);
        if more > 0 {
            comparison.differences.truncate(MOST_NAMED);
            comparison
                .differences
                .push(format!("and {more} more files"));
        }
        comparison
    }
}

/// Returns where a member of a wheel is installed, relative to `site-packages`; `None`
/// if it is elsewhere, or leads out of the folder.
fn place(path: &str) -> Option<&str> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if path.ends_with('/') || path.contains('\\') || !Path::new(path).components().all(plain) {
        return None;
    }
    let Some((first, rest)) = path.split_once('/') else {
        return Some(path);
    };
    if first.strip_suffix(".data").is_none() {
        return Some(path);
    }
    ["purelib/", "platlib/"]
        .iter()
        .find_map(|kind| rest.strip_prefix(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_looked_for_where_they_are_installed() {
        for (path, found) in [
            ("a/b.py", Some("a/b.py")),
            ("a-1.data/purelib/a.py", Some("a.py")),
            ("a-1.data/scripts/a", None),
            ("../a.py", None),
            ("/a.py", None),
            ("a/../../b", None),
            ("a/", None),
        ] {
            assert_eq!(place(path), found, "{path}");
        }
    }
}
