//! Text from artifacts and indexes, made safe for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use wheelwright_artifacts::text::is_invisible;

/// Whether a terminal would obey `c`, or nobody would see it.
fn is_unsafe(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || is_invisible(c)
}

/// `text` with what a terminal would obey as `\uXXXX`: the form of JSON, so that a
/// document is the same one after it.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}"); // Never fails: it is a String.
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn orders_are_escapes() {
        assert_eq!(
            escaped("a\u{1b}[2J\r\u{9b}\u{202e}"),
            "a\\u001b[2J\\u000d\\u009b\\u202e"
        );
        assert_eq!(escaped("größe\n\t数"), "größe\n\t数");
    }

    proptest! {
        #[test]
        fn json_stays_the_same_document(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let shown = escaped(&json);
            prop_assert!(!shown.contains(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
