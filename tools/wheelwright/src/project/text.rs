//! Text of a project that becomes part of a line that others parse.

/// Checks a text that is written as (part of) one line: whoever reads the line
/// back must get exactly this text.
///
/// # Errors
/// The rest of a sentence that says what is wrong.
pub fn one_line(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if let Some(bad) = text.chars().find(|c| breaks_a_line(*c)) {
        return Err(format!(
            "{text:?} holds the character {bad:?}; write it in one line, without control characters"
        ));
    }
    if text.trim() != text {
        return Err(format!(
            "{text:?} begins or ends with white space, which no reader keeps; remove it"
        ));
    }
    Ok(text)
}

/// Control characters, and the two that Unicode has for ends of lines.
fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Checks a text of many lines; their ends become `\n`, and a byte order mark at
/// its beginning is dropped.
///
/// # Errors
/// The rest of a sentence that says what is wrong, and in which line.
pub fn many_lines(text: &str) -> Result<String, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (number, line) in text.split('\n').enumerate() {
        if let Some(bad) = line.chars().find(|c| c.is_control() && *c != '\t') {
            return Err(format!(
                "line {} holds the control character {bad:?}; remove it",
                number + 1
            ));
        }
    }
    Ok(text)
}

/// Is this a Python identifier that can stand in an `import`?
pub fn is_identifier(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
        && !KEYWORDS.contains(&word)
}

/// Is this a name with dots, each part an identifier?
pub fn is_dotted_name(name: &str) -> bool {
    name.split('.').all(is_identifier)
}

const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// Why a path cannot be a file's everywhere; `None` if it can.
pub fn unportable(path: &str) -> Option<&'static str> {
    path.split('/').find_map(|part| {
        if part.is_empty() || part == "." || part == ".." {
            Some("it has an empty part, `.` or `..`")
        } else if part.chars().any(breaks_a_line) {
            Some("a name has control characters")
        } else if part.contains(['\\', ':', '<', '>', '"', '|', '?', '*']) {
            Some("a name has one of \\ : < > \" | ? *, which Windows cannot store")
        } else if part.ends_with(['.', ' ']) {
            Some("a name ends with a dot or a space, which Windows drops")
        } else if is_device(part) {
            Some("a name means a device on Windows, whatever its suffix")
        } else {
            None
        }
    })
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device)
            .is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for good in ["a", "Grüße, \"you\"", "a: b", "a\u{a0}b"] {
            assert_eq!(one_line(good), Ok(good));
        }
        for bad in [
            "",
            " a",
            "a ",
            "a\nb",
            "a\rb",
            "a\0b",
            "a\tb",
            "a\u{85}b",
            "a\u{2028}b",
        ] {
            assert!(one_line(bad).is_err(), "{bad:?}");
        }
        assert_eq!(many_lines("\u{feff}a\r\nb\rc\n").unwrap(), "a\nb\nc\n");
        assert!(many_lines("a\nb\u{1b}[0m").unwrap_err().contains("line 2"));
    }

    #[test]
    fn names() {
        assert!(is_dotted_name("a.b_1.été"));
        for bad in ["", "a.", "a..b", "1a", "a-b", "a b", "class"] {
            assert!(!is_dotted_name(bad), "{bad:?}");
        }
        for good in ["a", ".gitignore", "a/b c.txt", "console.py", "com10"] {
            assert_eq!(unportable(good), None, "{good}");
        }
        for bad in [
            "a//b",
            "../a",
            "a\\b",
            "c:x",
            "a?",
            "a.",
            "nul",
            "aux.py",
            "a/com1.txt",
        ] {
            assert!(unportable(bad).is_some(), "{bad:?}");
        }
    }
}
