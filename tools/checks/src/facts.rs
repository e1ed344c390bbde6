//! What the repository says about itself, each fact in one place.
//!
//! | fact | place |
//! |---|---|
//! | packages, platforms and who tries them, Pythons, the compiler | `wheelwright.toml` |
//! | how a platform is compiled | `platforms.toml` |
//! | a package's name and compiled part | its `pyproject.toml` |
//! | crates and what they need of each other | `Cargo.toml` |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::context::Context;
use crate::error::{Error, Result};

/// The file that lists packages, platforms, Pythons and the compiler.
pub const FILE: &str = "wheelwright.toml";

/// The name of the file that says how platforms are compiled; `tools/` holds it.
const ROWS: &str = "platforms.toml";

/// The workflow that publishes, and the action that does it there.
const RELEASE: &str = ".github/workflows/release-python.yml";
const PUBLISHER: &str = "uses: pypa/gh-action-pypi-publish@";

/// All facts.
pub struct Facts {
    /// The Python packages, in publish order.
    pub packages: Vec<Package>,
    /// The platforms of a release, in the order of `wheelwright.toml`.
    pub platforms: Vec<Platform>,
    /// The versions of CPython that are supported and tested, such as `3.9`, oldest first.
    pub pythons: Vec<String>,
    /// The compiler of every build, such as `1.95.0`.
    pub rust: String,
    /// The oldest compiler that we promise, `rust-version` of `Cargo.toml`.
    pub oldest_rust: String,
    /// The crates of the workspace, sorted by their folders.
    pub crates: Vec<Crate>,
    /// The `uses:` line of the action that publishes, with its commit and version.
    pub publisher: String,
}

/// A Python package.
pub struct Package {
    /// Its folder, such as `python/adapters/dask`.
    pub folder: String,
    /// The name of the distribution.
    pub name: String,
    /// The crate of its compiled module and the tag of its ABI, if it has one.
    pub compiled: Option<(String, String)>,
}

/// A platform that wheels are built for: a row of `platforms.toml`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Platform {
    /// Its name, such as `linux-x86_64`.
    pub name: String,
    /// The platform part of the wheel's name.
    pub wheel_tag: String,
    /// The compiler's name for it.
    pub rust_target: String,
    /// The linker's name for it.
    pub zig_target: String,
    /// The machine of GitHub Actions that tries its wheels, of `wheelwright.toml`.
    #[serde(skip)]
    pub runner: String,
}

/// A crate of the workspace.
pub struct Crate {
    /// Its folder, such as `crates/daggerml`.
    pub folder: String,
    /// Whether wheels hold it; the others are tools.
    pub ships: bool,
    /// Whether it has tests of its own: `[lib] test = false` says that it has none.
    pub tested: bool,
    /// The folders of the crates of this repository that it needs, sorted.
    pub needs: Vec<String>,
}

/// Reads a TOML file of the repository; an error names the line.
pub fn table<T: DeserializeOwned>(context: &Context, path: &str) -> Result<T> {
    toml::from_str(&context.read(path)?).map_err(|error| malformed(path, error.to_string()))
}

fn malformed(path: &str, problem: impl Into<String>) -> Error {
    Error::Malformed {
        path: path.into(),
        problem: problem.into(),
    }
}

/// `wheelwright.toml`, as far as it is read here.
#[derive(Deserialize)]
struct Own {
    packages: Vec<String>,
    platforms: Vec<String>,
    facts: OwnFacts,
}

#[derive(Deserialize)]
struct OwnFacts {
    rust: String,
    pythons: Vec<String>,
    runners: BTreeMap<String, String>,
}

/// `platforms.toml`.
#[derive(Deserialize)]
struct Rows {
    platform: Vec<Platform>,
}

/// A `pyproject.toml`.
#[derive(Deserialize)]
struct Pyproject {
    project: Project,
    tool: Option<Tool>,
}

#[derive(Deserialize)]
struct Project {
    name: String,
}

