//! `[tool.wheelwright]`.

use serde::{Deserialize, Serialize};
use wheelwright_artifacts::audit::Policy;

use super::abi::Interpreter;

/// A key of `pyproject.toml`, and what is wrong with its value.
pub(super) type Problem = (&'static [&'static str], String);

/// `[tool.wheelwright]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Wheelwright {
    /// The wheel's Python tag; `py3` unless told.
    pub python_tag: Option<String>,
    /// The wheel's ABI tag; `none` unless told.
    pub abi_tag: Option<String>,
    /// The versions of `CPython` to build for, such as `cp312` and `cp314t`; those that the project
    /// supports unless told.
    pub interpreters: Option<Vec<String>>,
    /// More of them, for which only a release has wheels.
    pub release_interpreters: Vec<String>,
    /// Patterns of files that neither wheel nor sdist holds.
    pub exclude: Vec<String>,
    /// Patterns of files that are packed although their names say otherwise.
    pub include: Vec<String>,
    /// How an installed copy is tried.
    pub smoke: Smoke,
    /// What the audit holds the package's artifacts to.
    pub audit: Policy,
}

impl Wheelwright {
    /// Checks the tags of a package, which is `native` or not.
    pub(super) fn check(&self, native: bool) -> Result<(), Problem> {
        if native && self.python_tag.is_some() != self.abi_tag.is_some() {
            let problem = "python-tag and abi-tag belong together: write both, or neither and \
                           let wheelwright tell them from the crate's features"
                .to_owned();
            return Err((&["tool", "wheelwright"], problem));
        }
        for (keys, tag) in [
            (&["tool", "wheelwright", "python-tag"], &self.python_tag),
            (&["tool", "wheelwright", "abi-tag"], &self.abi_tag),
        ] {
            if let Some(tag) = tag.as_ref().filter(|tag| !is_tag(tag)) {
                let problem =
                    format!("{tag:?} is not a tag: small letters, digits and _, with dots between");
                return Err((keys, problem));
            }
        }
        Ok(())
    }
}

impl Wheelwright {
    /// The Pythons that `interpreters` names.
    pub(super) fn interpreters(&self) -> Result<Vec<Interpreter>, (usize, String)> {
        parsed(self.interpreters.iter().flatten())
    }

    /// The Pythons that `release-interpreters` names.
    pub(super) fn release_interpreters(&self) -> Result<Vec<Interpreter>, (usize, String)> {
        parsed(self.release_interpreters.iter())
    }
}

/// What a list names; an error has the position of what it is about.
fn parsed<'a>(list: impl Iterator<Item = &'a String>) -> Result<Vec<Interpreter>, (usize, String)> {
    list.enumerate()
        .map(|(position, written)| written.parse().map_err(|problem| (position, problem)))
        .collect()
}

/// Can this be one of the three parts of a wheel's tag?
pub fn is_tag(tag: &str) -> bool {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    tag.split('.')
        .all(|part| !part.is_empty() && part.chars().all(small))
}

/// `[tool.wheelwright.smoke]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Smoke {
    /// Names of dependencies that are not ours, which the steps do without: the
    /// package is tried from a folder of our wheels alone.
    pub leave_out: Vec<String>,
    /// A file beside `pyproject.toml` that locks the dependencies which are not ours, each
    /// with its hashes. pip fetches them before the package is installed.
    pub requirements: Option<String>,
    /// Run one after another in one empty folder.
    pub step: Vec<SmokeStep>,
}

/// `[[tool.wheelwright.smoke.step]]`: one command and what it must print.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SmokeStep {
    /// The command: `python`, or a script that the package installs.
    pub run: Vec<String>,
    /// Its standard input; empty unless told.
    #[serde(default)]
    pub stdin: String,
    /// Text that its standard output must hold; `{version}` is the package's.
    #[serde(default)]
    pub stdout: String,
    /// How long it may take, in seconds; ten minutes unless told.
    #[serde(default = "SmokeStep::timeout")]
    pub timeout: u64,
}

impl SmokeStep {
    /// How long a step may take that does not say it, in seconds.
    pub const TIMEOUT: u64 = 600;

    /// Imports a module.
    pub fn import(name: &str) -> Self {
        Self {
            run: ["python", "-c", &format!("import {name}")]
                .map(str::to_owned)
                .to_vec(),
            stdin: String::new(),
            stdout: String::new(),
            timeout: Self::TIMEOUT,
        }
    }

    const fn timeout() -> u64 {
        Self::TIMEOUT
    }
}
