//! `[tool.maturin]` and `[tool.wheelwright]`.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use wheelwright_artifacts::audit::Policy;

use super::text;

/// A key of `pyproject.toml`, and what is wrong with its value.
pub(super) type Problem = (&'static [&'static str], String);

/// `[tool.maturin]`: where the native extension comes from. maturin reads the
/// same table when it builds from an sdist.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(dead_code, reason = "named so that no other key is taken")]
pub struct Maturin {
    /// The crate's manifest, relative to `pyproject.toml`; beside it unless told.
    #[serde(default = "beside")]
    pub manifest_path: String,
    /// The extension's dotted module name.
    pub module_name: String,
    /// The folder of the Python sources.
    #[serde(default)]
    pub python_source: String,
    // What is so anyway, or changes no artifact.
    #[serde(default)]
    bindings: Option<Bindings>,
    #[serde(default)]
    editable_profile: IgnoredAny,
    #[serde(default)]
    frozen: IgnoredAny,
    #[serde(default)]
    generate_ci: IgnoredAny,
    #[serde(default)]
    locked: IgnoredAny,
    #[serde(default)]
    use_base_python: IgnoredAny,
}

/// `tool.maturin.bindings`: wheelwright packs extension modules only.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Bindings {
    Pyo3,
}

fn beside() -> String {
    "Cargo.toml".to_owned()
}

impl Maturin {
    /// Checks the names.
    pub(super) fn check(&self) -> Result<(), Problem> {
        const MODULE: &[&str] = &["tool", "maturin", "module-name"];
        let module = &self.module_name;
        if !text::is_dotted_name(module) {
            return Err((
                MODULE,
                format!("{module:?} is not a name of a Python module"),
            ));
        }
        if !module.contains('.') {
            let problem = format!(
                "{module:?} is in no import package; put the extension into one, \
                 as \"{module}._{module}\", beside an __init__.py that imports it"
            );
            return Err((MODULE, problem));
        }
        let manifest = &self.manifest_path;
        if manifest != "Cargo.toml" && !manifest.ends_with("/Cargo.toml") {
            let problem =
                format!("{manifest:?} is not a path of a Cargo.toml, with / between folders");
            return Err((&["tool", "maturin", "manifest-path"], problem));
        }
        Ok(())
    }

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
        if native && (self.python_tag.is_none() || self.abi_tag.is_none()) {
            return Err((
                &["tool", "wheelwright"],
                "a package with an extension must say which Pythons load it: \
                 python-tag = \"cp39\" and abi-tag = \"abi3\" for pyo3's feature abi3-py39"
                    .to_owned(),
            ));
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

    const fn timeout() -> u64 {
        Self::TIMEOUT
    }
}
