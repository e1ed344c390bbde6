//! One cargo build for each target.
//!
//! cargo could build several targets at once, but it would then give each crate the
//! features that it needs on any of them, and a wheel's bytes would depend on which
//! other wheels are built at the same time. The builds of one worker share a target
//! folder, so build scripts and procedural macros are still compiled once for all of
//! them.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use cargo_metadata::Message;
use cargo_metadata::camino::Utf8Path;

use super::plan::Job;
use super::remap::Remap;
use super::workers::Worker;
use super::{BuildError, locked, stated_flags};
use crate::pack::PackError;
use crate::pack::crates::LocalCrates;
use crate::project::Project;
use crate::project::abi::{Abi, Interpreter, Kind};
use crate::project::cargo_toml::CargoToml;
use crate::toolchain::import_library;
use crate::toolchain::platform::{self, Platform};
use crate::toolchain::process::{self, isolated, start_error};
use crate::toolchain::rust::{self, Rust};
use crate::toolchain::slots;
use crate::toolchain::tools::Tools;
use crate::toolchain::wrappers::{self, Wrappers};
use crate::toolchain::zig;

/// What cargo made for one target.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// The dynamic library, or the programs.
    pub(super) files: Vec<PathBuf>,
    /// What cargo said about this target, as JSON lines.
    pub(super) messages: Vec<u8>,
}

/// What is compiled, and with what.
pub(super) struct Order<'a> {
    pub(super) crates: &'a LocalCrates,
    pub(super) project: &'a Project,
    /// What a Mach-O library calls itself.
    pub(super) install_name: &'a str,
    pub(super) work: &'a Path,
    pub(super) rust: &'a Rust,
    pub(super) tools: &'a Tools,
}

/// Runs cargo for a job of a worker, who has so many `left`; returns what it made, if that worked.
pub(super) fn build(
    order: &Order<'_>,
    worker: Worker,
    job: Job,
    left: usize,
) -> Result<Option<Built>, BuildError> {
    let started = Instant::now();
    let (crates, platform) = (order.crates, job.platform);
    let programs = makes_programs(order.project);
    let target_folder = worker.target_folder(order.work);
    let mut command = command(order, worker, job)?;
    if worker.workers > 1 {
        let folder = order.work.join("slots");
        slots::give(&mut command, &folder, left).map_err(|source| BuildError::Work {
            path: folder,
            source,
        })?;
    }
    eprintln!("compiling {} for {}", crates.extension.name, job.name());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| start_error(&command, "install Rust with rustup", source))?;
    let mut built = Built::default();
    let folder = target_folder.join(&platform.rust_target);
    let stdout = child.stdout.take().map(BufReader::new);
    for line in stdout
        .into_iter()
        .flat_map(BufReader::lines)
        .map_while(Result::ok)
    {
        let Ok(message) = serde_json::from_str(&line) else {
            continue;
        };
        let files = files(&message);
        if !files.iter().any(|file| file.starts_with(&folder)) {
            continue;
        }
        built.messages.extend(line.as_bytes());
        built.messages.push(b'\n');
        if let Message::CompilerArtifact(artifact) = &message
            && is_in(&artifact.manifest_path, crates)
            && let Some(made) = wanted(artifact, platform, programs)
        {
            built.files.push(made);
        }
    }
    let status = child
        .wait()
        .map_err(|source| start_error(&command, "it was started, but is gone", source))?;
    // cargo has said what it could not compile (101), unless it was stopped.
    if !matches!(status.code(), Some(0 | 101)) {
        eprintln!("cargo did not end by itself: {status}");
    }
    let made = status.success() && !built.files.is_empty();
    if made {
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("compiled {} ({seconds:.0} s)", job.name());
    }
    Ok(made.then_some(built))
}

fn makes_programs(project: &Project) -> bool {
    project
        .maturin
        .as_ref()
        .is_some_and(|maturin| maturin.programs)
}

