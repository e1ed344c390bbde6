//! What a wheel of an extension holds besides its import packages: the package that is
//! made for an extension alone, and what `[tool.maturin]` adds.

use wheelwright_artifacts::audit::Profile;

use super::files::{self, File};
use super::imports::{Import, folder, join};
use super::maturin::Format;
use super::{Project, ProjectError, license};

/// The folders that a `.data` folder may have.
const DATA: &[&str] = &["data", "scripts", "headers", "purelib", "platlib"];

/// The package of an extension that no Python file belongs to: everything that the
/// extension exports, and its stub.
pub fn files(
    project: &Project,
    import: &Import,
    format: Format,
) -> Result<Vec<File>, ProjectError> {
    let name = &import.name;
    let stub = if project.folder.join(&import.path).is_file() {
        Some(project.read_file(&import.path)?)
    } else {
        None
    };
    if format == Format::Sdist {
        let path = import.path.clone();
        return Ok(stub.map(|bytes| File { path, bytes }).into_iter().collect());
    }
    let mut files = Vec::new();
    if !project.maturin.as_ref().is_some_and(|maturin| maturin.cffi) {
        files.push(File {
            path: format!("{name}/__init__.py"),
            bytes: init(name).into_bytes(),
        });
    }
    if let Some(bytes) = stub {
        files.push(File {
            path: format!("{name}/__init__.pyi"),
            bytes,
        });
        files.push(File {
            path: format!("{name}/py.typed"),
            bytes: Vec::new(),
        });
    }
    Ok(files)
}

/// The extension may export a name like its own, so it is kept under another.
fn init(name: &str) -> String {
    format!(
        "from . import {name} as _extension\n\
         from .{name} import *\n\
         \n\
         __doc__ = _extension.__doc__\n\
         if hasattr(_extension, \"__all__\"):\n    \
             __all__ = _extension.__all__\n\
         del _extension\n"
    )
}

/// The files that `[tool.maturin] include` adds to an artifact.
///
/// # Errors
/// A pattern is malformed or names a file that cannot be packed; or no file, which an index
/// (and maturin) has nothing against.
pub fn included(project: &Project, format: Format) -> Result<Vec<File>, ProjectError> {
    let mut added = Vec::new();
    let Some(maturin) = &project.maturin else {
        return Ok(added);
    };
    let source = maturin.source_folder().unwrap_or_default();
    for (position, pattern) in maturin.included(format) {
        let keys = ["tool", "maturin", "include", &position.to_string()];
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let pattern = pattern.trim_end_matches('/');
        files::check_named(&pattern.replace(['*', '?'], "x"))
            .map_err(|problem| project.error_at(&keys, problem))?;
        let named = |path: String| {
            // A folder's name stands for all that is in it.
            let is_folder = project.folder.join(&path).is_dir();
            let path = if is_folder {
                format!("{path}/**")
            } else {
                path
            };
            license::named(project, &keys, &path)
        };
        let mut found = named(pattern.to_owned())?;
        if found.is_empty() && !source.is_empty() {
            found = named(join(&source, pattern))?;
        }
        if found.is_empty() && project.settings.audit.profile != Profile::Index {
            let problem = format!("{pattern:?} names no file that may be packed");
            return Err(project.error_at(&keys, problem));
        }
        for path in found {
            let bytes = project.read_file(&path)?;
            let inside = path.strip_prefix(&format!("{source}/"));
            let path = match (format, inside) {
                (Format::Wheel, Some(inside)) => inside.to_owned(),
                _ => path,
            };
            added.push(File { path, bytes });
        }
    }
    Ok(added)
}

/// The files of the `.data` folder, with their paths in the wheel; in an sdist they
/// stay where they are.
///
/// # Errors
/// It is not there or cannot be read, or holds what no installer takes.
pub fn data(project: &Project, format: Format) -> Result<Vec<File>, ProjectError> {
    const KEYS: &[&str] = &["tool", "maturin", "data"];
    let Some(maturin) = &project.maturin else {
        return Ok(Vec::new());
    };
    let refuse = |problem: String| project.error_at(KEYS, problem);
    let usual = format!("{}.data", maturin.module_name);
    let place = match &maturin.data {
        Some(stated) => folder(stated).map_err(refuse)?,
        None if project.folder.join(&usual).is_dir() => usual,
        None => return Ok(Vec::new()),
    };
    if !project.folder.join(&place).is_dir() {
        return Err(refuse(format!("there is no folder {place}")));
    }
    let prefix = match format {
        Format::Wheel => format!("{}.data/", project.stem()),
        Format::Sdist => format!("{place}/"),
    };
    let found = files::every(&project.folder.join(&place), &prefix)?;
    for file in &found {
        let rest = file.path.strip_prefix(&prefix).unwrap_or(&file.path);
        if !rest
            .split_once('/')
            .is_some_and(|(top, _)| DATA.contains(&top))
        {
            return Err(refuse(format!(
                "{place}/{rest} is in none of the folders that an installer knows: {}",
                DATA.join(", ")
            )));
        }
    }
    Ok(found)
}

/// The bills of materials that `[tool.maturin.sbom] include` adds, relative to the
/// `.dist-info` folder; in an sdist they stay where they are.
///
/// # Errors
/// One cannot be read.
pub fn sboms(project: &Project, format: Format) -> Result<Vec<File>, ProjectError> {
    let stated = project.maturin.iter().flat_map(|maturin| &maturin.sboms);
    let read = |(position, path): (usize, &String)| {
        files::check_named(path).map_err(|problem| {
            let keys = ["tool", "maturin", "sbom", "include", &position.to_string()];
            project.error_at(&keys, problem)
        })?;
        let name = path.rsplit('/').next().unwrap_or(path);
        Ok(File {
            path: match format {
                Format::Wheel => format!("sboms/{name}"),
                Format::Sdist => path.clone(),
            },
            bytes: project.read_file(path)?,
        })
    };
    stated.enumerate().map(read).collect()
}
