//! Licences: expressions (SPDX) and files (PEP 639).

use spdx::identifiers::{EXCEPTIONS, LICENSES};
use spdx::{Expression, ParseMode};
use walkdir::WalkDir;

use super::files::{File, check_named, relative};
use super::maturin::Format;
use super::pyproject::License;
use super::selection::{OF_A_REPOSITORY, Rules, glob};
use super::{Project, ProjectError};

/// An expression with its identifiers and operators in their official case;
/// identifiers that SPDX has since renamed count as official.
///
/// # Errors
/// Why a text is not a licence expression.
pub fn expression(written: &str) -> Result<String, String> {
    let mode = ParseMode {
        allow_deprecated: true,
        ..ParseMode::STRICT
    };
    let official = official(written);
    match Expression::parse_mode(&official, mode) {
        Ok(_) => Ok(official),
        Err(error) => Err(error.reason.to_string()),
    }
}

/// The text with what SPDX knows in the case that it is listed in.
fn official(written: &str) -> String {
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')');
    let term = |piece: &str| {
        let (word, end) = match piece.find(ends) {
            Some(at) => piece.split_at(at),
            None => (piece, ""),
        };
        let name = word.trim_end_matches('+');
        let listed = ["AND", "OR", "WITH"]
            .into_iter()
            .chain(LICENSES.iter().map(|one| one.name))
            .chain(EXCEPTIONS.iter().map(|one| one.name))
            .find(|known| known.eq_ignore_ascii_case(name));
        format!("{}{}{end}", listed.unwrap_or(name), &word[name.len()..])
    };
    written.split_inclusive(ends).map(term).collect()
}

/// What a project that does not say has as licence files, if it has them; other
/// build backends take the same.
const USUAL_LICENSES: &[&str] = &["LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*"];

/// The files that `project.license-files` names, sorted.
///
/// # Errors
/// A pattern is malformed or names no file (PEP 639 asks for an error).
pub fn files(project: &Project) -> Result<Vec<File>, ProjectError> {
    let mut chosen = Vec::new();
    if let Some(stated) = &project.table.license_files {
        for (position, pattern) in stated.iter().enumerate() {
            let keys = ["project", "license-files", &position.to_string()];
            check_pattern(pattern).map_err(|problem| project.error_at(&keys, problem))?;
            let found = named(project, &keys, pattern)?;
            if found.is_empty() {
                let problem = format!(
                    "{pattern:?} names no file; add the licence's text under that name, or \
                     take the pattern out of the list"
                );
                return Err(project.error_at(&keys, problem));
            }
            chosen.extend(found);
        }
    } else {
        for pattern in USUAL_LICENSES {
            chosen.extend(named(project, &["project", "license-files"], pattern)?);
        }
    }
    if let Some(License::File(file)) = &project.table.license {
        let keys = ["project", "license"];
        let file = file.strip_prefix("./").unwrap_or(file);
        check_named(file).map_err(|problem| project.error_at(&keys, problem))?;
        if !project.folder.join(file).is_file() {
            let problem = format!(
                "there is no file {file}, which it names as the licence; add it, name another, \
                 or write an SPDX expression such as license = \"MIT\""
            );
            return Err(project.error_at(&keys, problem));
        }
        chosen.push(file.to_owned());
    }
    chosen.extend(project.table.license_file.clone());
    chosen.sort();
    chosen.dedup();
    let read = |path: String| {
        check_named(&path)
            .map_err(|problem| project.error_at(&["project", "license-files"], problem))?;
        Ok(File {
            bytes: project.read_file(&path)?,
            path,
        })
    };
    chosen.into_iter().map(read).collect()
}

/// What PEP 639 allows in a pattern.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_alphanumeric() || "_-./*?[]".contains(c);
    if pattern
        .split('/')
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(format!(
            "{pattern:?} leaves the project's folder; copy the licence into it"
        ));
    }
    if pattern.chars().all(allowed) {
        Ok(())
    } else {
        Err(format!(
            "{pattern:?} is not a pattern that every tool takes: letters, digits, _ - . / and * ? [ ]"
        ))
    }
}

/// The project's files that a pattern names. Files and folders with a dot are named by
/// patterns that say the dot.
pub(super) fn named(
    project: &Project,
    keys: &[&str],
    pattern: &str,
) -> Result<Vec<String>, ProjectError> {
    if !pattern.contains(['*', '?', '[']) {
        let there = project.folder.join(pattern).is_file();
        return Ok(there.then(|| pattern.to_owned()).into_iter().collect());
    }
    let matcher = glob(project, keys, pattern)?.compile_matcher();
    let deep = pattern.contains("**");
    let depth = if deep {
        usize::MAX
    } else {
        pattern.matches('/').count() + 1
    };
    let dotted = pattern.split('/').any(|part| part.starts_with('.'));
    let more = if dotted {
        &["target"][..]
    } else {
        OF_A_REPOSITORY
    };
    let rules = Rules::new(project, Format::Sdist, more, "")?;
    let mut found = Vec::new();
    let walk = WalkDir::new(&project.folder)
        .min_depth(1)
        .max_depth(depth)
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0
                || relative(&project.folder, entry).is_some_and(|path| rules.judge(&path).is_ok())
        });
    for entry in walk {
        let entry = entry.map_err(|error| ProjectError::Read {
            path: error.path().unwrap_or(&project.folder).to_owned(),
            source: error.into(),
        })?;
        if entry.file_type().is_dir() {
            continue;
        }
        found.extend(relative(&project.folder, &entry).filter(|path| matcher.is_match(path)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn expressions_are_told_from_other_text() {
        for (written, wanted) in [
            ("MIT", "MIT"),
            ("mit", "MIT"),
            ("apache-2.0", "Apache-2.0"),
            (
                "(gpl-2.0-OR-later with classpath-exception-2.0) and bsd-3-clause",
                "(GPL-2.0-or-later WITH Classpath-exception-2.0) AND BSD-3-Clause",
            ),
            ("GPL-2.0 OR BSD-3-Clause", "GPL-2.0 OR BSD-3-Clause"),
            ("LicenseRef-Own", "LicenseRef-Own"),
        ] {
            assert_eq!(expression(written).as_deref(), Ok(wanted));
        }
        for bad in [
            "",
            "MIT License",
            "MIT/Apache-2.0",
            "LICENSE-APACHE & BSD",
            "BSD",
            "Apache",
        ] {
            assert!(expression(bad).is_err(), "{bad}");
        }
    }
}
