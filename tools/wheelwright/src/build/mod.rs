//! A whole build: plan, compile what changed, pack, audit, try.

pub mod backend;
mod cargo;
mod cffi;
pub mod compile;
mod depfile;
mod locked;
mod packing;
pub mod plan;
mod remap;
pub mod report;
mod settings;
pub mod stamp;
mod stated_flags;
mod trying;
mod workers;

use std::path::{Path, PathBuf};
use std::time::Instant;

use wheelwright_artifacts::checksums::{self, ChecksumsError};

use crate::exclusive;
use crate::pack::{PackError, wheel};
use crate::project::files;
use crate::project::workspace::Workspace;
use crate::toolchain::ToolError;
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;
use plan::{Job, Plan};
use report::{Report, Row};

/// What to do besides the plan.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where artifacts go.
    pub out: PathBuf,
    /// The interpreter to use; the first on the path unless told.
    pub python: Option<PathBuf>,
    /// Compile even what is unchanged.
    pub fresh: bool,
    /// Install and try the artifacts.
    pub smoke: bool,
    /// Where the locked dependencies of a package come from that is tried; pip's index unless
    /// told.
    pub index: Option<String>,
}

/// A build that cannot be done at all. What goes wrong with one artifact is in
/// the [`Report`] instead.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A tool is missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A package cannot be used.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// An artifact cannot be read back.
    #[error(transparent)]
    Checksums(#[from] ChecksumsError),
    /// A cargo configuration from outside the repository would change the bytes.
    #[error(
        "[{table}] in {path} would decide over what is built, and is not the repository's; \
         move it into the repository's .cargo/config.toml, or set CARGO_HOME to another folder"
    )]
    Settings {
        /// The configuration.
        path: PathBuf,
        /// Its table.
        table: &'static str,
    },
    /// Nothing says which versions to compile.
    #[error(
        "there is no Cargo.lock in {folder}; run `cargo generate-lockfile` there and commit it: \
         a build takes exactly what it lists"
    )]
    NoLock {
        /// The folder of the workspace.
        folder: PathBuf,
    },
    /// The lock file is that of an older manifest.
    #[error(
        "Cargo.lock in {folder} does not fit Cargo.toml; run `cargo update --workspace` there, \
         which adds what is missing, and commit it: a build takes exactly what it lists"
    )]
    StaleLock {
        /// The folder of the workspace.
        folder: PathBuf,
    },
    /// A crate cannot be fetched.
    #[error(
        "{said}\ncargo cannot fetch every crate that Cargo.lock in {folder} lists; let this \
         machine reach the place that is named above (a private repository asks for \
         credentials, or for net.git-fetch-with-cli = true in cargo's settings), or run \
         `cargo fetch --locked` where it is reached and copy that machine's cargo folder here"
    )]
    Unreachable {
        /// The folder of the workspace.
        folder: PathBuf,
        /// What cargo said.
        said: String,
    },
    /// The work folder cannot be used.
    #[error("cannot use {path}")]
    Work {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Builds everything in `plan`.
///
/// # Errors
/// Nothing could be built; a single artifact's failure is in the report.
pub fn build(workspace: &Workspace, plan: &Plan, options: &Options) -> Result<Report, BuildError> {
    let started = Instant::now();
    let work = workspace.work_folder();
    let _only_build = lock(&work)?;
    let python = Python::find(options.python.as_deref())?;
    let tools = Tools::new(&work, &python).with_index(options.index.clone());
    for project in plan.projects() {
        // The same error stops the packing of this project, and is reported there.
        let _ = files::warn_of_left_out(project);
        for note in &project.notes {
            eprintln!("warning: {note}");
        }
    }
    let mut extensions = Vec::new();
    for (project, jobs) in plan.native() {
        let built = match wheel::check(project) {
            Ok(()) => compile::compile(workspace, project, &jobs, &tools, options.fresh)?,
            // Said before minutes of compiling, and not after them.
            Err(error) => {
                let problem = crate::errors::with_causes(&error);
                let failed = |job: &Job| (job.name(), Err(problem.clone()));
                jobs.iter().map(failed).collect()
            }
        };
        extensions.push((project.name.normal(), built));
    }
    let mut rows = packing::all(workspace, plan, &extensions, options);
    write_checksums(&options.out, &rows)?;
    if options.smoke {
        trying::all(workspace, plan, &options.out, &tools, &python, &mut rows);
    }
    Ok(Report {
        rows,
        unexpected: plan.unexpected(&options.out),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Writes `SHA256SUMS` beside the artifacts: exactly those of this build.
fn write_checksums(out: &Path, rows: &[Row]) -> Result<(), BuildError> {
    let built = rows.iter().filter(|row| row.sha256.is_some());
    let files: Vec<PathBuf> = built.map(|row| out.join(&row.artifact)).collect();
    let text = checksums::write(&checksums::digests(&files)?);
    let path = out.join("SHA256SUMS");
    std::fs::create_dir_all(out)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|source| BuildError::Work { path, source })
}

/// Keeps two builds out of one work folder, and git, too: a project may not ignore it.
fn lock(work: &Path) -> Result<std::fs::File, BuildError> {
    let path = work.join("lock");
    let lock = exclusive::lock(&path, || {
        eprintln!("waiting for another build in {}", work.display());
    })
    .map_err(|source| BuildError::Work { path, source })?;
    let path = work.join(".gitignore");
    if !path.exists() {
        std::fs::write(&path, "*\n").map_err(|source| BuildError::Work { path, source })?;
    }
    Ok(lock)
}
