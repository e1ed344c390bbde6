//! Building twice under unlike conditions, and comparing every byte.

pub mod conditions;
pub mod perturb;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;
use wheelwright_artifacts::compare::{CompareError, Verdict, compare};

use crate::pack;
use crate::toolchain::ToolError;
use crate::toolchain::process::PRELOAD;
use crate::toolchain::tools::{TOOLS, Tools};
use conditions::Conditions;

/// What to build twice.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Further arguments of `wheelwright build`.
    pub build: Vec<String>,
    /// Take the artifacts in this folder for the first build's.
    pub against: Option<PathBuf>,
}

/// One artifact of both builds.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Its file name.
    pub artifact: String,
    /// Is it the same, byte for byte?
    pub identical: bool,
    /// Where it first differs, or which build did not make it.
    pub difference: Option<String>,
}

/// Builds that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// A folder cannot be made, copied or read.
    #[error("cannot prepare {folder}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A tool is missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A build failed.
    #[error("the build in {folder} failed; its messages are above")]
    Build {
        /// The folder.
        folder: PathBuf,
    },
    /// An artifact cannot be read.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// There is nothing to compare.
    #[error("{folder} holds no wheel and no sdist")]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
}

/// Builds the repository in `root` under two sets of conditions, in folders
/// below `base`, and compares the artifacts. `tools` are copied, not shared: where
/// they are must not matter either.
///
/// # Errors
/// A build failed, or a folder cannot be used.
pub fn reproduce(
    root: &Path,
    base: &Path,
    tools: &Tools,
    options: &Options,
) -> Result<Vec<Comparison>, ReproduceError> {
    let fail = |folder: &Path| {
        let folder = folder.to_owned();
        move |source| ReproduceError::Folder { folder, source }
    };
    if base.exists() {
        std::fs::remove_dir_all(base).map_err(fail(base))?;
    }
    let first = match &options.against {
        Some(folder) => folder.clone(),
        None => build(root, &Conditions::usual(base), tools, options)?,
    };
    let mut unusual = Conditions::unusual(base).map_err(fail(base))?;
    // The variable that loads it takes no path with a space.
    let apart = crate::temporary::folder("wheelwright-").map_err(fail(base))?;
    if let Some(library) = perturb::library(&tools.zig()?, apart.path())? {
        unusual.environment.push((PRELOAD, library.into()));
    }
    let second = build(root, &unusual, tools, options)?;
    let names = |folder: &Path| -> Result<BTreeSet<String>, ReproduceError> {
        let entries = std::fs::read_dir(folder).map_err(fail(folder))?;
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| pack::is_artifact(name)).collect())
    };
    let (in_first, in_second) = (names(&first)?, names(&second)?);
    // A folder to compare with may hold more than was asked for.
    let mut all = in_second.clone();
    if options.against.is_none() {
        all.extend(in_first.iter().cloned());
    }
    if all.is_empty() {
        return Err(ReproduceError::Nothing { folder: second });
    }
    let mut comparisons = Vec::new();
    for name in all {
        let missing = [(&in_first, &first), (&in_second, &second)]
            .into_iter()
            .find(|(names, _)| !names.contains(&name))
            .map(|(_, folder)| format!("{} does not hold it", folder.display()));
        let difference = match missing {
            Some(missing) => Some(missing),
            None => difference(&first.join(&name), &second.join(&name))?,
        };
        comparisons.push(Comparison {
            artifact: name,
            identical: difference.is_none(),
            difference,
        });
    }
    Ok(comparisons)
}

/// Where two artifacts first differ; `None` if nowhere.
fn difference(a: &Path, b: &Path) -> Result<Option<String>, ReproduceError> {
    match compare(a, b)? {
        Verdict::Identical => Ok(None),
        verdict => Ok(Some(verdict.to_string())),
    }
}

/// Copies the repository and builds it there, in a process of its own; returns
/// the folder of the artifacts.
fn build(
    root: &Path,
    conditions: &Conditions,
    tools: &Tools,
    options: &Options,
) -> Result<PathBuf, ReproduceError> {
    let folder = &conditions.folder;
    let fail = |source| ReproduceError::Folder {
        folder: folder.clone(),
        source,
    };
    eprintln!("reproduce: building in {}", folder.display());
    conditions.copy(root).map_err(fail)?;
    let own_tools = folder.join("target").join("wheelwright").join("tools");
    tools.copy_zig(&own_tools)?;
    let own = std::env::current_exe().map_err(fail)?;
    let mut command = if cfg!(unix) {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "umask \"$0\"; exec \"$@\"", conditions.umask])
            .arg(own);
        shell
    } else {
        Command::new(own)
    };
    let status = command
        .args(["build", "--no-smoke"])
        .env(TOOLS, own_tools)
        .args(&options.build)
        .current_dir(folder)
        .envs(
            conditions
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(fail)?;
    if status.success() {
        Ok(folder.join("dist"))
    } else {
        Err(ReproduceError::Build {
            folder: folder.clone(),
        })
    }
}