/// The file that is packed of what cargo compiled: the library, or a program.
fn wanted(
    artifact: &cargo_metadata::Artifact,
    platform: &Platform,
    programs: bool,
) -> Option<PathBuf> {
    if programs {
        let is_program = artifact.target.is_bin();
        let file = artifact.executable.as_ref().filter(|_| is_program);
        return file.map(|path| path.clone().into_std_path_buf());
    }
    let name = platform.library_name(&artifact.target.name);
    let mut files = artifact.filenames.iter().map(|path| path.as_std_path());
    let file = files.find(|path| path.ends_with(&name) && artifact.target.is_cdylib());
    file.map(Path::to_owned)
}

/// Is this the manifest of the extension's crate?
fn is_in(manifest: &Utf8Path, crates: &LocalCrates) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(manifest.as_std_path()) == real(&crates.manifest())
}

/// The options that choose the crate's features.
pub(super) fn features(project: &Project, abi: Abi) -> Vec<String> {
    let Some(maturin) = &project.maturin else {
        return Vec::new();
    };
    let interpreter = match abi {
        Abi::Stated => None,
        Abi::Stable(minor) | Abi::StableOfBoth(minor) => Some(Interpreter::cpython(minor)),
        Abi::Version(interpreter) => Some(interpreter),
    };
    let mut options = Vec::new();
    let features = maturin.features(interpreter);
    if !features.is_empty() {
        options.extend(["--features".to_owned(), features.join(",")]);
    }
    if maturin.no_default_features {
        options.push("--no-default-features".to_owned());
    }
    if maturin.all_features {
        options.push("--all-features".to_owned());
    }
    options
}

/// The configuration of `PyO3` for a job, as a file; `None` if `PyO3` needs none.
fn pyo3_config(order: &Order<'_>, job: Job, zig: &Path) -> Result<Option<PathBuf>, BuildError> {
    let folder = import_library(order, job, zig)?;
    let Some(text) = job
        .abi
        .pyo3_config(job.platform.pointer_width(), folder.as_deref())
    else {
        return Ok(None);
    };
    let path = order.work.join("pyo3").join(job.name() + ".txt");
    let write = |source| BuildError::Work {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(order.work.join("pyo3")).map_err(write)?;
    // cargo compiles anew what reads a newer file.
    if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
        std::fs::write(&path, text).map_err(write)?;
    }
    Ok(Some(path))
}

/// The folder of an import library of Python, for a release of `PyO3` that links one.
fn import_library(order: &Order<'_>, job: Job, zig: &Path) -> Result<Option<String>, BuildError> {
    /// Since then, `PyO3` names Python's DLL itself.
    const NAMES_THE_DLL: (u64, u64) = (0, 29);
    if job.abi == Abi::Stated || !job.platform.rust_target.contains("-windows-") {
        return Ok(None);
    }
    let manifest = CargoToml::read(&order.crates.manifest()).map_err(PackError::from)?;
    if manifest
        .locked_pyo3()
        .is_none_or(|locked| locked >= NAMES_THE_DLL)
    {
        return Ok(None);
    }
    if matches!(job.abi, Abi::Version(one) if one.kind == Kind::PyPy) {
        let problem = "for PyPy on Windows it needs PyO3 0.29 or newer".to_owned();
        let project = order.project.name.to_string();
        return Err(PackError::Crates { project, problem }.into());
    }
    let metadata = locked::metadata(order.crates)?;
    let package = metadata
        .packages
        .iter()
        .find(|package| *package.name == "pyo3-ffi");
    let Some(sources) = package.and_then(|package| package.manifest_path.parent()) else {
        return Ok(None);
    };
    let target = job.platform.rust_target.as_str();
    let folder = order.work.join("pyo3").join("libraries").join(target);
    let library = job.abi.library();
    import_library::write(zig, target, &folder, &library, sources.as_std_path())?;
    Ok(folder.to_str().map(str::to_owned))
}

