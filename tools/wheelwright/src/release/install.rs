//! Installing a release as its users do: from an index, with their installers,
//! each package into a fresh environment.

use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use crate::index::address::{Address, Secrets};
use crate::project::Project;
use crate::smoke::install::{Installed, without};
use crate::smoke::{self, SmokeError};
use crate::temporary;
use crate::toolchain::ToolError;
use crate::toolchain::process::{isolated, run};
use crate::toolchain::python::{Python, Venv};
use crate::toolchain::tools::Tools;

/// A program that installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Installer {
    /// pip, into a virtual environment
    Pip,
    /// `uv pip`, into a virtual environment
    Uv,
    /// pipx, for packages that have commands
    Pipx,
}

impl Installer {
    /// Every installer.
    pub const ALL: [Self; 3] = [Self::Pip, Self::Uv, Self::Pipx];

    /// The name of its program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Pipx => "pipx",
        }
    }
}

/// Where packages come from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// An index alone.
    Index(&'a Address),
    /// A folder of wheels alone.
    Folder(&'a Path),
}

/// Does this installer install such a package? pipx takes only those that have
/// commands, and always installs what they need.
pub fn applies(installer: Installer, project: &Project) -> bool {
    let alone = project.settings.smoke.leave_out.is_empty();
    installer != Installer::Pipx || (alone && !project.table.scripts.is_empty())
}

/// Installs `project` with `installer` into a fresh environment, and runs the
/// steps of its `pyproject.toml`.
///
/// # Errors
/// It cannot be installed, or a step does not end as it should.
pub fn try_package(
    project: &Project,
    installer: Installer,
    source: Source<'_>,
    tools: &Tools,
    python: &Python,
) -> Result<(), SmokeError> {
    let file = |source| SmokeError::File {
        path: std::env::temp_dir(),
        source,
    };
    let folder = temporary::folder("wheelwright-try-").map_err(file)?;
    let installed =
        install(project, installer, source, tools, python, folder.path()).map_err(|source| {
            SmokeError::Install {
                package: project.name.to_string(),
                source,
            }
        })?;
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).map_err(file)?;
    // pipx shows a package's commands, not its interpreter.
    let has_python = installer != Installer::Pipx;
    smoke::steps(project, &installed, &empty, |step| {
        has_python || step.run.first().is_some_and(|program| program != "python")
    })
}

fn install(
    project: &Project,
    installer: Installer,
    source: Source<'_>,
    tools: &Tools,
    python: &Python,
    folder: &Path,
) -> Result<Installed, ToolError> {
    let wanted = format!("{}=={}", project.name, project.version);
    let venv = Venv {
        folder: folder.join("venv"),
    };
    let mut command = match installer {
        Installer::Pip => {
            python.venv(&venv.folder, false)?;
            let mut command = clean(&tools.pip_for(&venv, python)?);
            command
                .args([
                    "install",
                    "--only-binary",
                    ":all:",
                    "--no-cache-dir",
                    "--quiet",
                ])
                .args(["--disable-pip-version-check", "--no-input"]);
            command
        }
        Installer::Uv => {
            python.venv(&venv.folder, false)?;
            let mut command = isolated(tools.uv()?);
            command
                .args(["pip", "install", "--no-config", "--no-cache", "--quiet"])
                .args(["--only-binary", ":all:", "--python"])
                .arg(venv.python());
            command
        }
        Installer::Pipx => {
            let mut command = clean(&tools.pipx()?);
            let uv = tools.uv()?;
            let mut path = vec![uv.parent().unwrap_or(folder).to_owned()];
            path.extend(std::env::split_paths(
                &std::env::var_os("PATH").unwrap_or_default(),
            ));
            command
                .env("PATH", std::env::join_paths(path).unwrap_or_default())
                .env("PIPX_HOME", folder.join("pipx"))
                .env("PIPX_BIN_DIR", venv.programs())
                .env("PIPX_MAN_DIR", folder.join("man"))
                .env("PIPX_DEFAULT_PYTHON", &python.program)
                .env("UV_NO_CACHE", "1")
                // Without uv, pipx would ask the index for a newer pip.
                .args(["install", "--quiet", "--backend", "uv"]);
            command
        }
    };
    // By the environment: an address may hold a password, and a command line is
    // there for all to see.
    match source {
        Source::Index(address) => {
            let url = with_login(address);
            let name = if installer == Installer::Pip {
                "PIP_INDEX_URL"
            } else {
                "UV_DEFAULT_INDEX"
            };
            command.env(name, url);
        }
        Source::Folder(wheels) if installer == Installer::Pip => {
            command.arg("--no-index").arg("--find-links").arg(wheels);
        }
        Source::Folder(wheels) => {
            command.env("UV_NO_INDEX", "1").env("UV_FIND_LINKS", wheels);
        }
    }
    let left_out = &project.settings.smoke.leave_out;
    if !left_out.is_empty() {
        // The index of a rehearsal has our packages and few others. So the installer does
        // not follow dependencies; it is given those that are not left out.
        let kept = without(&project.table.dependencies, left_out);
        command.arg("--no-deps").args(kept);
    }
    let secrets = match source {
        Source::Index(address) => Secrets::new(address.secrets()),
        Source::Folder(_) => Secrets::default(),
    };
    match run(command.arg(wanted), "") {
        Ok(_) => Ok(Installed::Venv(venv)),
        Err(ToolError::Failed {
            command,
            status,
            message,
        }) => Err(ToolError::Failed {
            command,
            status,
            message: secrets.hide(&message),
        }),
        Err(error) => Err(error),
    }
}

/// The same command in an environment without settings of pip's.
fn clean(command: &Command) -> Command {
    let mut clean = isolated(command.get_program());
    clean.args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            clean.env(name, value);
        }
    }
    clean.env(
        "PIP_CONFIG_FILE",
        if cfg!(windows) { "nul" } else { "/dev/null" },
    );
    clean
}

fn with_login(address: &Address) -> String {
    let mut url = address.url().clone();
    if let Some((user, password)) = address.login() {
        // Both cannot fail for a URL that has a host.
        let _ = url.set_username(user);
        let _ = url.set_password((!password.is_empty()).then_some(password));
    }
    url.into()
}
