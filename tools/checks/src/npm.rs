//! Programs that npm installs, by a lock of hashes.

use std::fs;
use std::path::PathBuf;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::stamp::short;

/// Returns `program` of what the lock in the folder `pinned` holds, which npm installs if it
/// is missing; `None` where there is no npm, or npm cannot reach its registry.
pub fn program(
    context: &Context,
    log: &mut Log,
    pinned: &str,
    program: &str,
) -> Result<Option<PathBuf>> {
    let lock = context.read(&format!("{pinned}package-lock.json"))?;
    let folder = context
        .target()
        .join("checks")
        .join("npm")
        .join(short(&[lock.as_bytes()]));
    let program = folder.join(program);
    if program.is_file() {
        return Ok(Some(program));
    }
    fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    for name in ["package.json", "package-lock.json"] {
        let path = folder.join(name);
        let text = context.read(&format!("{pinned}{name}"))?;
        fs::write(&path, text).map_err(Error::io(&path))?;
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut command = context.command(npm);
    command
        .current_dir(&folder)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .arg("--loglevel=error");
    match log.status(&mut command) {
        Ok(status) if status.success() => Ok(Some(program)),
        // Why is in the log: no npm, or no registry. A wrong hash is neither.
        Ok(_) if log.text().contains("EINTEGRITY") => Err(Error::Malformed {
            path: format!("{pinned}package-lock.json").into(),
            problem: "npm got a file with another hash".to_owned(),
        }),
        Ok(_) | Err(Error::Start { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
