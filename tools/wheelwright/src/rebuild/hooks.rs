//! The build backend that a source names, and its hooks (PEP 517).

use std::path::{Path, PathBuf};
use std::process::Command;

use pep508_rs::{Requirement, VerbatimUrl, VersionOrUrl};
use serde::Deserialize;
use serde_json::Value;

use super::RebuildError;
use super::report::Built;
use super::sandbox::Sandbox;
use crate::pack::is_wheel;
use crate::toolchain::process::{isolated, run};
use crate::toolchain::python::Venv;

const HOOK: &str = include_str!("hook.py");
/// The longest `pyproject.toml` that is read, and the longest answer of a hook.
const LONGEST: u64 = 4 << 20;
/// What PEP 517 and 518 say of a source that names no backend.
const OLD_REQUIRES: &[&str] = &["setuptools>=40.8.0"];
const OLD_BACKEND: &str = "setuptools.build_meta:__legacy__";

/// The build backend of a source.
#[derive(Debug)]
pub struct Backend {
    /// Such as `hatchling.build`.
    pub name: String,
    /// Its requirements, as the source states them.
    pub requires: Vec<String>,
    /// Folders of the source with the backend itself in.
    pub path: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "build-system")]
    build_system: Option<Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Table {
    requires: Vec<String>,
    build_backend: Option<String>,
    #[serde(default)]
    backend_path: Vec<String>,
}

impl Backend {
    /// Reads the backend of the source in `tree`.
    ///
    /// # Errors
    /// Its `pyproject.toml` cannot be read, or states what cannot be meant.
    pub fn read(tree: &Path) -> Result<Self, RebuildError> {
        let path = tree.join("pyproject.toml");
        let source = |problem: String| RebuildError::Source {
            problem: format!("pyproject.toml: {problem}"),
        };
        let table = if path.is_file() {
            let length = path.metadata().map_err(RebuildError::file(&path))?.len();
            if length > LONGEST {
                return Err(source(format!("it has more than {LONGEST} bytes")));
            }
            let text = std::fs::read_to_string(&path).map_err(RebuildError::file(&path))?;
            let file: File = toml::from_str(&text).map_err(|error| source(error.to_string()))?;
            file.build_system
        } else {
            None
        };
        let Some(table) = table else {
            return Ok(Self {
                name: OLD_BACKEND.to_owned(),
                requires: OLD_REQUIRES.iter().map(|&text| text.to_owned()).collect(),
                path: Vec::new(),
            });
        };
        let name = table
            .build_backend
            .unwrap_or_else(|| OLD_BACKEND.to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:".contains(c);
        if !name.chars().all(plain) {
            return Err(source(format!("{name:?} is not the name of a backend")));
        }
        check(&table.requires).map_err(|problem| source(format!("it requires {problem}")))?;
        let mut paths = Vec::new();
        for folder in &table.backend_path {
            let leads_out = Path::new(folder).components().any(|part| {
                !matches!(
                    part,
                    std::path::Component::Normal(_) | std::path::Component::CurDir
                )
            });
            if leads_out {
                return Err(source(format!(
                    "backend-path {folder:?} is not in the source"
                )));
            }
            paths.push(tree.join(folder));
        }
        Ok(Self {
            name,
            requires: table.requires,
            path: paths,
        })
    }
}

/// Checks requirements that a source states, which go into a file that uv reads: they
/// must be requirements, and none an option or an address.
fn check(requires: &[String]) -> Result<(), String> {
    for text in requires {
        let parsed: Result<Requirement<VerbatimUrl>, _> = text.parse();
        let parsed = parsed
            .map_err(|error| format!("{text:?}, which is not a requirement: {}", error.message))?;
        if text.contains(char::is_control) {
            return Err(format!(
                "{text:?}, which is not a requirement: it has several lines"
            ));
        }
        if matches!(parsed.version_or_url, Some(VersionOrUrl::Url(_))) {
            return Err(format!(
                "{text:?}, which names an address; only an index is asked"
            ));
        }
    }
    Ok(())
}

/// What runs hooks.
#[derive(Debug)]
pub struct Hooks<'a> {
    /// The backend.
    pub backend: &'a Backend,
    /// The source.
    pub tree: &'a Path,
    /// A folder of this build's.
    pub folder: &'a Path,
    /// Where code of the package runs.
    pub sandbox: &'a Sandbox,
}

