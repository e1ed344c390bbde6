//! Rules on what an artifact installs: modules, stubs, leftovers.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata::is_identifier;
use super::rules::{LEFTOVER, MODULE_INIT, MODULE_NAME, MODULE_PRESENT, PY_TYPED, TOP_LEVEL};
use super::subject::Member;
use super::tags::{Suffix, extension_module};
use super::{Findings, Subject};
use crate::artifact::MemberKind;
use crate::artifact::file_name::python_version;

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for member in &subject.members {
        if let Some(kind) = leftover(&member.path, subject.wheel.is_some()) {
            findings.add(
                LEFTOVER,
                Some(&member.path),
                kind,
                "what users need",
                "exclude it in the build backend's settings",
            );
        }
    }
    if subject.wheel.is_some() {
        module_inits(subject, findings);
        modules(subject, findings);
    }
}

/// What kind of leftover a path is, if it is one.
fn leftover(path: &str, wheel: bool) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let (name, folders) = parts.split_last()?;
    for folder in &parts {
        match *folder {
            "__pycache__" => return Some("compiled Python of the machine that built it"),
            ".git" | ".hg" | ".svn" | ".bzr" => return Some("version control data"),
            "__MACOSX" => return Some("macOS archive data"),
            ".pytest_cache" | ".mypy_cache" | ".ruff_cache" | ".tox" | ".nox" | ".venv"
            | ".idea" | ".ipynb_checkpoints" | ".eggs" => {
                return Some("a tool's cache or settings");
            }
            _ => {}
        }
    }
    if folders.iter().any(|f| f.ends_with(".dSYM")) {
        return Some("debug symbols");
    }
    let lower = name.to_ascii_lowercase();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|s| lower.ends_with(s));
    match lower.as_str() {
        ".ds_store" | "thumbs.db" | "desktop.ini" => return Some("a file manager's data"),
        ".coverage" | ".netrc" | ".pypirc" | ".env" => {
            return Some("a file of the developer's own");
        }
        _ => {}
    }
    if ends(&[".pyc", ".pyo"]) {
        Some("compiled Python of the machine that built it")
    } else if ends(&["~", ".swp", ".swo", ".orig", ".rej", ".bak"]) {
        Some("an editor's or patch's leftover")
    } else if ends(&[".pdb", ".ilk", ".dwp"]) {
        Some("debug symbols")
    } else if wheel && ends(&[".o", ".obj", ".gcda", ".gcno"]) {
        Some("a compiler's intermediate file")
    } else {
        None
    }
}

/// The first CPython that calls `PyModExport_…`.
const FIRST_EXPORT: (u32, u32) = (3, 15);

fn module_inits(subject: &Subject<'_>, findings: &mut Findings) {
    for (member, binary) in subject.binaries() {
        let name = member.file_name();
        let Some((module, suffix)) = extension_module(name) else {
            continue;
        };
        // A plain .so may be a library that something else loads, and so may one
        // with dots in its name.
        let surely = match suffix {
            Suffix::Plain => name.ends_with(".pyd"),
            Suffix::Other(own) => own.starts_with("pypy") || own.starts_with("graalpy"),
            _ => true,
        };
        if !surely || !module.is_ascii() {
            continue;
        }
        let wanted = hooks(subject, module);
        let found = binary.module_inits();
        if !found
            .iter()
            .any(|one| wanted.iter().any(|name| name == one))
        {
            findings.add(
                MODULE_INIT,
                Some(&member.path),
                if found.is_empty() {
                    format!("exports no {} function", hook_of(&wanted[0]))
                } else {
                    format!("exports {}", found.join(", "))
                },
                wanted.join(" or "),
                "name the module in the code (#[pymodule], PyInit_…) like the file; for abi3t, \
                 build it with what knows PEP 793 (PyO3 0.29)",
            );
        }
    }
}

/// The functions by one of which the Pythons of the wheel load a module.
fn hooks(subject: &Subject<'_>, module: &str) -> Vec<String> {
    let name = subject.wheel_name();
    // There, the structure that `PyInit_…` returns has no known form.
    let opaque = name.is_some_and(|name| name.abi.iter().any(|abi| abi == "abi3t"));
    let oldest = name.and_then(|name| name.python.iter().filter_map(|p| python_version(p)).min());
    let mut wanted = Vec::new();
    if !opaque {
        wanted.push(format!("PyInit_{module}"));
    }
    if opaque || oldest.is_some_and(|oldest| oldest >= FIRST_EXPORT) {
        wanted.push(format!("PyModExport_{module}"));
    }
    wanted
}

/// `PyInit` of `PyInit_fast`.
fn hook_of(function: &str) -> &str {
    function.split('_').next().unwrap_or_default()
}

