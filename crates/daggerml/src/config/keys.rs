//! The settings that there are.

use toml_edit::{Array, Value};

use crate::error::{Error, Result};
use crate::repo::revision::suggest;

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// Any text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number, not negative.
    Number,
    /// A list of texts.
    List,
}

/// A setting that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The key.
    pub key: &'static str,
    /// What it may be.
    pub key_type: KeyType,
    /// What it does.
    pub about: &'static str,
}

/// The settings that there are, beside those of adapters: `adapter.NAME.KEY`.
pub const KEYS: &[KeyInfo] = &[
    KeyInfo {
        key: "user.name",
        key_type: KeyType::Text,
        about: "who commits are said to be by",
    },
    KeyInfo {
        key: "adapters.allow",
        key_type: KeyType::List,
        about: "names of adapters that may run, beside the installed ones",
    },
];

/// Settings of one adapter that the engine knows: the last part of the key.
const OF_ADAPTERS: &[(&str, KeyType)] = &[
    ("command", KeyType::List),     // only the user's settings count
    ("processes", KeyType::Number), // how many stay warm
];

/// The value that `text` is for `key`.
pub(super) fn parse(key: &str, text: &str) -> Result<Value> {
    let known = KEYS.iter().find(|info| info.key == key);
    let of_adapter = || {
        let (_, last) = key.strip_prefix("adapter.")?.split_once('.')?;
        let known = OF_ADAPTERS.iter().find(|(name, _)| *name == last);
        Some(known.map_or(KeyType::Text, |(_, key_type)| *key_type))
    };
    let Some(key_type) = known.map(|info| info.key_type).or_else(of_adapter) else {
        return Err(Error::NotFoundNear {
            what: "setting",
            name: key.to_owned(),
            place: String::new(),
            similar: suggest::nearest(key, KEYS.iter().map(|info| info.key)),
        });
    };
    let wrong = |wanted: &str| Error::Invalid {
        message: format!("{key} must be {wanted}, not {text:?}"),
    };
    Ok(match key_type {
        KeyType::Text => Value::from(text),
        KeyType::Bool => Value::from(text.parse::<bool>().map_err(|_| wrong("true or false"))?),
        KeyType::Number => {
            let number: u32 = text.parse().map_err(|_| wrong("a whole number"))?;
            Value::from(i64::from(number))
        }
        KeyType::List if text.trim_start().starts_with('[') => match text.parse::<Value>() {
            Ok(Value::Array(items)) if items.iter().all(|item| item.as_str().is_some()) => {
                Value::Array(items)
            }
            _ => return Err(wrong("a list of texts")),
        },
        KeyType::List => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Value::Array(items.collect::<Array>())
        }
    })
}

/// Whether only the user's settings are asked for `key`: what programs may run is not
/// said by a repository, which may come from anybody.
pub(super) fn is_users(key: &str) -> bool {
    let command = |rest: &str| rest.ends_with(".command");
    key == "adapters.allow" || key.strip_prefix("adapter.").is_some_and(command)
}

pub(super) fn not_the_users(key: &str) -> Error {
    Error::Invalid {
        message: format!(
            "{key} counts in your own settings only, since a repository may come from anybody; \
             set it with --user (in Python: user=True)"
        ),
    }
}

pub(super) fn bad_key(key: &str) -> Error {
    Error::Invalid {
        message: format!(
            "{key:?} cannot be a setting: write a section, a dot and a name, such as user.name"
        ),
    }
}
