//! The version of a package that its own build backend builds: in `pyproject.toml`, and as
//! `__version__` of its import package; or left to the backend, whose artifacts have it.

use std::path::{Path, PathBuf};

use pep440_rs::Version;
use regex::Regex;
use toml_edit::{DocumentMut, Item};

use super::places;

/// Where the version may be written in `pyproject.toml`.
const KEYS: [&[&str]; 2] = [&["project", "version"], &["tool", "poetry", "version"]];
/// Folders that hold import packages.
const SOURCES: [&str; 2] = ["", "src"];

/// A version that cannot be read or set.
#[derive(Debug, thiserror::Error)]
pub enum SingleError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Places(#[from] places::PlacesError),
    /// The version is not written in `pyproject.toml`.
    #[error(
        "{} leaves the version to {backend}, which takes it from a tag or from a file of its own: change it there; `wheelwright build` shows which it is", path.display()
    )]
    Dynamic {
        /// The file.
        path: PathBuf,
        /// The backend.
        backend: String,
    },
    /// A text is no version.
    #[error("{}: {text:?} is not a version of PEP 440, such as 1.2 or 1.2.0rc1", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// The text.
        text: String,
    },
}

/// A place that states the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Which place in it.
    pub what: String,
    /// What it says.
    pub says: String,
}

/// Where a package states its version.
#[derive(Debug)]
pub struct Single {
    /// The version of `pyproject.toml`.
    pub version: Version,
    /// That file's place first, then each `__version__`.
    pub places: Vec<Place>,
}

impl Single {
    /// Reads the package in `root`.
    ///
    /// # Errors
    /// `pyproject.toml` does not say the version, or says one that Python does not know.
    pub fn read(root: &Path) -> Result<Self, SingleError> {
        let stated = root.join("pyproject.toml");
        // A package of before that file states all to setuptools.
        let (path, document) = if stated.is_file() {
            let document = places::document(&stated)?;
            (stated, document)
        } else {
            (root.join("setup.py"), DocumentMut::new())
        };
        let found = KEYS.iter().find_map(|keys| {
            let says = value(&document, keys)?.as_str()?;
            Some((keys.join("."), says.to_owned()))
        });
        let Some((what, says)) = found else {
            let backend = value(&document, &["build-system", "build-backend"]);
            let backend = backend.and_then(Item::as_str).unwrap_or("setuptools");
            return Err(SingleError::Dynamic {
                path,
                backend: backend.to_owned(),
            });
        };
        let version = says.parse().map_err(|_| SingleError::Form {
            path: path.clone(),
            text: says.clone(),
        })?;
        let mut places = vec![Place { path, what, says }];
        for path in modules(root) {
            let text = places::read(&path)?;
            if let Some((_, says)) = literal(&text) {
                places.push(Place {
                    path,
                    what: "__version__".to_owned(),
                    says,
                });
            }
        }
        Ok(Self { version, places })
    }

    /// The places that say another version than `wanted`.
    pub fn others(&self, wanted: &Version) -> impl Iterator<Item = &Place> {
        let same = |place: &&Place| place.says.parse::<Version>().ok().as_ref() != Some(wanted);
        self.places.iter().filter(same)
    }

