//! Which files of a project go into its artifacts.
//!
//! The answer depends on names alone: not on a version-control system, file
//! modes, times or the order of a folder.

use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::imports::{self, Import, Kind};
use super::maturin::Format;
use super::selection::{OF_A_REPOSITORY, Rules};
use super::text::unportable;
use super::{Project, ProjectError, glue};
use crate::work_tree;

/// A file: its path relative to the folder that was searched (with `/`), and
/// its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path in the artifact.
    pub path: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A file that is not packed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path in the project, with `/`.
    pub path: String,
    /// Why.
    pub why: &'static str,
}

/// The files of a folder, sorted by path, and those that were left out.
#[derive(Debug, Default)]
struct Found {
    files: Vec<File>,
    left_out: Vec<LeftOut>,
}

/// Every file of a crate's folder that may be packed, sorted by path.
///
/// # Errors
/// The folder cannot be read, or holds a symbolic link that leads elsewhere, or an odd name.
pub fn of_crate(project: &Project, folder: &Path) -> Result<Vec<File>, ProjectError> {
    let rules = Rules::new(project, Format::Sdist, OF_A_REPOSITORY, "")?;
    Ok(search(folder, "", Some(&rules))?.files)
}

/// Without rules, every file is taken as it is.
fn search(folder: &Path, prefix: &str, rules: Option<&Rules>) -> Result<Found, ProjectError> {
    let mut found = Found::default();
    let mut walk = WalkDir::new(folder)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = walk.next() {
        let entry = entry.map_err(|error| ProjectError::Read {
            path: error.path().unwrap_or(folder).to_owned(),
            source: error.into(),
        })?;
        let refuse = |problem: &str| ProjectError::Read {
            path: entry.path().to_owned(),
            source: std::io::Error::other(problem),
        };
        let Some(relative) = relative(folder, &entry) else {
            return Err(refuse("the name is not UTF-8"));
        };
        let is_folder = entry.file_type().is_dir();
        if let Some(rules) = rules
            && let Err(why) = rules.judge(&relative)
        {
            if is_folder && !rules.include.is_empty() && !rules.matches(&rules.exclude, &relative) {
                continue; // something in it may be included
            }
            if is_folder {
                walk.skip_current_dir();
            }
            found.left_out.extend(why.map(|why| LeftOut {
                path: format!("{}{relative}", rules.place),
                why,
            }));
            continue;
        }
        if is_folder {
            continue;
        }
        let link = entry.file_type().is_symlink();
        let Some(file) = (if link {
            work_tree::linked_file(entry.path(), folder)
        } else {
            Some(entry.path().to_owned())
        }) else {
            return Err(refuse(
                "a symbolic link is packed only as the file of the same repository that it leads \
                 to; replace it by a file or exclude it",
            ));
        };
        if rules.is_some()
            && let Some(problem) = unportable(&relative)
        {
            return Err(refuse(&format!(
                "the file cannot be packed: {problem}; rename or exclude it"
            )));
        }
        let bytes = std::fs::read(&file).map_err(|source| ProjectError::Read {
            path: file.clone(),
            source,
        })?;
        found.files.push(File {
            path: format!("{prefix}{relative}"),
            bytes,
        });
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// The path of something found below `folder`, with `/`, if it is UTF-8.
pub(super) fn relative(folder: &Path, entry: &DirEntry) -> Option<String> {
    let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect();
    Some(parts?.join("/"))
}

/// Every file under `folder`, whatever its name, sorted by path.
///
/// # Errors
/// The folder cannot be read, or holds a symbolic link that leads elsewhere.
pub fn every(folder: &Path, prefix: &str) -> Result<Vec<File>, ProjectError> {
    Ok(search(folder, prefix, None)?.files)
}

/// The import packages and modules of a wheel: their files under the names they
/// are imported by.
///
/// # Errors
/// One is missing, is empty, or cannot be read.
pub fn import_packages(project: &Project) -> Result<Vec<File>, ProjectError> {
    let mut files = Vec::new();
    for import in imports::find(project)? {
        files.extend(import_files(project, &import, Format::Wheel)?.files);
    }
    add_missing(&mut files, glue::included(project, Format::Wheel)?);
    files.extend(glue::data(project, Format::Wheel)?);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Adds those of `more` that are not there already: a pattern may name a file that is
/// packed anyway.
fn add_missing(files: &mut Vec<File>, more: Vec<File>) {
    for file in more {
        if !files.contains(&file) {
            files.push(file);
        }
    }
}

/// Further files of a native wheel's `.dist-info` folder, relative to it.
///
/// # Errors
/// One cannot be read.
pub fn more_sboms(project: &Project) -> Result<Vec<File>, ProjectError> {
    glue::sboms(project, Format::Wheel)
}

/// The same files where they are in the project, as an sdist holds them.
///
/// # Errors
/// One is missing, is empty, or cannot be read.
pub fn import_sources(project: &Project) -> Result<Vec<File>, ProjectError> {
    let mut files = Vec::new();
    for import in imports::find(project)? {
        files.extend(import_files(project, &import, Format::Sdist)?.files);
    }
    for more in [
        glue::included(project, Format::Sdist)?,
        glue::data(project, Format::Sdist)?,
        glue::sboms(project, Format::Sdist)?,
    ] {
        add_missing(&mut files, more);
    }
    Ok(files)
}

/// What of the import packages is not packed although it might be meant to.
///
/// # Errors
/// One is missing, is empty, or cannot be read.
pub fn left_out(project: &Project) -> Result<Vec<LeftOut>, ProjectError> {
    let mut all = Vec::new();
    for import in imports::find(project)? {
        all.extend(import_files(project, &import, Format::Wheel)?.left_out);
    }
    Ok(all)
}

/// Warns on standard error of the files that [`left_out`] finds.
///
/// # Errors
/// Those of [`left_out`].
pub fn warn_of_left_out(project: &Project) -> Result<(), ProjectError> {
    for left_out in left_out(project)? {
        eprintln!(
            "warning: {}: {} is left out: {}; name it in [tool.wheelwright] include or exclude",
            project.path().display(),
            left_out.path,
            left_out.why
        );
    }
    Ok(())
}

/// The files of one import name: with their paths in the wheel, or in the project.
fn import_files(project: &Project, import: &Import, format: Format) -> Result<Found, ProjectError> {
    let whole = |files| Found {
        files,
        left_out: Vec::new(),
    };
    let path = match (format, import.kind) {
        (_, Kind::Extension) => return Ok(whole(glue::files(project, import, format)?)),
        (Format::Wheel, Kind::Module) => format!("{}.py", import.name),
        (Format::Wheel, Kind::Package) => import.name.clone(),
        (Format::Sdist, _) => import.path.clone(),
    };
    if import.kind == Kind::Module {
        return Ok(whole(vec![File {
            path,
            bytes: project.read_file(&import.path)?,
        }]));
    }
    let rules = Rules::new(project, format, &[], &format!("{}/", import.path))?;
    let folder = project.folder.join(&import.path);
    let found = search(&folder, &format!("{path}/"), Some(&rules))?;
    let is_python = |file: &File| {
        let suffix = Path::new(&file.path).extension();
        suffix.is_some_and(|suffix| suffix == "py" || suffix == "pyi")
    };
    // An sdist may leave files out that the wheel holds.
    let checked = format == Format::Wheel || project.maturin.is_none();
    if !checked || found.files.iter().any(is_python) {
        Ok(found)
    } else {
        let problem = format!(
            "{} holds no Python file, so there is nothing to import as {}",
            import.path, import.name
        );
        Err(project.error_at(&["project", "name"], problem))
    }
}

/// Checks a path that `pyproject.toml` names: it must stay in the project.
///
/// # Errors
/// The rest of a sentence that says what is wrong.
pub fn check_named(path: &str) -> Result<(), String> {
    match unportable(path) {
        Some(problem) => Err(format!(
            "{path:?} is not a path inside the project that can be packed: {problem}"
        )),
        None => Ok(()),
    }
}
