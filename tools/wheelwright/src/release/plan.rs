//! What a release is: the exact files of every package, in publish order.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wheelwright_artifacts::digest::Digest;

use crate::build::plan::{Item, Plan as BuildPlan};
use crate::pack;
use crate::project::workspace::Workspace;
use crate::toolchain::platform::Platform;
use crate::verify::release::Wanted;
use crate::version::Version;

/// The form of the file that [`Plan::text`] writes.
const SCHEMA: u32 = 1;

/// The exact files of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    schema: u32,
    /// The version: in Cargo's form, or in Python's if Cargo's has none for it.
    pub version: String,
    /// The platforms that native packages have a wheel for.
    pub platforms: Vec<String>,
    /// The packages, each after those it depends on.
    pub packages: Vec<Package>,
}

/// One package of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name, as its `pyproject.toml` writes it.
    pub name: String,
    /// Its files: the wheels, then the sdist, so that an installer that looks
    /// in between finds no sdist to compile where a wheel will be.
    pub files: Vec<File>,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name.
    pub file: String,
    /// SHA-256 of its bytes, in lower-case hex.
    pub sha256: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A plan that cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The folder lacks artifacts; one line for each.
    #[error("{} is not the whole release: {}", folder.display(), list(missing))]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// What is missing, each a phrase.
        missing: Vec<String>,
    },
    /// A file differs from the plan.
    #[error("{file}: {problem}; build and plan again, or use the files that were planned")]
    Changed {
        /// The file.
        file: String,
        /// How it differs.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not a plan.
    #[error("{} is not a release plan: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
}

fn list(lines: &[String]) -> String {
    lines.join("; ")
}

impl Plan {
    /// The release of the packages named that is in `folder`, with native wheels for
    /// `platforms`; without names, of all packages that are not released by themselves.
    ///
    /// # Errors
    /// A file of it is missing or cannot be read, or a name is no package's.
    pub fn of(
        workspace: &Workspace,
        names: &[String],
        folder: &Path,
        platforms: &[&'static Platform],
    ) -> Result<Self, PlanError> {
        let build = BuildPlan::new(workspace, names, platforms).map_err(|problem| {
            PlanError::Malformed {
                path: workspace.root.join("wheelwright.toml"),
                problem,
            }
        })?;
        let mut missing = Vec::new();
        let mut packages: Vec<Package> = Vec::new();
        for item in &build.items {
            let name = item.project.name.written();
            if packages.last().is_none_or(|last| last.name != name) {
                packages.push(Package {
                    name: name.to_owned(),
                    files: Vec::new(),
                });
            }
            let file_name = item.file_name();
            let path = folder.join(&file_name);
            if !path.is_file() {
                missing.push(absent(item, &file_name));
                continue;
            }
            let file = read_file(&path, file_name)?;
            if let Some(package) = packages.last_mut() {
                package.files.push(file);
            }
        }
        if !missing.is_empty() {
            return Err(PlanError::Missing {
                folder: folder.to_owned(),
                missing,
            });
        }
        let version = workspace.projects.first().map(|project| {
            let python = project.version.to_string();
            let cargo = python.parse::<Version>().map(|version| version.semver());
            cargo.unwrap_or(python)
        });
        Ok(Self {
            schema: SCHEMA,
            version: version.unwrap_or_default(),
            platforms: platforms.iter().map(|p| p.name.clone()).collect(),
            packages,
        })
    }

    /// The plan that a file holds.
    ///
    /// # Errors
    /// The file cannot be read, or is not a plan.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let bytes = std::fs::read(path).map_err(|source| PlanError::File {
            path: path.to_owned(),
            source,
        })?;
        let malformed = |problem| PlanError::Malformed {
            path: path.to_owned(),
            problem,
        };
        let plan: Self =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        plan.check().map_err(malformed)?;
        Ok(plan)
    }

    /// What [`Plan::read`] reads.
    pub fn text(&self) -> String {
        // Strings and numbers are always JSON.
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }

    /// The version, as Python reads it.
    ///
    /// # Errors
    /// A sentence on what in the text is no version.
    pub fn pep440(&self) -> Result<pep440_rs::Version, String> {
        pep440(&self.version).ok_or_else(|| format!("{:?} is no version", self.version))
    }

    /// The release of each package, in publish order.
    ///
    /// # Errors
    /// A sentence on what in the text is no release.
    pub fn releases(&self) -> Result<Vec<Wanted>, String> {
        let version = self.pep440()?;
        let packages = self.packages.iter();
        let release = |package: &Package| {
            let text = format!("{}=={version}", package.name);
            text.parse::<Wanted>().map_err(|error| error.to_string())
        };
        packages.map(release).collect()
    }

    /// Every file with its package's name, in publish order.
    pub fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.packages.iter().flat_map(|package| {
            package
                .files
                .iter()
                .map(|file| (package.name.as_str(), file))
        })
    }

    /// Compares `folder` with the plan, byte for byte. Returns an error for each planned
    /// file that is missing or has other bytes.
    pub fn differences(&self, folder: &Path) -> Vec<PlanError> {
        self.files()
            .filter_map(|(_, file)| file.compare(folder).err())
            .collect()
    }

    /// A plan comes from a file: nothing in it is taken on trust.
    fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("its schema is {}, not {SCHEMA}", self.schema));
        }
        self.pep440()?;
        let mut seen = std::collections::BTreeSet::new();
        for (_, file) in self.files() {
            let name = &file.file;
            if name.contains(['/', '\\', ':']) || !pack::is_artifact(name) {
                return Err(format!("{name:?} is not a file name of a wheel or sdist"));
            }
            let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if file.sha256.len() != 64 || !file.sha256.bytes().all(lower_hex) {
                return Err(format!("{name}: {:?} is not a SHA-256", file.sha256));
            }
            if !seen.insert(name) {
                return Err(format!("{name} is in it twice"));
            }
        }
        Ok(())
    }
}

impl File {
    /// Is the file of this name in `folder` the one that was planned?
    ///
    /// # Errors
    /// It is missing, or has other bytes.
    pub fn compare(&self, folder: &Path) -> Result<(), PlanError> {
        let path = folder.join(&self.file);
        let found = read_file(&path, self.file.clone())?;
        if found == *self {
            return Ok(());
        }
        Err(PlanError::Changed {
            file: self.file.clone(),
            problem: format!(
                "its bytes are not the planned ones (SHA-256 {}, planned {})",
                found.sha256, self.sha256
            ),
        })
    }
}

/// A plan's version, as Python reads it.
pub(super) fn pep440(text: &str) -> Option<pep440_rs::Version> {
    match text.parse::<Version>() {
        Ok(version) => version.pep440().parse().ok(),
        Err(_) => text.parse().ok(),
    }
}

fn absent(item: &Item<'_>, file_name: &str) -> String {
    match item.platform_name() {
        Some(platform) => format!("no wheel for {platform} ({file_name})"),
        None => format!("no {file_name}"),
    }
}

fn read_file(path: &Path, name: String) -> Result<File, PlanError> {
    let io = |source| PlanError::File {
        path: path.to_owned(),
        source,
    };
    Ok(File {
        file: name,
        sha256: Digest::of_file(path).map_err(io)?.hex(),
        size: std::fs::metadata(path).map_err(io)?.len(),
    })
}
