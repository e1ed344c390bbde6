//! The import library of a Windows Python, for `PyO3` before 0.29, which links one. The
//! names in it are those that `PyO3` itself declares, so no Python is needed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;
use walkdir::WalkDir;

use super::ToolError;
use super::process::run;

/// A function or a variable that Rust code declares. What no DLL exports, and nobody
/// uses, does no harm.
#[expect(clippy::expect_used, reason = "a constant, compiled by the tests")]
static DECLARED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:fn|static(?: mut)?)\s+(_?Py[A-Za-z0-9_]+)").expect("it is well formed")
});

/// Writes the import library of `library` (`python312`) for a Rust target into `folder`.
/// `sources` is the folder of the crate `pyo3-ffi`.
///
/// # Errors
/// The folder cannot be written, or zig fails.
pub fn write(
    zig: &Path,
    target: &str,
    folder: &Path,
    library: &str,
    sources: &Path,
) -> Result<(), ToolError> {
    let machine = match target.split('-').next() {
        Some("aarch64") => "arm64",
        Some("i686") => "i386",
        _ => "i386:x86-64",
    };
    let made = folder.join(format!("lib{library}.dll.a"));
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| ToolError::File { path, source }
    };
    std::fs::create_dir_all(folder).map_err(file(folder))?;
    let definition = folder.join(format!("{library}.def"));
    let text = definition_of(library, &names(sources));
    let unchanged = std::fs::read_to_string(&definition).is_ok_and(|before| before == text);
    if unchanged && made.is_file() {
        return Ok(());
    }
    std::fs::write(&definition, text).map_err(file(&definition))?;
    let mut command = Command::new(zig);
    command
        .args(["dlltool", "-m", machine, "-d"])
        .arg(&definition)
        .arg("-l")
        .arg(&made);
    run(&mut command, "").map(|_| ())
}

fn names(sources: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in WalkDir::new(sources.join("src")).into_iter().flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|suffix| suffix == "rs")
        {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            names.extend(declared(&text).map(str::to_owned));
        }
    }
    names
}

fn declared(text: &str) -> impl Iterator<Item = &str> {
    DECLARED
        .captures_iter(text)
        .filter_map(|found| found.get(1).map(|name| name.as_str()))
}

fn definition_of(library: &str, names: &BTreeSet<String>) -> String {
    let mut text = format!("LIBRARY {library}.dll\nEXPORTS\n");
    for name in names {
        let _ = writeln!(text, "  {name}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_are_declared() {
        let text = "extern \"C\" { pub fn Py_Main(argc: c_int); pub static mut PyBool_Type: X;\n\
                    fn _Py_Dealloc(a: b); pub static PyExc_Error: y; }\npub fn other() {}\n";
        let names: BTreeSet<String> = declared(text).map(str::to_owned).collect();
        assert_eq!(
            definition_of("python312", &names),
            "LIBRARY python312.dll\nEXPORTS\n  PyBool_Type\n  PyExc_Error\n  Py_Main\n  _Py_Dealloc\n"
        );
    }
}
