//! A package as its `pyproject.toml` describes it, and a repository as its
//! `wheelwright.toml` does.

pub mod abi;
mod backend;
pub mod cargo_config;
pub mod cargo_toml;
mod choose;
mod dynamic;
pub mod entry_points;
pub mod files;
mod glue;
pub mod hatch;
pub mod imports;
mod lenient;
pub mod license;
pub mod maturin;
pub mod metadata;
pub mod name;
pub mod people;
mod platforms;
pub mod pyproject;
pub mod readme;
mod refused;
pub mod requirement;
mod requires;
mod selection;
pub mod settings;
pub mod source;
pub mod stable;
pub mod text;
mod urls;
pub mod workspace;

use std::io;
use std::path::{Path, PathBuf};

use pep440_rs::Version;
use wheelwright_artifacts::audit::Profile;

use abi::Abi;
use cargo_toml::CargoToml;
use maturin::Maturin;
use name::Name;
use pyproject::{ProjectTable, PyProject};
use settings::{SmokeStep, Wheelwright};

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
    /// The Pythons that its wheels are for; none for a pure package.
    pub abis: Vec<Abi>,
    /// Those of them that only a release has wheels for.
    pub of_releases: Vec<Abi>,
    /// Is it released by itself, and not with the other packages of its repository?
    pub apart: bool,
    /// What is worth a word, and no error.
    pub notes: Vec<String>,
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
    /// A folder that is in no repository and in no project.
    #[error(
        "{folder} holds no pyproject.toml, no setup.py and no wheelwright.toml, and neither does \
         a folder above it; run this in the folder of a project"
    )]
    NoRepository {
        /// The folder.
        folder: PathBuf,
    },
}

impl Project {
    /// Reads the project in `folder`.
    ///
    /// # Errors
    /// `pyproject.toml` is missing or cannot be used.
    pub fn read(folder: &Path) -> Result<Self, ProjectError> {
        Self::read_open(folder, None)
    }

    /// Reads the project in `folder` that knows nothing of wheelwright: keys that maturin
    /// passes over are passed over, with a note.
    ///
    /// # Errors
    /// `pyproject.toml` is missing or cannot be used.
    pub fn read_as_maturin(folder: &Path) -> Result<Self, ProjectError> {
        let mut project = Self::read_open(folder, Some(is_open))?;
        if project.is_native() {
            project.mend();
        }
        Ok(project)
    }

    fn read_open(folder: &Path, open: Option<source::Open>) -> Result<Self, ProjectError> {
        let path = folder.join("pyproject.toml");
        let source = text_of(&path, folder)?;
        let (parsed, mut notes): (PyProject, _) =
            source::parse_open(&path, &source, open.unwrap_or(|_| false))?;
        let field = |keys: &[&str], problem: String| field_error(&path, &source, keys, problem);
        let native =
            parsed.tool.maturin.is_some() || backend::is_maturin(parsed.build_system.as_ref());
        let mut table = match parsed.project {
            Some(table) => table,
            None if native => {
                let manifest = parsed.tool.maturin.clone().unwrap_or_default();
                let manifest = folder.join(manifest.manifest(folder, ""));
                dynamic::all_of(&CargoToml::read(&manifest)?)
            }
            None => return Err(field(&["project"], "there is no such table".to_owned())),
        };
        if native && table.version.is_empty() && !table.dynamic.iter().any(|one| one == "version") {
            let note = "is taken from Cargo.toml, although dynamic = [\"version\"] does not say so";
            notes.push(field(&["project", "version"], note.to_owned()).to_string());
            table.dynamic.push("version".to_owned());
        }
        if !native && let Some(dynamic) = table.dynamic.first() {
            return Err(field(
                &["project", "dynamic"],
                format!(
                    "{dynamic:?} is left to a build backend; wheelwright needs every field written down"
                ),
            ));
        }
        let name =
            Name::parse(&table.name).map_err(|problem| field(&["project", "name"], problem))?;
        let settings = parsed.tool.wheelwright;
        backend::check(&source, folder, parsed.build_system.as_ref(), native)
            .and_then(|()| settings.check(native))
            .map_err(|(keys, problem)| field(keys, problem))?;
        let mut maturin = None;
        if native {
            let stated = parsed.tool.maturin.unwrap_or_default();
            notes.extend(
                stated
                    .notes(&source)
                    .into_iter()
                    .map(|(keys, note)| field(&keys, note).to_string()),
            );
            // Where everything is written down, no Cargo.toml needs to be there.
            let cargo = if table.dynamic.is_empty()
                && stated.names_module()
                && !stated.makes_programs(None)
                && settings.python_tag.is_some()
            {
                None
            } else {
                let manifest = folder.join(stated.manifest(folder, name.written()));
                if !manifest.is_file() {
                    let problem = format!(
                        "there is no {}, and an extension needs one; say where it is",
                        manifest.display()
                    );
                    return Err(field(&["tool", "maturin", "manifest-path"], problem));
                }
                Some(CargoToml::read(&manifest)?)
            };
            if let Some(cargo) = &cargo {
                let at = |(position, problem): dynamic::AtField| {
                    field(&["project", "dynamic", &position.to_string()], problem)
                };
                let unknown = dynamic::fill(&mut table, cargo, folder).map_err(at)?;
                for error in unknown.into_iter().map(at) {
                    // maturin leaves such a field empty.
                    if open.is_none() {
                        return Err(error);
                    }
                    notes.push(error.to_string());
                }
            }
            maturin = Some(
                stated
                    .complete(folder, cargo.as_ref(), name.written())
                    .map_err(|(keys, problem)| field(keys, problem))?,
            );
        }
        let version = stated_version(&table, native)
            .map_err(|problem| field(&["project", "version"], problem))?;
        let mut project = Self {
            folder: folder.to_owned(),
            source,
            name,
            version,
            table,
            maturin,
            abis: Vec::new(),
            of_releases: Vec::new(),
            apart: false,
            notes,
            hatch_packages: parsed.tool.hatch.build.targets.wheel.packages,
            settings,
        };
        project.choose(&[])?;
        project.note_cffi();
        Ok(project)
    }

