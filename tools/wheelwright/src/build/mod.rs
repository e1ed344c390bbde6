//! A whole build: plan, compile what changed, pack, audit, try.

pub mod backend;
mod cargo;
mod cffi;
pub mod compile;
mod depfile;
mod locked;
pub mod plan;
mod remap;
pub mod report;
mod settings;
pub mod stamp;
mod trying;
mod workers;

use std::path::{Path, PathBuf};
use std::time::Instant;

use wheelwright_artifacts::audit::{AuditError, audit_file};
use wheelwright_artifacts::checksums::{self, ChecksumsError};
use wheelwright_artifacts::digest::Digest;
use wheelwright_artifacts::parallel;

use crate::exclusive;
use crate::pack::{Artifact, PackError, sdist, wheel};
use crate::project::Project;
use crate::project::files::{self, File};
use crate::project::workspace::Workspace;
use crate::toolchain::ToolError;
use crate::toolchain::python::Python;
use crate::toolchain::rust;
use crate::toolchain::tools::Tools;
use compile::{Compiled, Extension, Extensions};
use plan::{Item, Job, Kind, Plan};
use report::{Report, Row, Verdict};

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
    let mut rows = make_all(workspace, plan, &extensions, &options.out);
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

/// Packs and audits every artifact of the plan, as many at a time as there are
/// processors: compressing is most of what a build does that compiles nothing.
fn make_all(
    workspace: &Workspace,
    plan: &Plan,
    extensions: &[(&str, Extensions)],
    out: &Path,
) -> Vec<Row> {
    parallel::map(plan.items.len(), |place| {
        let item = &plan.items[place];
        let extension = match item.kind {
            Kind::NativeWheel(platform, abi) => extensions
                .iter()
                .find(|(name, _)| *name == item.project.name.normal())
                .and_then(|(_, built)| built.get(&Job { platform, abi }.name())),
            _ => None,
        };
        let row = make(workspace, item, extension, out);
        report::announce(&row);
        row
    })
}

/// Packs one artifact into the folder `out` and audits it.
fn make(
    workspace: &Workspace,
    item: &Item<'_>,
    extension: Option<&Result<Extension, String>>,
    out: &Path,
) -> Row {
    let artifact = pack_item(item, extension).and_then(|artifact| {
        artifact
            .write(out)
            .map_err(|error| crate::errors::with_causes(&error))?;
        Ok(artifact)
    });
    match artifact {
        Ok(artifact) => Row {
            package: item.project.name.to_string(),
            platform: item.platform_name(),
            size: Some(artifact.bytes.len()),
            sha256: Some(Digest::of(&artifact.bytes).hex()),
            build: Verdict::Passed,
            audit: audit(
                &workspace.root,
                &out.join(&artifact.file_name),
                item.project,
            ),
            smoke: Verdict::NotRun,
            artifact: artifact.file_name,
        },
        Err(problem) => Row {
            artifact: item.file_name(),
            package: item.project.name.to_string(),
            platform: item.platform_name(),
            size: None,
            sha256: None,
            build: Verdict::Failed(problem),
            audit: Verdict::NotRun,
            smoke: Verdict::NotRun,
        },
    }
}

fn pack_item(
    item: &Item<'_>,
    extension: Option<&Result<Extension, String>>,
) -> Result<Artifact, String> {
    let artifact = match item.kind {
        Kind::Sdist => sdist::pack(item.project, false),
        Kind::PureWheel => wheel::pack(item.project, None, &[]),
        Kind::NativeWheel(platform, abi) => {
            let extension = extension
                .ok_or("it was not compiled")?
                .as_ref()
                .map_err(Clone::clone)?;
            let read = |path: &Path| {
                std::fs::read(path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))
            };
            // The name that maturin gives it, too.
            let sbom = [File {
                path: format!("sboms/{}.cyclonedx.json", extension.crate_name),
                bytes: read(&extension.sbom)?,
            }];
            let tag = &platform.wheel_tag;
            match &extension.compiled {
                Compiled::Programs(folder) => {
                    let programs = files::every(folder, "")
                        .map_err(|error| crate::errors::with_causes(&error))?;
                    wheel::pack_programs(item.project, tag, programs, &sbom)
                }
                Compiled::Cffi(library) => {
                    let declarations = library.with_file_name(cffi::FILE);
                    wheel::pack_cffi(
                        item.project,
                        tag,
                        read(library)?,
                        read(&declarations)?,
                        &sbom,
                    )
                }
                Compiled::Library(path) => {
                    let native = wheel::Native {
                        extension: &read(path)?,
                        platform_tag: tag,
                        abi,
                    };
                    wheel::pack(item.project, Some(native), &sbom)
                }
            }
        }
    };
    artifact.map_err(|error| crate::errors::with_causes(&error))
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

/// Audits an artifact by its package's policy; no folder of this build may be
/// in it.
fn audit(root: &Path, path: &Path, project: &Project) -> Verdict {
    let mut policy = project.settings.audit.clone();
    let own = [root.to_owned(), rust::cargo_home()];
    policy.machine_paths.extend(
        own.iter()
            .filter_map(|path| path.to_str())
            .map(str::to_owned),
    );
    let report = policy
        .check()
        .map_err(AuditError::from)
        .and_then(|policy| audit_file(path, &policy));
    match report {
        Ok(report) if report.is_clean() => Verdict::Passed,
        Ok(report) => Verdict::Failed(report.lines().trim_end().to_owned()),
        Err(error) => Verdict::Failed(crate::errors::with_causes(&error)),
    }
}

/// Keeps two builds out of one work folder.
fn lock(work: &Path) -> Result<std::fs::File, BuildError> {
    let path = work.join("lock");
    exclusive::lock(&path, || {
        eprintln!("waiting for another build in {}", work.display());
    })
    .map_err(|source| BuildError::Work { path, source })
}
