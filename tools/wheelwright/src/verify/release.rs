//! The files of a release, on an index or in a folder.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;

use pep440_rs::Version;
use url::Url;
use wheelwright_artifacts::artifact::file_name::{SdistName, WheelName, normalize};
use wheelwright_artifacts::digest::Digest;

use super::VerifyError;
use crate::index::{Index, Listed};
use crate::pack::is_artifact;

/// The name and version of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The project, in its normal form.
    pub name: String,
    /// The version.
    pub version: Version,
}

impl FromStr for Wanted {
    type Err = VerifyError;

    fn from_str(text: &str) -> Result<Self, VerifyError> {
        let bad = || VerifyError::Release {
            text: text.to_owned(),
        };
        let (name, version) = text.split_once("==").ok_or_else(bad)?;
        let name = name.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(bad());
        }
        Ok(Self {
            name: normalize(name),
            version: version.trim().parse().map_err(|_| bad())?,
        })
    }
}

impl Wanted {
    /// Returns the release that a wheel or an sdist of this name is part of.
    pub fn of(file: &str) -> Option<Self> {
        let wheel = WheelName::parse(file).map(|name| (name.name, name.version));
        let parsed =
            wheel.or_else(|_| SdistName::parse(file).map(|name| (name.name, name.version)));
        let (name, version) = parsed.ok()?;
        Some(Self {
            name: normalize(&name),
            version: version.parse().ok()?,
        })
    }

    /// Is a file of this name part of the release? Only wheels and sdists are.
    pub fn has(&self, file: &str) -> bool {
        Self::of(file).as_ref() == Some(self)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=={}", self.name, self.version)
    }
}

/// Where the files of releases are.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// A package index.
    Index(&'a Index),
    /// A folder.
    Folder(&'a Path),
}

/// The bytes of a file.
#[derive(Debug)]
pub struct Fetched {
    /// The bytes.
    pub content: Vec<u8>,
    /// Their SHA-256.
    pub digest: String,
}

impl Origin<'_> {
    /// Returns the files of a release, by name. Names that an index gives are compared
    /// and shown, and never become paths.
    ///
    /// # Errors
    /// A sentence on why the place cannot be read.
    pub fn listed(&self, wanted: &Wanted) -> Result<Vec<Listed>, String> {
        let mut listed = match self {
            Self::Index(index) => index.listed(&wanted.name).map_err(|e| e.to_string())?,
            Self::Folder(folder) => in_folder(folder)?,
        };
        listed.retain(|file| wanted.has(&file.file));
        listed.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(listed)
    }

    /// Returns the releases whose wheels and sdists are here; none for an index, which
    /// cannot be asked.
    ///
    /// # Errors
    /// A sentence on why the place cannot be read, or that the name of a wheel or sdist
    /// says no release.
    pub fn releases(&self) -> Result<Vec<Wanted>, String> {
        let Self::Folder(folder) = self else {
            return Ok(Vec::new());
        };
        let mut releases: Vec<Wanted> = Vec::new();
        for listed in in_folder(folder)? {
            if !is_artifact(&listed.file) {
                continue;
            }
            let release = Wanted::of(&listed.file).ok_or_else(|| {
                let name = &listed.file;
                format!(
                    "{}: {name:?} is not the name of a wheel or sdist",
                    folder.display()
                )
            })?;
            if !releases.contains(&release) {
                releases.push(release);
            }
        }
        releases.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Ok(releases)
    }

    /// Returns the attestations of a file, as PEP 740 writes them; `None` if there are none.
    /// In a folder they lie beside the file, in one whose name ends with `.provenance`.
    ///
    /// # Errors
    /// A sentence on why they cannot be had.
    pub fn provenance(&self, file: &Listed, most: u64) -> Result<Option<Vec<u8>>, String> {
        let folder = match self {
            Self::Index(index) => {
                return index.provenance(file, most).map_err(|e| e.to_string());
            }
            Self::Folder(folder) => folder,
        };
        let path = folder.join(format!("{}.provenance", file.file));
        let fail = |error| format!("cannot read {}: {error}", path.display());
        let found = match std::fs::File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            found => found.map_err(fail)?,
        };
        let mut bytes = Vec::new();
        found
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        Ok(Some(bytes))
    }

    /// Returns the bytes of a file, which may have up to `most`.
    ///
    /// # Errors
    /// A sentence on why they cannot be had.
    pub fn fetch(&self, file: &Listed, most: Option<u64>) -> Result<Fetched, String> {
        let content = match self {
            Self::Index(index) => {
                let found = match most {
                    Some(most) => index.download_up_to(file, most),
                    None => index.download(file).map(Some),
                };
                found.map_err(|e| e.to_string())?.ok_or_else(|| {
                    let most = most.unwrap_or_default();
                    format!("the index serves more than the planned {most} bytes")
                })?
            }
            Self::Folder(folder) => {
                let path = folder.join(&file.file);
                std::fs::read(&path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?
            }
        };
        Ok(Fetched {
            digest: Digest::of(&content).hex(),
            content,
        })
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.address.fmt(f),
            Self::Folder(folder) => folder.display().fmt(f),
        }
    }
}

fn in_folder(folder: &Path) -> Result<Vec<Listed>, String> {
    let fail = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    // Nothing asks for the address of a file in a folder.
    let nowhere = Url::parse("file:///").map_err(|error| error.to_string())?;
    let mut listed = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        if let Ok(file) = entry.map_err(fail)?.file_name().into_string() {
            listed.push(Listed {
                file,
                url: nowhere.clone(),
                sha256: None,
                yanked: false,
                uploaded: None,
                provenance: None,
            });
        }
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_one_release() {
        let wanted: Wanted = "Dagger_ML==0.2".parse().unwrap();
        assert_eq!(wanted.to_string(), "dagger-ml==0.2");
        for (file, is) in [
            ("dagger_ml-0.2.0-py3-none-any.whl", true),
            ("dagger-ml-0.2.tar.gz", true),
            ("dagger_ml-0.2.1-py3-none-any.whl", false),
            ("dagger-0.2.tar.gz", false),
            ("../dagger_ml-0.2.tar.gz", false),
            ("dagger_ml-0.2.exe", false),
        ] {
            assert_eq!(wanted.has(file), is, "{file}");
        }
        for wrong in ["daggerml", "==1", "a/b==1", "a==x", "a==1,<2"] {
            assert!(wrong.parse::<Wanted>().is_err(), "{wrong}");
        }
    }
}
