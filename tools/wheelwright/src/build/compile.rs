//! Native extensions: compiles those whose inputs changed since the last build.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use wheelwright_artifacts::digest::{Digest, Pieces};
use wheelwright_artifacts::epoch::ZIP_EPOCH;

use super::BuildError;
use super::stamp::Stamps;
use super::workers::Worker;
use super::{cargo, depfile, settings};
use crate::pack::PackError;
use crate::pack::crates::LocalCrates;
use crate::project::Project;
use crate::project::settings::Maturin;
use crate::project::workspace::Workspace;
use crate::sbom;
use crate::toolchain::platform::Platform;
use crate::toolchain::rust::Rust;
use crate::toolchain::tools::{self, Tools};
use crate::toolchain::{canonical, zig};

/// The parts of wheelwright that decide over the bytes of an extension and of
/// its bill of materials.
const RECIPE: &[&str] = &[
    include_str!("cargo.rs"),
    include_str!("compile.rs"),
    include_str!("remap.rs"),
    include_str!("../sbom/cyclonedx.rs"),
    include_str!("../sbom/linked.rs"),
    include_str!("../../data/bundled.toml"),
    include_str!("../toolchain/process.rs"),
    canonical::SOURCE,
    zig::SOURCE,
];

/// For each platform, the extension or why it could not be made.
pub type Extensions = BTreeMap<String, Result<Extension, String>>;

/// A compiled extension, kept between builds.
#[derive(Debug, Clone)]
pub struct Extension {
    /// The crate that it is.
    pub crate_name: String,
    /// The dynamic library.
    pub library: PathBuf,
    /// Its bill of materials.
    pub sbom: PathBuf,
    /// The files of the repository that it was compiled from, one a line.
    pub reads: PathBuf,
}

/// Compiles the extension of `project` for `platforms`. Where the inputs are those of
/// the last build, its result is taken.
///
/// # Errors
/// Nothing can be compiled, for no platform.
pub fn compile(
    workspace: &Workspace,
    project: &Project,
    platforms: &[&'static Platform],
    tools: &Tools,
    fresh: bool,
) -> Result<Extensions, BuildError> {
    let work = workspace.work_folder();
    let rust = Rust::find(&workspace.root)?;
    let crates = LocalCrates::find(project)?;
    if crates.version.parse().ok().as_ref() != Some(&project.version) {
        let problem = format!(
            "is {}, but crate {} has {}",
            project.version, crates.extension.name, crates.version
        );
        return Err(PackError::from(project.error_at(&["project", "version"], problem)).into());
    }
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
    for platform in platforms {
        let kept = kept(&work, project, &crates, platform);
        if !fresh
            && stamps.holds(
                &stamp(project, platform),
                &key(&inputs, &crates.root, platform, &kept),
            )
        {
            built.insert(platform.name.clone(), Ok(kept));
            continue;
        }
        match rust.ensure_target(platform, &workspace.root) {
            Ok(()) => stale.push(*platform),
            Err(error) => {
                built.insert(platform.name.clone(), Err(error.to_string()));
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
    let name = install_name(project);
    let one = |worker: Worker, platform: &Platform| -> Result<_, BuildError> {
        let compiled = cargo::build(&crates, &name, &work, worker, platform, &rust, tools)?;
        let Some(compiled) = compiled else {
            return Ok(Err(format!(
                "cargo could not compile {} for {}; its messages are above. Alone: the same command with --platform {}",
                crates.extension.name, platform.rust_target, platform.name
            )));
        };
        let kept = kept(&work, project, &crates, platform);
        Ok(
            keep(&kept, &compiled, project, &crates, platform).map(|()| {
                let key = key(&inputs, &crates.root, platform, &kept);
                stamps.set(&stamp(project, platform), &key);
                kept
            }),
        )
    };
    let compiled: Vec<_> = thread::scope(|scope| {
        let worker = |worker: Worker| {
            let own = stale.iter().filter(move |platform| worker.takes(platform));
            scope.spawn(move || {
                own.map(|platform| (*platform, one(worker, platform)))
                    .collect::<Vec<_>>()
            })
        };
        let running: Vec<_> = workers.into_iter().map(worker).collect();
        running
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    for (platform, result) in compiled.into_iter().flatten() {
        built.insert(platform.name.clone(), result?);
    }
    Ok(built)
}

/// Where a platform's extension is kept between builds.
fn kept(work: &Path, project: &Project, crates: &LocalCrates, platform: &Platform) -> Extension {
    let folder = work
        .join("extensions")
        .join(project.name.file())
        .join(&platform.name);
    Extension {
        crate_name: crates.extension.name.clone(),
        library: folder.join("extension"),
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
    platform: &Platform,
) -> Result<(), String> {
    let write = |error: std::io::Error| format!("cannot keep {}: {error}", kept.library.display());
    if let Some(folder) = kept.library.parent() {
        std::fs::create_dir_all(folder).map_err(write)?;
    }
    std::fs::copy(&compiled.library, &kept.library).map_err(write)?;
    let read = depfile::files(&compiled.library, &crates.root);
    std::fs::write(&kept.reads, read.join("\n")).map_err(write)?;
    let manifest = crates
        .root
        .join(&crates.extension.folder)
        .join("Cargo.toml");
    let linked = sbom::linked(&manifest, &platform.rust_target, Some(&compiled.messages)).map_err(
        |error| {
            format!(
                "cannot say what is linked: {}",
                crate::errors::with_causes(&error)
            )
        },
    )?;
    let subject = sbom::Subject {
        name: project.name.written().to_owned(),
        version: project.version.to_string(),
        target: platform.rust_target.clone(),
    };
    std::fs::write(&kept.sbom, sbom::cyclonedx(&subject, &linked)).map_err(write)
}

fn stamp(project: &Project, platform: &Platform) -> String {
    format!("extension-{}-{}", project.name.file(), platform.name)
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
    settings::add(&crates.root, &mut pieces)?;
    for file in crates.files(project).map_err(PackError::from)? {
        pieces.add(&file.path, &file.bytes);
    }
    Ok(pieces.finish())
}

/// The digest of the inputs for one platform, of whatever else its compilation
/// read, and of the files that came of it, so that a damaged copy is not used.
fn key(inputs: &Digest, root: &Path, platform: &Platform, kept: &Extension) -> Digest {
    let mut pieces = Pieces::default();
    pieces.add("inputs", inputs.hex().as_bytes());
    pieces.add("platform", format!("{platform:?}").as_bytes());
    let files = std::fs::read_to_string(&kept.reads).unwrap_or_default();
    depfile::add(&files, root, &mut pieces);
    for file in [&kept.library, &kept.sbom] {
        let digest = Digest::of_file(file)
            .map(|digest| digest.hex())
            .unwrap_or_default();
        pieces.add("kept", digest.as_bytes());
    }
    pieces.finish()
}

/// What a Mach-O library calls itself.
fn install_name(project: &Project) -> String {
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
