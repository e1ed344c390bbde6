//! Virtual environments under `target/checks/venvs`, keyed by what is in them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::context::{Context, Python};
use crate::error::{Error, Result};
use crate::facts;
use crate::log::Log;
use crate::stamp::{folder_hash, short};

/// The groups of tools.
const TOOLS: &str = "tools/checks/pyproject.toml";

/// The lock of all of them.
pub const LOCK: &str = "tools/checks/requirements.txt";

/// One virtual environment.
pub struct Venv {
    folder: PathBuf,
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
pub fn tools(context: &Context, log: &mut Log, group: &str) -> Result<Venv> {
    let fill = |log: &mut Log, venv: &Venv| install_locked(context, log, venv, group);
    build(context, log, group, context.python()?, "", fill)
}

/// Returns an environment with our packages out of the wheels in `dist`, and the tools
/// of the tests.
pub fn with_wheels(context: &Context, log: &mut Log, python: &Python, dist: &Path) -> Result<Venv> {
    let fill = |log: &mut Log, venv: &Venv| {
        install_locked(context, log, venv, "test")?;
        let mut uv = uv(context, log, venv)?;
        // Not by its cache: a wheel that was built again has the same name.
        uv.args(["--no-cache", "--no-index", "--find-links"])
            .arg(dist);
        let packages = facts::packages(context)?;
        log.run(uv.args(packages.iter().map(|package| &package.name)))
    };
    build(context, log, "test", python, &folder_hash(dist)?, fill)
}

/// Installs a group of `pyproject.toml`. The lock only says which versions and files may
/// be installed; it is an error if it lacks a tool, or has it in a version that the group
/// does not allow.
fn install_locked(context: &Context, log: &mut Log, venv: &Venv, group: &str) -> Result<()> {
    let mut uv = uv(context, log, venv)?;
    uv.args(["--require-hashes", "--constraint", LOCK, "--group"]);
    log.run(uv.arg(format!("{TOOLS}:{group}")))
}

/// Returns the command that installs wheels into an environment; what to install comes
/// after it.
fn uv(context: &Context, log: &mut Log, venv: &Venv) -> Result<Command> {
    let lock = context.read(LOCK)?;
    let own = locked(&lock, "uv");
    let fill = |log: &mut Log, venv: &Venv| {
        let file = venv.folder.join("uv.txt");
        fs::write(&file, &own).map_err(Error::io(&file))?;
        let mut pip = context.command(venv.python());
        pip.args(["-m", "pip", "install", "--quiet", "--require-hashes", "-r"]);
        log.run(pip.arg(file))
    };
    let installer = build(context, log, "uv", context.python()?, &own, fill)?;
    let mut uv = context.command(installer.program("uv"));
    uv.args([
        "pip",
        "install",
        "--quiet",
        "--system-certs",
        "--compile-bytecode",
    ]);
    uv.args(["--only-binary", ":all:", "--python"])
        .arg(venv.python());
    uv.env("UV_CACHE_DIR", context.work.join("uv"));
    let mut pip = context.command(installer.python());
    let settings = log.output(pip.args(["-m", "pip", "config", "list"]))?;
    if let Some(index) = index(&settings) {
        uv.env("UV_DEFAULT_INDEX", index);
    }
    Ok(uv)
}

/// Returns the lines of the lock that are about a tool.
fn locked(lock: &str, tool: &str) -> String {
    let head = format!("{tool}==");
    let mut lines = lock
        .split_inclusive('\n')
        .skip_while(|line| !line.starts_with(&head));
    let first = lines.next().unwrap_or_default().to_owned();
    first
        + &lines
            .take_while(|line| line.starts_with(' '))
            .collect::<String>()
}

/// Returns the index that pip is told to use, by its files or its environment.
fn index(settings: &str) -> Option<&str> {
    let mut values = settings
        .lines()
        .rev()
        .filter_map(|line| line.split_once('='));
    let (_, index) = values.find(|(key, _)| key.ends_with(".index-url"))?;
    Some(index.trim_matches('\''))
}

/// Makes an environment unless one with the same key is there and complete.
fn build(
    context: &Context,
    log: &mut Log,
    name: &str,
    python: &Python,
    more: &str,
    fill: impl FnOnce(&mut Log, &Venv) -> Result<()>,
) -> Result<Venv> {
    let described = format!("{python:?}");
    let mut parts = vec![described.as_bytes(), more.as_bytes()];
    let (lock, tools) = (context.read(LOCK)?, context.read(TOOLS)?);
    if name != "uv" {
        parts.extend([lock.as_bytes(), tools.as_bytes()]);
    }
    let label = format!("{name}-py{}-", python.version);
    let venvs = context.work.join("venvs");
    let venv = Venv {
        folder: venvs.join(format!("{label}{}", short(&parts))),
    };
    let complete = venv.folder.join("complete");
    if complete.is_file() {
        return Ok(venv);
    }
    remove_older(&venvs, &label)?;
    let mut make = context.command(&python.path);
    make.args(["-m", "venv"]);
    if name != "uv" {
        make.arg("--without-pip");
    }
    log.run(make.arg(&venv.folder))?;
    fill(log, &venv)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_tool_end_where_the_next_begins() {
        let lock = "a==1\n    --hash=1\nuv==2 \\\n    --hash=2\n    # via x\nuvloop==3\n";
        assert_eq!(locked(lock, "uv"), "uv==2 \\\n    --hash=2\n    # via x\n");
        assert_eq!(locked(lock, "b"), "");
    }

    #[test]
    fn the_index_is_what_counts_last() {
        let settings =
            "global.cert='/x'\nglobal.index-url='https://a/x=1'\n:env:.index-url='https://b'\n";
        assert_eq!(index(settings), Some("https://b"));
        assert_eq!(index("global.extra-index-url='https://c'"), None);
    }
}
