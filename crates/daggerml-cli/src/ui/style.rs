//! The styles. Every text must be understandable without them.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// What failed.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// What to do.
pub const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// An id.
pub const ID: Style = AnsiColor::Yellow.on_default();
/// A name.
pub const NAME: Style = AnsiColor::Cyan.on_default();
/// What is less important.
pub const DIM: Style = Style::new().dimmed();
/// What stands above a table.
pub const HEADER: Style = Style::new().bold();
/// What is new.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// What is gone.
pub const REMOVED: Style = AnsiColor::Red.on_default();
/// What is different.
pub const CHANGED: Style = AnsiColor::Yellow.on_default();
/// No style.
pub const PLAIN: Style = Style::new();

/// `text` in `style`, on one line and made safe.
pub fn paint(style: Style, text: impl fmt::Display) -> impl fmt::Display {
    Painted { style, text }
}

struct Painted<T> {
    style: Style,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = self.style;
        let text = super::text::line(&self.text.to_string());
        write!(f, "{style}{text}{style:#}")
    }
}

/// Returns an id as people see it: its first twelve digits.
pub fn id(id: &str) -> impl fmt::Display {
    paint(ID, short(id))
}

/// Returns the first twelve digits of an id.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
