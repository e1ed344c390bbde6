//! The last thing before a stream: nothing that a terminal would obey gets through.
//!
//! Code that shows text from a repository makes it safe by itself (see `text`), since it
//! knows what a line is. The guard is for code that forgot to. It lets through line ends and
//! the styles that this program uses, and writes everything else as escapes.

use std::io::{self, Write};

use super::text;

/// A stream behind the guard. What is written at once must not begin or end inside of
/// a character or a style, which `write!` and serde keep to.
pub struct Guard<W: Write>(W);

impl<W: Write> Guard<W> {
    /// Guards `inner`.
    pub fn new(inner: W) -> Self {
        Self(inner)
    }

    fn text(&mut self, mut text: &str) -> io::Result<()> {
        while let Some(at) = text.find(|c| c != '\n' && text::is_unsafe(c)) {
            let (before, rest) = text.split_at(at);
            self.0.write_all(before.as_bytes())?;
            let style = style(rest);
            if style > 0 {
                let (style, rest) = rest.split_at(style);
                self.0.write_all(style.as_bytes())?;
                text = rest;
            } else {
                let mut rest = rest.chars();
                if let Some(c) = rest.next() {
                    write!(self.0, "{}", text::escape(c))?;
                }
                text = rest.as_str();
            }
        }
        self.0.write_all(text.as_bytes())
    }
}

impl<W: Write> Write for Guard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
            self.0.write_all(bytes)?;
            return Ok(bytes.len());
        }
        for chunk in bytes.utf8_chunks() {
            self.text(chunk.valid())?;
            for byte in chunk.invalid() {
                write!(self.0, "\\x{byte:02x}")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Returns the length of the style that `text` begins with; 0 when it begins with none. Styles
/// are colours and the like (`ESC [ 1 ; 31 m`), and none that hides or blinks.
fn style(text: &str) -> usize {
    let Some(codes) = text.strip_prefix("\u{1b}[") else {
        return 0;
    };
    let Some((codes, _)) = codes.split_once('m') else {
        return 0;
    };
    let known = |code: &str| {
        matches!(code, "" | "0" | "1" | "2" | "3" | "4") || {
            let number = code.parse::<u8>().unwrap_or(0);
            code.len() <= 3 && matches!(number, 30..=37 | 90..=97)
        }
    };
    if codes.split(';').all(known) {
        "\u{1b}[m".len() + codes.len()
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(bytes: &[u8]) -> String {
        let mut guard = Guard::new(Vec::new());
        guard.write_all(bytes).unwrap();
        String::from_utf8(guard.0).unwrap()
    }

    #[test]
    fn styles_and_lines_pass() {
        for text in [
            "\u{1b}[1m\u{1b}[31mred\u{1b}[0m\n",
            "plain\n",
            "größe 数据\n",
        ] {
            assert_eq!(guarded(text.as_bytes()), text);
        }
    }

    #[test]
    fn orders_do_not() {
        assert_eq!(guarded(b"\x1b[8mhidden"), "\\u{1b}[8mhidden");
        assert_eq!(guarded(b"\x1b[2J"), "\\u{1b}[2J");
        assert_eq!(guarded(b"\x1b]8;;x\x07"), "\\u{1b}]8;;x\\u{7}");
        assert_eq!(guarded("\u{9b}2J\r".as_bytes()), "\\u{9b}2J\\r");
        assert_eq!(guarded(b"\xff\xc2\n"), "\\xff\\xc2\n");
        assert_eq!(
            guarded("a\u{202e}b\u{200b}".as_bytes()),
            "a\\u{202e}b\\u{200b}"
        );
    }
}