impl Hooks<'_> {
    /// Asks the backend what else it needs to build a wheel.
    ///
    /// # Errors
    /// It fails, or answers with what are no requirements.
    pub fn requires(&self, venv: &Venv) -> Result<Vec<String>, RebuildError> {
        let answer = self.call(venv, "get_requires_for_build_wheel", &[])?;
        let more: Vec<String> = serde_json::from_value(answer).map_err(|_| {
            build("the backend's get_requires_for_build_wheel does not return a list of texts")
        })?;
        check(&more).map_err(|problem| build(&format!("the backend asks for {problem}")))?;
        Ok(more)
    }

    /// Builds a wheel into the folder `out`; returns its name.
    ///
    /// # Errors
    /// The backend fails, or makes no wheel.
    pub fn wheel(&self, venv: &Venv) -> Result<String, RebuildError> {
        self.made(venv, "build_wheel", is_wheel)
    }

    /// Builds an sdist into the folder `out`; returns its name.
    ///
    /// # Errors
    /// The backend fails, or makes no `.tar.gz`.
    pub fn sdist(&self, venv: &Venv) -> Result<String, RebuildError> {
        self.made(venv, "build_sdist", |name| name.ends_with(".tar.gz"))
    }

    fn made(
        &self,
        venv: &Venv,
        hook: &str,
        is_right: impl Fn(&str) -> bool,
    ) -> Result<String, RebuildError> {
        let out = self.folder.join("out");
        std::fs::create_dir_all(&out).map_err(RebuildError::file(&out))?;
        let answer = self.call(venv, hook, &[&out])?;
        let name = answer.as_str().unwrap_or_default();
        let plain = !name.contains(['/', '\\', ':']) && is_right(name);
        if plain && out.join(name).is_file() {
            return Ok(name.to_owned());
        }
        Err(build(&format!(
            "the backend says that it made {answer}, which is not there or no artifact"
        )))
    }

    fn call(&self, venv: &Venv, hook: &str, arguments: &[&Path]) -> Result<Value, RebuildError> {
        let folder = self.folder.join("hook");
        std::fs::create_dir_all(&folder).map_err(RebuildError::file(&folder))?;
        let script = folder.join("hook.py");
        std::fs::write(&script, HOOK).map_err(RebuildError::file(&script))?;
        let result = folder.join("result.json");
        let _ = std::fs::remove_file(&result);
        let paths: Vec<String> = self
            .backend
            .path
            .iter()
            .map(|p| p.display().to_string())
            .collect();
        let mut command = self.sandbox.command(&venv.python(), venv);
        command
            .arg(&script)
            .args([hook, &self.backend.name])
            .arg(Value::from(paths).to_string())
            .arg(&result)
            .args(arguments)
            .current_dir(self.tree);
        self.sandbox.run(command, hook)?;
        let length = std::fs::metadata(&result)
            .map_err(RebuildError::file(&result))?
            .len();
        if length > LONGEST {
            return Err(build(&format!("{hook} returns more than {LONGEST} bytes")));
        }
        let text = std::fs::read_to_string(&result).map_err(RebuildError::file(&result))?;
        serde_json::from_str(&text).map_err(|error| build(&format!("{hook}: {error}")))
    }
}

fn build(problem: &str) -> RebuildError {
    RebuildError::Build {
        problem: problem.to_owned(),
    }
}

/// Fetches the crates that a Rust source locks, since the build itself has no network.
///
/// # Errors
/// cargo cannot fetch them.
pub fn fetch_crates(tree: &Path, built: &mut Built) -> Result<(), RebuildError> {
    let lock = ["Cargo.lock", "rust/Cargo.lock", "src/rust/Cargo.lock"];
    let Some(lock) = lock
        .iter()
        .map(|path| tree.join(path))
        .find(|path| path.is_file())
    else {
        return Ok(());
    };
    let mut command: Command = isolated("cargo");
    command
        .args(["fetch", "--locked", "--quiet", "--manifest-path"])
        .arg(lock.with_file_name("Cargo.toml"));
    run(&mut command, "install Rust")?;
    built
        .notes
        .push("its crates are those of its Cargo.lock".to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: Option<&str>) -> Result<Backend, String> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = text {
            std::fs::write(folder.path().join("pyproject.toml"), text).unwrap();
        }
        Backend::read(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_source_names_its_backend_or_means_setuptools() {
        for text in [None, Some(""), Some("[tool.x]\n")] {
            assert_eq!(read(text).unwrap().name, OLD_BACKEND);
        }
        let text =
            "[build-system]\nrequires = [\"hatchling>=1\"]\nbuild-backend = \"hatchling.build\"\n";
        let backend = read(Some(text)).unwrap();
        assert_eq!(
            (backend.name.as_str(), backend.requires.len()),
            ("hatchling.build", 1)
        );
    }

    #[test]
    fn what_is_no_requirement_goes_to_no_installer() {
        for (line, problem) in [
            (
                "requires = [\"--index-url http://h.test\"]",
                "is not a requirement",
            ),
            ("requires = [\"-r /etc/passwd\"]", "is not a requirement"),
            (
                "requires = [\"a @ http://h.test/a.whl\"]",
                "names an address",
            ),
            (
                "requires = [\"a\\n--index-url http://h.test\"]",
                "is not a requirement",
            ),
            (
                "requires = []\nbackend-path = [\"..\"]",
                "is not in the source",
            ),
            (
                "requires = []\nbackend-path = [\"/tmp\"]",
                "is not in the source",
            ),
            (
                "requires = []\nbuild-backend = \"os; x\"",
                "not the name of a backend",
            ),
            ("requires = 1", "expected a sequence"),
        ] {
            let said = read(Some(&format!("[build-system]\n{line}\n"))).unwrap_err();
            assert!(said.contains(problem), "{line}: {said}");
        }
    }
}
