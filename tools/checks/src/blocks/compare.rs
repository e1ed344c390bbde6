//! Compares what a block printed with what the page says.

/// Returns whether the output is what the page says. `...` stands for any text within
/// a line; alone on a line, for any number of lines. Space at line ends and blank
/// lines at the very end do not count.
pub fn same(said: &str, printed: &str) -> bool {
    let said = lines(said);
    let printed = lines(printed);
    matches(
        &said,
        &printed,
        &|pattern, line| fits(pattern, line),
        &|pattern| *pattern == "...",
    )
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

/// Returns whether a line fits a pattern in which `...` stands for any text.
fn fits(pattern: &str, line: &str) -> bool {
    if !pattern.contains("...") {
        return pattern == line;
    }
    let parts: Vec<&str> = pattern.split("...").collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return false;
    };
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    for part in &parts[1..parts.len() - 1] {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Matches a sequence against a pattern with wildcards: greedily, and from the last
/// wildcard again when that fails.
fn matches<T>(
    pattern: &[T],
    items: &[T],
    fits: &dyn Fn(&T, &T) -> bool,
    any: &dyn Fn(&T) -> bool,
) -> bool {
    let (mut p, mut i) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while i < items.len() {
        if pattern.get(p).is_some_and(any) {
            back = Some((p, i));
            p += 1;
        } else if pattern.get(p).is_some_and(|wanted| fits(wanted, &items[i])) {
            p += 1;
            i += 1;
        } else if let Some((star, from)) = back {
            back = Some((star, from + 1));
            p = star + 1;
            i = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_wildcards_it_is_equality() {
        assert!(same("a\nb\n", "a\nb\n\n"));
        assert!(same("a  \n", "a\n"));
        assert!(!same("a\nb\n", "a\n"));
        assert!(!same("a\n", "a\nb\n"));
        assert!(!same("", "a\n"));
        assert!(!same(" a\n", "a\n"), "leading space counts");
    }

    #[test]
    fn dots_in_a_line_stand_for_any_text() {
        assert!(same("commit ... first\n", "commit 0f3a by me first\n"));
        assert!(same("...end\n", "the end\n"));
        assert!(same("a...b...c\n", "a1b2b3c\n"));
        assert!(!same("commit ... first\n", "commit 0f3a second\n"));
        assert!(!same("aa...a\n", "aa\n"), "parts do not overlap");
    }

    #[test]
    fn dots_on_a_line_stand_for_any_lines() {
        assert!(same("first\n...\nlast\n", "first\na\nb\nlast\n"));
        assert!(same("first\n...\nlast\n", "first\nlast\n"));
        assert!(same("...\nx\n...\n", "a\nx\ny\nx\n"));
        assert!(same("...\n", ""));
        assert!(!same("first\n...\nlast\n", "first\na\n"));
        assert!(!same("...\nx\n", "a\nx\ny\n"));
    }
}
