//! The `Cargo.lock` of the workspace that an sdist holds, and its crates from elsewhere.

use std::process::Command;

use super::{PackError, cargo_config, placed};
use crate::project::files::{self, File};
use crate::project::{Project, ProjectError};
use crate::toolchain::rust;

/// Lets cargo cut `Cargo.lock` down to the new workspace (it keeps every
/// version that is locked), and fetch what `vendor` asks for. The workspace lies in the
/// folder `place` of `all`.
pub(super) fn resolve(
    project: &Project,
    place: &str,
    all: &mut Vec<File>,
    vendor: bool,
) -> Result<(), PackError> {
    let problem = |problem: String| PackError::Crates {
        project: project.name.to_string(),
        problem,
    };
    let staged =
        crate::temporary::folder("wheelwright-").map_err(|error| problem(error.to_string()))?;
    for file in all.iter() {
        let path = staged.path().join(&file.path);
        let write = |source| PackError::Write {
            path: path.clone(),
            source,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(write)?;
        }
        std::fs::write(&path, &file.bytes).map_err(write)?;
    }
    let cargo = |arguments: &[&str]| {
        let output = Command::new(rust::cargo())
            .args(arguments)
            .current_dir(staged.path().join(place))
            .output()
            .map_err(|error| problem(format!("cargo does not start: {error}")))?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            let message = String::from_utf8_lossy(&output.stderr);
            Err(problem(format!(
                "cargo {}: {}",
                arguments.join(" "),
                message.trim()
            )))
        }
    };
    let resolve = ["metadata", "--format-version=1", "--quiet"];
    cargo(&[resolve.as_slice(), &["--offline"]].concat()).or_else(|_| cargo(&resolve))?;
    let own = placed::path(place, "Cargo.lock");
    if let Some(lock) = all.iter_mut().find(|file| file.path == own) {
        let path = staged.path().join(&own);
        lock.bytes = std::fs::read(&path).map_err(|source| ProjectError::Read { path, source })?;
    }
    if vendor {
        // With `--quiet` cargo does not print the configuration either.
        let config = cargo(&["vendor", "--locked", "--versioned-dirs", "vendor"])?;
        if config.trim_ascii().is_empty() {
            let problem_is = "cargo vendor printed no configuration to build with";
            return Err(problem(problem_is.to_owned()));
        }
        cargo_config::add_vendored(all, &config)
            .map_err(|error| problem(format!("the configuration of cargo: {error}")))?;
        all.extend(files::every(&staged.path().join("vendor"), "vendor/")?);
    }
    Ok(())
}
