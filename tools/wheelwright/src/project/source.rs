//! A TOML file that a person wrote: its types, and the line of whatever is wrong.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::{ProjectError, refused};
use crate::errors::nearest;

/// Reads `text`, the content of `path`. An error names the line and the key; an
/// unknown key also the nearest one that is known, or what to do instead.
///
/// # Errors
/// It is not TOML, or not what `T` asks for.
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ProjectError> {
    if text.starts_with('\u{feff}') {
        return Err(ProjectError::Malformed {
            path: path.to_owned(),
            line: 1,
            problem: "begins with a byte order mark, which TOML does not have; save it without"
                .to_owned(),
        });
    }
    toml::from_str(text).map_err(|error| told(path, text, &error))
}

/// Are unknown keys of a table passed over?
pub type Open = fn(&[&str]) -> bool;

/// Reads `text` like [`parse`], but passes over unknown keys of the tables that are `open`,
/// and returns a sentence on each. One that has a way out (`refused.rs`) is an error there,
/// too.
///
/// # Errors
/// As of [`parse`].
pub fn parse_open<T: DeserializeOwned>(
    path: &Path,
    text: &str,
    open: Open,
) -> Result<(T, Vec<String>), ProjectError> {
    let mut passed: Vec<(Vec<String>, String)> = Vec::new();
    let mut notes = Vec::new();
    loop {
        let Ok(mut document) = DeTable::parse(text) else {
            return parse(path, text).map(|read| (read, notes));
        };
        for (table, key) in &passed {
            remove(document.get_mut(), table, key);
        }
        let error = match T::deserialize(toml::de::Deserializer::from(document)) {
            Ok(read) => return Ok((read, notes)),
            Err(error) => error,
        };
        let at = error.span().map_or(0, |span| span.start);
        let keys = keys_at(text, at);
        let unknown = Unknown::of(&keys, error.message())
            .filter(|one| open(&one.table))
            .filter(|one| one.advice().is_none());
        let Some(unknown) = unknown else {
            return Err(told(path, text, &error));
        };
        let meant = unknown.near();
        let meant = meant.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        notes.push(format!(
            "{}:{}: {} is passed over: no such key is known{meant}",
            path.display(),
            line_at(text, at),
            unknown.written()
        ));
        let table = unknown.table.iter().map(|key| (*key).to_owned()).collect();
        let key = (table, unknown.key.to_owned());
        if passed.contains(&key) {
            return Err(told(path, text, &error));
        }
        passed.push(key);
    }
}

/// Takes a key out of a table, or out of each table of a list.
fn remove(here: &mut DeTable<'_>, table: &[String], key: &str) {
    let Some((name, below)) = table.split_first() else {
        here.remove(key);
        return;
    };
    match here.get_mut(name.as_str()).map(toml::Spanned::get_mut) {
        Some(DeValue::Table(one)) => remove(one, below, key),
        Some(DeValue::Array(list)) => {
            for one in list.iter_mut() {
                if let DeValue::Table(one) = one.get_mut() {
                    remove(one, below, key);
                }
            }
        }
        _ => {}
    }
}

/// An error of `text` with its line and key.
fn told(path: &Path, text: &str, error: &toml::de::Error) -> ProjectError {
    let at = error.span().map_or(0, |span| span.start);
    let keys = keys_at(text, at);
    ProjectError::Malformed {
        path: path.to_owned(),
        line: line_at(text, at),
        problem: problem(&keys, error.message()),
    }
}

/// The line of a key, or of an element of an array (`["project", "authors", "0"]`);
/// of the nearest one above it that is written down, if it is not.
pub fn line(text: &str, keys: &[&str]) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut array = None;
    let mut at = None;
    for key in keys {
        let value = if let Some((written, value)) = table.and_then(|table| {
            table
                .iter()
                .find(|(written, _)| written.get_ref().as_ref() == *key)
        }) {
            at = Some(written.span().start);
            value
        } else if let Some(value) = array.and_then(|array: &toml::de::DeArray<'_>| {
            key.parse().ok().and_then(|index: usize| array.get(index))
        }) {
            at = Some(value.span().start);
            value
        } else {
            break;
        };
        (table, array) = match value.get_ref() {
            DeValue::Table(table) => (Some(table), None),
            DeValue::Array(array) => (None, Some(array)),
            _ => (None, None),
        };
    }
    at.map(|at| line_at(text, at))
}

/// Is this key written down?
pub fn has(text: &str, keys: &[&str]) -> bool {
    value_span(text, keys).is_some()
}

