//! Building a release of anybody's again, and saying how far the bytes are the same
//! (`docs/spec/rebuild.md`, "Rebuilding").

pub mod environment;
pub mod generator;
pub mod hooks;
pub mod own;
pub mod pick;
pub mod report;
pub mod sandbox;
mod unpack;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use wheelwright_artifacts::artifact::{Artifact, Limits, ReadError};
use wheelwright_artifacts::compare::{self, CompareError};
use wheelwright_artifacts::rebuild::statement::{Sdist, Source};

use crate::attest::{self, AttestError};
use crate::git::git;
use crate::index::Listed;
use crate::index::address::Address;
use crate::temporary;
use crate::toolchain::ToolError;
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;
use crate::verify::release::{Fetched, Origin, Wanted};
use environment::Environment;
use hooks::{Backend, Hooks};
use pick::Picked;
use report::{Built, Outcome, Rebuilt, Report};
use sandbox::Sandbox;

/// How a release is rebuilt.
#[derive(Debug)]
pub struct Options<'a> {
    /// Where the release is.
    pub origin: Origin<'a>,
    /// The index that has the build requirements; the ordinary one if none is named.
    pub index: Option<&'a Address>,
    /// The files to rebuild, by name; what this machine can build if empty.
    pub files: &'a [String],
    /// A git repository to build from, in place of the sdist.
    pub source: Option<&'a Path>,
    /// The Python that builds.
    pub python: &'a Python,
    /// What installs build requirements.
    pub tools: &'a Tools,
    /// The time whose build requirements are taken; that of the upload if not named.
    pub as_of: Option<Timestamp>,
    /// Where the rebuilt files go.
    pub out: Option<&'a Path>,
    /// How long one step of a build may take.
    pub time: Duration,
}

/// A release that cannot be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The place of the release cannot be read, or has no such file.
    #[error("{problem}")]
    Release {
        /// What is wrong.
        problem: String,
    },
    /// There is nothing to build from.
    #[error("{problem}")]
    Source {
        /// What is missing, or wrong with it.
        problem: String,
    },
    /// The build requirements cannot be had.
    #[error("the build requirements: {problem}")]
    Requirements {
        /// What is wrong.
        problem: String,
    },
    /// The backend failed.
    #[error("{problem}")]
    Build {
        /// What it said.
        problem: String,
    },
    /// An artifact cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Two artifacts cannot be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A tool is missing or failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The source is not as committed.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl RebuildError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// Rebuilds what this machine can of a release, and compares it. The build runs code of
/// the package.
///
/// # Errors
/// The release or its source cannot be had. What fails while one file is built is in the
/// report.
pub fn rebuild(wanted: &Wanted, options: &Options<'_>) -> Result<Report, RebuildError> {
    let listed = options.origin.listed(wanted);
    let listed = listed.map_err(|problem| RebuildError::Release { problem })?;
    if listed.is_empty() {
        let problem = format!("{} has no file of {wanted}", options.origin);
        return Err(RebuildError::Release { problem });
    }
    if let Some(source) = options.source
        && source.join("wheelwright.toml").is_file()
    {
        return own::rebuild(wanted, source, &listed, options);
    }
    let picked = pick::files(&listed, options.files, options.python)?;
    let work = temporary::folder("wheelwright-rebuild-")
        .map_err(RebuildError::file(&std::env::temp_dir()))?;
    let source = Tree::of(wanted, &picked, options, work.path())?;
    let mut report = Report::new(wanted, source.origin.clone());
    for (number, file) in picked.wheels.iter().enumerate() {
        let folder = work.path().join(format!("build-{number}"));
        let build = Build {
            options,
            source: &source,
            folder: &folder,
        };
        report.add(build.run(wanted, file)?);
    }
    Ok(report)
}

/// Downloads a file, whose digest must be the listed one.
fn fetch(origin: Origin<'_>, file: &Listed) -> Result<Fetched, RebuildError> {
    let release = |problem| RebuildError::Release { problem };
    let fetched = origin.fetch(file, None).map_err(release)?;
    match &file.sha256 {
        Some(stated) if *stated != fetched.digest => Err(release(format!(
            "{}: it has the SHA-256 {}, and the index says {stated}",
            file.file, fetched.digest
        ))),
        _ => Ok(fetched),
    }
}

/// What is built from.
#[derive(Debug)]
struct Tree {
    /// As a statement names it.
    origin: Source,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sdist(Box<Artifact>),
    /// A git repository.
    Repository(PathBuf),
}

impl Tree {
    fn of(
        wanted: &Wanted,
        picked: &Picked<'_>,
        options: &Options<'_>,
        work: &Path,
    ) -> Result<Self, RebuildError> {
        if let Some(folder) = options.source {
            attest::unchanged(folder)?;
            return Ok(Self {
                origin: attest::source(folder)?,
                kind: Kind::Repository(folder.to_owned()),
            });
        }
        let missing = || RebuildError::Source {
            problem: format!(
                "{wanted} has no sdist (.tar.gz); name its tagged source with --source"
            ),
        };
        let file = picked.sdist.ok_or_else(missing)?;
        let fetched = fetch(options.origin, file)?;
        let path = work.join(&file.file);
        let artifact = Artifact::from_bytes(&path, fetched.content, Limits::default())?;
        Ok(Self {
            origin: Source::Sdist(Sdist {
                file: file.file.clone(),
                sha256: fetched.digest,
            }),
            kind: Kind::Sdist(Box::new(artifact)),
        })
    }

