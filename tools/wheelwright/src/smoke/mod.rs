//! Trying an installed copy: a fresh virtual environment, no index, the steps
//! that the package's `pyproject.toml` names.

pub mod install;
pub(crate) mod limited;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use wheelwright_artifacts::digest::{Digest, Pieces};

use crate::project::settings::SmokeStep;
use crate::project::{Project, ProjectError, imports};
use crate::temporary;
use crate::toolchain::ToolError;
use crate::toolchain::process::last_lines;
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;
use install::{Installed, Interpreter};
use limited::{Ended, Limits};

/// How much a step may print, in bytes: a wheel from elsewhere must not fill the memory.
const MAY_PRINT: usize = 16 << 20;
/// How much of what a step printed an error repeats, in characters.
const REPEATED: usize = 2000;

/// A package that does not work when it is installed.
#[derive(Debug, thiserror::Error)]
pub enum SmokeError {
    /// No environment can be made, or pip cannot install the package.
    #[error("cannot install {package} into a fresh environment")]
    Install {
        /// The package.
        package: String,
        /// Why.
        source: ToolError,
    },
    /// No wheel of a dependency is at hand.
    #[error(
        "{package} needs {requirement}, and {} holds no wheel of it; put one there, lock it in the file that [tool.wheelwright.smoke] requirements names, or do without by leave-out", folder.display()
    )]
    Missing {
        /// The package.
        package: String,
        /// What it needs.
        requirement: String,
        /// Where wheels are looked for.
        folder: PathBuf,
    },
    /// A step's program is not there.
    #[error(
        "`{step}` cannot be run: {package} installs no program {program}; declare it in \
         [project.scripts], or correct `run` of [[tool.wheelwright.smoke.step]]"
    )]
    NoProgram {
        /// The command.
        step: String,
        /// The package.
        package: String,
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A step ended with an error.
    #[error("`{step}` failed ({status}): {message}")]
    Step {
        /// The command.
        step: String,
        /// How it ended.
        status: String,
        /// The end of what it said.
        message: String,
    },
    /// A step did not print what it must.
    #[error("`{step}` must print {wanted:?}, but printed {printed:?}")]
    Output {
        /// The command.
        step: String,
        /// What it must print.
        wanted: String,
        /// What it printed.
        printed: String,
    },
    /// A step did not end in its time.
    #[error(
        "`{step}` did not end within {seconds} s, or a program that it started holds its output open; a step that needs longer says so with `timeout = SECONDS`"
    )]
    Late {
        /// The command.
        step: String,
        /// How long it had.
        seconds: u64,
    },
    /// A step printed more than anybody reads.
    #[error("`{step}` printed more than {limit} bytes, and was stopped")]
    Endless {
        /// The command.
        step: String,
        /// How many it may print.
        limit: usize,
    },
    /// The project does not say what is imported.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A folder or a pipe cannot be used.
    #[error("cannot use {path}")]
    File {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A digest of all that decides how the steps end: the wheels that are
/// installed, the steps and the interpreter.
pub fn key(project: &Project, python: &Python, wheels: &[String]) -> Digest {
    let mut pieces = Pieces::default();
    pieces.add("python", python.description.as_bytes());
    for wheel in wheels {
        pieces.add("wheel", wheel.as_bytes());
    }
    if let Some(lock) = &project.settings.smoke.requirements {
        // One that cannot be read is an error when it is used.
        let lock = std::fs::read(project.folder.join(lock)).unwrap_or_default();
        pieces.add("requirements", &lock);
    }
    pieces.add("steps", format!("{:?}", project.settings.smoke).as_bytes());
    pieces.finish()
}

/// Installs `project` from the wheels in `wheels` and runs its steps.
///
/// # Errors
/// It cannot be installed, or a step does not end as it should.
pub fn package(
    project: &Project,
    wheels: &Path,
    tools: &Tools,
    interpreter: Interpreter<'_>,
) -> Result<(), SmokeError> {
    let file = |source| SmokeError::File {
        path: std::env::temp_dir(),
        source,
    };
    if let Some(lock) = &project.settings.smoke.requirements
        && !project.folder.join(lock).is_file()
    {
        let keys = ["tool", "wheelwright", "smoke", "requirements"];
        let problem = format!(
            "there is no file {lock}; write one that locks each dependency with its hashes, \
             as `uv pip compile --generate-hashes` prints it"
        );
        return Err(project.error_at(&keys, problem).into());
    }
    let folder = temporary::folder("wheelwright-smoke-").map_err(file)?;
    let installed =
        Installed::new(project, wheels, tools, interpreter, folder.path()).map_err(|source| {
            let package = project.name.to_string();
            match install::missing(&source) {
                Some(requirement) if !requirement.starts_with(&format!("{package}==")) => {
                    SmokeError::Missing {
                        package,
                        requirement,
                        folder: wheels.to_owned(),
                    }
                }
                _ => SmokeError::Install { package, source },
            }
        })?;
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).map_err(file)?;
    steps(project, &installed, &empty, |_| true)
}

