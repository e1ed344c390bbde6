//! As much Starlark as our own BUILD files need: named lists and arguments.

/// The text between `[` or `{` after `name =` and its match, if there is one.
pub fn block<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = text.match_indices(name).find_map(|(at, _)| {
        let own = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let rest = text[at + name.len()..].trim_start().strip_prefix('=')?;
        let rest = rest.trim_start();
        (own && rest.starts_with(['[', '{', '('])).then_some(text.len() - rest.len())
    })?;
    let mut depth = 0_usize;
    for (at, character) in text[start..].char_indices() {
        match character {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[start + 1..start + at]);
        }
    }
    None
}

/// Every string in a piece of Starlark, comments left out.
pub fn strings(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| line.split(" #").next().unwrap_or(line))
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// The strings of the list or dictionary called `name`; none if there is none.
pub fn list(text: &str, name: &str) -> Vec<String> {
    block(text, name).map(strings).unwrap_or_default()
}

/// The string that follows `name =`, each time.
pub fn values(text: &str, name: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let rest = line.trim_start().strip_prefix(name)?.trim_start();
            let rest = rest.strip_prefix('=')?.trim_start().strip_prefix('"')?;
            Some(rest.split('"').next()?.to_owned())
        })
        .collect()
}

/// The calls of the function `name`: what is between their parentheses.
pub fn calls<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("\n{name}(");
    let mut found = Vec::new();
    for (at, _) in text.match_indices(&start) {
        let body = &text[at + start.len()..];
        // Formatted: a call of more than a line ends with `)` in its own line.
        let first = body.lines().next().unwrap_or_default();
        let end = match first.strip_suffix(')') {
            Some(line) => line.len(),
            None => body.find("\n)").unwrap_or(body.len()),
        };
        found.push(&body[..end]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
NAMES = [
    "a",  # "not this"
    # "nor this"
    "b",
]

MORE_NAMES = {
    "c": struct(x = ["d"]),
}

crate_library(name = "one")

crate_library(
    name = "two",
    deps = ["//crates/one"],
)
"#;

    #[test]
    fn lists_are_found_by_their_own_name() {
        assert_eq!(list(TEXT, "NAMES"), ["a", "b"]);
        assert_eq!(list(TEXT, "MORE_NAMES"), ["c", "d"]);
        assert!(list(TEXT, "OTHER").is_empty());
    }

    #[test]
    fn calls_and_their_arguments_are_found() {
        let calls = calls(TEXT, "crate_library");
        assert_eq!(calls.len(), 2);
        assert_eq!(values(calls[1], "name"), ["two"]);
        assert_eq!(list(calls[1], "deps"), ["//crates/one"]);
        assert!(list(calls[0], "deps").is_empty());
    }
}