    /// Lays the source out in `folder`, anew for each build, since a build may change it.
    /// Returns the folder of its `pyproject.toml`.
    fn lay_out(&self, folder: &Path) -> Result<PathBuf, RebuildError> {
        match &self.kind {
            Kind::Sdist(artifact) => unpack::sdist(artifact, folder),
            Kind::Repository(from) => {
                // With its tags: many backends take the version from them.
                let (from, to) = (from.display().to_string(), folder.display().to_string());
                let arguments = ["clone", "--quiet", "--no-hardlinks", &from, &to];
                let parent = folder.parent().unwrap_or(folder);
                std::fs::create_dir_all(parent).map_err(RebuildError::file(parent))?;
                git(parent, &arguments)?;
                Ok(folder.to_owned())
            }
        }
    }
}

/// The build of one wheel.
struct Build<'a> {
    options: &'a Options<'a>,
    source: &'a Tree,
    folder: &'a Path,
}

impl Build<'_> {
    /// Builds a wheel and compares it with the published one.
    ///
    /// # Errors
    /// The published one cannot be had. Everything else is in the result.
    fn run(&self, wanted: &Wanted, file: &Listed) -> Result<Rebuilt, RebuildError> {
        let published = fetch(self.options.origin, file)?;
        let sha256 = published.digest.clone();
        let artifact =
            Artifact::from_bytes(Path::new(&file.file), published.content, Limits::default())?;
        let mut built = Built::default();
        let outcome = self
            .build(wanted, file, &artifact, &mut built)
            .and_then(|path| compared(&artifact, &path, &mut built));
        let outcome = outcome.unwrap_or_else(|error| Outcome::NotBuilt {
            problem: crate::errors::with_causes(&error),
        });
        Ok(Rebuilt {
            file: file.file.clone(),
            sha256,
            outcome,
            built,
        })
    }

    fn build(
        &self,
        wanted: &Wanted,
        file: &Listed,
        published: &Artifact,
        built: &mut Built,
    ) -> Result<PathBuf, RebuildError> {
        let facts = generator::Facts::of(published);
        built.generator.clone_from(&facts.generator);
        built.source_date_epoch = facts.epoch;
        built.as_of = self.options.as_of.or(file.uploaded);
        if built.as_of.is_none() {
            let note = "the index does not say when the wheel was uploaded: the build \
                        requirements are those of today (--as-of names another day)";
            built.notes.push(note.to_owned());
        }
        let tree = self.source.lay_out(&self.folder.join("source"))?;
        let backend = Backend::read(&tree)?;
        built.backend.clone_from(&backend.name);
        let home = self.folder.join("home");
        std::fs::create_dir_all(&home).map_err(RebuildError::file(&home))?;
        let sandbox = Sandbox::new(&home, facts.epoch, self.options.time);
        built.network.clone_from(&sandbox.network);
        let mut environment = Environment {
            python: self.options.python,
            tools: self.options.tools,
            index: self.options.index,
            as_of: built.as_of,
            locked: None,
            folder: self.folder,
        };
        let mut requirements = backend.requires.clone();
        let pin = facts.pin.as_ref().filter(|pin| pin.package != wanted.name);
        let mut installed = environment.install(&requirements, pin, built)?;
        let hooks = Hooks {
            backend: &backend,
            tree: &tree,
            folder: self.folder,
            sandbox: &sandbox,
        };
        hooks::fetch_crates(&tree, built)?;
        let more = hooks.requires(&installed)?;
        if !more.is_empty() {
            requirements.extend(more);
            installed = environment.install(&requirements, pin, built)?;
        }
        let name = hooks.wheel(&installed)?;
        let path = self.folder.join("out").join(&name);
        if name != file.file {
            built
                .notes
                .push(format!("the rebuilt wheel is called {name}"));
        }
        if let Some(out) = self.options.out {
            std::fs::create_dir_all(out).map_err(RebuildError::file(out))?;
            let copy = out.join(&name);
            std::fs::copy(&path, &copy).map_err(RebuildError::file(&copy))?;
        }
        Ok(path)
    }
}

/// Compares a rebuilt file with the published one.
fn compared(published: &Artifact, path: &Path, built: &mut Built) -> Result<Outcome, RebuildError> {
    let own = Artifact::open(path, Limits::default())?;
    built.sha256 = Some(own.sha256.clone());
    if own.sha256 == published.sha256 {
        return Ok(Outcome::Identical);
    }
    let found = compare::explain(published, &own)?;
    let passes = found.passes;
    Ok(if found.differences.is_empty() {
        Outcome::Equivalent { passes }
    } else {
        Outcome::Different {
            passes,
            differences: found.differences,
        }
    })
}