/// A member as it is installed: without `NAME.data/purelib/` and the like.
fn installed(path: &str) -> Option<&str> {
    let Some((top, rest)) = path.split_once('/') else {
        return Some(path);
    };
    if top.ends_with(".dist-info") {
        return None;
    }
    if !top.ends_with(".data") {
        return Some(path);
    }
    rest.strip_prefix("purelib/")
        .or_else(|| rest.strip_prefix("platlib/"))
}

/// Names that many projects pack by accident at the top, where they collide.
const COMMON: &[&str] = &[
    ".eggs",
    "benchmark",
    "benchmarks",
    "build",
    "dist",
    "doc",
    "docs",
    "example",
    "examples",
    "scripts",
    "src",
    "test",
    "tests",
    "tools",
    "testing",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
];

fn modules(subject: &Subject<'_>, findings: &mut Findings) {
    let mut tops: BTreeSet<&str> = BTreeSet::new();
    let mut packages: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    let mut anything = false;
    for member in subject
        .members
        .iter()
        .filter(|m| m.kind == MemberKind::File)
    {
        let Some(path) = installed(&member.path) else {
            continue;
        };
        let top = path.split('/').next().unwrap_or(path);
        tops.insert(top);
        let (stub, typed, code) = kinds(member);
        anything |= code;
        let package = packages.entry(top).or_default();
        package.0 |= stub;
        package.1 |= typed;
        if code {
            module_name(member, path, findings);
        }
    }
    let scripts = subject.members.iter().any(|m| {
        m.path.contains(".data/scripts/") || m.path.ends_with(".dist-info/entry_points.txt")
    });
    if !anything && !scripts {
        findings.add(
            MODULE_PRESENT,
            None,
            "nothing to import and nothing to run",
            "modules or scripts",
            "check the build backend's package settings",
        );
    }
    for top in tops {
        if COMMON.contains(&top) {
            findings.add(
                TOP_LEVEL,
                Some(top),
                "a name that other projects install too",
                "the project's own names",
                "exclude it, or move it into the package",
            );
        }
    }
    for (package, (stubs, typed)) in packages {
        let stub_package = package.ends_with("-stubs") || package.ends_with(".pyi");
        if stubs && !typed && !stub_package {
            findings.add(
                PY_TYPED,
                Some(package),
                "has .pyi stubs and no py.typed",
                "py.typed beside them",
                "add an empty py.typed: type checkers ignore the stubs without it",
            );
        }
    }
}

/// Whether a member is a stub, a typing marker, code to import.
fn kinds(member: &Member) -> (bool, bool, bool) {
    let name = member.file_name();
    let stub = name.ends_with(".pyi");
    let code = stub || name.ends_with(".py") || name.ends_with(".pth") || member.binary.is_some();
    (stub, name == "py.typed", code)
}

/// Extension modules, and folders that an `__init__.py` says are packages, must
/// have names that `import` takes. Other Python files may be data (templates).
fn module_name(member: &Member, path: &str, findings: &mut Findings) {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let extension = extension_module(file)
        .filter(|(_, suffix)| file.ends_with(".pyd") || !matches!(suffix, Suffix::Plain))
        .filter(|_| member.binary.is_some())
        .map(|(module, _)| module);
    let Some(stem) = extension.or((file == "__init__.py").then_some("__init__")) else {
        return;
    };
    // `name-stubs` is how a package of stubs for `name` is called.
    let (top, below) = folders.split_once('/').unwrap_or((folders, ""));
    let top = top.strip_suffix("-stubs").unwrap_or(top);
    let bad = [top]
        .into_iter()
        .chain(below.split('/'))
        .filter(|folder| !folder.is_empty())
        .chain([stem])
        .find(|part| !is_identifier(part));
    if let Some(bad) = bad {
        findings.add(
            MODULE_NAME,
            Some(&member.path),
            format!("`{bad}` cannot be imported"),
            "Python identifiers",
            "rename it",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers() {
        for bad in [
            "a/__pycache__/b.pyc",
            "a/.git/HEAD",
            ".DS_Store",
            "a/b.py~",
            "a.dSYM/Contents/x",
            "x.pdb",
            "a/b.o",
        ] {
            assert!(leftover(bad, true).is_some(), "{bad}");
        }
        for good in ["a/b.py", "a/b.so", "a/.gitignore", "a/b.pyi"] {
            assert!(leftover(good, true).is_none(), "{good}");
        }
    }

    #[test]
    fn installed_paths() {
        assert_eq!(installed("a/b.py"), Some("a/b.py"));
        assert_eq!(installed("a-1.data/purelib/a/b.py"), Some("a/b.py"));
        assert_eq!(installed("a-1.data/scripts/x"), None);
        assert_eq!(installed("a-1.dist-info/RECORD"), None);
    }
}
