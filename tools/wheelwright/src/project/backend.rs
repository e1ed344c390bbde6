//! `[build-system]`: whoever builds the wheel from our sdist must make the same of
//! the project as wheelwright does.

use std::path::Path;

use super::pyproject::BuildSystem;
use super::settings::Problem;
use super::{requirement, source};

const BACKEND: &[&str] = &["build-system", "build-backend"];

/// A backend that takes a plain project as wheelwright does.
struct Plain {
    name: &'static str,
    /// Where it reads what would make the project another: tables of
    /// `pyproject.toml`, and files.
    tables: &'static [&'static [&'static str]],
    files: &'static [&'static str],
}

const PLAIN: &[Plain] = &[
    Plain {
        name: "hatchling.build",
        tables: &[],
        files: &["hatch.toml"],
    },
    Plain {
        name: "flit_core.buildapi",
        tables: &[&["tool", "flit"]],
        files: &[],
    },
    Plain {
        name: "pdm.backend",
        tables: &[&["tool", "pdm", "build"]],
        files: &[],
    },
    Plain {
        name: "poetry.core.masonry.api",
        tables: &[&["tool", "poetry"]],
        files: &[],
    },
    Plain {
        name: "setuptools.build_meta",
        tables: &[&["tool", "setuptools"], &["tool", "setuptools_scm"]],
        files: &["setup.py", "setup.cfg", "MANIFEST.in"],
    },
    Plain {
        name: "uv_build",
        tables: &[&["tool", "uv", "build-backend"]],
        files: &[],
    },
];

/// Is the package built by maturin, so that it has an extension?
pub fn is_maturin(stated: Option<&BuildSystem>) -> bool {
    stated.is_some_and(|stated| stated.build_backend.as_deref() == Some("maturin"))
}

/// Checks the backend of a package, which is `native` or not; `text` is that of
/// `pyproject.toml` in `folder`.
pub fn check(
    text: &str,
    folder: &Path,
    stated: Option<&BuildSystem>,
    native: bool,
) -> Result<(), Problem> {
    let Some(stated) = stated else {
        return Ok(());
    };
    for written in &stated.requires {
        requirement::check(written, None)
            .map_err(|problem| (&["build-system", "requires"][..], problem))?;
    }
    let backend = stated.build_backend.as_deref();
    let backend = backend.unwrap_or("setuptools.build_meta");
    match (backend, native) {
        ("maturin", _) => return Ok(()),
        (_, true) => {
            let problem = format!(
                "{backend:?} does not build the extension of [tool.maturin]; write \"maturin\""
            );
            return Err((BACKEND, problem));
        }
        (_, false) => {}
    }
    let Some(plain) = PLAIN.iter().find(|plain| plain.name == backend) else {
        let problem = format!(
            "{backend:?} is a backend that wheelwright does not know; use \"hatchling.build\", \
             or \"maturin\" for a package with an extension"
        );
        return Err((BACKEND, problem));
    };
    if let Some(table) = plain.tables.iter().find(|table| source::has(text, table)) {
        let problem = format!(
            "wheelwright does not read this table of {backend}, which decides over the wheel's \
             files; use hatchling.build and [tool.hatch.build.targets.wheel] packages"
        );
        return Err((*table, problem));
    }
    if let Some(file) = plain.files.iter().find(|file| folder.join(file).exists()) {
        let problem = format!(
            "{backend:?} also reads {file}, and wheelwright does not; use \"hatchling.build\" \
             and remove {file}"
        );
        return Err((BACKEND, problem));
    }
    Ok(())
}
