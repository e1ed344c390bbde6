//! Where a package is installed to be tried: a virtual environment, or a plain
//! folder for an interpreter of another platform.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use wheelwright_artifacts::artifact::file_name::normalize;

use crate::project::{Project, requirement};
use crate::toolchain::ToolError;
use crate::toolchain::platform::Platform;
use crate::toolchain::process::run;
use crate::toolchain::python::{Python, Venv};
use crate::toolchain::tools::Tools;

/// What runs the steps.
#[derive(Debug, Clone, Copy)]
pub enum Interpreter<'a> {
    /// A Python of this machine.
    Own(&'a Python),
    /// A program that runs a Python of another platform, such as an emulator.
    Foreign(&'a Python, &'static Platform),
}

/// An installed package.
#[derive(Debug)]
pub(crate) enum Installed {
    /// In a virtual environment.
    Venv(Venv),
    /// In a folder, for a foreign interpreter.
    Folder { runner: PathBuf, folder: PathBuf },
}

impl Installed {
    /// Installs `project` from the wheels in `wheels`, without index, below
    /// `folder`.
    pub(super) fn new(
        project: &Project,
        wheels: &Path,
        tools: &Tools,
        interpreter: Interpreter<'_>,
        folder: &Path,
    ) -> Result<Self, ToolError> {
        let (mut pip, installed) = match interpreter {
            Interpreter::Own(python) => {
                let venv = python.venv(&folder.join("venv"), false)?;
                (tools.pip_for(&venv, python)?, Self::Venv(venv))
            }
            Interpreter::Foreign(python, _) => {
                let folder = folder.join("site");
                (
                    tools.pip_that_knows(python)?,
                    Self::Folder {
                        runner: python.program.clone(),
                        folder,
                    },
                )
            }
        };
        // The user's settings for pip could name another folder of wheels, and so hide
        // that a wheel is missing in ours.
        for (name, _) in std::env::vars_os() {
            if name
                .to_string_lossy()
                .to_ascii_uppercase()
                .starts_with("PIP_")
            {
                pip.env_remove(name);
            }
        }
        pip.args([
            "install",
            "--isolated",
            "--no-index",
            "--only-binary",
            ":all:",
            "--no-cache-dir",
        ])
        .args(["--quiet", "--disable-pip-version-check", "--find-links"])
        .arg(wheels)
        .arg(format!("{}=={}", project.name, project.version));
        if let Some(lock) = &project.settings.smoke.requirements {
            let wheelhouse = folder.join("wheelhouse");
            let lock = project.folder.join(lock);
            fetch(tools, interpreter, &installed, &lock, &wheelhouse)?;
            pip.arg("--find-links").arg(wheelhouse);
        }
        let left_out = &project.settings.smoke.leave_out;
        if !left_out.is_empty() {
            // With --no-deps pip installs what it is given and nothing else: so it is
            // given the dependencies that are not left out, with their ranges.
            let kept = without(&project.table.dependencies, left_out);
            pip.arg("--no-deps").args(kept);
        }
        if let (Interpreter::Foreign(python, platform), Self::Folder { folder, .. }) =
            (interpreter, &installed)
        {
            pip.args(foreign(python, platform))
                .arg("--target")
                .arg(folder);
        }
        let words = format!("pip install {}=={}", project.name, project.version);
        run(&mut pip, "").map_err(|error| shortened(error, words))?;
        Ok(installed)
    }

    /// A command that starts `program` (`python`, or a script of the package)
    /// and sees nothing of the caller's environment but what an operating
    /// system needs; `home` is its home.
    pub(super) fn command(&self, program: &str, home: &Path) -> Command {
        let mut path: Vec<PathBuf> = Vec::new();
        let mut command = match self {
            Self::Venv(venv) => {
                path.push(venv.programs());
                Command::new(venv.program(program))
            }
            Self::Folder { runner, folder } => {
                let mut command = Command::new(runner);
                if program != "python" {
                    command.args(foreign_program(&folder.join("bin"), program));
                }
                command
            }
        };
        command.env_clear();
        if let Self::Folder { folder, .. } = self {
            command.env("PYTHONPATH", folder);
        }
        for name in ["SYSTEMROOT", "TEMP", "TMP", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if cfg!(unix) {
            path.extend(["/usr/bin".into(), "/bin".into()]);
        }
        let path: OsString = std::env::join_paths(path).unwrap_or_default();
        command
            .envs([("HOME", home), ("USERPROFILE", home)])
            .env("PATH", path)
            .env("PYTHONUTF8", "1");
        command
    }
}

/// Starts what its own arguments say.
const START: &str = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))";

