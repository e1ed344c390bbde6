//! The environment of a build: its requirements as they were on a day, each file by hash.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use wheelwright_artifacts::digest::Digest;

use super::RebuildError;
use super::generator::Pin;
use super::report::Built;
use crate::index::address::{Address, Secrets};
use crate::toolchain::ToolError;
use crate::toolchain::process::{isolated, run};
use crate::toolchain::python::{Python, Venv};
use crate::toolchain::tools::Tools;

/// What makes environments.
#[derive(Debug)]
pub struct Environment<'a> {
    /// The Python that builds.
    pub python: &'a Python,
    /// What has uv.
    pub tools: &'a Tools,
    /// The index that is asked; uv's own if there is none.
    pub index: Option<&'a Address>,
    /// Nothing that was uploaded later is used.
    pub as_of: Option<Timestamp>,
    /// A lock of the requirements that is taken as it is.
    pub locked: Option<std::path::PathBuf>,
    /// A folder of this build's.
    pub folder: &'a Path,
}

/// A distribution in the environment of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Locked {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Environment<'_> {
    /// Makes an environment with `requirements`, of which `pin` has its exact version if it
    /// is among them. Wheels only: nothing runs while it is made. What is in it goes into
    /// `built`.
    ///
    /// # Errors
    /// The requirements cannot be had.
    pub fn install(
        &mut self,
        requirements: &[String],
        pin: Option<&Pin>,
        built: &mut Built,
    ) -> Result<Venv, RebuildError> {
        let folder = self.folder.join("venv");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(RebuildError::file(&folder))?;
        }
        let venv = self.python.venv(&folder, false)?;
        built.python.clone_from(&self.python.description);
        built.environment.clear();
        if requirements.is_empty() {
            return Ok(venv);
        }
        if let Some(path) = &self.locked {
            let lock = std::fs::read_to_string(path).map_err(RebuildError::file(path))?;
            self.install_locked(&venv, &lock, built)?;
            return Ok(venv);
        }
        let asked = self.write(
            "requirements.in",
            &lines(requirements.iter().map(String::as_str)),
        )?;
        let exact = pin.map(Pin::constraints).unwrap_or_default();
        let mut lock = self.lock(&venv, &asked, &exact);
        if let (Err(error), Some(first)) = (&lock, exact.first()) {
            let note = format!(
                "not built with {first}, which the wheel names: {}",
                short(&error.to_string())
            );
            if !built.notes.contains(&note) {
                built.notes.push(note);
            }
            lock = self.lock(&venv, &asked, &[]);
        }
        self.install_locked(&venv, &lock?, built)?;
        Ok(venv)
    }

    /// Installs what a lock names, each file by its hash.
    fn install_locked(
        &self,
        venv: &Venv,
        lock: &str,
        built: &mut Built,
    ) -> Result<(), RebuildError> {
        built.lock_sha256 = Some(Digest::of(lock.as_bytes()).hex());
        built.environment = locked(lock);
        let lock = self.write("requirements.txt", lock)?;
        let mut uv = self.uv()?;
        uv.args([
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--no-config",
        ])
        .args(["--only-binary", ":all:", "--python"])
        .arg(venv.python())
        .arg("-r")
        .arg(&lock);
        self.run(&mut uv).map(|_| ())
    }

    /// Resolves requirements to exact versions with the hashes of their files.
    fn lock(&self, venv: &Venv, asked: &Path, exact: &[String]) -> Result<String, RebuildError> {
        let mut uv = self.uv()?;
        uv.args([
            "pip",
            "compile",
            "--quiet",
            "--generate-hashes",
            "--no-header",
            "--no-config",
        ])
        .args(["--no-annotate", "--only-binary", ":all:", "--python"])
        .arg(venv.python());
        if !exact.is_empty() {
            let text = lines(exact.iter().map(String::as_str));
            let constraints = self.write("constraints.txt", &text)?;
            uv.arg("--constraints").arg(constraints);
        }
        if let Some(time) = self.as_of {
            uv.args(["--exclude-newer", &time.to_string()]);
        }
        uv.arg(asked);
        self.run(&mut uv)
    }

    fn uv(&self) -> Result<std::process::Command, ToolError> {
        let mut uv = isolated(self.tools.uv()?);
        // What the system trusts, as for every other address.
        uv.env("UV_SYSTEM_CERTS", "true");
        if let Some(index) = self.index {
            let mut url = index.url().clone();
            if let Some((user, password)) = index.login() {
                // Neither can fail for an address with a host. By the environment, since
                // everybody can read a command line.
                let _ = url.set_username(user);
                let _ = url.set_password(Some(password));
            }
            uv.env("UV_DEFAULT_INDEX", url.as_str());
        }
        Ok(uv)
    }

    fn run(&self, uv: &mut std::process::Command) -> Result<String, RebuildError> {
        let secrets = Secrets::new(self.index.iter().flat_map(|index| index.secrets()));
        let output = run(uv, "").map_err(|error| RebuildError::Requirements {
            problem: secrets.hide(&match error {
                ToolError::Failed { message, .. } => message,
                other => other.to_string(),
            }),
        })?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn write(&self, name: &str, text: &str) -> Result<std::path::PathBuf, RebuildError> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(RebuildError::file(&path))?;
        Ok(path)
    }
}

fn lines<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<&str> = texts.into_iter().collect();
    texts.join("\n") + "\n"
}

/// Returns what a lock names: lines such as `hatchling==1.27.0 \`.
fn locked(lock: &str) -> Vec<Locked> {
    let names = lock
        .lines()
        .filter(|line| !line.starts_with(char::is_whitespace));
    let one = |line: &str| {
        let (name, rest) = line.split_once("==")?;
        let version = rest.split([' ', ';', '\\']).next()?;
        Some(Locked {
            name: name.to_owned(),
            version: version.to_owned(),
        })
    };
    names.filter_map(one).collect()
}

/// Returns the first words of a message, on one line.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_read() {
        let lock =
            "hatchling==1.27.0 \\\n    --hash=sha256:00\npluggy==1.5.0 ; python_version > '3'\n";
        let found: Vec<String> = locked(lock)
            .into_iter()
            .map(|one| format!("{} {}", one.name, one.version))
            .collect();
        assert_eq!(found, ["hatchling 1.27.0", "pluggy 1.5.0"]);
    }
}
