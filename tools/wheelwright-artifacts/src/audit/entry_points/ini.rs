//! The INI format of `entry_points.txt`, as Python's `configparser` reads it with
//! `=` as the one delimiter.

use crate::text::is_space;

/// One `name = value` of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line it begins on, from 1.
    pub line: usize,
    /// What stands in the brackets above it.
    pub group: String,
    /// Before the `=`.
    pub name: String,
    /// After the `=`; several lines where indented ones follow.
    pub value: String,
}

/// The entries, and the groups in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// Every section once.
    pub groups: Vec<String>,
}

/// Parses a file.
///
/// # Errors
/// A sentence with the line that Python's parser refuses.
pub fn parse(text: &str) -> Result<Ini, String> {
    let mut ini = Ini::default();
    let mut group: Option<String> = None;
    let mut indent = 0;
    // Whether an indented line would continue the last entry.
    let mut open = false;
    for (index, line) in text.split('\n').enumerate() {
        let number = index + 1;
        let body = line.trim_matches(is_space);
        if body.starts_with(['#', ';']) {
            continue;
        }
        if body.is_empty() {
            continue; // a value may go on after it
        }
        let depth = line.chars().take_while(|c| is_space(*c)).count();
        if open
            && depth > indent
            && let Some(entry) = ini.entries.last_mut()
        {
            entry.value.push('\n');
            entry.value.push_str(body);
            continue;
        }
        indent = depth;
        if let Some(header) = section(body) {
            // `[DEFAULT]` alone may come again: it is not a group of its own.
            if header != "DEFAULT" && ini.groups.iter().any(|known| known == header) {
                return Err(format!("line {number}: the group {header} is there twice"));
            }
            ini.groups.push(header.to_owned());
            group = Some(header.to_owned());
            open = false;
            continue;
        }
        let Some(group) = &group else {
            return Err(format!("line {number} stands before the first [group]"));
        };
        let Some((name, value)) = body.split_once('=') else {
            return Err(format!("line {number} is not a `name = module:function`"));
        };
        let (name, value) = (
            name.trim_end_matches(is_space),
            value.trim_matches(is_space),
        );
        if name.is_empty() {
            return Err(format!("line {number} has no name before the `=`"));
        }
        let again = |e: &Entry| e.group == *group && e.name == name;
        if ini.entries.iter().any(again) {
            return Err(format!("line {number}: {name} is there twice in [{group}]"));
        }
        ini.entries.push(Entry {
            line: number,
            group: group.clone(),
            name: name.to_owned(),
            value: value.to_owned(),
        });
        open = true;
    }
    Ok(ini)
}

/// `[group]`: what is between the first bracket and the last.
fn section(body: &str) -> Option<&str> {
    let rest = body.strip_prefix('[')?;
    let header = rest.get(..rest.rfind(']')?)?;
    (!header.is_empty()).then_some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(String, String, String)> {
        let ini = parse(text).unwrap();
        ini.entries
            .into_iter()
            .map(|e| (e.group, e.name, e.value))
            .collect()
    }

    #[test]
    fn what_python_reads() {
        let text =
            "\n# comment\n[a]\nx = m:f\n; other\ny=m : g [e]\r\n\n[b.c]\n  z = m\n    more\n";
        let one = |g: &str, n: &str, v: &str| (g.to_owned(), n.to_owned(), v.to_owned());
        assert_eq!(
            entries(text),
            [
                one("a", "x", "m:f"),
                one("a", "y", "m : g [e]"),
                one("b.c", "z", "m\nmore")
            ]
        );
        assert!(entries("").is_empty());
        assert_eq!(entries("[a]\nX = 1\nx = 2\n").len(), 2);
    }

    #[test]
    fn what_python_refuses() {
        for bad in [
            "x = m:f\n",
            "[a]\nnonsense\n",
            "[a]\n= m:f\n",
            "[a]\nx = m\nx = n\n",
            "[a]\n[b]\n[a]\n",
            "[a\nx = m\n",
            "[]\nx = m\n",
            "[a]\nx : m\n",
            "[a]\n\u{1c}x = m\nx = m\n",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
