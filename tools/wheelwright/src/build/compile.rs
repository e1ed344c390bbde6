//! Native extensions: one cargo build for all platforms that need one.
//!
//! One cargo builds all targets, so that build scripts and procedural macros
//! are compiled once and the machine's cores stay busy; `--keep-going` keeps
//! one target's failure from the others.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use cargo_metadata::Message;

use super::BuildError;
use super::remap::Remap;
use super::stamp::Stamps;
use crate::digest::{Digest, Pieces};
use crate::pack::PackError;
use crate::pack::crates::LocalCrates;
use crate::project::Project;
use crate::project::settings::Maturin;
use crate::project::workspace::Workspace;
use crate::toolchain::platform::Platform;
use crate::toolchain::process::{isolated, start_error};
use crate::toolchain::rust::{self, Rust};
use crate::toolchain::tools::{self, Tools};
use crate::toolchain::zig::{self, Wrappers};

/// The parts of wheelwright that decide over an extension's bytes.
const RECIPE: &[&str] = &[
    include_str!("compile.rs"),
    include_str!("remap.rs"),
    include_str!("../toolchain/process.rs"),
    zig::SOURCE,
];

/// Each platform's extension, or why there is none.
pub type Built = BTreeMap<String, Result<PathBuf, String>>;

/// Compiles the extension of `project` for `platforms`, except those whose
/// inputs are as they were.
///
/// # Errors
/// Nothing can be compiled, for no platform.
pub fn compile(
    workspace: &Workspace,
    project: &Project,
    platforms: &[&'static Platform],
    tools: &Tools,
    fresh: bool,
) -> Result<Built, BuildError> {
    let work = workspace.work_folder();
    let rust = Rust::find(&workspace.root)?;
    let crates = LocalCrates::find(project)?;
    if crates.version.parse().ok().as_ref() != Some(&project.version) {
        let problem = format!(
            "is {}, but crate {} has {}",
            project.version, crates.extension.name, crates.version
        );
        return Err(PackError::from(project.field_error("project.version", problem)).into());
    }
    let stamps = Stamps::open(&work);
    let inputs = inputs(&crates, project, &rust)?;
    let mut built = Built::new();
    let mut stale = Vec::new();
    for platform in platforms {
        let kept = kept(&work, project, platform);
        if !fresh && stamps.holds(&stamp(project, platform), &key(&inputs, platform, &kept)) {
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
    if !stale.is_empty() {
        if fresh {
            empty(&work.join("cargo"))?;
        }
        let libraries = cargo_build(&crates, &install_name(project), &work, &stale, &rust, tools)?;
        for platform in stale {
            let result = match libraries.get(&platform.rust_target) {
                Some(library) => {
                    let kept = kept(&work, project, platform);
                    copy(library, &kept).map_err(|source| BuildError::Work {
                        path: kept.clone(),
                        source,
                    })?;
                    stamps.set(&stamp(project, platform), &key(&inputs, platform, &kept));
                    Ok(kept)
                }
                None => Err(format!(
                    "cargo could not compile {} for {}; its messages are above. Alone: the same command with --platform {}",
                    crates.extension.name, platform.rust_target, platform.name
                )),
            };
            built.insert(platform.name.clone(), result);
        }
    }
    Ok(built)
}

/// Where a platform's extension is kept between builds.
fn kept(work: &Path, project: &Project, platform: &Platform) -> PathBuf {
    work.join("extensions")
        .join(project.name.file())
        .join(&platform.name)
        .join("extension")
}

fn stamp(project: &Project, platform: &Platform) -> String {
    format!("extension-{}-{}", project.name.file(), platform.name)
}

/// The digest of everything that all platforms' extensions depend on.
fn inputs(crates: &LocalCrates, project: &Project, rust: &Rust) -> Result<Digest, BuildError> {
    let mut pieces = Pieces::default();
    pieces.add("rustc", rust.version.as_bytes());
    pieces.add("zig", tools::ZIG.as_bytes());
    for text in RECIPE {
        pieces.add("recipe", text.as_bytes());
    }
    for name in ["Cargo.toml", "Cargo.lock"] {
        let path = crates.root.join(name);
        let bytes = std::fs::read(&path).map_err(|source| BuildError::Work { path, source })?;
        pieces.add(name, &bytes);
    }
    for file in crates.files(project).map_err(PackError::from)? {
        pieces.add(&file.path, &file.bytes);
    }
    Ok(pieces.finish())
}

/// The digest of the inputs for one platform together with the extension that
/// came of them, so that a damaged copy is not used.
fn key(inputs: &Digest, platform: &Platform, kept: &Path) -> Digest {
    let mut pieces = Pieces::default();
    pieces.add("inputs", inputs.hex().as_bytes());
    pieces.add("platform", format!("{platform:?}").as_bytes());
    let extension = Digest::of_file(kept)
        .map(|digest| digest.hex())
        .unwrap_or_default();
    pieces.add("extension", extension.as_bytes());
    pieces.finish()
}

/// Runs cargo; returns the dynamic library for each Rust target that worked.
fn cargo_build(
    crates: &LocalCrates,
    install_name: &str,
    work: &Path,
    platforms: &[&Platform],
    rust: &Rust,
    tools: &Tools,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let started = Instant::now();
    let zig = tools.zig()?;
    let target_folder = work.join("cargo");
    let remap = Remap::new(crates, rust, &target_folder)?;
    let mut command = isolated(rust::cargo());
    command
        .current_dir(&crates.root)
        .args(["build", "--release", "--locked", "--keep-going", "--lib"])
        .args([
            "--message-format",
            "json-render-diagnostics",
            "--package",
            &crates.extension.name,
        ])
        .env("CARGO_TARGET_DIR", &target_folder)
        .env("CARGO_INCREMENTAL", "0")
        .env("PYO3_BUILD_EXTENSION_MODULE", "1")
        .env("PYO3_NO_PYTHON", "1")
        .env(zig::ZIG, &zig)
        .env(zig::INSTALL_NAME, install_name)
        .env(zig::C_FLAGS, remap.c_flags())
        .env("CARGO_ENCODED_RUSTFLAGS", remap.rust_flags())
        .env("ZIG_GLOBAL_CACHE_DIR", work.join("zig-cache"))
        .env("ZIG_LOCAL_CACHE_DIR", work.join("zig-cache"));
    if !cfg!(target_os = "macos") {
        // rustc wants an SDK for Apple's targets and would ask xcrun for it.
        command.env(
            "SDKROOT",
            zig.with_file_name("lib").join("libc").join("darwin"),
        );
    }
    // cargo compiles anew when the linker's path changes, not when the linker
    // does; so each version of the wrappers has a folder of its own.
    let version = Digest::of(format!("{}{}", zig::SOURCE, tools::ZIG).as_bytes()).hex();
    let wrappers = work.join("wrappers").join(&version[..12]);
    for platform in platforms {
        let wrappers = Wrappers::write(&wrappers, platform)?;
        let lower = platform.rust_target.replace('-', "_");
        let upper = lower.to_uppercase();
        command
            .args(["--target", &platform.rust_target])
            .env(format!("CARGO_TARGET_{upper}_LINKER"), &wrappers.cc)
            .env(format!("CC_{lower}"), &wrappers.cc)
            .env(format!("CXX_{lower}"), &wrappers.cxx)
            .env(format!("AR_{lower}"), &wrappers.ar);
    }
    let names: Vec<&str> = platforms
        .iter()
        .map(|platform| platform.name.as_str())
        .collect();
    eprintln!(
        "compiling {} for {}",
        crates.extension.name,
        names.join(", ")
    );
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| start_error(&command, "install Rust with rustup", source))?;
    let mut libraries = BTreeMap::new();
    let stdout = child.stdout.take().map(BufReader::new);
    for line in stdout
        .into_iter()
        .flat_map(BufReader::lines)
        .map_while(Result::ok)
    {
        let Ok(Message::CompilerArtifact(artifact)) = serde_json::from_str(&line) else {
            continue;
        };
        if !artifact.target.is_cdylib() {
            continue;
        }
        let files: Vec<&Path> = artifact
            .filenames
            .iter()
            .map(|path| path.as_std_path())
            .collect();
        for platform in platforms {
            let name = platform.library_name(&artifact.target.name);
            let folder = target_folder.join(&platform.rust_target);
            if let Some(path) = files
                .iter()
                .find(|path| path.starts_with(&folder) && path.ends_with(&name))
            {
                eprintln!(
                    "compiled {} ({:.0} s)",
                    platform.name,
                    started.elapsed().as_secs_f64()
                );
                libraries.insert(platform.rust_target.clone(), (*path).to_owned());
            }
        }
    }
    child
        .wait()
        .map_err(|source| start_error(&command, "it was started, but is gone", source))?;
    Ok(libraries)
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

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, to).map(|_| ())
}
