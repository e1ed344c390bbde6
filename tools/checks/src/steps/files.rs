//! What must not be in any file of the repository.
//!
//! Exceptions are in `tools/checks/exceptions.toml`, each with its reason; one
//! that no file needs any more is a finding too.

use std::collections::BTreeSet;
use std::fs;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::steps::Done;

const EXCEPTIONS: &str = "tools/checks/exceptions.toml";

/// The most lines of a file that a person is to read.
const MOST_LINES: usize = 400;

/// The most bytes of any file.
const MOST_BYTES: usize = 512 * 1024;

/// Files that a tool writes: their length is not ours to choose.
const WRITTEN_BY_TOOLS: &[&str] = &["Cargo.lock", "flake.lock", "MODULE.bazel.lock"];

/// Registry host names, in two parts so that this file does not hold them.
const HOSTS: &[(&str, &str)] = &[
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("//crates", ".io"),
    ("registry.npmjs", ".org"),
    ("deb.debian", ".org"),
];

/// Folders of the machines that we work on; the same.
const FOLDERS: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("/ho", "me/"),
    ("/Us", "ers/"),
    (r"C:\Us", r"ers\"),
];

/// One allowed finding.
struct Exception {
    path: String,
    rule: String,
    reason: String,
}

/// Looks at every file.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let exceptions = read_exceptions(context)?;
    let mut used = BTreeSet::new();
    let mut findings = Vec::new();
    let files = context.files()?;
    for file in &files {
        let path = context.root.join(file);
        if path.is_symlink() || !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).map_err(Error::io(&path))?;
        for (rule, text) in findings_in(file, &bytes) {
            let allowed = exceptions
                .iter()
                .position(|e| e.rule == rule && matches_path(&e.path, file));
            match allowed {
                Some(index) => drop(used.insert(index)),
                None => findings.push(format!("{file}: {rule}: {text}")),
            }
        }
    }
    for (index, exception) in exceptions.iter().enumerate() {
        let Exception { path, rule, reason } = exception;
        if !used.contains(&index) {
            findings.push(format!(
                "{EXCEPTIONS}: nothing needs `{rule}` for {path} any more ({reason})"
            ));
        }
    }
    log.findings(&findings)?;
    Ok(Done::Passed(format!(
        "{} files, {} exceptions",
        files.len(),
        exceptions.len()
    )))
}

/// A path, or a folder with its slash.
fn matches_path(pattern: &str, file: &str) -> bool {
    pattern == file || (pattern.ends_with('/') && file.starts_with(pattern))
}

fn findings_in(file: &str, bytes: &[u8]) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if bytes.len() > MOST_BYTES {
        found.push((
            "large",
            format!("{} bytes, more than {MOST_BYTES}", bytes.len()),
        ));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return found;
    };
    if text.contains('\0') {
        return found;
    }
    let lines = text.lines().count();
    let name = file.rsplit('/').next().unwrap_or(file);
    if lines > MOST_LINES && !WRITTEN_BY_TOOLS.contains(&name) {
        found.push(("long", format!("{lines} lines, more than {MOST_LINES}")));
    }
    for (number, line) in text.lines().enumerate() {
        for (start, end) in HOSTS {
            let host = format!("{start}{end}");
            if line.contains(&host) {
                found.push((
                    "host",
                    format!("line {}: names a registry host, {host}", number + 1),
                ));
            }
        }
        for (start, end) in FOLDERS {
            let folder = format!("{start}{end}");
            if at_a_path_start(line, &folder) {
                found.push(("machine-path", format!("line {}: {folder}", number + 1)));
            }
        }
    }
    found
}

/// Whether the folder stands in the line where a path begins.
fn at_a_path_start(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}*/".contains(c))
    })
}

fn read_exceptions(context: &Context) -> Result<Vec<Exception>> {
    let malformed = |problem: String| Error::Malformed {
        path: EXCEPTIONS.into(),
        problem,
    };
    let table: toml::Table = context
        .read(EXCEPTIONS)?
        .parse()
        .map_err(|e: toml::de::Error| malformed(e.to_string()))?;
    let mut exceptions = Vec::new();
    for entry in table
        .get("exception")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
    {
        let field = |name: &str| {
            let value = entry
                .get(name)
                .and_then(toml::Value::as_str)
                .filter(|text| !text.is_empty());
            value
                .map(str::to_owned)
                .ok_or_else(|| malformed(format!("an exception has no `{name}`")))
        };
        exceptions.push(Exception {
            path: field("path")?,
            rule: field("rule")?,
            reason: field("reason")?,
        });
    }
    Ok(exceptions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(file: &str, text: &str) -> Vec<&'static str> {
        findings_in(file, text.as_bytes())
            .into_iter()
            .map(|(rule, _)| rule)
            .collect()
    }

    #[test]
    fn hosts_and_machine_paths_are_found() {
        let host = format!("see https://{}.org/simple", "pypi");
        assert_eq!(rules("a.md", &host), ["host"]);
        assert_eq!(
            rules("a.md", &format!("cd {}/x", "/root")),
            ["machine-path"]
        );
        assert_eq!(
            rules("a.md", &format!("{}:/bin", concat!("/ho", "me/ann"))),
            ["machine-path"]
        );
    }

    #[test]
    fn a_path_inside_another_path_is_not_a_machine_path() {
        assert!(rules("a.md", &format!("docs{}page.md", concat!("/wo", "rk/"))).is_empty());
        assert!(rules("a.md", &format!("$HOME/..{}page.md", concat!("/wo", "rk/"))).is_empty());
    }

    #[test]
    fn long_files_are_found_but_not_lock_files() {
        let text = "x\n".repeat(401);
        assert_eq!(rules("a.rs", &text), ["long"]);
        assert!(rules("Cargo.lock", &text).is_empty());
        assert!(rules("crates/x/fuzz/Cargo.lock", &text).is_empty());
        assert!(rules("a.rs", &"x\n".repeat(400)).is_empty());
    }

    #[test]
    fn large_files_are_found_whatever_they_hold() {
        let rules: Vec<_> = findings_in("a.bin", &vec![0xff; MOST_BYTES + 1]);
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].0, "large");
    }
}
