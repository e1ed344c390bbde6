//! The import packages and modules of a project: what `import` finds once its
//! wheel is installed.

use std::path::Path;

use super::maturin::Maturin;
use super::text::{is_dotted_name, is_identifier};
use super::{Project, ProjectError, files};

/// One name that is imported.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The name: `demo`.
    pub name: String,
    /// Its folder or file in the project, with `/`: `src/demo`, `demo.py`.
    pub path: String,
    /// What lies there.
    pub kind: Kind,
}

/// What a name is imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A folder.
    Package,
    /// A single file.
    Module,
    /// The extension alone, for which a package is made; `path` is that of its stub,
    /// which may not be there.
    Extension,
}

const MATURIN: &[&str] = &["tool", "maturin", "module-name"];
const HATCH: &[&str] = &["tool", "hatch", "build", "targets", "wheel", "packages"];
const NAME: &[&str] = &["project", "name"];

/// Finds them: where `[tool.maturin]` or hatch's `packages` say, or where hatchling
/// looks when nothing is said.
///
/// # Errors
/// No import name was found, or the one that is stated is not there.
pub fn find(project: &Project) -> Result<Vec<Import>, ProjectError> {
    let found = if let Some(maturin) = &project.maturin {
        of_maturin(project, maturin)?
    } else if project.hatch_packages.is_empty() {
        vec![by_name(project)?]
    } else {
        listed(project)?
    };
    check_declared(project, &found)?;
    Ok(found)
}

/// The package of the extension, and those of `python-packages`.
fn of_maturin(project: &Project, maturin: &Maturin) -> Result<Vec<Import>, ProjectError> {
    let source = maturin
        .source_folder()
        .map_err(|problem| project.error_at(&["tool", "maturin", "python-source"], problem))?;
    let path = join(&source, maturin.package());
    let folder = project.folder.join(&path);
    let dotted = maturin.module_name.contains('.');
    // A folder of this name may be the crate.
    let is_crate = folder.join("Cargo.toml").is_file() && !folder.join("__init__.py").is_file();
    let mut found = if maturin.programs && !is_python(&folder) {
        // A wheel of programs may have nothing to import.
        Vec::new()
    } else if !dotted && maturin.python_source.is_none() && (is_crate || !folder.is_dir()) {
        vec![Import {
            name: maturin.module_name.clone(),
            path: stub(project, maturin),
            kind: Kind::Extension,
        }]
    } else {
        let import = at(project, &path).map_err(|problem| {
            let problem = format!(
                "{problem}; it is the package that the extension {} belongs to: say with \
                 python-source in which folder it lies, or make it, with an __init__.py",
                maturin.module_name
            );
            project.error_at(MATURIN, problem)
        })?;
        let parent = maturin.extension_path();
        let parent = parent.rsplit_once('/').map_or("", |(parent, _)| parent);
        if maturin.programs {
            return Ok(vec![import]);
        }
        if import.kind == Kind::Module || !project.folder.join(join(&source, parent)).is_dir() {
            let problem = format!(
                "there is no folder {} for the extension",
                join(&source, parent)
            );
            return Err(project.error_at(MATURIN, problem));
        }
        vec![import]
    };
    for (position, package) in maturin.python_packages.iter().enumerate() {
        let import =
            self::folder(package).and_then(|package| at(project, &join(&source, &package)));
        let import = import.map_err(|problem| {
            let keys = ["tool", "maturin", "python-packages", &position.to_string()];
            project.error_at(&keys, problem)
        })?;
        if !found.iter().any(|other| other.name == import.name) {
            found.push(import);
        }
    }
    Ok(found)
}

/// Does a folder hold an import package, or a program of Python?
fn is_python(folder: &Path) -> bool {
    ["__init__.py", "__main__.py"]
        .iter()
        .any(|name| folder.join(name).is_file())
}

impl Maturin {
    /// The folder of the Python sources in one form; empty for the project's own.
    ///
    /// # Errors
    /// It is not in the project.
    pub fn source_folder(&self) -> Result<String, String> {
        folder(self.python_source.as_deref().unwrap_or_default())
    }
}

/// Those that hatch's `packages` names.
fn listed(project: &Project) -> Result<Vec<Import>, ProjectError> {
    let mut found: Vec<Import> = Vec::new();
    for (position, written) in project.hatch_packages.iter().enumerate() {
        let import = folder(written)
            .and_then(|path| at(project, &path))
            .and_then(
                |import| match found.iter().find(|f| f.name == import.name) {
                    Some(other) => Err(format!(
                        "{} and {} are both imported as {}",
                        other.path, import.path, import.name
                    )),
                    None => Ok(import),
                },
            );
        let position = position.to_string();
        let keys = [HATCH, &[&position]].concat();
        found.push(import.map_err(|problem| project.error_at(&keys, problem))?);
    }
    Ok(found)
}

