//! Build tools from Python's package index, pinned by hash
//! (`requirements.txt`) and installed into the work folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ToolError;
use super::process::run;
use super::python::{Python, Venv};
use crate::digest::Digest;

/// Every build tool with its version and the hash of each of its files.
pub const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The installed tools.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The environment they are in.
    pub venv: Venv,
    /// The zig compiler.
    pub zig: PathBuf,
}

impl Tools {
    /// Installs the tools below `work`, unless they are there.
    ///
    /// # Errors
    /// Python cannot make an environment, or pip cannot get a tool.
    pub fn ensure(work: &Path, python: &Python) -> Result<Self, ToolError> {
        let name = Digest::of(format!("{REQUIREMENTS}{}", python.description).as_bytes()).hex();
        let folder = work.join("tools").join(&name[..16]);
        let venv = Venv {
            folder: folder.clone(),
        };
        let ready = folder.join("ready");
        if !ready.is_file() {
            install(&folder, python)?;
            std::fs::write(&ready, "").map_err(|source| ToolError::File {
                path: ready,
                source,
            })?;
        }
        let zig = find_zig(&folder)?;
        Ok(Self { venv, zig })
    }

    /// A pip command that acts on another environment.
    pub fn pip_for(&self, venv: &Venv) -> Command {
        let mut command = Command::new(self.venv.python());
        command
            .args(["-I", "-m", "pip", "--python"])
            .arg(venv.python());
        command
    }
}

fn install(folder: &Path, python: &Python) -> Result<(), ToolError> {
    let file = |path: PathBuf| move |source| ToolError::File { path, source };
    if folder.exists() {
        // Left by an attempt that was interrupted.
        std::fs::remove_dir_all(folder).map_err(file(folder.to_owned()))?;
    }
    eprintln!(
        "tools: installing the pinned build tools into {}",
        folder.display()
    );
    let venv = python.venv(folder, true)?;
    let list = folder.join("requirements.txt");
    std::fs::write(&list, REQUIREMENTS).map_err(file(list.clone()))?;
    // pip's own settings (a mirror, a certificate) stay in force: the hashes
    // make them harmless.
    run(
        Command::new(venv.python())
            .args([
                "-m",
                "pip",
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
                "-r",
            ])
            .arg(&list),
        "",
    )?;
    Ok(())
}

/// `ziglang/zig` in the environment's site-packages folder.
fn find_zig(folder: &Path) -> Result<PathBuf, ToolError> {
    let name = format!("zig{}", std::env::consts::EXE_SUFFIX);
    let mut libraries = vec![folder.join("Lib")];
    for entry in std::fs::read_dir(folder.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
    {
        libraries.push(entry.path());
    }
    libraries
        .iter()
        .map(|library| library.join("site-packages").join("ziglang").join(&name))
        .find(|path| path.is_file())
        .ok_or_else(|| ToolError::File {
            path: folder.join(name),
            source: std::io::ErrorKind::NotFound.into(),
        })
}
