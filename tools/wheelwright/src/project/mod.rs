//! A package as its `pyproject.toml` describes it, and a repository as its
//! `wheelwright.toml` does.

pub mod files;
pub mod metadata;
pub mod name;
pub mod pyproject;
pub mod requirement;
pub mod settings;
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
    /// A TOML file is malformed, or a field has the wrong type or name.
    #[error("{path} is not as it should be")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A field has a value that cannot be used.
    #[error("{path}: {field}: {problem}")]
    Field {
        /// The file.
        path: PathBuf,
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
        let parsed: PyProject =
            toml::from_str(&source).map_err(|source| ProjectError::Malformed {
                path: path.clone(),
                source: Box::new(source),
            })?;
        let field = |field: &str, problem: String| ProjectError::Field {
            path: path.clone(),
            field: field.to_owned(),
            problem,
        };
        let table = parsed.project;
        if let Some(dynamic) = table.dynamic.first() {
            return Err(field(
                "project.dynamic",
                format!(
                    "{dynamic:?} is left to a build backend; wheelwright needs every field written down"
                ),
            ));
        }
        let name = Name::parse(&table.name).map_err(|problem| field("project.name", problem))?;
        let version = table
            .version
            .parse()
            .map_err(|error: pep440_rs::VersionParseError| {
                field("project.version", error.to_string())
            })?;
        let settings = parsed.tool.wheelwright;
        if parsed.tool.maturin.is_some()
            && (settings.python_tag.is_none() || settings.abi_tag.is_none())
        {
            return Err(field(
                "tool.wheelwright",
                "a package with an extension must say which Pythons load it: \
                 python-tag = \"cp39\" and abi-tag = \"abi3\" for pyo3's feature abi3-py39"
                    .to_owned(),
            ));
        }
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

    /// An error about one field of this project.
    pub fn field_error(&self, field: &str, problem: impl Into<String>) -> ProjectError {
        ProjectError::Field {
            path: self.path(),
            field: field.to_owned(),
            problem: problem.into(),
        }
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