/// The import package or module at a path of the project.
fn at(project: &Project, path: &str) -> Result<Import, String> {
    let last = path.rsplit('/').next().unwrap_or(path);
    let file = project.folder.join(path);
    let module = Path::new(last)
        .extension()
        .is_some_and(|suffix| suffix == "py");
    let name = last.strip_suffix(".py").unwrap_or(last);
    if !is_identifier(name.strip_suffix("-stubs").unwrap_or(name)) {
        return Err(format!("{path:?} cannot be imported by its name"));
    }
    if module && !file.is_file() {
        return Err(format!("there is no file {path}"));
    }
    if !module && !file.is_dir() {
        return Err(format!("there is no folder {path}"));
    }
    Ok(Import {
        name: name.to_owned(),
        path: path.to_owned(),
        kind: if module { Kind::Module } else { Kind::Package },
    })
}

/// The places in which hatchling looks for what is called like the project.
fn by_name(project: &Project) -> Result<Import, ProjectError> {
    let mut names = vec![
        project.name.written().replace('-', "_"),
        project.name.file(),
    ];
    names.retain(|name| is_identifier(name));
    names.dedup();
    let mut found = Vec::new();
    for name in &names {
        let places = [
            (name.clone(), false),
            (format!("src/{name}"), false),
            (format!("{name}.py"), true),
        ];
        for (path, module) in places {
            let file = if module {
                project.folder.join(&path)
            } else {
                project.folder.join(&path).join("__init__.py")
            };
            if file.is_file() {
                found.push(Import {
                    name: name.clone(),
                    path,
                    kind: if module { Kind::Module } else { Kind::Package },
                });
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(project.error_at(NAME, nothing(project, &names))),
        several => {
            let paths: Vec<&str> = several.iter().map(|import| import.path.as_str()).collect();
            let problem = format!(
                "{} could all be the import package; say which: {}",
                paths.join(", "),
                example(paths[0])
            );
            Err(project.error_at(NAME, problem))
        }
    }
}

fn nothing(project: &Project, names: &[String]) -> String {
    let looked: Vec<String> = names
        .iter()
        .flat_map(|name| {
            [
                format!("{name}/__init__.py"),
                format!("src/{name}/__init__.py"),
                format!("{name}.py"),
            ]
        })
        .collect();
    let there = candidates(&project.folder);
    let example = example(there.first().map_or("src/NAME", String::as_str));
    let mut problem = format!(
        "no import package is called like the project {}",
        project.name
    );
    if !looked.is_empty() {
        problem = format!("{problem} ({} are not there)", looked.join(", "));
    }
    format!("{problem}; say where it is: {example}")
}

fn example(path: &str) -> String {
    format!("[tool.hatch.build.targets.wheel] packages = [{path:?}]")
}

/// What could be meant: packages and modules in the project's folder and in `src`.
fn candidates(root: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for (folder, prefix) in [(root.join("src"), "src/"), (root.to_owned(), "")] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let module = prefix == "src/" && name.strip_suffix(".py").is_some_and(is_identifier);
            if module || entry.path().join("__init__.py").is_file() {
                all.push(format!("{prefix}{name}"));
            }
        }
    }
    all.retain(|path| !matches!(path.as_str(), "tests" | "test" | "docs" | "examples"));
    all.sort_by_key(|path| (!path.starts_with("src/"), path.clone()));
    all
}

/// `project.import-names` and `-namespaces` (PEP 794) say of the wheel what is so.
fn check_declared(project: &Project, found: &[Import]) -> Result<(), ProjectError> {
    let table = &project.table;
    for (key, names) in [
        ("import-names", &table.import_names),
        ("import-namespaces", &table.import_namespaces),
    ] {
        let keys = ["project", key];
        if let (Some(first), "import-names") = (found.first(), key)
            && names.as_ref().is_some_and(Vec::is_empty)
        {
            let problem = format!("is empty, but the wheel is imported as {}", first.name);
            return Err(project.error_at(&keys, problem));
        }
        for (position, written) in names.iter().flatten().enumerate() {
            let refuse = |problem: String| {
                project.error_at(
                    &[keys.as_slice(), &[&position.to_string()]].concat(),
                    problem,
                )
            };
            let name = written.strip_suffix("; private").unwrap_or(written);
            if !is_dotted_name(name) {
                return Err(refuse(format!(
                    "{written:?} is not an import name; write \"package.module\" or \
                     \"package.module; private\""
                )));
            }
            let top = name.split('.').next().unwrap_or(name);
            if !found.iter().any(|import| import.name == top) {
                return Err(refuse(format!("the wheel has nothing to import as {name}")));
            }
        }
    }
    Ok(())
}

/// A folder or file of the project, as it is written, in one form.
pub(super) fn folder(written: &str) -> Result<String, String> {
    let path = written.strip_prefix("./").unwrap_or(written);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() || path == "." {
        return Ok(String::new());
    }
    files::check_named(path)?;
    Ok(path.to_owned())
}

pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Where the stub of an extension lies that no Python file belongs to: beside
/// `pyproject.toml`, or else beside the crate's manifest.
fn stub(project: &Project, maturin: &Maturin) -> String {
    let usual = format!("{}.pyi", maturin.module_name);
    let of_crate = maturin.manifest_path.strip_suffix("Cargo.toml");
    let of_crate = of_crate.map(|folder| format!("{folder}{usual}"));
    let is_there = |path: &String| project.folder.join(path).is_file();
    of_crate
        .filter(|path| !path.split('/').any(|part| part == "..") && is_there(path))
        .filter(|_| !is_there(&usual))
        .unwrap_or(usual)
}
