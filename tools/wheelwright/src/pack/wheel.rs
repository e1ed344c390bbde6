//! One wheel from a project, and its extension if it has one.

use std::collections::HashMap;
use std::fmt::Write as _;

use wheelwright_artifacts::digest::Digest;

use super::layout::Layout;
use super::zip::Member;
use super::{Artifact, PackError};
use crate::project::abi::Abi;
use crate::project::files::{self, File};
use crate::project::{
    Project, ProjectError, entry_points, imports, license, metadata, settings, text,
};

/// A compiled extension and the platform it runs on.
#[derive(Debug, Clone, Copy)]
pub struct Native<'a> {
    /// The dynamic library.
    pub extension: &'a [u8],
    /// The wheel's platform tag.
    pub platform_tag: &'a str,
    /// The Pythons that load it.
    pub abi: Abi,
}

/// Packs a wheel: lays it out, and compresses it.
///
/// # Errors
/// As [`lay_out`] and [`Layout::pack`].
pub fn pack(
    project: &Project,
    native: Option<Native<'_>>,
    more: &[File],
) -> Result<Artifact, PackError> {
    lay_out(project, native, more)?.pack()
}

/// Lays out a wheel. `more` are further files of its `.dist-info` folder, such as
/// SBOMs, with paths relative to it.
///
/// # Errors
/// The project cannot be used.
pub fn lay_out(
    project: &Project,
    native: Option<Native<'_>>,
    more: &[File],
) -> Result<Layout, PackError> {
    let tag = tag(project, native)?;
    let extension = native.zip(project.maturin.as_ref());
    let extension = extension.map(|(native, maturin)| Member {
        path: maturin.extension_path() + &extension_suffix(project, native),
        bytes: native.extension.to_owned(),
        executable: true,
    });
    assemble(project, &tag, extension.into_iter().collect(), more)
}

/// Lays out a wheel of programs, which an installer puts beside its Python. The paths of
/// `programs` are their file names.
///
/// # Errors
/// As [`lay_out`].
pub fn lay_out_programs(
    project: &Project,
    platform_tag: &str,
    programs: Vec<File>,
    more: &[File],
) -> Result<Layout, PackError> {
    let folder = format!("{}.data/scripts", project.stem());
    let programs = programs.into_iter().map(|file| Member {
        path: format!("{folder}/{}", file.path),
        bytes: file.bytes,
        executable: true,
    });
    let tag = tag_for(project, Abi::Stated, platform_tag);
    assemble(project, &tag, programs.collect(), more)
}

/// Lays out a wheel of a library that Python calls by cffi, with its `declarations`.
///
/// # Errors
/// As [`lay_out`].
pub fn lay_out_cffi(
    project: &Project,
    platform_tag: &str,
    library: Vec<u8>,
    declarations: Vec<u8>,
    more: &[File],
) -> Result<Layout, PackError> {
    let Some(maturin) = &project.maturin else {
        return Err(PackError::Extension {
            project: project.name.to_string(),
            problem: "is a pure Python package, and takes no library",
        });
    };
    // The package is the library's own, or lies where an extension would.
    let alone = imports::find(project)?
        .iter()
        .any(|import| import.kind == imports::Kind::Extension);
    let folder = if alone {
        maturin.module_name.clone()
    } else {
        maturin.extension_path()
    };
    let file = maturin.library_file(platform_tag);
    let init = format!(
        "import os\n\
         \n\
         from .ffi import ffi\n\
         \n\
         __all__ = [\"ffi\", \"lib\"]\n\
         \n\
         lib = ffi.dlopen(os.path.join(os.path.dirname(__file__), \"{file}\"))\n\
         del os\n"
    );
    let member = |name: &str, bytes: Vec<u8>, executable: bool| Member {
        path: format!("{folder}/{name}"),
        bytes,
        executable,
    };
    let compiled = vec![
        member("__init__.py", init.into_bytes(), false),
        member("ffi.py", declarations, false),
        member(&file, library, true),
    ];
    let tag = tag_for(project, Abi::Stated, platform_tag);
    assemble(project, &tag, compiled, more)
}

