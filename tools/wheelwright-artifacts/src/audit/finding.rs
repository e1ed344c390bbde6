//! What an audit reports.

use serde::Serialize;

use crate::text::is_invisible;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It works, and ought to be better.
    Warning,
    /// It breaks for someone, or an index refuses it.
    Error,
}

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id of the rule.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The member it is about; `None` when it is about the whole file.
    pub member: Option<String>,
    /// What is there.
    pub found: String,
    /// What the rule lets pass.
    pub allowed: String,
    /// What to do about it.
    pub fix: String,
}

/// Text from a hostile file, made fit for one line of a terminal.
pub fn printable(text: &str) -> String {
    const MOST: usize = 300;
    let mut out = String::new();
    for c in text.chars() {
        if out.len() >= MOST {
            out.push('…');
            break;
        }
        if c.is_control() || is_invisible(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_on_its_line() {
        assert_eq!(
            printable("a\nb\u{1b}[31m\u{202e}\u{ad}\u{e0061}"),
            "a\\nb\\u{1b}[31m\\u{202e}\\u{ad}\\u{e0061}"
        );
        assert!(printable(&"x".repeat(10_000)).len() < 310);
    }
}
