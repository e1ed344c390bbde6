//! The Bazel build, as far as it can be checked without its modules: do the
//! BUILD files say what the manifests say, and does buildifier like them?

mod crates;
mod packages;
mod starlark;
mod toolchains;
mod twice;

use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::stamp::short;
use crate::steps::Done;

/// Where buildifier is pinned.
const BUILDIFIER: &str = "tools/checks/buildifier/";

/// Compares the BUILD files with the manifests, then runs buildifier.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let findings = [
        toolchains::drift(context)?,
        crates::drift(context)?,
        packages::drift(context)?,
        twice::findings(context, log)?,
    ]
    .concat();
    log.findings(&findings)?;
    let agree = "BUILD files and manifests agree";
    let Some(program) = buildifier(context, log)? else {
        return Ok(Done::Skipped(format!(
            "{agree}; buildifier needs npm and its registry"
        )));
    };
    let files: Vec<String> = context
        .files()?
        .into_iter()
        .filter(|file| is_starlark(file))
        .collect();
    let mut command = context.command("node");
    command
        .arg(program)
        .args(["-mode=check", "-lint=warn"])
        .args(&files);
    log.run(&mut command)?;
    Ok(Done::Passed(format!(
        "{agree}; {} files formatted",
        files.len()
    )))
}

fn is_starlark(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let extension = Path::new(name).extension();
    name == "BUILD.bazel" || name.ends_with("MODULE.bazel") || extension == Some("bzl".as_ref())
}

/// The pinned buildifier, installed by npm if it is not there; `None` where
/// npm is not, or cannot reach its registry.
fn buildifier(context: &Context, log: &mut Log) -> Result<Option<PathBuf>> {
    let lock = context.read(&format!("{BUILDIFIER}package-lock.json"))?;
    let folder = context
        .target()
        .join("checks")
        .join("npm")
        .join(short(&[lock.as_bytes()]));
    let program = folder.join("node_modules/@bazel/buildifier/buildifier.js");
    if program.is_file() {
        return Ok(Some(program));
    }
    fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    for name in ["package.json", "package-lock.json"] {
        let path = folder.join(name);
        let text = context.read(&format!("{BUILDIFIER}{name}"))?;
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
            path: format!("{BUILDIFIER}package-lock.json").into(),
            problem: "npm got a file with another hash".to_owned(),
        }),
        Ok(_) | Err(Error::Start { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A TOML file of the repository.
fn table(context: &Context, path: &str) -> Result<Table> {
    context
        .read(path)?
        .parse()
        .map_err(|error: toml::de::Error| Error::Malformed {
            path: path.into(),
            problem: error.to_string(),
        })
}

/// Says that two places disagree.
fn differ(place: &str, found: &[String], source: &str, expected: &[String]) -> Option<String> {
    (found != expected).then(|| {
        format!(
            "{place} has [{}], but {source} has [{}]",
            found.join(", "),
            expected.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starlark_files_are_known_by_name() {
        for file in [
            "BUILD.bazel",
            "crates/a/BUILD.bazel",
            "MODULE.bazel",
            "tools/x.MODULE.bazel",
            "tools/x.bzl",
        ] {
            assert!(is_starlark(file), "{file}");
        }
        for file in [".bazelrc", "docs/guide/bazel.md", "MODULE.bazel.lock"] {
            assert!(!is_starlark(file), "{file}");
        }
    }

    #[test]
    fn a_difference_names_both_places() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        let (a, b): (Vec<String>, Vec<String>) = (list(&["x"]), list(&["x", "y"]));
        assert_eq!(differ("here", &a, "there", &a), None);
        assert_eq!(
            differ("here", &a, "there", &b).unwrap(),
            "here has [x], but there has [x, y]"
        );
    }
}