/// A wheel with what was `compiled` in it.
fn assemble(
    project: &Project,
    tag: &str,
    compiled: Vec<Member>,
    more: &[File],
) -> Result<Layout, PackError> {
    let native = !compiled.is_empty();
    let file_name = format!("{}-{tag}.whl", project.stem());
    let mut members = compiled;
    members.extend(files::import_packages(project)?.into_iter().map(plain));
    members.sort_by(|a, b| a.path.cmp(&b.path));
    let mut info = dist_info(project, tag, native)?;
    check_targets(project, &members)?;
    if native {
        info.extend(files::more_sboms(project)?);
    }
    info.extend(more.iter().cloned());
    let folder = format!("{}.dist-info", project.stem());
    for file in &mut info {
        file.path = format!("{folder}/{}", file.path);
    }
    info.sort_by(|a, b| a.path.cmp(&b.path));
    // The .dist-info folder comes last, and RECORD last of all, as the wheel
    // format recommends.
    members.extend(info.into_iter().map(plain));
    let record = record(&members, &format!("{folder}/RECORD"));
    members.push(plain(File {
        path: format!("{folder}/RECORD"),
        bytes: record.into_bytes(),
    }));
    check_paths(&members, &file_name)?;
    Ok(Layout { file_name, members })
}

/// Checks what of a wheel does not depend on its extension.
///
/// # Errors
/// No wheel can be made of the project.
pub fn check(project: &Project) -> Result<(), PackError> {
    files::import_packages(project)?;
    files::more_sboms(project)?;
    dist_info(project, "py3-none-any", true)?;
    Ok(())
}

fn tag(project: &Project, native: Option<Native<'_>>) -> Result<String, PackError> {
    let problem = |problem| PackError::Extension {
        project: project.name.to_string(),
        problem,
    };
    let platform = match native {
        Some(_) if !project.is_native() => {
            return Err(problem(
                "is a pure Python package ([tool.maturin] is missing) and takes no extension",
            ));
        }
        None if project.is_native() => {
            return Err(problem(
                "has a native extension ([tool.maturin]), but none was given",
            ));
        }
        Some(_)
            if project
                .maturin
                .as_ref()
                .is_some_and(|one| one.programs || one.cffi) =>
        {
            return Err(problem(
                "is a wheel of programs or of a library for cffi, and takes no extension; \
                 `wheelwright build` compiles and packs it",
            ));
        }
        Some(native) if !settings::is_tag(native.platform_tag) => {
            return Err(PackError::Tag {
                tag: native.platform_tag.to_owned(),
            });
        }
        Some(native) => native.platform_tag,
        None => "any",
    };
    let abi = native.map_or(Abi::Stated, |native| native.abi);
    Ok(tag_for(project, abi, platform))
}

/// The tag of a project's wheel for a platform tag.
pub fn tag_for(project: &Project, abi: Abi, platform_tag: &str) -> String {
    match abi {
        Abi::Stated => {
            let settings = &project.settings;
            let python = settings.python_tag.as_deref().unwrap_or("py3");
            let abi = settings.abi_tag.as_deref().unwrap_or("none");
            format!("{python}-{abi}-{platform_tag}")
        }
        Abi::Stable(minor) => format!("cp3{minor}-abi3-{platform_tag}"),
        Abi::StableOfBoth(minor) => format!("cp3{minor}-abi3.abi3t-{platform_tag}"),
        Abi::Version(interpreter) => format!("{}-{platform_tag}", interpreter.tags()),
    }
}

/// What Python wants an extension module's file name to end with.
fn extension_suffix(project: &Project, native: Native<'_>) -> String {
    let abi = match (native.abi, project.settings.abi_tag.as_deref()) {
        (Abi::Stated, Some("abi3")) => Abi::Stable(0),
        (Abi::Stated, Some("abi3.abi3t" | "abi3t")) => Abi::StableOfBoth(0),
        (abi, _) => abi,
    };
    abi.suffix(native.platform_tag)
}

