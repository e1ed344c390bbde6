//! The pinned Rust toolchain.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::cargo_platform::Cfg;

use super::ToolError;
use super::platform::Platform;
use super::process::run;

/// The cargo to run: the one that runs us, or the one on the path. It is started
/// in other folders, so a path that `CARGO` says relative to this one is made whole.
pub fn cargo() -> OsString {
    let named = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let path = Path::new(&named);
    if path.components().count() > 1
        && let Ok(whole) = std::path::absolute(path)
    {
        return whole.into();
    }
    named
}

/// Where cargo keeps the crates that it fetched.
pub fn cargo_home() -> PathBuf {
    let home = || std::env::home_dir().unwrap_or_default().join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// A Rust toolchain.
#[derive(Debug, Clone)]
pub struct Rust {
    /// What `rustc -vV` prints: all that identifies a compiler.
    pub version: String,
    /// Its folder.
    pub sysroot: PathBuf,
}

impl Rust {
    /// The toolchain that is in force in `folder`.
    ///
    /// # Errors
    /// rustc does not start, or it is one that is not installed.
    pub fn find(folder: &Path) -> Result<Self, ToolError> {
        const HINT: &str = "install Rust with rustup";
        let rustc = |arguments: &[&str]| {
            let output = run(
                Command::new("rustc").args(arguments).current_dir(folder),
                HINT,
            )
            .map_err(|error| not_run(folder, error))?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        Ok(Self {
            version: rustc(&["-vV"])?,
            sysroot: rustc(&["--print", "sysroot"])?.into(),
        })
    }

    /// The commit that the compiler was built from.
    pub fn commit(&self) -> &str {
        self.version
            .lines()
            .find_map(|line| line.strip_prefix("commit-hash: "))
            .unwrap_or("unknown")
    }

    /// What `cfg(...)` sees in a crate that is compiled for a target.
    ///
    /// # Errors
    /// rustc does not start, or it does not know the target.
    pub fn cfgs(&self, target: &str, folder: &Path) -> Result<Vec<Cfg>, ToolError> {
        let mut command = Command::new("rustc");
        command
            .args(["--print", "cfg", "--target", target])
            .current_dir(folder);
        let output = run(&mut command, "install Rust with rustup")
            .map_err(|error| not_run(folder, error))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Makes sure that the standard library for `platform` is installed.
    ///
    /// # Errors
    /// It is missing and rustup cannot fetch it.
    pub fn ensure_target(&self, platform: &Platform, folder: &Path) -> Result<(), ToolError> {
        let target = &platform.rust_target;
        let library = self
            .sysroot
            .join("lib")
            .join("rustlib")
            .join(target)
            .join("lib");
        if std::fs::read_dir(&library).is_ok_and(|mut entries| entries.next().is_some()) {
            return Ok(());
        }
        eprintln!("rust: installing the standard library for {target}");
        let mut command = Command::new("rustup");
        command.args(["target", "add", target]).current_dir(folder);
        run(&mut command, "install Rust with rustup")
            .map(|_| ())
            .map_err(|error| {
                let problem = match error {
                    ToolError::Failed { message, .. } => message.replace('\n', "; "),
                    other => other.to_string(),
                };
                ToolError::NoStandardLibrary {
                    target: target.clone(),
                    problem,
                }
            })
    }
}

/// rustup's proxies start, and say that a toolchain is missing.
fn not_run(folder: &Path, error: ToolError) -> ToolError {
    match error {
        ToolError::Failed { message, .. } => ToolError::NoToolchain {
            folder: folder.to_owned(),
            problem: message.replace('\n', "; "),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_toolchain_is_explained() {
        let error = ToolError::Failed {
            command: "rustc -vV".to_owned(),
            status: "exit status: 1".to_owned(),
            message: "error: toolchain '1.90' is not installed\nhelp: install it".to_owned(),
        };
        let text = not_run(Path::new("folder"), error).to_string();
        assert!(
            text.contains("folder asks for") && text.contains("installed; help:"),
            "{text}"
        );
        assert!(text.contains("RUSTUP_TOOLCHAIN"), "{text}");
    }
}
