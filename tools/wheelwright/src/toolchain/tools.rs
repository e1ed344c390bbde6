//! Build tools from Python's package index, pinned by hash (`requirements/`)
//! and installed into the work folder: pip for trying wheels, zig for
//! compiling extensions, cffi for those without an interpreter's interface, uv for
//! uploading, and pipx as one more installer.

use std::path::{Path, PathBuf};
use std::process::Command;

use walkdir::WalkDir;
use wheelwright_artifacts::digest::Digest;

use super::ToolError;
use super::process::run;
use super::python::{FIRST_ABI3T, Python, Venv};
use crate::exclusive;

const PIP: &str = include_str!("requirements/pip.txt");
const PIP_FOR_ABI3T: &str = include_str!("requirements/pip-abi3t.txt");
/// zig's version, by the hash of each of its files.
pub const ZIG: &str = include_str!("requirements/zig.txt");

/// Returns the version of zig that is pinned.
pub fn zig_version() -> &'static str {
    let line = ZIG.lines().find_map(|line| line.strip_prefix("ziglang=="));
    let version = line.and_then(|rest| rest.split_whitespace().next());
    version.unwrap_or("unknown")
}

/// Where zig is in the folder of its package.
fn zig_program(folder: &Path) -> PathBuf {
    let name = format!("zig{}", std::env::consts::EXE_SUFFIX);
    folder.join("ziglang").join(name)
}

/// The variable that names a folder for tools, to share them between repositories.
pub const TOOLS: &str = "WHEELWRIGHT_TOOLS";
const UV: &str = include_str!("requirements/uv.txt");
const PIPX: &str = include_str!("requirements/pipx.txt");
/// cffi's version, by the hash of each of its files.
pub const CFFI: &str = include_str!("requirements/cffi.txt");

/// Where tools are, or will be.
#[derive(Debug, Clone)]
pub struct Tools {
    work: PathBuf,
    python: Python,
    index: Option<String>,
}

impl Tools {
    /// The tools below `work`, or in the folder that [`TOOLS`] names, run by `python`.
    pub fn new(work: &Path, python: &Python) -> Self {
        Self {
            work: std::env::var_os(TOOLS).map_or_else(|| work.join("tools"), PathBuf::from),
            python: python.clone(),
            index: None,
        }
    }

    /// The same tools, whose pip gets what packages under test need from this index, and not
    /// from the one of the user's settings.
    #[must_use]
    pub fn with_index(self, index: Option<String>) -> Self {
        Self { index, ..self }
    }

    /// The index of [`Tools::with_index`].
    pub fn index(&self) -> Option<&str> {
        self.index.as_deref()
    }

    /// A pip command that acts on an environment of another `python`.
    ///
    /// # Errors
    /// Python cannot make an environment, or pip cannot be fetched.
    pub fn pip_for(&self, venv: &Venv, python: &Python) -> Result<Command, ToolError> {
        let mut command = self.pip_that_knows(python)?;
        command.arg("--python").arg(venv.python());
        Ok(command)
    }

    /// The zig compiler.
    ///
    /// # Errors
    /// pip or zig cannot be fetched.
    pub fn zig(&self) -> Result<PathBuf, ToolError> {
        let folder = self.python_tool("zig", ZIG)?;
        Ok(zig_program(&folder))
    }

    /// Where zig keeps the C libraries that it compiled for a target, for all who share
    /// these tools.
    pub fn zig_cache(&self) -> PathBuf {
        self.work.join("zig-cache")
    }

    /// Returns the zig compiler if it is installed.
    pub fn installed_zig(&self) -> Option<PathBuf> {
        let program = zig_program(&self.folder("zig", ZIG));
        program.is_file().then_some(program)
    }

