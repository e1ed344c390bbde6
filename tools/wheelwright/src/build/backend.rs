//! A pure package by its own build backend (PEP 517): whatever that is, it is run in an
//! environment of its own, and what it makes gets the form of our artifacts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use walkdir::WalkDir;
use wheelwright_artifacts::artifact::file_name::WheelName;
use wheelwright_artifacts::artifact::headers::Headers;
use wheelwright_artifacts::artifact::{Artifact as Read, Limits};
use wheelwright_artifacts::digest::Digest;
use wheelwright_artifacts::epoch::ZIP_EPOCH;

use super::packing::audit;
use super::report::{self, Report, Row, Verdict};
use super::{BuildError, Options, lock, write_checksums};
use crate::pack::{self, Artifact, normal};
use crate::project::Project;
use crate::project::workspace::{self, Workspace};
use crate::rebuild::RebuildError;
use crate::rebuild::environment::Environment;
use crate::rebuild::hooks::{Backend, Hooks};
use crate::rebuild::report::Built;
use crate::rebuild::sandbox::Sandbox;
use crate::smoke::{self, SmokeError, install::Interpreter};
use crate::toolchain::platform::Table;
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;
use crate::work_tree;

/// How long one step of a backend may take.
const TIME: Duration = Duration::from_mins(10);
/// The lock of the build requirements, beside `pyproject.toml`.
pub const LOCK: &str = "build-requirements.txt";

