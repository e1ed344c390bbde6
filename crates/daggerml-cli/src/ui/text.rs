//! Text from a repository, made safe for a terminal.

use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns whether a terminal would obey `c` rather than show it: control characters, those
/// that end lines or change the direction of what follows, and those that nobody sees,
/// which make two names look like one. Emoji that are joined are shown one by one.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns how an unsafe character is written.
pub fn escape(c: char) -> impl std::fmt::Display {
    c.escape_default()
}

/// `text` on one line, with what a terminal would obey written as escapes.
pub fn line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// `text` on as many lines as it has, each safe. The lines after the first are
/// indented, so that none can be taken for one that this program begins.
pub fn lines(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n  ")
}

/// `bytes` for a terminal, as they are but for what it would obey: lines and tabs stay.
/// Whether anything is shown otherwise than it is comes with it.
pub fn shown(bytes: &[u8]) -> (String, bool) {
    let mut safe = String::with_capacity(bytes.len());
    let mut changed = false;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_unsafe(c) && !matches!(c, '\n' | '\t') {
                safe.extend(c.escape_default());
                changed = true;
            } else {
                safe.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(safe, "\\x{byte:02x}"); // Never fails: it is a String.
            changed = true;
        }
    }
    (safe, changed)
}

/// Returns the first line of `text`, safe.
pub fn first_line(text: &str) -> String {
    line(text.lines().next().unwrap_or_default())
}

/// So many of something: `1 commit`, `2 commits`.
pub fn count(number: impl TryInto<u64>, what: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// Returns a number of bytes as people read it.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths, so that no float is needed.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!(
        "{}.{} {}",
        tenths / 10,
        tenths % 10,
        UNITS.get(unit).unwrap_or(&"")
    )
}

/// Returns the columns of the terminal that standard output is; `None` when it is none.
pub fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(usize::from(width.0))
}

/// Returns the columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `columns` columns, with `…` where it was cut.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_safe(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            prop_assert!(!line(&text).contains(is_unsafe));
            prop_assert!(!first_line(&text).contains(is_unsafe));
            let own = |c: char| c == '\n' || c == '\t';
            prop_assert!(!lines(&text).replace('\n', "").contains(is_unsafe));
            let (told, changed) = shown(&bytes);
            prop_assert!(!told.replace(own, "").contains(is_unsafe));
            prop_assert_eq!(changed, told.as_bytes() != bytes);
        }
    }

    #[test]
    fn a_terminal_is_not_given_orders() {
        assert_eq!(line("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
        assert_eq!(line("\u{202e}txt"), "\\u{202e}txt");
        assert_eq!(line("naïve 数"), "naïve 数");
        assert_eq!(
            line("a\u{200b}\u{2028}\u{e0061}"),
            "a\\u{200b}\\u{2028}\\u{e0061}"
        );
        assert_eq!(lines("a\u{1b}\nhint: b"), "a\\u{1b}\n  hint: b");
        let (text, changed) = shown(b"a\tb\r\n\xffc\x1b[2J");
        assert_eq!(text, "a\tb\\r\n\\xffc\\u{1b}[2J");
        assert!(changed && !shown("größe\n".as_bytes()).1);
    }

    #[test]
    fn counts() {
        assert_eq!(count(0, "node"), "0 nodes");
        assert_eq!(count(1, "node"), "1 node");
    }

    #[test]
    fn sizes() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(5 << 30), "5.0 GiB");
        assert_eq!(size(u64::MAX), "16383.9 PiB");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(fit("数据集合", 5), "数据…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
    }
}
