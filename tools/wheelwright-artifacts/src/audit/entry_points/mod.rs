//! Rules on `entry_points.txt`.

mod ini;

use std::collections::BTreeMap;

use self::ini::Entry;
use super::metadata::is_identifier;
use super::problem::Problem;
use super::rules::{ENTRY_POINTS, ENTRY_POINTS_REFERENCE, SCRIPT_NAME};
use super::{Findings, Subject};
use crate::artifact::file_name::Platform;

/// The groups that installers make programs of.
const SCRIPTS: [&str; 2] = ["console_scripts", "gui_scripts"];

pub fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let Some(member) = subject.info("entry_points.txt") else {
        return;
    };
    let path = Some(member.path.as_str());
    let text = member.text.as_deref().unwrap_or_default();
    for problem in entry_points(text) {
        findings.add_problem(ENTRY_POINTS, path, problem);
    }
    let Some(ini) = std::str::from_utf8(text)
        .ok()
        .and_then(|t| ini::parse(t).ok())
    else {
        return;
    };
    for entry in ini.entries.iter().filter(|e| !is_script(e)) {
        if let Err(reason) = reference(&entry.value) {
            findings.add(
                ENTRY_POINTS_REFERENCE,
                path,
                format!(
                    "{} = {} in [{}]: {reason}",
                    entry.name, entry.value, entry.group
                ),
                "module or module:object, with [extras] at most",
                "correct project.entry-points in pyproject.toml",
            );
        }
    }
    // Programs are written as NAME.exe on Windows, beside each other on any system.
    let windows = subject
        .platforms
        .iter()
        .any(|p| matches!(p, Platform::Any | Platform::Windows { .. }));
    let scripts: Vec<&Entry> = ini.entries.iter().filter(|e| is_script(e)).collect();
    for problem in script_names(&scripts, windows) {
        findings.add_problem(SCRIPT_NAME, path, problem);
    }
}

/// What an index or an installer refuses in the text of an `entry_points.txt`.
pub fn entry_points(text: &[u8]) -> Vec<Problem> {
    let group = "[group] lines, with `name = module:object` below them";
    let Ok(text) = std::str::from_utf8(text) else {
        return vec![Problem::new("it is not UTF-8", "UTF-8")];
    };
    let ini = match ini::parse(text) {
        Ok(ini) => ini,
        Err(reason) => return vec![Problem::new(reason, group)],
    };
    let mut list = Vec::new();
    for entry in ini.entries.iter().filter(|e| is_script(e)) {
        let Entry {
            name, value, group, ..
        } = entry;
        if !is_script_name(name) {
            list.push(Problem::new(
                format!("the script `{name}` in [{group}]"),
                "letters, digits, `.`, `_` and `-`: no path, space or line end",
            ));
        }
        let target = match reference(value) {
            Ok(Some(_)) => continue,
            Ok(None) => "it names no function".to_owned(),
            Err(reason) => reason,
        };
        list.push(Problem::new(
            format!("{name} = {value} in [{group}]: {target}"),
            "module:function",
        ));
    }
    list
}

/// Whether an entry becomes a program. What stands in `[DEFAULT]` is, to Python's
/// parser, in every group.
fn is_script(entry: &Entry) -> bool {
    SCRIPTS.contains(&entry.group.as_str()) || entry.group == "DEFAULT"
}

fn is_script_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    !name.is_empty() && name.chars().all(plain) && name.chars().any(|c| c != '.')
}

/// An object reference: a module, and the object in it where one is named.
///
/// # Errors
/// A few words on what is wrong.
fn reference(value: &str) -> Result<Option<&str>, String> {
    let dotted = |text: &str| text.split('.').all(is_identifier);
    let target = match value.split_once('[') {
        Some((target, extras)) => {
            let names = extras.trim_end().strip_suffix(']').unwrap_or("[");
            if names.contains(['[', ']', '\n']) {
                return Err("its [extras] are not closed".into());
            }
            target.trim_end()
        }
        None => value,
    };
    let (module, object) = match target.split_once(':') {
        Some((module, object)) => (module.trim_end(), Some(object.trim())),
        None => (target, None),
    };
    if !dotted(module) {
        return Err(format!("`{module}` is not a module"));
    }
    match object {
        Some(object) if !dotted(object) => Err(format!("`{object}` is not an object")),
        object => Ok(object),
    }
}