fn dist_info(project: &Project, tag: &str, native: bool) -> Result<Vec<File>, PackError> {
    let licenses = license::files(project)?;
    let names: Vec<String> = licenses.iter().map(|file| file.path.clone()).collect();
    let mut info = vec![
        File {
            path: "METADATA".to_owned(),
            bytes: metadata::metadata(project, &names)?.into_bytes(),
        },
        File {
            path: "WHEEL".to_owned(),
            bytes: wheel_file(tag, native).into_bytes(),
        },
    ];
    if let Some(text) = entry_points::write(project)? {
        info.push(File {
            path: "entry_points.txt".to_owned(),
            bytes: text.into_bytes(),
        });
    }
    info.extend(licenses.into_iter().map(|file| File {
        path: format!("licenses/{}", file.path),
        ..file
    }));
    Ok(info)
}

fn wheel_file(tag: &str, native: bool) -> String {
    let mut text = format!(
        "Wheel-Version: 1.0\nGenerator: wheelwright {}\nRoot-Is-Purelib: {}\n",
        env!("CARGO_PKG_VERSION"),
        !native,
    );
    // A file name says several tags in one; here each has a line.
    let mut tags = vec![String::new()];
    for part in tag.split('-') {
        let longer = |before: &String, one: &str| match before.as_str() {
            "" => one.to_owned(),
            before => format!("{before}-{one}"),
        };
        tags = tags
            .iter()
            .flat_map(|before| part.split('.').map(move |one| longer(before, one)))
            .collect();
    }
    for tag in tags {
        let _ = writeln!(text, "Tag: {tag}");
    }
    text
}

/// No two members may be one file, on systems that do not tell upper from lower
/// case either, and each must have a name that every system can store.
pub(super) fn check_paths(members: &[Member], artifact: &str) -> Result<(), PackError> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for member in members {
        let path = member.path.as_str();
        if let Some(problem) = text::unportable(path) {
            return Err(PackError::Path {
                path: path.to_owned(),
                problem,
            });
        }
        match seen.insert(path.to_lowercase(), path) {
            Some(other) if other == path => {
                return Err(PackError::Duplicate {
                    path: path.to_owned(),
                    artifact: artifact.to_owned(),
                });
            }
            Some(other) => {
                return Err(PackError::Case {
                    path: path.to_owned(),
                    other: other.to_owned(),
                });
            }
            None => {}
        }
    }
    Ok(())
}

/// A module of this package that an entry point names must be in the wheel.
fn check_targets(project: &Project, members: &[Member]) -> Result<(), ProjectError> {
    let own = imports::find(project)?;
    for (keys, module) in entry_points::modules(project) {
        let top = module.split('.').next().unwrap_or(module);
        if !own.iter().any(|import| import.name == top) {
            continue; // of a package that this one needs
        }
        let path = module.replace('.', "/");
        let (file, folder) = (format!("{path}."), format!("{path}/"));
        let there = |member: &Member| {
            member.path.starts_with(&folder)
                || member
                    .path
                    .strip_prefix(&file)
                    .is_some_and(|suffix| !suffix.contains('/'))
        };
        if !members.iter().any(there) {
            let problem = format!(
                "the wheel has no module {module} (neither {path}.py nor {path}/__init__.py)"
            );
            return Err(project.error_at(&keys, problem));
        }
    }
    Ok(())
}

pub(super) fn record(members: &[Member], itself: &str) -> String {
    let mut text = String::new();
    for member in members {
        let digest = Digest::of(&member.bytes).record();
        let _ = writeln!(
            text,
            "{},sha256={digest},{}",
            quoted(&member.path),
            member.bytes.len()
        );
    }
    let _ = writeln!(text, "{itself},,");
    text
}

/// A CSV field.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn plain(file: File) -> Member {
    Member {
        // What an installer puts beside the interpreter is run.
        executable: file.path.contains(".data/scripts/"),
        path: file.path,
        bytes: file.bytes,
    }
}
