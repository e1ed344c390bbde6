//! What this program itself needs of `wheelwright.toml`; `tests/facts.py` reads the rest.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::error::{Error, Result};

/// The file that lists packages and Pythons.
pub const FILE: &str = "wheelwright.toml";

/// `wheelwright.toml`, as far as it is read here.
#[derive(Deserialize)]
struct Own {
    packages: Vec<String>,
    facts: Facts,
}

#[derive(Deserialize)]
struct Facts {
    pythons: Vec<String>,
}

/// A `pyproject.toml`.
#[derive(Deserialize)]
struct Pyproject {
    project: Project,
    #[serde(default)]
    tool: Tool,
}

#[derive(Deserialize)]
struct Project {
    name: String,
}

#[derive(Default, Deserialize)]
struct Tool {
    maturin: Option<toml::Table>,
    #[serde(default)]
    wheelwright: Wheelwright,
}

#[derive(Default, Deserialize)]
struct Wheelwright {
    #[serde(default)]
    interpreters: Vec<String>,
}

/// A Python package.
pub struct Package {
    /// Its folder, such as `python/adapters/dask`.
    pub folder: String,
    /// The name of the distribution.
    pub name: String,
    /// Whether it has a compiled module.
    pub compiled: bool,
    /// What has a wheel of its own beside the one for all, such as `cp314t`.
    interpreters: Vec<String>,
}

/// Reads a TOML file of the repository; an error names the line.
pub fn table<T: DeserializeOwned>(context: &Context, path: &str) -> Result<T> {
    toml::from_str(&context.read(path)?).map_err(|error| Error::Malformed {
        path: path.into(),
        problem: error.to_string(),
    })
}

/// Returns the versions of CPython that are supported, such as `3.9`, oldest first.
pub fn pythons(context: &Context) -> Result<Vec<String>> {
    Ok(table::<Own>(context, FILE)?.facts.pythons)
}

/// Returns the packages, in publish order.
pub fn packages(context: &Context) -> Result<Vec<Package>> {
    let folders = table::<Own>(context, FILE)?.packages;
    let read = |folder: String| {
        let Pyproject { project, tool } = table(context, &format!("{folder}/pyproject.toml"))?;
        Ok(Package {
            folder,
            name: project.name,
            compiled: tool.maturin.is_some(),
            interpreters: tool.wheelwright.interpreters,
        })
    };
    folders.into_iter().map(read).collect()
}

/// Returns whether every package has a wheel for the CPython of a minor version without a
/// global interpreter lock.
pub fn are_for_free_threaded(context: &Context, minor: u32) -> Result<bool> {
    let wanted = format!("cp3{minor}t");
    let packages = packages(context)?;
    let mut compiled = packages.iter().filter(|package| package.compiled);
    Ok(compiled.all(|package| package.interpreters.contains(&wanted)))
}