/// How a foreign Python starts `program` in `folder`: a script is Python's own, and a
/// program of the platform is started by it.
fn foreign_program(folder: &Path, program: &str) -> Vec<OsString> {
    let script = folder.join(program);
    let exe = folder.join(format!("{program}.exe"));
    let compiled = if exe.is_file() { exe } else { script.clone() };
    let is_script = std::fs::read(&compiled).is_ok_and(|bytes| bytes.starts_with(b"#!"));
    if is_script {
        vec![script.into()]
    } else {
        vec!["-c".into(), START.into(), compiled.into()]
    }
}

/// How pip is told of a Python that it does not run in.
fn foreign(python: &Python, platform: &Platform) -> Vec<String> {
    let t = if python.free_threaded { "t" } else { "" };
    let digits = python.version.replace('.', "");
    let (kind, own) = match python.pypy {
        Some(_) => ("pp", format!("pypy{digits}_pp73")),
        None => ("cp", format!("cp{digits}{t}")),
    };
    let tag = platform.wheel_tag.as_str();
    let version = python.version.as_str();
    let mut arguments = vec!["--platform", tag, "--implementation", kind];
    let stable = format!("abi3{t}");
    for abi in [own.as_str(), stable.as_str(), "none"] {
        arguments.extend(["--abi", abi]);
    }
    arguments.extend(["--python-version", version]);
    arguments.into_iter().map(str::to_owned).collect()
}

/// Fetches the wheels that the file `lock` names, by their hashes, into the folder `to`.
fn fetch(
    tools: &Tools,
    interpreter: Interpreter<'_>,
    installed: &Installed,
    lock: &Path,
    to: &Path,
) -> Result<(), ToolError> {
    let (Interpreter::Own(python) | Interpreter::Foreign(python, _)) = interpreter;
    let mut pip = match installed {
        Installed::Venv(venv) => tools.pip_for(venv, python)?,
        Installed::Folder { .. } => tools.pip_that_knows(python)?,
    };
    pip.args(["download", "--require-hashes", "--only-binary", ":all:"])
        .args(["--quiet", "--disable-pip-version-check", "--dest"])
        .arg(to)
        .arg("--requirement")
        .arg(lock);
    if let Some(index) = tools.index() {
        pip.args(["--index-url", index]);
    }
    if let Interpreter::Foreign(python, platform) = interpreter {
        pip.args(foreign(python, platform));
    }
    let words = format!("pip download --requirement {}", lock.display());
    run(&mut pip, "").map_or_else(|error| Err(shortened(error, words)), |_| Ok(()))
}

/// The same error, with the `words` of its command that tell a reader something: the
/// folders and options of pip are ours.
fn shortened(error: ToolError, words: String) -> ToolError {
    match error {
        ToolError::Failed {
            status, message, ..
        } => ToolError::Failed {
            command: words,
            status,
            message,
        },
        other => other,
    }
}

/// The requirement that pip found no wheel of, if that is what it says.
pub(super) fn missing(error: &ToolError) -> Option<String> {
    let ToolError::Failed { message, .. } = error else {
        return None;
    };
    let line = message
        .lines()
        .find_map(|line| line.strip_prefix("ERROR: No matching distribution found for "))?;
    Some(line.trim().to_owned())
}

/// Returns the requirements in `written`, without those for a distribution named in
/// `left_out`. Whole names are compared, in normal form: `dask` leaves out `Dask>=2`, but
/// not `dask-expr`.
pub(crate) fn without<'a>(written: &'a [String], left_out: &[String]) -> Vec<&'a str> {
    let left_out: Vec<String> = left_out.iter().map(|name| normalize(name)).collect();
    let is_kept = |written: &&String| {
        requirement::check(written, None).map_or(true, |checked| {
            !left_out.iter().any(|name| name == checked.name.normal())
        })
    };
    written.iter().filter(is_kept).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_left_out_by_its_whole_name() {
        let written = [
            "dask>=2024",
            "dask-expr>=1",
            "Dask_Cloud[x]; python_version>'3'",
            "daskx",
        ]
        .map(str::to_owned);
        let kept = |left_out: &str| without(&written, &[left_out.to_owned()]);
        assert_eq!(kept("dask"), written[1..]);
        assert_eq!(kept("DASK.cloud"), [&written[0], &written[1], &written[3]]);
        assert_eq!(kept("das"), written);
    }
}
