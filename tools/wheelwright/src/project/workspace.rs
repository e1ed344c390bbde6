//! A repository: `wheelwright.toml` and the packages it lists.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wheelwright_artifacts::audit::Profile;

use super::abi::Interpreter;
use super::{Project, ProjectError, platforms, requirement, source};
use crate::toolchain::platform::{self, Platform, PlatformError, Table};

/// The file that makes a folder a repository.
pub const FILE: &str = "wheelwright.toml";

/// What `wheelwright.toml` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// The folders of the packages, in publish order.
    pub packages: Vec<String>,
    /// The folders of further packages, each of which is built and released by itself
    /// (`--package`).
    #[serde(default)]
    pub apart: Vec<String>,
    /// The names of the platforms; the usual ones unless told.
    #[serde(default = "usual")]
    pub platforms: Vec<String>,
    /// `[[platform]]`: rows of the repository's own.
    #[serde(default)]
    pub platform: Vec<Platform>,
    /// `[audit]`.
    #[serde(default)]
    pub audit: Audit,
    /// `[release]`.
    #[serde(default)]
    pub release: Release,
    /// `[facts]`: for other programs of the repository; wheelwright does not read it.
    #[serde(default)]
    pub facts: toml::Table,
}

impl Settings {
    /// The folders of all packages: those of `packages`, then those of `apart`.
    pub fn folders(&self) -> impl Iterator<Item = &String> {
        self.packages.iter().chain(&self.apart)
    }
}

fn usual() -> Vec<String> {
    platform::usual().to_vec()
}

/// `[audit]`: what packages are held to that do not say it themselves.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Audit {
    /// The rules, as in `[tool.wheelwright.audit]`.
    pub profile: Profile,
}

/// `[release]`: what a release looks at besides the packages.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Release {
    /// The changelog.
    pub changelog: Option<String>,
    /// The folder of its fragments.
    pub fragments: Option<String>,
    /// Pages that name the version.
    pub names_version: Vec<String>,
}

/// The file of a package, which is a repository of its own where no `wheelwright.toml`
/// lies above it.
const PACKAGE: &str = "pyproject.toml";
/// The file that a package without `pyproject.toml` has: setuptools builds it (PEP 517).
const OF_SETUPTOOLS: &str = "setup.py";

/// Is a package in `folder`, whatever builds it?
pub fn is_package(folder: &Path) -> bool {
    [PACKAGE, OF_SETUPTOOLS]
        .iter()
        .any(|file| folder.join(file).is_file())
}

/// Reads `wheelwright.toml` alone: packages and platforms are not looked at. Without
/// one, there is one package, and it is for the usual platforms.
///
/// # Errors
/// It is malformed, or missing where there is no package either.
pub fn settings(root: &Path) -> Result<Settings, ProjectError> {
    let path = root.join(FILE);
    if !path.is_file() && is_package(root) {
        return Ok(Settings {
            packages: vec![".".to_owned()],
            apart: Vec::new(),
            platforms: usual(),
            platform: Vec::new(),
            // Who has not asked for our hygiene is held to what an index asks.
            audit: Audit {
                profile: Profile::Index,
            },
            release: Release::default(),
            facts: toml::Table::new(),
        });
    }
    let text = std::fs::read_to_string(&path).map_err(|source| ProjectError::Read {
        path: path.clone(),
        source,
    })?;
    source::parse(&path, &text)
}

/// Reads the platform table of the repository in `root`; packages are not looked at.
///
/// # Errors
/// `wheelwright.toml` cannot be used.
pub fn table(root: &Path) -> Result<Table, ProjectError> {
    platforms::chosen(root, settings(root)?).map(|(table, _)| table)
}