/// Names that Windows keeps for devices, whatever follows a dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Scripts whose files cannot be written, or are written over each other.
fn script_names(scripts: &[&Entry], windows: bool) -> Vec<Problem> {
    let mut list = Vec::new();
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for entry in scripts {
        let name = entry.name.as_str();
        let lower = name.to_lowercase();
        let stem = lower.split('.').next().unwrap_or_default();
        let numbered = ["com", "lpt"].iter().any(|port| {
            let number = stem.strip_prefix(port).unwrap_or_default();
            matches!(
                number,
                "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
        });
        if windows && (DEVICES.contains(&stem) || numbered) {
            list.push(Problem::new(
                format!("the script {name}: Windows keeps the name for a device"),
                "another name",
            ));
        }
        if let Some(other) = seen.insert(lower, name) {
            let found = if other == name {
                format!("the script {name} is there as console and as GUI script")
            } else {
                format!("the scripts {other} and {name} differ only by case")
            };
            list.push(Problem::new(found, "names that differ by more"));
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for good in ["m:f", "a.b:c.d", "m : f", "m:f [x,y]", "_m:_f", "größe:f"] {
            assert!(matches!(reference(good), Ok(Some(_))), "{good}");
        }
        for module in ["m", "a.b", "m [x]"] {
            assert_eq!(reference(module), Ok(None), "{module}");
        }
        for bad in [
            "",
            ":f",
            "m:",
            "a-b:f",
            "m:f()",
            "a/b:f",
            "m:f:g",
            "m:a b",
            "m:f\nimport os",
            "m:f [x",
            "m:f]",
            "m..n:f",
            ".m:f",
            "m:class",
            "m:f # why",
            "m:f;x",
        ] {
            assert!(reference(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn texts() {
        let broken = |text: &str| !entry_points(text.as_bytes()).is_empty();
        for good in [
            "",
            "[console_scripts]\ndemo = demo:main\nd2-x.y_z = demo.cli:main\n",
            "[x.plugins]\na thing = demo\n",
            "[x.plugins]\nname = not a reference\n",
        ] {
            assert!(!broken(good), "{good:?}");
        }
        for bad in [
            "[console_scripts]\nnonsense\n",
            "[console_scripts]\n../evil = demo:main\n",
            "[console_scripts]\nbin/x = demo:main\n",
            "[console_scripts]\nmy tool = demo:main\n",
            "[gui_scripts]\n.. = demo:main\n",
            "[console_scripts]\nx = demo\n",
            "[console_scripts]\nx = demo:main\n    more\n",
            "[console_scripts]\nx = demo:\n",
            "[console_scripts]\nx = demo:main\nx = demo:main\n",
            "[DEFAULT]\na/b = demo:main\n[console_scripts]\n",
        ] {
            assert!(broken(bad), "{bad:?}");
        }
        assert!(!entry_points(b"[console_scripts]\n\xff = a:b\n").is_empty());
    }

    #[test]
    fn names_on_windows() {
        let names = |text: &str, windows| {
            let ini = ini::parse(text).unwrap();
            script_names(&ini.entries.iter().collect::<Vec<_>>(), windows).len()
        };
        assert_eq!(
            names("[console_scripts]\nnul = a:b\ncom1.x = a:b\n", true),
            2
        );
        assert_eq!(names("[console_scripts]\nnul = a:b\n", false), 0);
        assert_eq!(
            names("[console_scripts]\nnull = a:b\ncom10 = a:b\n", true),
            0
        );
        assert_eq!(names("[console_scripts]\na = a:b\nA = a:b\n", false), 1);
        assert_eq!(
            names("[console_scripts]\na = a:b\n[gui_scripts]\na = a:b\n", true),
            1
        );
    }
}