    /// Copies zig into `folder`, which then serves as [`TOOLS`]: by hard links
    /// where the file system has them.
    ///
    /// # Errors
    /// zig cannot be fetched or copied.
    pub fn copy_zig(&self, folder: &Path) -> Result<(), ToolError> {
        self.zig()?;
        let from = self.folder("zig", ZIG);
        for entry in WalkDir::new(&from).into_iter().flatten() {
            let relative = entry
                .path()
                .strip_prefix(&self.work)
                .unwrap_or(entry.path());
            let to = folder.join(relative);
            let fail = |source| ToolError::File {
                path: to.clone(),
                source,
            };
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(&to).map_err(fail)?;
            } else if std::fs::hard_link(entry.path(), &to).is_err() {
                std::fs::copy(entry.path(), &to).map_err(fail)?;
            }
        }
        Ok(())
    }

    /// The uv program.
    ///
    /// # Errors
    /// pip or uv cannot be fetched.
    pub fn uv(&self) -> Result<PathBuf, ToolError> {
        let folder = self.python_tool("uv", UV)?;
        let programs = if cfg!(windows) { "Scripts" } else { "bin" };
        // pip puts scripts into `bin` of a target folder on every system.
        let uv = format!("uv{}", std::env::consts::EXE_SUFFIX);
        let found = ["bin", programs].map(|name| folder.join(name).join(&uv));
        Ok(found
            .iter()
            .find(|path| path.is_file())
            .unwrap_or(&found[0])
            .clone())
    }

    /// A pipx command.
    ///
    /// # Errors
    /// pip or pipx cannot be fetched.
    pub fn pipx(&self) -> Result<Command, ToolError> {
        let folder = self.python_tool("pipx", PIPX)?;
        let mut command = Command::new(&self.python.program);
        command.args(["-m", "pipx"]).env("PYTHONPATH", folder);
        Ok(command)
    }

    /// A Python that has cffi.
    ///
    /// # Errors
    /// pip or cffi cannot be fetched.
    pub fn cffi(&self) -> Result<Command, ToolError> {
        let folder = self.python_tool("cffi", CFFI)?;
        let mut command = Command::new(&self.python.program);
        command.env("PYTHONPATH", folder);
        Ok(command)
    }

    /// The folder of a tool, with it in.
    fn python_tool(&self, name: &str, requirements: &str) -> Result<PathBuf, ToolError> {
        let folder = self.folder(name, requirements);
        once(&folder, || {
            eprintln!("tools: installing {name} into {}", folder.display());
            install(name, &mut self.pip(PIP)?, &folder, requirements)
        })?;
        Ok(folder)
    }

    /// A pip command that knows the tags of the wheels which `python` loads.
    ///
    /// # Errors
    /// As [`Tools::pip_for`].
    pub fn pip_that_knows(&self, python: &Python) -> Result<Command, ToolError> {
        let from = |one: &Python, minor| one.cpython.is_some_and(|own| own >= minor);
        let newer = from(python, FIRST_ABI3T) && from(&self.python, 10);
        self.pip(if newer { PIP_FOR_ABI3T } else { PIP })
    }

    /// A pip command.
    fn pip(&self, requirements: &str) -> Result<Command, ToolError> {
        let folder = self.folder("pip", requirements);
        let venv = Venv {
            folder: folder.join("venv"),
        };
        let python = venv.python();
        once(&folder, || {
            eprintln!("tools: installing pip into {}", folder.display());
            self.python.venv(&venv.folder, true)?;
            let mut own = Command::new(&python);
            own.args(["-m", "pip"]);
            install("pip", &mut own, &folder, requirements)
        })?;
        let mut command = Command::new(&python);
        command.arg("-I").arg(folder.join("pip"));
        Ok(command)
    }

    fn folder(&self, name: &str, requirements: &str) -> PathBuf {
        let key = format!(
            "{requirements}{}{}",
            self.python.description,
            self.python.program.display()
        );
        let digest = Digest::of(key.as_bytes()).hex();
        self.work.join(format!("{name}-{}", &digest[..12]))
    }
}

/// Does `work`, which fills `folder`, unless that was done. Who comes meanwhile,
/// a thread or another program, waits for it.
fn once(folder: &Path, work: impl FnOnce() -> Result<(), ToolError>) -> Result<(), ToolError> {
    let file = |path: PathBuf| move |source| ToolError::File { path, source };
    let ready = folder.join("ready");
    if ready.is_file() {
        return Ok(());
    }
    let path = folder.with_extension("lock");
    let _lock = exclusive::lock(&path, || ()).map_err(file(path.clone()))?;
    if ready.is_file() {
        return Ok(());
    }
    if folder.exists() {
        // Left by an attempt that was interrupted.
        std::fs::remove_dir_all(folder).map_err(file(folder.to_owned()))?;
    }
    std::fs::create_dir_all(folder).map_err(file(folder.to_owned()))?;
    work()?;
    std::fs::write(&ready, "").map_err(file(ready.clone()))
}

/// Installs into `folder` what `requirements` pins. pip's own settings (a
/// mirror, a certificate) stay in force: the hashes make them harmless.
fn install(
    tool: &str,
    pip: &mut Command,
    folder: &Path,
    requirements: &str,
) -> Result<(), ToolError> {
    let list = folder.join("requirements.txt");
    std::fs::write(&list, requirements).map_err(|source| ToolError::File {
        path: list.clone(),
        source,
    })?;
    pip.args([
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--no-compile",
    ])
    .args([
        "--only-binary",
        ":all:",
        "--disable-pip-version-check",
        "--target",
    ])
    .arg(folder)
    .arg("-r")
    .arg(&list);
    run(pip, "").map(|_| ()).map_err(|error| match error {
        ToolError::Failed { message, .. } => ToolError::Install {
            tool: tool.to_owned(),
            problem: message,
        },
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::once;

    #[test]
    fn threads_that_want_one_tool_install_it_once() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = place.path().join("tools").join("zig-0123456789ab");
        let installed = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    once(&folder, || {
                        installed.fetch_add(1, Ordering::Relaxed);
                        // Were there no lock, all eight would be in here by now.
                        thread::sleep(std::time::Duration::from_millis(50));
                        std::fs::write(folder.join("zig"), "").expect("the folder is there");
                        Ok(())
                    })
                    .expect("installed");
                    assert!(folder.join("zig").is_file());
                });
            }
        });
        assert_eq!(installed.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_an_interrupted_attempt_left_is_made_anew() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = place.path().join("pip");
        let fails = || {
            Err(super::ToolError::File {
                path: folder.clone(),
                source: std::io::ErrorKind::Interrupted.into(),
            })
        };
        once(&folder, || {
            std::fs::write(folder.join("half"), "").expect("the folder is there");
            fails()
        })
        .expect_err("the work failed");
        once(&folder, || {
            assert!(!folder.join("half").exists());
            Ok(())
        })
        .expect("the second attempt");
    }
}