/// Where the value of a key stands, in bytes.
pub fn value_span(text: &str, keys: &[&str]) -> Option<std::ops::Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let (last, above) = keys.split_last()?;
    let mut table = document.get_ref();
    for key in above {
        match table.get(*key)?.get_ref() {
            DeValue::Table(below) => table = below,
            _ => return None,
        }
    }
    Some(table.get(*last)?.span())
}

/// A key as it is written in TOML; the position in an array is left out.
pub fn dotted(keys: &[&str]) -> String {
    let bare = |key: &str| {
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let parts: Vec<String> = keys
        .iter()
        .filter(|key| key.parse::<usize>().is_err())
        .map(|key| {
            if bare(key) {
                (*key).to_owned()
            } else {
                format!("{key:?}")
            }
        })
        .collect();
    parts.join(".")
}

fn line_at(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// The keys that lead to what stands at a byte of the file.
fn keys_at(text: &str, at: usize) -> Vec<String> {
    let mut keys = Vec::new();
    let Ok(document) = DeTable::parse(text) else {
        return keys;
    };
    enter(document.get_ref(), at, &mut keys);
    keys
}

/// Does the value hold the byte? A table that is written in parts holds its parts.
fn enter(table: &DeTable<'_>, at: usize, keys: &mut Vec<String>) -> bool {
    for (key, value) in table {
        keys.push(key.get_ref().to_string());
        if key.span().contains(&at) || enter_value(value, at, keys) {
            return true;
        }
        keys.pop();
    }
    false
}

fn enter_value(value: &toml::Spanned<DeValue<'_>>, at: usize, keys: &mut Vec<String>) -> bool {
    let below = match value.get_ref() {
        DeValue::Table(table) => enter(table, at, keys),
        DeValue::Array(array) => array.iter().any(|value| enter_value(value, at, keys)),
        _ => false,
    };
    below || value.span().contains(&at)
}

/// A key that nobody knows.
struct Unknown<'a> {
    table: Vec<&'a str>,
    key: &'a str,
    known: Vec<&'a str>,
}

impl<'a> Unknown<'a> {
    /// Reads it from what serde says about `keys`, if that is what is wrong.
    fn of(keys: &'a [String], message: &'a str) -> Option<Self> {
        let rest = message.strip_prefix("unknown field `")?;
        // serde lists the known keys between backticks.
        let mut quoted = rest.split('`');
        let key = quoted.next().unwrap_or_default();
        let known = quoted.skip(1).step_by(2).collect();
        let mut table: Vec<&str> = keys.iter().map(String::as_str).collect();
        table.pop_if(|last| *last == key);
        Some(Self { table, key, known })
    }

    fn written(&self) -> String {
        dotted(&[self.table.as_slice(), &[self.key]].concat())
    }

    /// What to do instead.
    fn advice(&self) -> Option<&'static str> {
        refused::advice(&dotted(&self.table), self.key)
    }

    /// The key that was meant.
    fn near(&self) -> Option<&'a str> {
        nearest(self.key, &self.known)
    }
}

/// What serde says, as a sentence about the key.
fn problem(keys: &[String], message: &str) -> String {
    let Some(unknown) = Unknown::of(keys, message) else {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let message = message.replace('\n', " ");
        return if keys.is_empty() {
            message
        } else {
            format!("{}: {message}", dotted(&keys))
        };
    };
    let written = unknown.written();
    if let Some(advice) = unknown.advice() {
        return format!("wheelwright does not take {written}: {advice}");
    }
    match unknown.near() {
        Some(near) => format!("there is no key {written}; did you mean `{near}`?"),
        None => format!(
            "there is no key {written}; the keys here are: {}",
            unknown.known.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a = 1\n[b.c]\n\"d e\" = [\n  1,\n  { f = 2 },\n]\n[[g]]\nh = 1\n";

    #[test]
    fn lines_are_found() {
        for (keys, wanted) in [
            (&["a"][..], Some(1)),
            (&["b", "c", "d e"], Some(3)),
            (&["b", "c", "d e", "0"], Some(4)),
            (&["b", "c", "d e", "1", "f"], Some(5)),
            (&["b", "c", "missing"], Some(2)),
            (&["g", "0", "h"], Some(8)),
            (&["z"], None),
        ] {
            assert_eq!(line(TEXT, keys), wanted, "{keys:?}");
        }
        assert!(has(TEXT, &["b", "c"]) && !has(TEXT, &["b", "d"]));
        assert_eq!(dotted(&["b", "c", "d e", "0"]), "b.c.\"d e\"");
    }
}
