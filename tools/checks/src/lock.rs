//! The lock of the Python tools, by groups: `uv pip compile` writes after `# via` which
//! packages and groups each package is there for.

use std::collections::BTreeSet;

/// The lock.
pub const FILE: &str = "tools/checks/requirements.txt";

/// One package in one version: its name, who wants it, and its lines.
struct Entry<'a> {
    name: &'a str,
    wanted_by: Vec<&'a str>,
    text: String,
}

/// Returns the part of the lock that a group of `pyproject.toml` needs: its tools and
/// everything that they want, whatever the Python or the platform. `None` if the lock
/// has nothing for such a group.
pub fn of_group(lock: &str, group: &str) -> Option<String> {
    let entries = entries(lock);
    let mut wanted = BTreeSet::from([format!("(pyproject.toml:{group})")]);
    let chosen = |entry: &Entry<'_>, wanted: &BTreeSet<String>| {
        entry.wanted_by.iter().any(|name| wanted.contains(*name))
    };
    loop {
        let before = wanted.len();
        let more: Vec<String> = entries
            .iter()
            .filter(|entry| chosen(entry, &wanted))
            .map(|entry| entry.name.to_owned())
            .collect();
        wanted.extend(more);
        if wanted.len() == before {
            break;
        }
    }
    let parts = entries.iter().filter(|entry| chosen(entry, &wanted));
    let text: String = parts.map(|entry| entry.text.as_str()).collect();
    (!text.is_empty()).then_some(text)
}

fn entries(lock: &str) -> Vec<Entry<'_>> {
    let mut found: Vec<Entry<'_>> = Vec::new();
    for line in lock.split_inclusive('\n') {
        let own = line.trim_end().strip_prefix("    # via ");
        match (found.last_mut(), own) {
            (Some(entry), Some(names)) => entry.wanted_by.extend(names.split(", ")),
            (Some(entry), None) if line.starts_with(' ') => entry.text.push_str(line),
            _ => {
                if let Some((name, _)) = line.split_once("==") {
                    found.push(Entry {
                        name,
                        wanted_by: Vec::new(),
                        text: line.to_owned(),
                    });
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "\
a==1 ; python_full_version < '3.10' \\
    --hash=sha256:11 \\
    --hash=sha256:12
    # via b, (pyproject.toml:two)
a==2 ; python_full_version >= '3.10' \\
    --hash=sha256:13
    # via b
b==1 \\
    --hash=sha256:14
    # via (pyproject.toml:one)
c==1 \\
    --hash=sha256:15
    # via a
d==1 \\
    --hash=sha256:16
    # via (pyproject.toml:three)
";

    #[test]
    fn a_group_is_its_tools_and_all_that_they_want() {
        let names = |group: &str| -> Vec<String> {
            let text = of_group(LOCK, group).unwrap_or_default();
            let heads = text.lines().filter(|line| !line.starts_with(' '));
            heads.map(|line| line[..4].to_owned()).collect()
        };
        assert_eq!(names("one"), ["a==1", "a==2", "b==1", "c==1"]);
        assert_eq!(names("two"), ["a==1", "c==1"]);
        assert_eq!(of_group(LOCK, "four"), None);
        let three = of_group(LOCK, "three").unwrap();
        assert_eq!(three, "d==1 \\\n    --hash=sha256:16\n", "as pip reads it");
    }

    #[test]
    fn every_group_is_locked() {
        let own: toml::Table = include_str!("../pyproject.toml").parse().unwrap();
        let groups = own["dependency-groups"].as_table().unwrap();
        for (group, tools) in groups {
            let text = of_group(include_str!("../requirements.txt"), group).unwrap();
            for tool in tools.as_array().unwrap() {
                let asked = tool.as_str().unwrap();
                let name = asked.split(['[', ';', '>', '<', '=']).next().unwrap();
                let name = name.trim().replace('_', "-");
                let locked = |line: &str| line.starts_with(&format!("{name}=="));
                let found = text.lines().any(locked);
                assert!(found, "{group}: {name} is not in the lock");
            }
        }
    }
}
