//! A package as its `pyproject.toml` describes it, and a repository as its
//! `wheelwright.toml` does.

mod backend;
pub mod entry_points;
pub mod files;
pub mod hatch;
pub mod imports;
pub mod license;
pub mod metadata;
pub mod name;
pub mod people;
pub mod pyproject;
mod readme;
mod refused;
pub mod requirement;
mod requires;
mod selection;
pub mod settings;
pub mod source;
pub mod text;
mod urls;
pub mod workspace;

use std::io;
use std::path::{Path, PathBuf};

use pep440_rs::Version;

use name::Name;
use pyproject::{ProjectTable, PyProject};
use settings::{Maturin, Wheelwright};

/// One Python package: its folder and what its `pyproject.toml` says.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder that holds `pyproject.toml`.
    pub folder: PathBuf,
    /// The text of `pyproject.toml`.
    pub source: String,
    /// `[project] name`.
    pub name: Name,
    /// `[project] version`.
    pub version: Version,
    /// The `[project]` table.
    pub table: ProjectTable,
    /// `[tool.maturin]`: present if the package has a native extension.
    pub maturin: Option<Maturin>,
    /// `[tool.hatch]`'s list of import packages.
    pub hatch_packages: Vec<String>,
    /// `[tool.wheelwright]`.
    pub settings: Wheelwright,
}

/// A project that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// A file that the project needs cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A TOML file is malformed, or a key has the wrong type or name.
    #[error("{}:{line}: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A field has a value that cannot be used.
    #[error("{}{}: {field}: {problem}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, if the field or the table it belongs to is written down.
        line: Option<usize>,
        /// The field, as it is written in TOML.
        field: String,
        /// What is wrong with it and what would be right.
        problem: String,
    },
    /// A folder that holds no project.
    #[error("{folder} holds no {file}; name the folder of a project")]
    NoProject {
        /// The folder.
        folder: PathBuf,
        /// The file that is missing.
        file: &'static str,
    },
}

impl Project {
    /// Reads the project in `folder`.
    ///
    /// # Errors
    /// `pyproject.toml` is missing or cannot be used.
    pub fn read(folder: &Path) -> Result<Self, ProjectError> {
        let path = folder.join("pyproject.toml");
        let source = match std::fs::read_to_string(&path) {
            Ok(source) => source,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ProjectError::NoProject {
                    folder: folder.to_owned(),
                    file: "pyproject.toml",
                });
            }
            Err(source) => return Err(ProjectError::Read { path, source }),
        };
        let parsed: PyProject = source::parse(&path, &source)?;
        let field = |keys: &[&str], problem: String| field_error(&path, &source, keys, problem);
        let Some(table) = parsed.project else {
            return Err(field(&["project"], "there is no such table".to_owned()));
        };
        if let Some(dynamic) = table.dynamic.first() {
            return Err(field(
                &["project", "dynamic"],
                format!(
                    "{dynamic:?} is left to a build backend; wheelwright needs every field written down"
                ),
            ));
        }
        let name =
            Name::parse(&table.name).map_err(|problem| field(&["project", "name"], problem))?;
        let version = table
            .version
            .parse()
            .map_err(|error: pep440_rs::VersionParseError| {
                let problem = if table.version.is_empty() {
                    "is missing".to_owned()
                } else {
                    error.to_string()
                };
                field(&["project", "version"], problem)
            })?;
        let settings = parsed.tool.wheelwright;
        let native = parsed.tool.maturin.as_ref();
        let backend = parsed.build_system.as_ref();
        backend::check(&source, folder, backend, native.is_some())
            .and_then(|()| native.map_or(Ok(()), Maturin::check))
            .and_then(|()| settings.check(native.is_some()))
            .map_err(|(keys, problem)| field(keys, problem))?;
        Ok(Self {
            folder: folder.to_owned(),
            source,
            name,
            version,
            table,
            maturin: parsed.tool.maturin,
            hatch_packages: parsed.tool.hatch.build.targets.wheel.packages,
            settings,
        })
    }

    /// The path of `pyproject.toml`.
    pub fn path(&self) -> PathBuf {
        self.folder.join("pyproject.toml")
    }

    /// An error about one key of this project's `pyproject.toml`, or about an
    /// element of an array (`["project", "authors", "0"]`).
    pub fn error_at(&self, keys: &[&str], problem: impl Into<String>) -> ProjectError {
        field_error(&self.path(), &self.source, keys, problem.into())
    }

    /// Does the package hold a native extension?
    pub fn is_native(&self) -> bool {
        self.maturin.is_some()
    }

    /// `name-version`, as artifacts and `.dist-info` folders are called.
    pub fn stem(&self) -> String {
        format!("{}-{}", self.name.file(), self.version)
    }

    /// Reads a file of the project.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_file(&self, relative: &str) -> Result<Vec<u8>, ProjectError> {
        let path = self.folder.join(relative);
        std::fs::read(&path).map_err(|source| ProjectError::Read { path, source })
    }
}

/// A field's error; `source` is the text of the file at `path`.
fn field_error(path: &Path, source: &str, keys: &[&str], problem: String) -> ProjectError {
    ProjectError::Field {
        path: path.to_owned(),
        line: source::line(source, keys),
        field: source::dotted(keys),
        problem,
    }
}
