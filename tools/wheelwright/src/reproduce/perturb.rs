//! Makes the order of folders and the date differ in the second build.
//!
//! A file system may list files in the same order however they were made, and both
//! builds may run on one day. So on Linux, every program of the second build loads a
//! library (`perturb.c`) that reverses the listing of folders and moves the date.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::toolchain::ToolError;
use crate::toolchain::process::run;

const SOURCE: &str = include_str!("perturb.c");

/// Compiles the library with zig into `folder`; `None` where there is no way to
/// load it into other programs.
///
/// # Errors
/// It cannot be compiled.
pub fn library(zig: &Path, folder: &Path) -> Result<Option<PathBuf>, ToolError> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Ok(None);
    }
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| ToolError::File { path, source }
    };
    std::fs::create_dir_all(folder).map_err(file(folder))?;
    let source = folder.join("perturb.c");
    let library = folder.join("perturb.so");
    std::fs::write(&source, SOURCE).map_err(file(&source))?;
    let mut command = Command::new(zig);
    command
        .args(["cc", "-shared", "-fPIC", "-O1", "-g0", "-o"])
        .arg(&library)
        .arg(&source)
        .env("ZIG_GLOBAL_CACHE_DIR", folder.join("zig-cache"))
        .env("ZIG_LOCAL_CACHE_DIR", folder.join("zig-cache"));
    run(&mut command, "")?;
    Ok(Some(library))
}
