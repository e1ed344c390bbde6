//! Virtual environments under `target/checks/venvs`, keyed by what is in them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::context::{Context, Python};
use crate::error::{Error, Result};
use crate::facts;
use crate::lock;
use crate::log::Log;
use crate::stamp::{folder_hash, short};

/// One virtual environment.
pub struct Venv {
    folder: PathBuf,
    interpreter: Python,
}

impl Venv {
    /// The folder of its programs.
    pub fn bin(&self) -> PathBuf {
        self.folder
            .join(if cfg!(windows) { "Scripts" } else { "bin" })
    }

    /// One of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin()
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// Puts a command inside it: its programs first on the search path.
    pub fn enter(&self, command: &mut Command) -> Result<()> {
        let mut paths = vec![self.bin()];
        paths.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let joined = env::join_paths(paths).map_err(|error| Error::Missing {
            what: format!("PATH cannot take {}: {error}", self.bin().display()),
        })?;
        command
            .env("PATH", joined)
            .env("VIRTUAL_ENV", &self.folder)
            .env_remove("PYTHONHOME");
        Ok(())
    }
}

/// Returns the environment of a group of tools, installed if it is not there.
pub fn tools(context: &Context, log: &mut Log, name: &str) -> Result<Venv> {
    build(context, log, name, context.python()?, &[], install_locked)
}

/// Returns the environment of the pip that fills all others of its interpreter.
fn bootstrap(context: &Context, log: &mut Log, python: &Python) -> Result<Venv> {
    let fill = |_: &Context, log: &mut Log, venv: &Venv, lock: &Path| {
        let mut pip = context.command(venv.python());
        log.run(pip.args(["-m", "pip"]).args(INSTALL_LOCKED).arg(lock))
    };
    build(context, log, "bootstrap", python, &[], fill)
}

/// Returns an environment with our packages out of the wheels in `dist`, and the tools
/// of the tests.
pub fn with_wheels(context: &Context, log: &mut Log, python: &Python, dist: &Path) -> Result<Venv> {
    let wheels = folder_hash(dist)?;
    build(
        context,
        log,
        "test",
        python,
        &[wheels.as_bytes()],
        |context, log, venv, lock| {
            install_locked(context, log, venv, lock)?;
            install_wheels(context, log, venv, dist)
        },
    )
}

const INSTALL_LOCKED: &[&str] = &[
    "install",
    "--quiet",
    "--require-hashes",
    "--only-binary",
    ":all:",
    "--no-warn-script-location",
    "-r",
];

/// Returns a pip that acts on another environment.
pub fn pip(context: &Context, log: &mut Log, venv: &Venv) -> Result<Command> {
    let bootstrap = bootstrap(context, log, &venv.interpreter)?;
    let mut pip = context.command(bootstrap.python());
    pip.args(["-m", "pip", "--python"]).arg(venv.python());
    pip.env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    Ok(pip)
}

fn install_locked(context: &Context, log: &mut Log, venv: &Venv, lock: &Path) -> Result<()> {
    let mut pip = pip(context, log, venv)?;
    log.run(pip.args(INSTALL_LOCKED).arg(lock))
}

fn install_wheels(context: &Context, log: &mut Log, venv: &Venv, dist: &Path) -> Result<()> {
    let mut pip = pip(context, log, venv)?;
    pip.args([
        "install",
        "--quiet",
        "--no-index",
        "--only-binary",
        ":all:",
        "--find-links",
    ]);
    let packages = facts::packages(context)?;
    let names = packages.iter().map(|package| &package.name);
    log.run(pip.arg(dist).args(names))
}

/// Makes an environment unless one with the same key is there and complete.
fn build(
    context: &Context,
    log: &mut Log,
    name: &str,
    python: &Python,
    more: &[&[u8]],
    fill: impl FnOnce(&Context, &mut Log, &Venv, &Path) -> Result<()>,
) -> Result<Venv> {
    let wanted = lock::of_group(&context.read(lock::FILE)?, name);
    let wanted = wanted.ok_or_else(|| Error::Malformed {
        path: lock::FILE.into(),
        problem: format!("locks no tool of the group `{name}`; tools/checks/README.md says how to"),
    })?;
    let described = format!("{python:?}");
    let mut parts: Vec<&[u8]> = vec![wanted.as_bytes(), described.as_bytes()];
    parts.extend(more);
    let label = format!("{name}-py{}-", python.version);
    let venvs = context.work.join("venvs");
    let venv = Venv {
        folder: venvs.join(format!("{label}{}", short(&parts))),
        interpreter: python.clone(),
    };
    let complete = venv.folder.join("complete");
    if complete.is_file() {
        return Ok(venv);
    }
    remove_older(&venvs, &label)?;
    let mut make = context.command(&python.path);
    make.args(["-m", "venv"]);
    if name != "bootstrap" {
        make.arg("--without-pip");
    }
    log.run(make.arg(&venv.folder))?;
    let lock = venvs.join(format!("{name}.txt"));
    fs::write(&lock, &wanted).map_err(Error::io(&lock))?;
    fill(context, log, &venv, &lock)?;
    fs::write(&complete, "").map_err(Error::io(&complete))?;
    Ok(venv)
}

fn remove_older(venvs: &Path, label: &str) -> Result<()> {
    if !venvs.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(venvs).map_err(Error::io(venvs))? {
        let entry = entry.map_err(Error::io(venvs))?;
        if entry.file_name().to_string_lossy().starts_with(label) {
            fs::remove_dir_all(entry.path()).map_err(Error::io(&entry.path()))?;
        }
    }
    Ok(())
}
