//! Python interpreters and virtual environments.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ToolError;
use super::process::run;

/// An interpreter that can be used.
#[derive(Debug, Clone)]
pub struct Python {
    /// The program.
    pub program: PathBuf,
    /// Its version, such as `3.11`.
    pub version: String,
    /// Its version and platform, in one line.
    pub description: String,
    /// Its minor version, if it is a CPython.
    pub cpython: Option<u32>,
    /// Its minor version, if it is a `PyPy`.
    pub pypy: Option<u32>,
    /// Does it do without a global interpreter lock?
    pub free_threaded: bool,
}

/// The first minor version of CPython 3 whose stable interface can do without a global
/// interpreter lock (`abi3t`, PEP 803).
pub const FIRST_ABI3T: u32 = 15;

const OLDEST: (u32, u32) = (3, 9);
const DESCRIBE: &str = "import sys,platform,sysconfig;\
    print(sys.version_info[0],sys.version_info[1],platform.python_implementation(),\
    platform.python_version(),platform.machine(),sep='\\n');print(sys.executable);\
    print(sysconfig.get_config_var('Py_GIL_DISABLED') or 0)";

impl Python {
    /// The interpreter called `name`, or the first that is found.
    ///
    /// # Errors
    /// None can be used.
    pub fn find(name: Option<&Path>) -> Result<Self, ToolError> {
        let tried: Vec<PathBuf> = match name {
            Some(name) => vec![name.to_owned()],
            None => ["python3", "python", "py"]
                .iter()
                .map(PathBuf::from)
                .collect(),
        };
        tried
            .iter()
            .find_map(|program| Self::describe(program))
            .ok_or_else(|| ToolError::NoPython {
                tried: tried
                    .iter()
                    .map(|name| name.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// The interpreter that `program` runs, of whatever platform.
    ///
    /// # Errors
    /// It runs none that can be used.
    pub fn foreign(program: &Path) -> Result<Self, ToolError> {
        let none = || ToolError::NoPython {
            tried: program.display().to_string(),
        };
        let found = Self::describe(program).ok_or_else(none)?;
        let program = std::path::absolute(program).map_err(|_| none())?;
        Ok(Self { program, ..found })
    }

    fn describe(program: &Path) -> Option<Self> {
        let output = run(Command::new(program).args(["-I", "-c", DESCRIBE]), "").ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let fields: Vec<&str> = text.lines().collect();
        let [
            major,
            minor,
            kind,
            version,
            machine,
            executable,
            free_threaded,
        ] = fields[..]
        else {
            return None;
        };
        let found = (major.parse().ok()?, minor.parse().ok()?);
        (found >= OLDEST).then(|| Self {
            program: PathBuf::from(executable),
            version: format!("{}.{}", found.0, found.1),
            description: format!("{kind} {version} {machine}"),
            cpython: (kind == "CPython").then_some(found.1),
            pypy: (kind == "PyPy").then_some(found.1),
            free_threaded: free_threaded == "1",
        })
    }

    /// Makes a virtual environment in `folder`.
    ///
    /// # Errors
    /// Python cannot do it.
    pub fn venv(&self, folder: &Path, with_pip: bool) -> Result<Venv, ToolError> {
        let mut command = Command::new(&self.program);
        command.args(["-I", "-m", "venv"]);
        if !with_pip {
            command.arg("--without-pip");
        }
        run(
            command.arg(folder),
            "install Python's venv module (Debian: python3-venv)",
        )?;
        Ok(Venv {
            folder: folder.to_owned(),
        })
    }
}

/// A virtual environment.
#[derive(Debug, Clone)]
pub struct Venv {
    /// Its folder.
    pub folder: PathBuf,
}

impl Venv {
    /// The folder of its programs.
    pub fn programs(&self) -> PathBuf {
        self.folder
            .join(if cfg!(windows) { "Scripts" } else { "bin" })
    }

    /// Its interpreter.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// One of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs()
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}