    /// Writes `wanted` into every place.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn set(&self, wanted: &Version) -> Result<(), SingleError> {
        for place in &self.places {
            let text = places::read(&place.path)?;
            let text = if place.what == "__version__" {
                let mut text = text;
                if let Some((span, _)) = literal(&text) {
                    text.replace_range(span, &wanted.to_string());
                }
                text
            } else {
                let mut document = places::document(&place.path)?;
                let mut item = Some(document.as_item_mut());
                for key in place.what.split('.') {
                    item = item.and_then(|item| item.get_mut(key));
                }
                if let Some(value) = item.and_then(Item::as_value_mut) {
                    let decor = value.decor().clone();
                    *value = wanted.to_string().into();
                    *value.decor_mut() = decor;
                }
                document.to_string()
            };
            std::fs::write(&place.path, text).map_err(|source| places::PlacesError::File {
                path: place.path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

/// Returns the names that a tag of a version may have: `v1.0` or `1.0`, as it is written or
/// in the normal form, and as Cargo would write it.
pub fn tags(version: &Version, written: &str) -> Vec<String> {
    let mut forms = vec![version.to_string(), written.to_owned()];
    if let Ok(ours) = version.to_string().parse::<super::Version>() {
        forms.push(ours.semver());
    }
    forms.sort();
    forms.dedup();
    let with_v = forms.iter().map(|form| format!("v{form}"));
    with_v.chain(forms.iter().cloned()).collect()
}

fn value<'a>(document: &'a DocumentMut, keys: &[&str]) -> Option<&'a Item> {
    let mut item = document.as_item();
    for key in keys {
        item = item.get(key)?;
    }
    Some(item)
}

/// The files that may state `__version__`: those of the import packages that are not in
/// another, and single modules.
fn modules(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in SOURCES {
        let listed = std::fs::read_dir(root.join(folder)).into_iter().flatten();
        for entry in listed.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let is_test = matches!(name.to_str(), Some("tests" | "test" | "docs" | "setup.py"));
            let init = path.join("__init__.py");
            if init.is_file() && !is_test {
                found.extend(
                    ["_version.py", "__about__.py", "version.py"].map(|one| path.join(one)),
                );
                found.push(init);
            } else if path.extension().is_some_and(|end| end == "py") && !is_test {
                found.push(path);
            }
        }
    }
    found.retain(|path| path.is_file());
    found.sort();
    found
}

/// Where a module says its version as a text, and which it is.
fn literal(text: &str) -> Option<(std::ops::Range<usize>, String)> {
    let pattern = r#"(?m)^__version__\s*(?::\s*[\w.]+\s*)?=\s*["']([^"'\n]+)["']"#;
    let found = Regex::new(pattern).ok()?.captures(text)?.get(1)?;
    Some((found.range(), found.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_and_set_in_every_place() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "pyproject.toml",
            "[project]\nversion = \"1.0.post1\" # why\n",
        );
        write("src/quick/__init__.py", "x = 1\n__version__: str = '1.0'\n");
        write("tests/__init__.py", "__version__ = '0'\n");
        let single = Single::read(folder.path()).unwrap();
        assert_eq!(single.version.to_string(), "1.0.post1");
        let version = single.version.clone();
        let others: Vec<_> = single
            .others(&version)
            .map(|one| one.says.as_str())
            .collect();
        assert_eq!(others, ["1.0"]);
        let wanted: Version = "2!1.1.dev3".parse().unwrap();
        single.set(&wanted).unwrap();
        let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
        assert_eq!(
            read("pyproject.toml"),
            "[project]\nversion = \"2!1.1.dev3\" # why\n"
        );
        assert_eq!(
            read("src/quick/__init__.py"),
            "x = 1\n__version__: str = '2!1.1.dev3'\n"
        );
        assert_eq!(read("tests/__init__.py"), "__version__ = '0'\n");
        assert_eq!(
            Single::read(folder.path()).unwrap().others(&wanted).count(),
            0
        );
    }

    #[test]
    fn a_version_that_a_backend_makes_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("pyproject.toml"), text);
        write("[build-system]\nbuild-backend = \"hatchling.build\"\n[project]\n").unwrap();
        let error = Single::read(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("leaves the version to hatchling.build"),
            "{error}"
        );
        write("[tool.poetry]\nversion = \"0.1\"\n").unwrap();
        assert_eq!(
            Single::read(folder.path()).unwrap().version.to_string(),
            "0.1"
        );
        write("[project]\nversion = \"one\"\n").unwrap();
        let error = Single::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("\"one\" is not a version"), "{error}");
    }

    #[test]
    fn tags_are_those_that_people_make() {
        let version: Version = "1.0rc1".parse().unwrap();
        assert_eq!(
            tags(&version, "1.0-rc1"),
            ["v1.0-rc1", "v1.0rc1", "1.0-rc1", "1.0rc1"]
        );
        let version: Version = "1.2.0rc1".parse().unwrap();
        assert!(tags(&version, "1.2.0rc1").contains(&"v1.2.0-rc.1".to_owned()));
    }
}