    /// A pure project as its finished artifact describes it; only the settings for
    /// wheelwright come from the `pyproject.toml` in `folder`.
    ///
    /// # Errors
    /// These settings, the name or the version cannot be used.
    pub fn built(
        folder: &Path,
        name: &str,
        version: &str,
        dependencies: Vec<String>,
        imports: &[String],
    ) -> Result<Self, ProjectError> {
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct File {
            tool: Tool,
        }
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct Tool {
            wheelwright: Option<Wheelwright>,
        }
        let path = folder.join("pyproject.toml");
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        let stated: File = source::parse(&path, &source)?;
        let field = |keys: &[&str], problem: String| field_error(&path, &source, keys, problem);
        let mut settings = stated.tool.wheelwright.unwrap_or_default();
        if !source::has(&source, &["tool", "wheelwright", "audit"]) {
            settings.audit.profile = Profile::Index;
        }
        settings
            .check(false)
            .map_err(|(keys, problem)| field(keys, problem))?;
        if settings.smoke.step.is_empty() {
            let own = imports.iter().filter(|name| text::is_dotted_name(name));
            settings.smoke.step = own.map(|name| SmokeStep::import(name)).collect();
            if settings.smoke.step.is_empty() {
                // Nothing to import: it is installed, and that is all.
                settings.smoke.step.push(SmokeStep::import("sys"));
            }
        }
        let named = Name::parse(name).map_err(|problem| field(&["project", "name"], problem))?;
        let version: Version = version.parse().map_err(|_| {
            field(
                &["project", "version"],
                format!("{version:?} is no version"),
            )
        })?;
        let table = ProjectTable {
            name: name.to_owned(),
            version: version.to_string(),
            dependencies,
            ..ProjectTable::default()
        };
        Ok(Self {
            folder: folder.to_owned(),
            name: named,
            version,
            table,
            maturin: None,
            abis: Vec::new(),
            of_releases: Vec::new(),
            apart: false,
            notes: Vec::new(),
            hatch_packages: Vec::new(),
            settings,
            source,
        })
    }

    /// Notes that a library for cffi does not ask for it.
    fn note_cffi(&mut self) {
        let opened = self.maturin.as_ref().is_some_and(|maturin| maturin.cffi);
        if opened && !needs_cffi(&self.table) {
            let note = "the library is opened by cffi; write \"cffi\" here";
            let note = self.error_at(&["project", "dependencies"], note);
            self.notes.push(note.to_string());
        }
    }

    /// Does the project say how an installed copy is tried?
    pub fn says_how_it_is_tried(&self) -> bool {
        source::has(&self.source, &["tool", "wheelwright", "smoke"])
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

/// Does a build by maturin pass over what nobody knows in a table of `pyproject.toml`? Where
/// wheelwright or hatchling reads it, an unknown key may change the wheel.
fn is_open(table: &[&str]) -> bool {
    !table.starts_with(&["tool", "wheelwright"]) && !table.starts_with(&["tool", "hatch"])
}

/// The text of the `pyproject.toml` at `path`.
fn text_of(path: &Path, folder: &Path) -> Result<String, ProjectError> {
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ProjectError::NoProject {
            folder: folder.to_owned(),
            file: "pyproject.toml",
        },
        _ => ProjectError::Read {
            path: path.to_owned(),
            source: error,
        },
    })
}

/// The version of a package, which is `native` or not.
fn stated_version(table: &ProjectTable, native: bool) -> Result<Version, String> {
    let parsed = table.version.parse();
    parsed.map_err(
        |error: pep440_rs::VersionParseError| match table.version.as_str() {
            "" if native => "is missing; write one, or write dynamic = [\"version\"] to take that \
                             of Cargo.toml"
                .to_owned(),
            "" => "is missing; write one".to_owned(),
            _ => error.to_string(),
        },
    )
}

/// Is cffi among the dependencies?
fn needs_cffi(table: &ProjectTable) -> bool {
    table.dependencies.iter().any(|written| {
        requirement::check(written, None).is_ok_and(|one| one.name.normal() == "cffi")
    })
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