/// The folder of the repository that `start` is in: that of the nearest
/// `wheelwright.toml`, or else of the nearest package; `setup.py` alone makes one of `start`,
/// and of a folder above it only if no `pyproject.toml` is there.
///
/// # Errors
/// It is in none.
pub fn root(start: &Path) -> Result<PathBuf, ProjectError> {
    let start = std::path::absolute(start).map_err(|source| ProjectError::Read {
        path: start.to_owned(),
        source,
    })?;
    let nearest = |file: &str| start.ancestors().find(|folder| folder.join(file).is_file());
    let own = || is_package(&start).then_some(start.as_path());
    let package = || {
        own()
            .or_else(|| nearest(PACKAGE))
            .or_else(|| nearest(OF_SETUPTOOLS))
    };
    match nearest(FILE).or_else(package) {
        Some(root) => Ok(root.to_owned()),
        None => Err(ProjectError::NoRepository { folder: start }),
    }
}

/// Is the repository in `root` one pure package that its own build backend builds: has it
/// no `wheelwright.toml`, and no extension?
pub fn is_of_a_backend(root: &Path) -> bool {
    let text = std::fs::read_to_string(root.join(PACKAGE)).unwrap_or_default();
    let backend = ["build-system", "build-backend"];
    let maturin = source::has(&text, &["tool", "maturin"])
        || source::value_span(&text, &backend)
            .and_then(|span| text.get(span))
            .is_some_and(|value| value.trim_matches(['"', '\'']) == "maturin");
    // A file that is not TOML has its error told by the ordinary way.
    !root.join(FILE).is_file() && !maturin && toml::from_str::<toml::Table>(&text).is_ok()
}

/// Reads the package in `folder` by itself, as the repository that it is in would.
///
/// # Errors
/// It cannot be used.
pub fn project(folder: &Path) -> Result<Project, ProjectError> {
    let root = root(folder).unwrap_or_else(|_| folder.to_owned());
    if root.join(FILE).is_file() {
        return Project::read(folder);
    }
    let mut project = Project::read_as_maturin(folder)?;
    hold_to(&mut project, Profile::Index);
    Ok(project)
}

/// Holds a package that does not say which rules it keeps to these.
fn hold_to(project: &mut Project, profile: Profile) {
    if !source::has(&project.source, &["tool", "wheelwright", "audit"]) {
        project.settings.audit.profile = profile;
    }
}

/// The folder for everything that a build of the repository in `root` leaves behind.
pub fn work_folder(root: &Path) -> PathBuf {
    root.join("target").join("wheelwright")
}

/// A repository and its packages.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder that holds `wheelwright.toml`.
    pub root: PathBuf,
    /// The packages, in publish order; those that are released by themselves come last.
    pub projects: Vec<Project>,
    /// The platforms that there are.
    pub table: Table,
    /// The platforms that native packages are built for.
    pub platforms: Vec<&'static Platform>,
}

impl Workspace {
    /// Finds the repository that `start` is in and reads it.
    ///
    /// # Errors
    /// There is no `wheelwright.toml`, or a file of the repository cannot be used.
    pub fn find(start: &Path) -> Result<Self, ProjectError> {
        Self::read(&root(start)?)
    }

    /// Reads the repository in `root`.
    ///
    /// # Errors
    /// `wheelwright.toml` or a package's `pyproject.toml` cannot be used, or
    /// the packages do not fit together.
    pub fn read(root: &Path) -> Result<Self, ProjectError> {
        let settings = settings(root)?;
        let read = if root.join(FILE).is_file() {
            Project::read
        } else {
            Project::read_as_maturin
        };
        let mut projects = settings
            .folders()
            .map(|folder| read(&in_root(root, folder)))
            .collect::<Result<Vec<_>, _>>()?;
        for project in projects.iter_mut().skip(settings.packages.len()) {
            project.apart = true;
        }
        for project in &mut projects {
            hold_to(project, settings.audit.profile);
        }
        let (table, platforms) = platforms::chosen(root, settings)?;
        check_order(&projects)?;
        Ok(Self {
            root: root.to_owned(),
            projects,
            table,
            platforms,
        })
    }

