//! Asking git about a repository.

use std::path::Path;
use std::process::Command;

use crate::toolchain::ToolError;
use crate::toolchain::process::run;

/// Runs git in `root`, whoever owns it; returns what it prints, without the last line
/// end.
///
/// # Errors
/// git does not start, or ends with an error.
pub(crate) fn git(root: &Path, arguments: &[&str]) -> Result<String, ToolError> {
    let mut command = Command::new("git");
    command
        .args(["-c", "safe.directory=*"])
        .args(arguments)
        .current_dir(root);
    let output = run(&mut command, "install git")?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.trim_end().to_owned())
}
