//! The tables of `pyproject.toml` that a wheel is made from.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::settings::{Maturin, Wheelwright};

/// A whole `pyproject.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PyProject {
    /// `[project]`.
    pub project: ProjectTable,
    /// `[tool]`.
    #[serde(default)]
    pub tool: Tool,
}

/// `[project]`, as PEP 621 and PEP 639 define it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProjectTable {
    /// The distribution's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line.
    pub description: Option<String>,
    /// The long description.
    pub readme: Option<Readme>,
    /// The Python versions that it runs on.
    pub requires_python: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// Glob patterns of licence files.
    #[serde(default)]
    pub license_files: Vec<String>,
    /// Who wrote it.
    #[serde(default)]
    pub authors: Vec<Person>,
    /// Who looks after it.
    #[serde(default)]
    pub maintainers: Vec<Person>,
    /// Search words.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Trove classifiers.
    #[serde(default)]
    pub classifiers: Vec<String>,
    /// Label and address, in the order they are written.
    #[serde(default)]
    pub urls: Pairs<String>,
    /// Console scripts.
    #[serde(default)]
    pub scripts: Pairs<String>,
    /// Scripts without a console.
    #[serde(default)]
    pub gui_scripts: Pairs<String>,
    /// Other entry points, by group.
    #[serde(default)]
    pub entry_points: Pairs<Pairs<String>>,
    /// What it needs.
    #[serde(default)]
    pub dependencies: Vec<String>,
    /// What its extras need.
    #[serde(default)]
    pub optional_dependencies: Pairs<Vec<String>>,
    /// Fields that are left to a build backend.
    #[serde(default)]
    pub dynamic: Vec<String>,
}

/// `project.readme`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Readme {
    /// A file whose type its name tells.
    File(String),
    /// A file with its type.
    Typed(TypedReadme),
}

/// `project.readme` as a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TypedReadme {
    /// The file.
    pub file: String,
    /// Its type: `text/markdown`, `text/x-rst` or `text/plain`.
    pub content_type: String,
}

/// An author or maintainer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name.
    pub name: Option<String>,
    /// The address.
    pub email: Option<String>,
}

/// `[tool]`: only what wheelwright reads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tool {
    /// `[tool.maturin]`.
    pub maturin: Option<Maturin>,
    /// `[tool.hatch]`.
    pub hatch: Hatch,
    /// `[tool.wheelwright]`.
    pub wheelwright: Wheelwright,
}

/// `[tool.hatch]`: only the import packages of the wheel.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hatch {
    /// `[tool.hatch.build]`.
    pub build: HatchBuild,
}

/// `[tool.hatch.build]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HatchBuild {
    /// `[tool.hatch.build.targets]`.
    pub targets: HatchTargets,
}

/// `[tool.hatch.build.targets]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HatchTargets {
    /// `[tool.hatch.build.targets.wheel]`.
    pub wheel: HatchWheel,
}

/// `[tool.hatch.build.targets.wheel]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct HatchWheel {
    /// The folders of the import packages.
    pub packages: Vec<String>,
}

/// A TOML table that keeps the order it is written in.
#[derive(Debug, Clone)]
pub struct Pairs<V>(pub Vec<(String, V)>);

impl<V> Default for Pairs<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Pairs<V> {
    /// The pairs, in order.
    #[expect(
        clippy::iter_without_into_iter,
        reason = "read in a few places, always by this name"
    )]
    pub fn iter(&self) -> std::slice::Iter<'_, (String, V)> {
        self.0.iter()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<V>(std::marker::PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for InOrder<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<V>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(InOrder(std::marker::PhantomData))
    }
}