/// Runs the steps of `project` that are `wanted` in the folder `empty`.
///
/// # Errors
/// A step does not end as it should.
pub(crate) fn steps(
    project: &Project,
    installed: &Installed,
    empty: &Path,
    wanted: impl Fn(&SmokeStep) -> bool,
) -> Result<(), SmokeError> {
    let mut steps = project.settings.smoke.step.clone();
    if steps.is_empty() {
        steps = import_steps(project)?;
    }
    steps
        .iter()
        .filter(|step| wanted(step))
        .try_for_each(|step| run_step(project, installed, empty, step))
}

/// What is tried of a package that names no step: that it can be imported.
fn import_steps(project: &Project) -> Result<Vec<SmokeStep>, SmokeError> {
    let names = imports::find(project)?
        .into_iter()
        .map(|import| import.name);
    // A package of stubs is read by type checkers only.
    let imported = names.filter(|name| !name.ends_with("-stubs"));
    Ok(imported.map(|name| SmokeStep::import(&name)).collect())
}

/// Adds what to do to what Python says of an extension whose module has another name.
fn explained(said: String) -> String {
    let name = said
        .split_once("module export function (PyInit_")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(name, _)| name);
    match name {
        Some(name) => format!(
            "{said}\nthe crate's #[pymodule] has another name than the extension: call it \
             {name}, or write its name as the last part of [tool.maturin] module-name"
        ),
        None => said,
    }
}

fn run_step(
    project: &Project,
    installed: &Installed,
    folder: &Path,
    step: &SmokeStep,
) -> Result<(), SmokeError> {
    let name = step.run.join(" ");
    let file = |source| SmokeError::File {
        path: folder.to_owned(),
        source,
    };
    let Some((program, arguments)) = step.run.split_first() else {
        return Ok(());
    };
    let mut child = installed
        .command(program, folder)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| SmokeError::NoProgram {
            step: name.clone(),
            package: project.name.to_string(),
            program: program.clone(),
            source,
        })?;
    let limits = Limits {
        time: Duration::from_secs(step.timeout),
        bytes: MAY_PRINT,
    };
    let output = match limited::wait(&mut child, &step.stdin, limits).map_err(file)? {
        Ended::Itself(output) => output,
        Ended::TooLate => {
            return Err(SmokeError::Late {
                step: name,
                seconds: step.timeout,
            });
        }
        Ended::TooMuch => {
            return Err(SmokeError::Endless {
                step: name,
                limit: MAY_PRINT,
            });
        }
    };
    if !output.status.success() {
        return Err(SmokeError::Step {
            step: name,
            status: output.status.to_string(),
            message: explained(last_lines(&output)),
        });
    }
    let printed = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    let wanted = step
        .stdout
        .replace("{version}", &project.version.to_string());
    if printed.contains(wanted.trim()) {
        Ok(())
    } else {
        Err(SmokeError::Output {
            step: name,
            wanted,
            printed: printed.chars().take(REPEATED).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::explained;

    #[test]
    fn a_module_of_another_name_is_explained() {
        let said = "ImportError: dynamic module does not define module export function \
                    (PyInit_fast)";
        let text = explained(said.to_owned());
        assert!(
            text.starts_with(said) && text.contains("call it fast, or"),
            "{text}"
        );
        let other = "ModuleNotFoundError: No module named 'fast'";
        assert_eq!(explained(other.to_owned()), other);
    }
}
