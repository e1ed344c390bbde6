//! What must not be in any file of the repository.
//!
//! Exceptions are in `tools/checks/exceptions.toml`, each with its reason; one
//! that no file needs any more is a finding too.

use std::collections::BTreeSet;
use std::fs;

use serde::Deserialize;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::facts;
use crate::log::Log;
use crate::stamp::covers;
use crate::steps::{self, Done};

const EXCEPTIONS: &str = "tools/checks/exceptions.toml";

/// Files with more lines are named as a hint: is this still one concept?
const MANY_LINES: usize = 400;

/// The most lines of a file that a person is to read.
const MOST_LINES: usize = 1000;

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

/// The file of exceptions.
#[derive(Deserialize)]
struct Exceptions {
    exception: Vec<Exception>,
}

/// One allowed finding.
#[derive(Deserialize)]
struct Exception {
    path: String,
    rule: String,
    reason: String,
}

/// Looks at every file.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let Exceptions {
        exception: exceptions,
    } = facts::table(context, EXCEPTIONS)?;
    let mut used = BTreeSet::new();
    let mut findings = Vec::new();
    let mut hints = 0;
    let files = context.files()?;
    for file in &files {
        let path = context.root.join(file);
        if path.is_symlink() || !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).map_err(Error::io(&path))?;
        let allowed = |rule: &str| {
            let fits = |e: &Exception| e.rule == rule && matches_path(&e.path, file);
            exceptions.iter().position(fits)
        };
        let many = MANY_LINES + 1..=MOST_LINES;
        if let Some(lines) = lines_to_read(file, &bytes).filter(|lines| many.contains(lines)) {
            if let Some(index) = allowed("long") {
                used.insert(index);
            } else {
                log.say(format!(
                    "hint: {file}: {lines} lines; is it still one concept?"
                ));
                hints += 1;
            }
        }
        for (rule, text) in findings_in(file, &bytes) {
            match allowed(rule) {
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
    for step in steps::ALL {
        // Such a step would pass by its stamp whatever changes.
        let unknown = step
            .inputs
            .paths()
            .iter()
            .filter(|path| !files.iter().any(|file| covers(&[**path], file)));
        findings.extend(unknown.map(|path| {
            format!(
                "tools/checks: the step {} reads {path:?}, which is no file or folder/",
                step.name
            )
        }));
    }
    log.findings(&findings)?;
    Ok(Done::Passed(format!(
        "{} files, {} exceptions; {hints} of more than {MANY_LINES} lines, named in the log",
        files.len(),
        exceptions.len()
    )))
}

/// Returns whether a file is the path, or in the folder if the path ends in `/`.
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
    if let Some(lines) = lines_to_read(file, bytes)
        && lines > MOST_LINES
    {
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

/// Returns the number of lines of a text that people write; `None` for other files.
fn lines_to_read(file: &str, bytes: &[u8]) -> Option<usize> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains('\0') && !WRITTEN_BY_TOOLS.contains(&name)).then(|| text.lines().count())
}

/// Returns whether a path in the line begins with the folder.
fn at_a_path_start(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}*/".contains(c))
    })
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
        let text = "x\n".repeat(MOST_LINES + 1);
        assert_eq!(rules("a.rs", &text), ["long"]);
        assert!(rules("Cargo.lock", &text).is_empty());
        assert!(rules("crates/x/fuzz/Cargo.lock", &text).is_empty());
        assert!(rules("a.rs", &"x\n".repeat(MOST_LINES)).is_empty());
    }

    #[test]
    fn large_files_are_found_whatever_they_hold() {
        let rules: Vec<_> = findings_in("a.bin", &vec![0xff; MOST_BYTES + 1]);
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].0, "large");
    }
}
