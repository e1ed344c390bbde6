//! A text of TOML as a tree, and edits of the text that leave the rest of it as it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::fault::describe;
use super::read;
use crate::sorting::sort_by;

/// A text of TOML.
#[derive(Debug)]
pub(super) struct Document {
    text: String,
    pub root: Table,
}

/// A table: of a header, of keys with dots, or in braces.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub items: BTreeMap<String, Item>,
    pub form: Form,
    pub lines: Lines,
}

/// How a table came to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// By its header, by its braces, or because it is the document.
    #[default]
    Header,
    /// By dots in a key, as `a` in `a.b = 1`.
    Dotted,
    /// Because it holds a table with a header, as `a` in `[a.b]`.
    Implied,
}

/// Where a table stands in the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// The bytes from the header to the last key below it. Of keys with dots, the last of them.
    pub span: Range<usize>,
    /// How many parts of a key there the header says.
    pub said: usize,
}

#[derive(Debug)]
pub(super) enum Item {
    Value(Value),
    Table(Table),
    /// Those of the headers `[[name]]`.
    Tables(Vec<Table>),
}

#[derive(Debug)]
pub(super) struct Value {
    pub kind: Kind,
    /// The bytes of the value itself.
    pub span: Range<usize>,
    /// The bytes of all lines that the key and the value are in.
    pub lines: Range<usize>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Text(String),
    List(Vec<Value>),
    Table(Table),
    /// A number, a date or a Boolean, by its type's name.
    Other(&'static str),
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Table(_) => "inline table",
            Self::Other(name) => name,
        }
    }
}

impl Document {
    /// Reads `text`; an error is what to say about it.
    pub fn parse(text: String) -> Result<Self, String> {
        match read::document(&text) {
            Ok(root) => Ok(Self { text, root }),
            Err(fault) => Err(describe(&text, &fault)),
        }
    }

    /// Returns the text of the document.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the value at `path`.
    pub fn find(&self, path: &[&str]) -> Option<&Value> {
        let (last, tables) = path.split_last()?;
        let mut table = &self.root;
        for part in tables {
            table = match table.items.get(*part)? {
                Item::Table(table) => table,
                Item::Value(value) => match &value.kind {
                    Kind::Table(table) => table,
                    _ => return None,
                },
                Item::Tables(_) => return None,
            };
        }
        match table.items.get(*last)? {
            Item::Value(value) => Some(value),
            _ => None,
        }
    }

    /// Returns `value` in words: a text as it is, anything else as it is written.
    pub fn show(&self, value: &Value) -> String {
        match &value.kind {
            Kind::Text(text) => text.clone(),
            _ => self
                .text
                .get(value.span.clone())
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// Sets the value at `path` to `value`, which is TOML. An error is why that cannot be.
    pub fn set(&mut self, path: &[&str], value: &str) -> Result<(), String> {
        let Some((last, tables)) = path.split_last() else {
            return Ok(());
        };
        let mut table = Some(&self.root);
        for part in tables {
            table = match table.and_then(|table| table.items.get(*part)) {
                Some(Item::Table(table)) => Some(table),
                Some(_) => return Err(format!("{part} is no table")),
                None => None,
            };
        }
        let mut text = self.text.clone();
        match table.and_then(|table| table.items.get(*last)) {
            Some(Item::Value(old)) => text.replace_range(old.span.clone(), value),
            Some(_) => return Err(format!("{last} is a table")),
            None => {
                let table = table.filter(|table| table.form != Form::Implied);
                insert(&mut text, path, table, value);
            }
        }
        *self = Self::parse(text)?;
        Ok(())
    }

    /// Removes what is at `path`, be it a value or tables, and returns whether it was there.
    /// Comments above it stay.
    pub fn unset(&mut self, path: &[&str]) -> Result<bool, String> {
        let Some((last, tables)) = path.split_last() else {
            return Ok(false);
        };
        let mut table = &self.root;
        for part in tables {
            match table.items.get(*part) {
                Some(Item::Table(inner)) => table = inner,
                _ => return Ok(false),
            }
        }
        let Some(item) = table.items.get(*last) else {
            return Ok(false);
        };
        let mut removed = Vec::new();
        item.lines(&mut removed);
        sort_by(&mut removed, |a, b| a.start.cmp(&b.start));
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        for lines in removed {
            text.push_str(self.text.get(done..lines.start).unwrap_or_default());
            done = done.max(lines.end);
        }
        text.push_str(self.text.get(done..).unwrap_or_default());
        *self = Self::parse(text)?;
        Ok(true)
    }
}

impl Item {
    /// Adds the lines of everything in it.
    fn lines(&self, found: &mut Vec<Range<usize>>) {
        match self {
            Self::Value(value) => found.push(value.lines.clone()),
            Self::Table(table) => table.add_lines(found),
            Self::Tables(tables) => tables.iter().for_each(|table| table.add_lines(found)),
        }
    }
}

impl Table {
    fn add_lines(&self, found: &mut Vec<Range<usize>>) {
        if self.form == Form::Header {
            found.push(self.lines.span.clone());
        }
        self.items.values().for_each(|item| item.lines(found));
    }
}

/// Adds a line for `path` to the `table` that is for it, or both at the end when there is none.
fn insert(text: &mut String, path: &[&str], table: Option<&Table>, value: &str) {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let at = table.map_or(text.len(), |table| table.lines.span.end);
    let said = table.map_or(path.len() - 1, |table| table.lines.said);
    let (header, key) = path.split_at_checked(said).unwrap_or((&[], path));
    let mut new = String::new();
    if at == text.len() && !text.is_empty() && !text.ends_with('\n') {
        new.push_str(end);
    }
    if table.is_none() {
        if !text.is_empty() {
            new.push_str(end);
        }
        let _ = write!(new, "[{}]{end}", header.join("."));
    }
    let _ = write!(new, "{} = {value}{end}", key.join("."));
    text.insert_str(at, &new);
}

/// Returns `text` as a string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            '\n' => quoted.write_str("\\n"),
            '\t' => quoted.write_str("\\t"),
            '\r' => quoted.write_str("\\r"),
            c if c.is_control() => write!(quoted, "\\u{:04X}", u32::from(c)),
            c => quoted.write_char(c),
        };
    }
    quoted.push('"');
    quoted
}

/// Returns `items` as a list of TOML.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    let mut list = String::from("[");
    for item in items {
        if list.len() > 1 {
            list.push_str(", ");
        }
        list.push_str(&quoted(&item));
    }
    list.push(']');
    list
}
