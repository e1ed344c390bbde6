//! What differs between two sources, definition by definition.

use std::collections::BTreeMap;
use std::time::Duration;

use similar::{Algorithm, TextDiff};

/// Lines around a change that are shown.
const CONTEXT: usize = 2;

/// The longest time that is taken to find the smallest difference of one text.
const PATIENCE: Duration = Duration::from_millis(200);

/// Returns what differs between the texts `before` and `after`, as a unified diff.
pub(crate) fn unified(before: &str, after: &str) -> String {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(PATIENCE)
        .diff_lines(before, after);
    diff.unified_diff()
        .context_radius(CONTEXT)
        .missing_newline_hint(false)
        .to_string()
}

/// Returns what differs between two Python modules: the name of each definition that
/// differs (empty for what is outside of definitions), and how.
pub(crate) fn by_definition(before: &str, after: &str) -> Vec<(String, String)> {
    let (old, new) = (definitions(before), definitions(after));
    let mut names: Vec<_> = new.keys().collect();
    names.extend(old.keys().filter(|name| !new.contains_key(*name)));
    let mut found = Vec::new();
    for name in names {
        let text = |all: &BTreeMap<String, String>| all.get(name).cloned().unwrap_or_default();
        let (a, b) = (text(&old), text(&new));
        if a != b {
            found.push((name.clone(), unified(&a, &b)));
        }
    }
    if found.is_empty() && before != after {
        // The same definitions in another order, for example.
        found.push((String::new(), unified(before, after)));
    }
    found
}

/// Returns the texts of the definitions of a module by their names. A definition begins
/// where a line is not indented; what is wrongly taken for one only makes the texts
/// smaller.
fn definitions(source: &str) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    let mut decorators = String::new();
    let mut after_gap = true;
    for line in source.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare.is_empty() {
            after_gap = true;
        } else if line.starts_with('@') {
            decorators.push_str(line);
            continue;
        } else if let Some(defined) = defined(bare) {
            defined.clone_into(&mut name);
            after_gap = false;
        } else if after_gap && !line.starts_with([' ', '\t', ')']) {
            name = String::new();
            after_gap = false;
        }
        if bare.is_empty() && name.is_empty() {
            continue;
        }
        let text = found.entry(name.clone()).or_default();
        text.push_str(&std::mem::take(&mut decorators));
        text.push_str(line);
    }
    // An empty line after a definition is not of it.
    for text in found.values_mut() {
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    found
}

/// Returns what a line that is not indented defines.
fn defined(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("def ")
        .or_else(|| line.strip_prefix("async def "))
        .or_else(|| line.strip_prefix("class "))?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    rest.get(..end).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "import math\n\ndef clamp(value):\n    return min(value, 1)\n\n\
        @wrapped\ndef total(dag, xs):\n    return sum(xs)\n";

    #[test]
    fn the_definition_that_differs_is_named() {
        let new = OLD.replace("min(value, 1)", "min(value, 2)");
        let [(name, text)] = <[_; 1]>::try_from(by_definition(OLD, &new)).unwrap();
        assert_eq!(name, "clamp");
        assert!(text.contains("-    return min(value, 1)\n+    return min(value, 2)\n"));
        let new = OLD.replace("@wrapped", "@other").replace("math", "cmath");
        let names: Vec<_> = by_definition(OLD, &new)
            .into_iter()
            .map(|it| it.0)
            .collect();
        assert_eq!(names, ["", "total"]);
        let new = format!("{OLD}\ndef more():\n    pass\n");
        assert_eq!(by_definition(OLD, &new)[0].0, "more");
    }

    #[test]
    fn whatever_the_text_something_is_told() {
        assert!(by_definition(OLD, OLD).is_empty());
        for (a, b) in [
            ("", "x"),
            ("\n\n", "\n"),
            ("def", "def "),
            (
                "def a():\n  pass\n\ndef b():\n  pass\n",
                "def b():\n  pass\n\ndef a():\n  pass\n",
            ),
            ("\u{1b}[31m\r", "@\n@\n"),
        ] {
            assert!(!by_definition(a, b).is_empty(), "{a:?} {b:?}");
        }
    }
}