#[derive(Deserialize)]
struct Tool {
    maturin: Option<Maturin>,
    wheelwright: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Maturin {
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tags {
    python_tag: Option<String>,
    abi_tag: Option<String>,
}

/// Returns the versions of CPython that are supported, such as `3.9`, oldest first.
pub fn pythons(context: &Context) -> Result<Vec<String>> {
    Ok(table::<Own>(context, FILE)?.facts.pythons)
}

/// Returns the packages, in publish order.
pub fn packages(context: &Context) -> Result<Vec<Package>> {
    let folders = table::<Own>(context, FILE)?.packages;
    let read = |folder| package(context, folder);
    folders.into_iter().map(read).collect()
}

fn package(context: &Context, folder: String) -> Result<Package> {
    let path = format!("{folder}/pyproject.toml");
    let Pyproject { project, tool } = table(context, &path)?;
    let (maturin, tags) = tool.map_or((None, None), |tool| (tool.maturin, tool.wheelwright));
    let tags = tags.and_then(|tags| tags.python_tag.zip(tags.abi_tag));
    let compiled = match (maturin, tags) {
        (None, _) => None,
        (Some(maturin), Some((python, abi))) => {
            let member = maturin.manifest_path.parent().and_then(Path::file_name);
            let member = member.unwrap_or_default().to_string_lossy();
            Some((member.into_owned(), format!("{python}-{abi}")))
        }
        (Some(_), None) => {
            let problem = "a compiled package needs python-tag and abi-tag in [tool.wheelwright]";
            return Err(malformed(&path, problem));
        }
    };
    Ok(Package {
        folder,
        name: project.name,
        compiled,
    })
}

/// Reads all facts.
pub fn read(context: &Context) -> Result<Facts> {
    let files = context.files()?;
    let own: Own = table(context, FILE)?;
    let cargo: Table = table(context, "Cargo.toml")?;
    let workspace = cargo.get("workspace");
    let oldest = workspace
        .and_then(|workspace| workspace.get("package"))
        .and_then(|package| package.get("rust-version"));
    let oldest = oldest
        .and_then(Value::as_str)
        .ok_or_else(|| malformed("Cargo.toml", "[workspace.package] has no rust-version"))?;
    let shared = workspace.and_then(|workspace| workspace.get("dependencies"));
    Ok(Facts {
        packages: packages(context)?,
        platforms: platforms(context, &files, &own)?,
        pythons: own.facts.pythons,
        rust: own.facts.rust,
        oldest_rust: oldest.to_owned(),
        crates: crates(context, &files, shared)?,
        publisher: publisher(&context.read(RELEASE)?)?,
    })
}

fn platforms(context: &Context, files: &[String], own: &Own) -> Result<Vec<Platform>> {
    let ours = |file: &&String| file.starts_with("tools/") && file.ends_with(&format!("/{ROWS}"));
    let path = files.iter().find(ours);
    let path = path.ok_or_else(|| malformed(ROWS, "no folder of tools/ has this file"))?;
    let Rows { platform: mut rows } = table(context, path)?;
    let mut take = |name: &String| {
        let problem = |text: &str| malformed(FILE, format!("the platform {name:?} {text}"));
        let at = rows.iter().position(|row| row.name == *name);
        let at = at.ok_or_else(|| problem(&format!("is named twice, or has no row in {path}")))?;
        let runner = own.facts.runners.get(name);
        let runner = runner.ok_or_else(|| problem("has no machine in [facts.runners]"))?;
        Ok(Platform {
            runner: runner.clone(),
            ..rows.swap_remove(at)
        })
    };
    own.platforms.iter().map(&mut take).collect()
}

fn crates(context: &Context, files: &[String], shared: Option<&Value>) -> Result<Vec<Crate>> {
    let mut folders: Vec<&str> = files.iter().filter_map(|file| member(file)).collect();
    folders.sort_unstable(); // not as whole paths: there `-` comes before `/`
    let read = |folder: &str| -> Result<Crate> {
        let manifest: Table = table(context, &format!("{folder}/Cargo.toml"))?;
        let test = manifest.get("lib").and_then(|lib| lib.get("test"));
        Ok(Crate {
            folder: folder.to_owned(),
            ships: folder.starts_with("crates/"),
            tested: test != Some(&Value::Boolean(false)),
            needs: needs(folder, &manifest, shared),
        })
    };
    folders.into_iter().map(read).collect()
}

/// Returns the folder of a workspace member, by its manifest's path.
fn member(file: &str) -> Option<&str> {
    let folder = file.strip_suffix("/Cargo.toml")?;
    let (group, name) = folder.split_once('/')?;
    (["crates", "tools"].contains(&group) && !name.contains('/')).then_some(folder)
}

/// Returns the folders of the crates of this repository that a manifest names.
fn needs(folder: &str, manifest: &Table, shared: Option<&Value>) -> Vec<String> {
    let dependencies = manifest.get("dependencies").and_then(Value::as_table);
    let group = folder.split('/').next().unwrap_or_default();
    let path_of = |(name, dependency): (&String, &Value)| {
        // A tool names its neighbour by path, a crate by way of the workspace.
        if let Some(path) = dependency.get("path").and_then(Value::as_str) {
            return Some(format!("{group}/{}", path.strip_prefix("../")?));
        }
        Some(shared?.get(name)?.get("path")?.as_str()?.to_owned())
    };
    let mut found: Vec<String> = dependencies
        .into_iter()
        .flatten()
        .filter_map(path_of)
        .collect();
    found.sort();
    found
}

/// Returns the `uses:` line of the publishing action: the workflow is where its commit stands.
fn publisher(workflow: &str) -> Result<String> {
    let lines = workflow.lines().map(str::trim);
    let mut found = lines.filter_map(|line| Some(line.split_at(line.find(PUBLISHER)?).1));
    let first = found.next();
    let first = first.ok_or_else(|| malformed(RELEASE, format!("no step has `{PUBLISHER}...`")))?;
    Ok(first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_one_level_deep() {
        assert_eq!(member("crates/one/Cargo.toml"), Some("crates/one"));
        assert_eq!(member("crates/one/fuzz/Cargo.toml"), None);
        assert_eq!(member("Cargo.toml"), None);
    }

    #[test]
    fn a_crate_needs_what_its_manifest_names() {
        let shared: Table = "one = { path = 'crates/one' }\nclap = '4'".parse().unwrap();
        let shared = Value::Table(shared);
        let manifest = "[dependencies]\none.workspace = true\nclap.workspace = true\n\
                        near = { path = '../near' }"
            .parse()
            .unwrap();
        assert_eq!(
            needs("tools/two", &manifest, Some(&shared)),
            ["crates/one", "tools/near"]
        );
    }

    #[test]
    fn the_publisher_is_what_the_workflow_uses() {
        let line = format!("{PUBLISHER}abc # v1");
        let found = publisher(&format!("x:\n  - if: y\n    {line}\n")).unwrap();
        assert_eq!(found, line);
        assert!(publisher("x:\n").is_err());
    }
}