/// Builds the wheel and the sdist of the project in `root`.
///
/// # Errors
/// A tool is missing, or a folder cannot be used. What the backend cannot build is in the
/// report.
pub fn build(root: &Path, options: &Options) -> Result<Report, BuildError> {
    let started = Instant::now();
    let work = workspace::work_folder(root);
    let _only_build = lock(&work)?;
    let python = Python::find(options.python.as_deref())?;
    let tools = Tools::new(&work, &python).with_index(options.index.clone());
    let mut rows = match made(root, &work, &python, &tools) {
        Ok(made) => made
            .iter()
            .map(|artifact| row(root, artifact, &options.out))
            .collect(),
        Err(error) => vec![failed(root, crate::errors::with_causes(&error))],
    };
    for row in &rows {
        report::announce(row);
    }
    write_checksums(&options.out, &rows)?;
    if options.smoke
        && let Some(first) = rows.first_mut().filter(|row| row.sha256.is_some())
    {
        first.smoke = tried(root, &options.out, first, &tools, &python);
        report::announce_smoke(first);
    }
    Ok(Report {
        rows,
        unexpected: Vec::new(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Returns the repository in `root`, the one package of which its own backend builds, as the
/// artifacts in `folder` describe it.
///
/// # Errors
/// A sentence on what is wrong with the folder.
pub fn workspace(root: &Path, folder: &Path) -> Result<Workspace, String> {
    let listed = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = listed.filter_map(|entry| entry.file_name().into_string().ok());
    let mut wheels: Vec<String> = names.filter(|name| pack::is_wheel(name)).collect();
    wheels.sort();
    let name = match wheels.as_slice() {
        [name] => name,
        [] => {
            return Err(format!(
                "{} holds no wheel; run `wheelwright build` first",
                folder.display()
            ));
        }
        several => {
            return Err(format!(
                "{} holds {} wheels of one pure package ({}); take out those that are not of \
                 this release",
                folder.display(),
                several.len(),
                several.join(", ")
            ));
        }
    };
    let mut project = read_back(root, &folder.join(name))?;
    let tags = WheelName::parse(name)?;
    project.settings.python_tag = Some(tags.python.join("."));
    project.settings.abi_tag = Some(tags.abi.join("."));
    Ok(Workspace {
        root: root.to_owned(),
        projects: vec![project],
        table: Table::own(),
        platforms: Vec::new(),
    })
}

/// Runs the backend: the wheel, then the sdist.
fn made(
    root: &Path,
    work: &Path,
    python: &Python,
    tools: &Tools,
) -> Result<Vec<Artifact>, RebuildError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| RebuildError::File { path, source }
    };
    let folder = crate::temporary::folder("wheelwright-").map_err(file(&std::env::temp_dir()))?;
    let folder = folder.path();
    // A backend may write beside the sources.
    let tree = folder.join("source");
    copy(root, &tree).map_err(file(root))?;
    let backend = Backend::read(&tree)?;
    eprintln!("building with {}", backend.name);
    let home = folder.join("home");
    std::fs::create_dir_all(&home).map_err(file(&home))?;
    let sandbox = Sandbox::new(&home, Some(ZIP_EPOCH), TIME);
    let mut environment = Environment {
        python,
        tools,
        index: None,
        as_of: None,
        locked: Some(root.join(LOCK)).filter(|path| path.is_file()),
        folder,
    };
    let mut built = Built::default();
    let mut requirements = backend.requires.clone();
    let mut venv = environment.install(&requirements, None, &mut built)?;
    let hooks = Hooks {
        backend: &backend,
        tree: &tree,
        folder,
        sandbox: &sandbox,
    };
    let more = hooks.requires(&venv)?;
    if !more.is_empty() && environment.locked.is_none() {
        requirements.extend(more);
        venv = environment.install(&requirements, None, &mut built)?;
    }
    let used = folder.join("requirements.txt");
    if environment.locked.is_none() && used.is_file() {
        let kept = work.join(LOCK);
        std::fs::copy(&used, &kept).map_err(file(&kept))?;
        eprintln!(
            "warning: the build requirements are those of today; copy {} beside pyproject.toml \
             to build with the same again",
            kept.display()
        );
    }
    let out = folder.join("out");
    let mut made = Vec::new();
    for name in [hooks.wheel(&venv)?, hooks.sdist(&venv)?] {
        let artifact = normal::artifact(&out.join(name)).map_err(|error| RebuildError::Build {
            problem: crate::errors::with_causes(&error),
        })?;
        made.push(artifact);
    }
    Ok(made)
}

/// Copies a work tree with its git repository, of which some backends take the version.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let walk = WalkDir::new(from).into_iter();
    for entry in walk.filter_entry(|entry| !work_tree::is_left_out(entry)) {
        let entry = entry?;
        let below = entry.path().strip_prefix(from).unwrap_or(entry.path());
        let target = to.join(below);
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target)?;
        } else if entry.path().is_file() {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Writes and audits one artifact.
fn row(root: &Path, artifact: &Artifact, out: &Path) -> Row {
    if let Err(error) = artifact.write(out) {
        return failed(root, crate::errors::with_causes(&error));
    }
    let path = out.join(&artifact.file_name);
    let project = read_back(root, &path);
    Row {
        artifact: artifact.file_name.clone(),
        package: project
            .as_ref()
            .map_or_else(|_| artifact.file_name.clone(), |one| one.name.to_string()),
        platform: None,
        size: Some(artifact.bytes.len()),
        sha256: Some(Digest::of(&artifact.bytes).hex()),
        build: Verdict::Passed,
        audit: match project {
            Ok(project) => audit(root, &path, &project),
            Err(problem) => Verdict::Failed(problem),
        },
        smoke: Verdict::NotRun,
    }
}

fn failed(root: &Path, problem: String) -> Row {
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    Row {
        artifact: name.clone().into_owned(),
        package: name.into_owned(),
        platform: None,
        size: None,
        sha256: None,
        build: Verdict::Failed(problem),
        audit: Verdict::NotRun,
        smoke: Verdict::NotRun,
    }
}

/// The project as its finished wheel or sdist describes it, with the settings that its
/// `pyproject.toml` has for wheelwright.
fn read_back(root: &Path, path: &Path) -> Result<Project, String> {
    let read = Read::open(path, Limits::default()).map_err(|error| error.to_string())?;
    let all = 0..read.archive.len();
    let is_metadata = |path: &str| {
        path.ends_with(".dist-info/METADATA")
            || (path.ends_with("/PKG-INFO") && path.matches('/').count() == 1)
    };
    let place = all
        .clone()
        .find(|index| is_metadata(read.archive.path(*index)));
    let place = place.ok_or("it has no METADATA or PKG-INFO")?;
    let headers = Headers::parse(&read.archive.content(place)?);
    // A requirement with an extra in its marker is not for everybody.
    let needs = headers.all("Requires-Dist").filter(|one| {
        !one.split_once(';')
            .is_some_and(|(_, marker)| marker.contains("extra"))
    });
    let paths: Vec<&str> = all.map(|index| read.archive.path(index)).collect();
    Project::built(
        root,
        headers.get("Name").unwrap_or_default(),
        headers.get("Version").unwrap_or_default(),
        needs.map(str::to_owned).collect(),
        &imported(&paths),
    )
    .map_err(|error| crate::errors::with_causes(&error))
}

/// The names that a wheel with these members is imported by: its modules, and its packages
/// that are in no other. Folders without `__init__.py` above them are namespaces.
fn imported(paths: &[&str]) -> Vec<String> {
    let packages: BTreeSet<&str> = paths
        .iter()
        .filter_map(|path| path.strip_suffix("/__init__.py"))
        .collect();
    let is_in_another = |package: &str| {
        package.match_indices('/').any(|(at, _)| {
            package
                .get(..at)
                .is_some_and(|above| packages.contains(above))
        })
    };
    let own = packages.iter().filter(|package| !is_in_another(package));
    let modules = paths
        .iter()
        .filter(|path| !path.contains('/'))
        .filter_map(|path| path.strip_suffix(".py"));
    own.copied()
        .chain(modules)
        .map(|path| path.replace('/', "."))
        .collect()
}

/// Installs the wheel and tries it.
fn tried(root: &Path, out: &Path, row: &Row, tools: &Tools, python: &Python) -> Verdict {
    let wheel: PathBuf = out.join(&row.artifact);
    let project = match read_back(root, &wheel) {
        Ok(project) => project,
        Err(problem) => return Verdict::Failed(problem),
    };
    match smoke::package(&project, out, tools, Interpreter::Own(python)) {
        Ok(()) => Verdict::Passed,
        Err(error @ SmokeError::Missing { .. }) if !project.says_how_it_is_tried() => {
            eprintln!("warning: not tried: {error}");
            Verdict::NotRun
        }
        Err(error) => Verdict::Failed(crate::errors::with_causes(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::imported;

    #[test]
    fn packages_modules_and_namespaces_are_imported() {
        for (paths, wanted) in [
            (
                &["a/__init__.py", "a/b/__init__.py", "c.py"][..],
                &["a", "c"][..],
            ),
            (
                &["space/one/__init__.py", "space/two/__init__.py"],
                &["space.one", "space.two"],
            ),
            (&["a/data.txt", "a-1.dist-info/METADATA"], &[]),
        ] {
            assert_eq!(imported(paths), wanted, "{paths:?}");
        }
    }
}
