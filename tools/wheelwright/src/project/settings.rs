//! `[tool.maturin]` and `[tool.wheelwright]`.

use serde::{Deserialize, Serialize};

use crate::audit::Policy;

/// `[tool.maturin]`: where the native extension comes from. maturin reads the
/// same table when it builds from an sdist.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Maturin {
    /// The crate's manifest, relative to `pyproject.toml`; beside it unless told.
    #[serde(default = "beside")]
    pub manifest_path: String,
    /// The extension's dotted module name.
    pub module_name: String,
    /// The folder of the Python sources.
    #[serde(default)]
    pub python_source: String,
}

fn beside() -> String {
    "Cargo.toml".to_owned()
}

impl Maturin {
    /// The top-level import package: `daggerml` of `daggerml._core`.
    pub fn package(&self) -> &str {
        self.module_name.split('.').next().unwrap_or_default()
    }

    /// Where the extension goes in the wheel, without its suffix:
    /// `daggerml/_core` of `daggerml._core`.
    pub fn extension_path(&self) -> String {
        self.module_name.replace('.', "/")
    }
}

/// `[tool.wheelwright]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Wheelwright {
    /// The wheel's Python tag; `py3` unless told.
    pub python_tag: Option<String>,
    /// The wheel's ABI tag; `none` unless told.
    pub abi_tag: Option<String>,
    /// Patterns of files that neither wheel nor sdist holds.
    pub exclude: Vec<String>,
    /// How an installed copy is tried.
    pub smoke: Smoke,
    /// What the audit holds the package's artifacts to.
    pub audit: Policy,
}

/// `[tool.wheelwright.smoke]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Smoke {
    /// Names of dependencies that are not ours, which the steps do without: the
    /// package is tried from a folder of our wheels alone.
    pub leave_out: Vec<String>,
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
}
