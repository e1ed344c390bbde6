//! Native extensions: compiles those whose inputs changed since the last build.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use wheelwright_artifacts::digest::{Digest, Pieces};
use wheelwright_artifacts::epoch::ZIP_EPOCH;

use super::BuildError;
use super::plan::Job;
use super::stamp::Stamps;
use super::workers::{Queue, Worker};
use super::{cargo, cffi, depfile, settings};
use crate::pack::PackError;
use crate::pack::crates::LocalCrates;
use crate::project::Project;
use crate::project::maturin::Maturin;
use crate::project::workspace::Workspace;
use crate::sbom;
use crate::toolchain::rust::Rust;
use crate::toolchain::tools::{self, Tools};
use crate::toolchain::{canonical, dlltool, frameworks, windows_libraries, zig};

/// The parts of wheelwright that decide over the bytes of an extension and of
/// its bill of materials.
const RECIPE: &[&str] = &[
    include_str!("cargo.rs"),
    include_str!("cffi.rs"),
    include_str!("compile.rs"),
    include_str!("locked.rs"),
    include_str!("remap.rs"),
    include_str!("../sbom/cyclonedx.rs"),
    include_str!("../sbom/linked.rs"),
    include_str!("../../data/bundled.toml"),
    include_str!("../project/abi.rs"),
    include_str!("../toolchain/import_library.rs"),
    include_str!("../toolchain/process.rs"),
    tools::CFFI,
    canonical::SOURCE,
    dlltool::SOURCE,
    frameworks::SOURCE,
    windows_libraries::SOURCE,
    zig::SOURCE,
];

/// What of a package is compiled.
#[derive(Debug, Clone)]
pub enum Compiled {
    /// A dynamic library: an extension.
    Library(PathBuf),
    /// A dynamic library for cffi, beside which its declarations are.
    Cffi(PathBuf),
    /// A folder of programs.
    Programs(PathBuf),
}

impl Compiled {
    /// The file or the folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Library(path) | Self::Cffi(path) | Self::Programs(path) => path,
        }
    }
}

/// For each job, by its name, the extension or why it could not be made.
pub type Extensions = BTreeMap<String, Result<Extension, String>>;

/// A compiled extension, kept between builds.
#[derive(Debug, Clone)]
pub struct Extension {
    /// The crate that it is.
    pub crate_name: String,
    /// What was compiled.
    pub compiled: Compiled,
    /// Its bill of materials.
    pub sbom: PathBuf,
    /// The files of the repository that it was compiled from, one a line.
    pub reads: PathBuf,
}