/// The command line of cargo and its environment, which is all it may depend on.
fn command(order: &Order<'_>, worker: Worker, job: Job) -> Result<Command, BuildError> {
    let Order { crates, work, .. } = *order;
    let platform = job.platform;
    let zig = order.tools.zig()?;
    let target_folder = worker.target_folder(work);
    let remap = Remap::new(crates, order.rust, &target_folder)?;
    let maturin = order.project.maturin.as_ref();
    let profile = maturin.map_or("release", |maturin| &maturin.profile);
    let mut command = isolated(rust::cargo());
    command
        .current_dir(&crates.root)
        .args(["build", "--profile", profile, "--locked"])
        .arg(if makes_programs(order.project) {
            "--bins"
        } else {
            "--lib"
        })
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--manifest-path".as_ref(), crates.manifest().as_os_str()])
        .args(features(order.project, job.abi))
        .env("CARGO_TARGET_DIR", &target_folder)
        .env("CARGO_INCREMENTAL", "0")
        .env("PYO3_BUILD_EXTENSION_MODULE", "1")
        .env(zig::ZIG, &zig)
        .env(zig::INSTALL_NAME, order.install_name)
        .env(zig::C_FLAGS, remap.c_flags())
        .env("ZIG_GLOBAL_CACHE_DIR", order.tools.zig_cache())
        .env("ZIG_LOCAL_CACHE_DIR", work.join("zig-cache"));
    match pyo3_config(order, job, &zig)? {
        Some(path) => command.env("PYO3_CONFIG_FILE", path),
        None => command.env("PYO3_NO_PYTHON", "1"),
    };
    if maturin.is_some_and(|maturin| maturin.strip) {
        let profile = profile.to_uppercase().replace('-', "_");
        command.env(format!("CARGO_PROFILE_{profile}_STRIP"), "symbols");
    }
    if !cfg!(target_os = "macos") {
        // rustc wants an SDK for Apple's targets and would ask xcrun for it.
        command.env(
            "SDKROOT",
            zig.with_file_name("lib").join("libc").join("darwin"),
        );
    }
    if worker.workers > 1 {
        command.env("CARGO_TERM_PROGRESS_WHEN", "never"); // two would share a line
    }
    if let Some(library) = std::env::var_os(process::PRELOAD) {
        command.env("LD_PRELOAD", library);
    }
    // cargo compiles anew when the linker's path changes, not when the linker
    // does; so each version of the wrappers has a folder of its own.
    let version = wrappers::version();
    let wrappers = work.join("wrappers").join(&version[..12]);
    command.args(["--target", &platform.rust_target]);
    // Build scripts and procedural macros are linked for this machine in the same
    // way for every target, or each target would compile them anew.
    let machine = platform::host().ok().filter(|_| !platform.is_host());
    let mut rust_flags = std::ffi::OsString::new();
    let target = &platform.rust_target;
    let cfgs = || order.rust.cfgs(target, &crates.root);
    for flag in stated_flags::flags(&crates.root, target, cfgs)? {
        rust_flags.push(format!("{flag}{}", zig::SEPARATOR));
    }
    rust_flags.push(remap.rust_flags());
    for known in machine.into_iter().chain([platform]) {
        let wrappers = Wrappers::write(&wrappers, known)?;
        if known.rust_target.ends_with("-windows-gnu") {
            rust_flags.push(format!("{}-Cdlltool=", zig::SEPARATOR));
            rust_flags.push(&wrappers.dlltool);
        }
        let lower = known.rust_target.replace('-', "_");
        let upper = lower.to_uppercase();
        command
            .env("RUSTC_WRAPPER", &wrappers.rustc) // whatever the user's settings say
            .env(format!("CARGO_TARGET_{upper}_LINKER"), &wrappers.cc)
            .env(format!("CC_{lower}"), &wrappers.cc)
            .env(format!("CXX_{lower}"), &wrappers.cxx)
            .env(format!("AR_{lower}"), &wrappers.ar)
            .env(format!("RANLIB_{lower}"), &wrappers.ranlib);
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", rust_flags);
    Ok(command)
}

/// The files that a message is about.
fn files(message: &Message) -> Vec<&Path> {
    match message {
        Message::CompilerArtifact(artifact) => artifact
            .filenames
            .iter()
            .map(|path| path.as_std_path())
            .collect(),
        Message::BuildScriptExecuted(script) => vec![script.out_dir.as_std_path()],
        _ => Vec::new(),
    }
}
