//! The tables of `pyproject.toml` that a wheel is made from.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::hatch::Hatch;
use super::maturin;
use super::settings::Wheelwright;

/// A whole `pyproject.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PyProject {
    /// `[build-system]`.
    pub build_system: Option<BuildSystem>,
    /// `[project]`.
    pub project: Option<ProjectTable>,
    /// `[tool]`.
    #[serde(default)]
    pub tool: Tool,
    /// `[dependency-groups]`: no artifact holds them (PEP 735).
    #[serde(default)]
    pub dependency_groups: IgnoredAny,
}

/// `[build-system]`: what builds a wheel from the sdist.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BuildSystem {
    /// What the backend needs.
    pub requires: Vec<String>,
    /// The build backend; setuptools where the file names no backend.
    pub build_backend: Option<String>,
}

/// `[project]`, as PEP 621, PEP 639 and PEP 794 define it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProjectTable {
    /// The distribution's name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// One line.
    pub description: Option<String>,
    /// The long description.
    pub readme: Option<Readme>,
    /// The Python versions that it runs on.
    pub requires_python: Option<String>,
    /// The licence.
    pub license: Option<License>,
    /// Glob patterns of licence files; the usual names unless told.
    pub license_files: Option<Vec<String>>,
    /// The licence file that `Cargo.toml` names.
    #[serde(skip)]
    pub license_file: Option<String>,
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
    /// The names that it is imported by (PEP 794).
    pub import_names: Option<Vec<String>>,
    /// Namespaces that it shares with others (PEP 794).
    pub import_namespaces: Option<Vec<String>>,
    /// Fields that are left to a build backend.
    #[serde(default)]
    pub dynamic: Vec<String>,
}

/// `project.readme`.
#[derive(Debug, Clone)]
pub enum Readme {
    /// A file whose type its name tells.
    File(String),
    /// A file, or the text itself, with its type.
    Typed(TypedReadme),
}

impl Readme {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::File(file) => Some(file),
            Self::Typed(typed) => typed.file.as_deref(),
        }
    }
}

/// `project.readme` as a table.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TypedReadme {
    /// The file.
    pub file: Option<String>,
    /// The text, if it is in no file.
    pub text: Option<String>,
    /// Its type: `text/markdown`, `text/x-rst` or `text/plain`. maturin does without.
    pub content_type: Option<String>,
}

impl<'de> Deserialize<'de> for Readme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FileOrTable;

        impl<'de> Visitor<'de> for FileOrTable {
            type Value = Readme;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file's name, or { file = ..., content-type = ... }")
            }

            fn visit_str<E: Error>(self, file: &str) -> Result<Readme, E> {
                Ok(Readme::File(file.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Readme, A::Error> {
                let typed = TypedReadme::deserialize(MapAccessDeserializer::new(map))?;
                if typed.file.is_some() == typed.text.is_some() {
                    return Err(A::Error::custom("needs `file` or `text`, and not both"));
                }
                Ok(Readme::Typed(typed))
            }
        }

        deserializer.deserialize_any(FileOrTable)
    }
}

/// `project.license`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum License {
    /// An SPDX expression.
    Expression(String),
    /// A text, as before PEP 639.
    Text(String),
    /// A file, as before PEP 639.
    File(String),
}

impl<'de> Deserialize<'de> for License {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            file: Option<String>,
            text: Option<String>,
        }

        struct ExpressionOrTable;

        impl<'de> Visitor<'de> for ExpressionOrTable {
            type Value = License;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an SPDX expression, { text = ... } or { file = ... }")
            }

            fn visit_str<E: Error>(self, expression: &str) -> Result<License, E> {
                Ok(License::Expression(expression.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<License, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                match (table.text, table.file) {
                    (Some(text), None) => Ok(License::Text(text)),
                    (None, Some(file)) => Ok(License::File(file)),
                    _ => Err(A::Error::custom(
                        "a table of a licence has `text` or `file`, and not both; better is \
                         an SPDX expression such as \"MIT\", and the file's name in \
                         license-files",
                    )),
                }
            }
        }

        deserializer.deserialize_any(ExpressionOrTable)
    }
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
    pub maturin: Option<maturin::Table>,
    /// `[tool.hatch]`.
    pub hatch: Hatch,
    /// `[tool.wheelwright]`.
    pub wheelwright: Wheelwright,
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
