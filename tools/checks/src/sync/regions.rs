//! The parts of a file that `cargo checks sync` writes: between a comment line
//! `<sync:NAME>` and a comment line `</sync>`. Nothing outside of them is touched.

use std::collections::BTreeMap;
use std::ops::Range;

/// What is wrong with the marks of a file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// One region of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// The line of its opening mark, from 1.
    pub line: usize,
    /// The space before the opening mark, which each line of the region gets.
    indent: String,
    /// The bytes between the two marks' lines.
    body: Range<usize>,
}

enum Mark<'a> {
    Open(&'a str),
    Close,
}

/// Returns the mark that a line is; the error is what is wrong with one that nearly is.
fn mark(line: &str) -> Result<Option<Mark<'_>>, String> {
    let line = line.trim();
    let comment = ["#", "//", "<!--"]
        .iter()
        .find_map(|start| line.strip_prefix(start));
    let Some(text) = comment.map(|text| text.trim_end_matches("-->").trim()) else {
        return Ok(None);
    };
    if text == "</sync>" {
        return Ok(Some(Mark::Close));
    }
    let name = text
        .strip_prefix("<sync:")
        .and_then(|rest| rest.strip_suffix('>'));
    match name {
        Some(name)
            if !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') =>
        {
            Ok(Some(Mark::Open(name)))
        }
        None if !text.starts_with("<sync") && !text.starts_with("</sync") => Ok(None),
        _ => Err(format!(
            "`{text}` is not a mark; write `<sync:NAME>` or `</sync>`, alone in its comment"
        )),
    }
}

/// Finds the regions of a file.
pub fn find(text: &str) -> Result<Vec<Region>, Problem> {
    let mut found: Vec<Region> = Vec::new();
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    let mut open: Option<Region> = None;
    let mut at = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let line = index + 1;
        let start = at;
        at += whole.len();
        let problem = |what| Problem { line, what };
        match (mark(whole).map_err(problem)?, open.take()) {
            (None, none) => open = none,
            (Some(Mark::Open(name)), None) => {
                if let Some(first) = lines.insert(name.to_owned(), line) {
                    let what = format!("the region `{name}` is here and in line {first}; keep one");
                    return Err(problem(what));
                }
                let indent = &whole[..whole.len() - whole.trim_start().len()];
                open = Some(Region {
                    name: name.to_owned(),
                    line,
                    indent: indent.to_owned(),
                    body: at..at,
                });
            }
            (Some(Mark::Open(name)), Some(outer)) => {
                let what = format!(
                    "the region `{name}` begins inside `{}` of line {}, which needs its `</sync>` first",
                    outer.name, outer.line
                );
                return Err(problem(what));
            }
            (Some(Mark::Close), Some(mut region)) => {
                region.body.end = start;
                found.push(region);
            }
            (Some(Mark::Close), None) => {
                return Err(problem(
                    "`</sync>` ends no region; no `<sync:NAME>` is open".to_owned(),
                ));
            }
        }
    }
    match open {
        None => Ok(found),
        Some(Region { name, line, .. }) => Err(Problem {
            line,
            what: format!("the region `{name}` has no `</sync>`"),
        }),
    }
}

/// Returns the file with the lines that `wanted` has for each region. A region
/// that is not wanted, or not there, is an error.
pub fn filled(text: &str, wanted: &BTreeMap<&str, Vec<String>>) -> Result<String, Problem> {
    let regions = find(text)?;
    for name in wanted.keys() {
        if !regions.iter().any(|region| region.name == *name) {
            return Err(Problem {
                line: text.lines().count(),
                what: format!("the file ends without its region `{name}`; add its two marks"),
            });
        }
    }
    let mut result = String::new();
    let mut copied = 0;
    for Region {
        name,
        line,
        indent,
        body,
    } in regions
    {
        let lines = wanted.get(name.as_str()).ok_or_else(|| Problem {
            line,
            what: format!("no region of this file is called `{name}`"),
        })?;
        result.push_str(&text[copied..body.start]);
        for line in lines {
            if !line.is_empty() {
                result.push_str(&indent);
            }
            result.push_str(line);
            result.push('\n');
        }
        copied = body.end;
    }
    result.push_str(&text[copied..]);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &'static str, lines: &[&str]) -> BTreeMap<&'static str, Vec<String>> {
        BTreeMap::from([(name, lines.iter().map(|&line| line.to_owned()).collect())])
    }

    fn problem(text: &str) -> String {
        filled(text, &one("a", &[])).unwrap_err().to_string()
    }

    #[test]
    fn a_region_is_written_and_nothing_else() {
        for (open, close) in [
            ("# <sync:a>", "# </sync>"),
            ("// <sync:a>", "// </sync>"),
            ("<!-- <sync:a> -->", "<!-- </sync> -->"),
        ] {
            let text = format!("before\r\n  {open}\n  old\n  {close}\nafter  \n\nno newline");
            let new = format!("before\r\n  {open}\n  x\n\n  y\n  {close}\nafter  \n\nno newline");
            let wanted = one("a", &["x", "", "y"]);
            assert_eq!(filled(&text, &wanted).unwrap(), new);
            assert_eq!(filled(&new, &wanted).unwrap(), new, "once is enough");
        }
    }

    #[test]
    fn an_empty_region_can_be_filled_and_emptied() {
        let empty = "# <sync:a>\n# </sync>\n";
        let full = "# <sync:a>\nx\n# </sync>\n";
        assert_eq!(filled(empty, &one("a", &["x"])).unwrap(), full);
        assert_eq!(filled(full, &one("a", &[])).unwrap(), empty);
    }

    #[test]
    fn what_only_looks_like_a_mark_is_text() {
        let text = "s = \"# <sync:b>\"\n`<sync:c>`\n# see <sync:d>\n# <sync:a>\n# </sync>\n";
        assert_eq!(filled(text, &one("a", &[])).unwrap(), text);
    }

    #[test]
    fn each_mistake_names_its_line() {
        for (text, wanted) in [
            ("\n# <sync:a>\n", "line 2: the region `a` has no `</sync>`"),
            ("# </sync>\n", "line 1: `</sync>` ends no region"),
            (
                "# <sync:a>\n# <sync:b>\n# </sync>\n",
                "line 2: the region `b` begins inside `a` of line 1",
            ),
            (
                "# <sync:a>\n# </sync>\n# <sync:a>\n# </sync>\n",
                "line 3: the region `a` is here and in line 1",
            ),
            (
                "# <sync:a>\n# </sync>\n\n# <sync:b>\n# </sync>\n",
                "line 4: no region of this file is called `b`",
            ),
            ("x\ny\n", "line 2: the file ends without its region `a`"),
            (
                "# <sync a>\n# </sync>\n",
                "line 1: `<sync a>` is not a mark",
            ),
            (
                "# <sync:A b>\n# </sync>\n",
                "line 1: `<sync:A b>` is not a mark",
            ),
            (
                "# <sync:a>\n# </sync:a>\n",
                "line 2: `</sync:a>` is not a mark",
            ),
        ] {
            let found = problem(text);
            assert!(found.starts_with(wanted), "{text:?}: {found}");
        }
    }
}