    /// Builds every package with an extension for these versions of `CPython`
    /// only; for those that it names or supports if there are none.
    ///
    /// # Errors
    /// A package does not support one.
    pub fn choose(&mut self, interpreters: &[Interpreter]) -> Result<(), ProjectError> {
        let mut projects = self.projects.iter_mut();
        projects.try_for_each(|project| project.choose(interpreters))
    }

    /// Leaves out what only a release has wheels for.
    pub fn leave_to_releases(&mut self) {
        for project in &mut self.projects {
            let left = std::mem::take(&mut project.of_releases);
            project.abis.retain(|abi| !left.contains(abi));
        }
    }

    /// The packages of these names, in publish order; without names, those that are not
    /// released by themselves.
    ///
    /// # Errors
    /// A sentence on a name that is no package's.
    pub fn named(&self, names: &[String]) -> Result<Vec<&Project>, String> {
        let all = || self.projects.iter().map(|project| project.name.written());
        if let Some(unknown) = names.iter().find(|name| !all().any(|one| one == *name)) {
            return Err(format!(
                "no package is called {unknown:?}; there are: {}",
                all().collect::<Vec<_>>().join(", ")
            ));
        }
        let wanted = |project: &&Project| {
            let mut names = names.iter();
            names.any(|name| name == project.name.written())
        };
        let projects = self.projects.iter();
        Ok(if names.is_empty() {
            projects.filter(|project| !project.apart).collect()
        } else {
            projects.filter(wanted).collect()
        })
    }

    /// The platforms of this machine: those that native packages are built for, else the
    /// one that the table has.
    ///
    /// # Errors
    /// The machine is in no row.
    pub fn host(&self) -> Result<Vec<&'static Platform>, PlatformError> {
        let chosen = self.platforms.iter().copied();
        let own: Vec<_> = chosen.filter(|platform| platform.is_host()).collect();
        if own.is_empty() {
            return Ok(vec![self.table.host()?]);
        }
        Ok(own)
    }

    /// The folder for everything that a build leaves behind.
    pub fn work_folder(&self) -> PathBuf {
        work_folder(&self.root)
    }

    /// The repository's `Cargo.lock`, which every compiled artifact is built by.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn cargo_lock(&self) -> io::Result<Vec<u8>> {
        std::fs::read(self.root.join("Cargo.lock"))
    }
}

/// A package's folder, without the `.` of a repository that is one package.
fn in_root(root: &Path, folder: &str) -> PathBuf {
    if folder == "." {
        root.to_owned()
    } else {
        root.join(folder)
    }
}

/// Every package comes after those it depends on, accepts the version they
/// have here, and all have one version.
fn check_order(projects: &[Project]) -> Result<(), ProjectError> {
    for (position, project) in projects.iter().enumerate() {
        if project.version != projects[0].version {
            return Err(project.error_at(
                &["project", "version"],
                format!(
                    "is {}, but {} has {}; packages of one repository have one version",
                    project.version, projects[0].name, projects[0].version
                ),
            ));
        }
        for (number, written) in project.table.dependencies.iter().enumerate() {
            let keys = ["project", "dependencies", &number.to_string()];
            let checked = requirement::check(written, None)
                .map_err(|problem| project.error_at(&keys, problem))?;
            let Some(other) = projects
                .iter()
                .position(|other| other.name.normal() == checked.name.normal())
            else {
                continue;
            };
            if other >= position {
                return Err(project.error_at(
                    &keys,
                    format!(
                        "{} must come before {} in {FILE}",
                        checked.name, project.name
                    ),
                ));
            }
            let version = &projects[other].version;
            if !checked
                .versions
                .is_some_and(|versions| versions.contains(version))
            {
                return Err(project.error_at(
                    &keys,
                    format!(
                        "{written:?} does not accept {} {version}, the version of this repository",
                        checked.name
                    ),
                ));
            }
        }
    }
    Ok(())
}
