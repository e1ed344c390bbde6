//! `entry_points.txt`: commands that an installer makes, and names by which other
//! programs find objects of the package.
//!
//! Readers differ (Python's own since 3.10, `configparser` before, those of
//! installers in other languages), so only what all of them read alike is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Project, ProjectError, text};

const CONSOLE: &str = "console_scripts";
const GUI: &str = "gui_scripts";

/// One entry: its keys in `pyproject.toml`, and what it says.
struct Entry<'a> {
    keys: Vec<&'a str>,
    name: &'a str,
    target: &'a str,
}

/// A wheel's `entry_points.txt`; `None` if the package has no entry points.
///
/// # Errors
/// A group, a name or a target that would be read back as something else.
pub fn write(project: &Project) -> Result<Option<String>, ProjectError> {
    let mut sections = Vec::new();
    let mut commands = BTreeMap::new();
    for (group, entries) in groups(project)? {
        let mut section = format!("[{group}]\n");
        for entry in entries {
            let refuse = |problem: String| project.error_at(&entry.keys, problem);
            if matches!(group, CONSOLE | GUI) {
                check_command(entry.name, entry.target).map_err(refuse)?;
                if let Some(other) = commands.insert(entry.name.to_lowercase(), entry.name) {
                    return Err(refuse(format!(
                        "a second command is called {other:?}; Windows and macOS do not \
                         tell upper from lower case; rename one"
                    )));
                }
            }
            check_name(entry.name).map_err(refuse)?;
            check_target(entry.target).map_err(refuse)?;
            let _ = writeln!(section, "{} = {}", entry.name, entry.target);
        }
        sections.push(section);
    }
    Ok((!sections.is_empty()).then(|| sections.join("\n")))
}

/// The groups that have entries, in the order in which they are written.
fn groups(project: &Project) -> Result<Vec<(&str, Vec<Entry<'_>>)>, ProjectError> {
    let table = &project.table;
    let mut groups = Vec::new();
    for (group, field, entries) in [
        (CONSOLE, "scripts", &table.scripts),
        (GUI, "gui-scripts", &table.gui_scripts),
    ] {
        let entries = entries.iter().map(|(name, target)| Entry {
            keys: vec!["project", field, name],
            name,
            target,
        });
        groups.push((group, entries.collect::<Vec<_>>()));
    }
    for (group, entries) in table.entry_points.iter() {
        let keys = ["project", "entry-points", group];
        let place = match group.as_str() {
            CONSOLE => Some("[project.scripts]"),
            GUI => Some("[project.gui-scripts]"),
            _ => None,
        };
        if let Some(place) = place {
            let problem = format!("belongs into {place} (PEP 621)");
            return Err(project.error_at(&keys, problem));
        }
        check_group(group).map_err(|problem| project.error_at(&keys, problem))?;
        let entries = entries.iter().map(|(name, target)| Entry {
            keys: vec!["project", "entry-points", group, name],
            name,
            target,
        });
        groups.push((group, entries.collect()));
    }
    groups.retain(|(_, entries)| !entries.is_empty());
    Ok(groups)
}

fn check_group(group: &str) -> Result<(), String> {
    let word =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    // `configparser` gives every other section what DEFAULT holds.
    if group.split('.').all(word) && group != "DEFAULT" {
        Ok(())
    } else {
        Err(
            "is not a name of a group: letters, digits and underscores, with dots between"
                .to_owned(),
        )
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_alphanumeric() || "_.-+/@ ".contains(c);
    if text::one_line(name)?.chars().all(allowed) {
        Ok(())
    } else {
        Err(format!(
            "{name:?} is not a name that every reader takes: letters, digits, and any of _ . - + / @"
        ))
    }
}

/// A command is a file's name, on Windows too.
fn check_command(name: &str, target: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-+".contains(c);
    let usable = text::one_line(name)?.chars().all(allowed)
        && !name.starts_with(['.', '-', '+'])
        && text::unportable(name).is_none();
    if !usable {
        return Err(format!(
            "{name:?} cannot be a command's name everywhere: ASCII letters, digits, and any of \
             _ . - +, none of the latter two at its beginning, no name of a Windows device"
        ));
    }
    if !target.contains(':') {
        return Err(format!(
            "{target:?} names no function; write \"module:function\""
        ));
    }
    Ok(())
}

/// `module`, `module:object`, each with dots, and extras after a space.
fn check_target(target: &str) -> Result<(), String> {
    let problem = || {
        Err(format!(
            "{target:?} is not a reference such as \"package.module:function\""
        ))
    };
    let (reference, extras) = match text::one_line(target)?.split_once(" [") {
        Some((reference, extras)) => (reference, extras.strip_suffix(']')),
        None => (target, Some("extra")),
    };
    let (module, object) = reference.split_once(':').unwrap_or((reference, "main"));
    let is_extra = |extra: &str| super::name::Name::parse(extra.trim()).is_ok();
    if text::is_dotted_name(module)
        && text::is_dotted_name(object)
        && extras.is_some_and(|extras| extras.split(',').all(is_extra))
    {
        Ok(())
    } else {
        problem()
    }
}

/// The modules that the targets name.
pub fn modules(project: &Project) -> Vec<(Vec<&str>, &str)> {
    let groups = groups(project).unwrap_or_default();
    let entries = groups.into_iter().flat_map(|(_, entries)| entries);
    entries
        .map(|entry| {
            let module = entry.target.split([':', ' ']).next().unwrap_or_default();
            (entry.keys, module)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_targets() {
        for good in ["a", "a.b-c", "a/b", "my plugin", "é"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in [
            "", "a=b", "a:b", "[a", "#a", "a;b", "a\nb", " a", "a%b", "\"a\"",
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["a:b", "a.b:c.d", "a:b [x,y-z]"] {
            assert_eq!(
                check_command("x", good).and(check_target(good)),
                Ok(()),
                "{good}"
            );
        }
        for bad in [
            "",
            "a",
            "a:",
            ":b",
            "a:b:c",
            "a-b:c",
            "a : b",
            "a:b()",
            "a:b[x]",
            "a:b [x",
            "a:b []",
            "a:b\nc = d:e",
            "a/b:c",
            "a.py:main ",
            "class:x",
            "a:b # no",
        ] {
            assert!(
                check_command("x", bad).and(check_target(bad)).is_err(),
                "{bad:?}"
            );
        }
        for bad in [
            "../x", "a b", ".x", "-x", "nul", "con.exe", "x.", "a/b", "é",
        ] {
            assert!(check_command(bad, "a:b").is_err(), "{bad:?}");
        }
        assert!(check_group("a.b_c1").is_ok());
        for bad in ["", "a b", "a-b", "a]", "DEFAULT", "a.", "a\n[b"] {
            assert!(check_group(bad).is_err(), "{bad:?}");
        }
    }
}