/// Compiles the extension of `project` for each of `jobs`. Where the inputs are those of
/// the last build, its result is taken.
///
/// # Errors
/// Nothing can be compiled, for no platform.
pub fn compile(
    workspace: &Workspace,
    project: &Project,
    jobs: &[Job],
    tools: &Tools,
    fresh: bool,
) -> Result<Extensions, BuildError> {
    let work = workspace.work_folder();
    let rust = Rust::find(&workspace.root)?;
    let crates = LocalCrates::find(project)?;
    let stamps = Stamps::open(&work);
    settings::check(&crates.root)?;
    if !crates.root.join("Cargo.lock").is_file() {
        return Err(BuildError::NoLock {
            folder: crates.root,
        });
    }
    let inputs = inputs(&crates, project, &rust)?;
    let mut built = Extensions::new();
    let mut stale = Vec::new();
    for job in jobs {
        let kept = kept(&work, project, &crates, job);
        if !fresh
            && stamps.holds(
                &stamp(project, job),
                &key(&inputs, &crates.root, job, &kept),
            )
        {
            built.insert(job.name(), Ok(kept));
            continue;
        }
        match rust.ensure_target(job.platform, &workspace.root) {
            Ok(()) => stale.push(*job),
            Err(error) => {
                built.insert(job.name(), Err(error.to_string()));
            }
        }
    }
    if stale.is_empty() {
        return Ok(built);
    }
    let workers = Worker::all();
    if fresh {
        for worker in &workers {
            empty(&worker.target_folder(&work))?;
        }
    }
    let order = cargo::Order {
        crates: &crates,
        project,
        install_name: &install_name(project),
        work: &work,
        rust: &rust,
        tools,
    };
    let one = |worker: Worker, job: Job, left: usize| -> Result<_, BuildError> {
        let Some(compiled) = cargo::build(&order, worker, job, left)? else {
            return Ok(Err(format!(
                "cargo could not compile {} for {}; its messages are above. Alone: the same command with --platform {}",
                crates.extension.name, job.platform.rust_target, job.platform.name
            )));
        };
        let kept = kept(&work, project, &crates, &job);
        if let Compiled::Cffi(library) = &kept.compiled {
            let folder = crates.root.join(&crates.extension.folder);
            let written = cffi::write(&folder, tools, &library.with_file_name(cffi::FILE))?;
            if let Err(problem) = written {
                return Ok(Err(problem));
            }
        }
        Ok(keep(&kept, &compiled, project, &crates, job).map(|()| {
            let key = key(&inputs, &crates.root, &job, &kept);
            stamps.set(&stamp(project, &job), &key);
            kept
        }))
    };
    let queue = Queue::new(&stale, &workers, &work);
    let compiled: Vec<_> = thread::scope(|scope| {
        let (queue, one) = (&queue, &one);
        let worker = |worker: Worker| {
            let one = move |(job, left)| (job, one(worker, job, left));
            let next = move || queue.next(worker).map(one);
            scope.spawn(move || std::iter::from_fn(next).collect::<Vec<_>>())
        };
        let running: Vec<_> = workers.into_iter().map(worker).collect();
        running
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    for (job, result) in compiled.into_iter().flatten() {
        built.insert(job.name(), result?);
    }
    Ok(built)
}

/// Where an extension is kept between builds.
fn kept(work: &Path, project: &Project, crates: &LocalCrates, job: &Job) -> Extension {
    let folder = work
        .join("extensions")
        .join(project.name.file())
        .join(job.name());
    Extension {
        crate_name: crates.extension.name.clone(),
        compiled: match &project.maturin {
            Some(maturin) if maturin.programs => Compiled::Programs(folder.join("programs")),
            Some(maturin) if maturin.cffi => Compiled::Cffi(folder.join("extension")),
            _ => Compiled::Library(folder.join("extension")),
        },
        sbom: folder.join("sbom.json"),
        reads: folder.join("reads.txt"),
    }
}

/// Keeps a compiled extension, and what it was linked from.
fn keep(
    kept: &Extension,
    compiled: &cargo::Built,
    project: &Project,
    crates: &LocalCrates,
    job: Job,
) -> Result<(), String> {
    let platform = job.platform;
    let place = kept.compiled.path();
    let write = |error: std::io::Error| format!("cannot keep {}: {error}", place.display());
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(write)?;
    }
    if let Compiled::Programs(folder) = &kept.compiled {
        if folder.exists() {
            // One that is not made any more must not be packed.
            std::fs::remove_dir_all(folder).map_err(write)?;
        }
        std::fs::create_dir_all(folder).map_err(write)?;
    }
    let mut read = Vec::new();
    for file in &compiled.files {
        let to = match &kept.compiled {
            Compiled::Library(path) | Compiled::Cffi(path) => path.clone(),
            Compiled::Programs(folder) => folder.join(file.file_name().unwrap_or_default()),
        };
        std::fs::copy(file, &to).map_err(write)?;
        read.extend(depfile::files(file, &crates.root));
    }
    read.sort();
    read.dedup();
    std::fs::write(&kept.reads, read.join("\n")).map_err(write)?;
    let manifest = crates
        .root
        .join(&crates.extension.folder)
        .join("Cargo.toml");
    let features = cargo::features(project, job.abi);
    let messages = Some(compiled.messages.as_slice());
    let linked = sbom::linked(&manifest, &platform.rust_target, &features, messages);
    let linked = linked.map_err(|error| {
        format!(
            "cannot say what is linked: {}",
            crate::errors::with_causes(&error)
        )
    })?;
    let subject = sbom::Subject {
        name: project.name.written().to_owned(),
        version: project.version.to_string(),
        target: platform.rust_target.clone(),
    };
    std::fs::write(&kept.sbom, sbom::cyclonedx(&subject, &linked)).map_err(write)
}

fn stamp(project: &Project, job: &Job) -> String {
    format!("extension-{}-{}", project.name.file(), job.name())
}

/// The digest of everything that all platforms' extensions depend on.
fn inputs(crates: &LocalCrates, project: &Project, rust: &Rust) -> Result<Digest, BuildError> {
    let mut pieces = Pieces::default();
    pieces.add("rustc", rust.version.as_bytes());
    pieces.add("zig", tools::ZIG.as_bytes());
    pieces.add("time", &ZIP_EPOCH.to_le_bytes());
    for text in RECIPE {
        pieces.add("recipe", text.as_bytes());
    }
    pieces.add("maturin", format!("{:?}", project.maturin).as_bytes());
    settings::add(&crates.root, &mut pieces)?;
    for file in crates.files(project).map_err(PackError::from)? {
        pieces.add(&file.path, &file.bytes);
    }
    Ok(pieces.finish())
}

/// The digest of the inputs for one platform, of whatever else its compilation
/// read, and of the files that came of it, so that a damaged copy is not used.
fn key(inputs: &Digest, root: &Path, job: &Job, kept: &Extension) -> Digest {
    let mut pieces = Pieces::default();
    pieces.add("inputs", inputs.hex().as_bytes());
    pieces.add("job", format!("{job:?}").as_bytes());
    let files = std::fs::read_to_string(&kept.reads).unwrap_or_default();
    depfile::add(&files, root, &mut pieces);
    let compiled = crate::project::files::every(kept.compiled.path(), "").unwrap_or_default();
    for file in compiled {
        pieces.add(&file.path, &file.bytes);
    }
    let declarations = kept.compiled.path().with_file_name(cffi::FILE);
    for file in [kept.compiled.path(), &declarations, &kept.sbom] {
        let digest = Digest::of_file(file)
            .map(|digest| digest.hex())
            .unwrap_or_default();
        pieces.add("kept", digest.as_bytes());
    }
    pieces.finish()
}

/// What a Mach-O library calls itself.
fn install_name(project: &Project) -> String {
    if let Some(maturin) = project.maturin.as_ref().filter(|maturin| maturin.cffi) {
        return format!("@rpath/{}", maturin.library_file("macosx"));
    }
    let path = project
        .maturin
        .as_ref()
        .map(Maturin::extension_path)
        .unwrap_or_default();
    format!("@rpath/{}.so", path.rsplit('/').next().unwrap_or_default())
}

fn empty(folder: &Path) -> Result<(), BuildError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(BuildError::Work {
            path: folder.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
