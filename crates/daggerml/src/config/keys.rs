//! The settings that there are.

use super::read;
use super::tree::{Kind, Value, list, quoted};
use crate::error::{Error, Result};
use crate::suggest;
use crate::well_known::{SAFE, TRUSTED_REMOTES};

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
    /// Some of these words, with commas between them.
    Words(&'static [&'static str]),
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
    /// Whether a repository may set it, too. That is never so for what names a program, a
    /// place outside of the repository or a secret: a repository may come from anybody.
    pub by_repository: bool,
}

/// The settings that there are, beside those of adapters, remotes and helpers:
/// `adapter.NAME.KEY`, `remote.NAME.KEY`, `helper.SCHEME.KEY`.
pub const KEYS: &[KeyInfo] = &[
    KeyInfo {
        key: "user.name",
        key_type: KeyType::Text,
        about: "who commits are said to be by",
        by_repository: true,
    },
    KeyInfo {
        key: "adapters.allow",
        key_type: KeyType::List,
        about: "names of adapters that may run, beside the installed ones",
        by_repository: false,
    },
    KeyInfo {
        key: "helpers.allow",
        key_type: KeyType::List,
        about: "schemes of remotes whose helpers may run, beside the installed ones",
        by_repository: false,
    },
    KeyInfo {
        key: SAFE,
        key_type: KeyType::List,
        about: "folders whose repositories are used though they are another user's",
        by_repository: false,
    },
    KeyInfo {
        key: TRUSTED_REMOTES,
        key_type: KeyType::List,
        about: "addresses of remotes whose results of calls are taken for true",
        by_repository: false,
    },
];

/// Settings of one remote: the last part of the key, and what it does. A repository says them
/// itself; those about calls count for remotes that the user trusts.
pub const OF_REMOTES: &[(&str, KeyType, &str)] = &[
    ("url", KeyType::Text, "the address of the remote NAME"),
    (
        "filter",
        KeyType::Text,
        "which values stay there until they are read: values:SIZE, or none",
    ),
    (
        "calls",
        KeyType::Words(&["read", "write", "off"]),
        "whether results of calls are shared there: read, write, read,write or off",
    ),
    (
        "claims",
        KeyType::Bool,
        "whether one machine at a time runs a call that is shared there",
    ),
    (
        "result-days",
        KeyType::Number,
        "for how many days a shared result stays that no branch or tag names (90)",
    ),
];

/// Settings of one adapter that the engine knows: the last part of the key, and
/// whether a repository may say it.
pub(super) const OF_ADAPTERS: &[(&str, KeyType, bool)] = &[
    ("command", KeyType::List, false),
    ("processes", KeyType::Number, true), // how many stay warm
];

/// Returns what kind of value `key` has, and whether a repository may say it; `None` when there
/// is no such setting.
fn known(key: &str) -> Option<(KeyType, bool)> {
    if let Some(info) = KEYS.iter().find(|info| info.key == key) {
        return Some((info.key_type, info.by_repository));
    }
    if let Some(rest) = key.strip_prefix("remote.") {
        let (_, last) = rest.split_once('.')?;
        let found = OF_REMOTES.iter().find(|(name, ..)| *name == last)?;
        return Some((found.1, true));
    }
    if let Some(rest) = key.strip_prefix("helper.") {
        // `helper.ssh.dml` names a program, too: on the other machine.
        let (_, last) = rest.split_once('.')?;
        return matches!(last, "command" | "dml").then_some((KeyType::List, false));
    }
    let (_, last) = key.strip_prefix("adapter.")?.split_once('.')?;
    let found = OF_ADAPTERS.iter().find(|(name, ..)| *name == last);
    // The engine does not know what an adapter does with settings of its own.
    Some(
        found.map_or((KeyType::Text, false), |(_, key_type, by_repository)| {
            (*key_type, *by_repository)
        }),
    )
}

/// Returns what kind of value `key` has.
pub(super) fn type_of(key: &str) -> Result<KeyType> {
    known(key).map(|(key_type, _)| key_type).ok_or_else(|| {
        Error::NotFoundNear {
            what: "setting",
            name: key.to_owned(),
            place: String::new(),
            similar: similar(key),
        }
        .into()
    })
}

/// Returns whether there is such a setting.
pub fn is_known(key: &str) -> bool {
    known(key).is_some()
}

/// Returns the keys that may have been meant by one that is not known.
pub fn similar(key: &str) -> Vec<String> {
    if let Some((remote, last)) = key
        .strip_prefix("remote.")
        .and_then(|rest| rest.split_once('.'))
    {
        let near = suggest::nearest(last, OF_REMOTES.iter().map(|(name, ..)| *name));
        return near
            .into_iter()
            .map(|name| format!("remote.{remote}.{name}"))
            .collect();
    }
    suggest::nearest(key, KEYS.iter().map(|info| info.key))
}

/// Returns what the item `text` of the list `key` is kept as.
pub(super) fn item(key: &str, text: &str) -> String {
    // A relative path would mean another folder in each working directory.
    match std::path::absolute(text) {
        Ok(path) if key == SAFE && text != "*" => path.display().to_string(),
        _ => text.to_owned(),
    }
}

/// Returns the value that `text` is for `key`, as it is written in TOML.
pub(super) fn parse(key: &str, text: &str) -> Result<String> {
    let key_type = type_of(key)?;
    let wrong = |wanted: &str| Error::Invalid {
        message: format!("{key} must be {wanted}, not {text:?}"),
    };
    Ok(match key_type {
        KeyType::Text => quoted(text),
        KeyType::Words(words) => {
            let mut given = text.split(',').map(str::trim);
            if !given.all(|word| words.contains(&word)) {
                return Err(wrong(&format!(
                    "{} or several of them with commas",
                    words.join(", ")
                ))
                .into());
            }
            quoted(text)
        }
        KeyType::Bool if matches!(text, "true" | "false") => text.to_owned(),
        KeyType::Bool => return Err(wrong("true or false").into()),
        KeyType::Number => {
            let number: u32 = text.parse().map_err(|_| wrong("a whole number"))?;
            number.to_string()
        }
        KeyType::List => {
            let items = if text.trim_start().starts_with('[') {
                texts(text).ok_or_else(|| wrong("a list of texts"))?
            } else {
                let items = text.split(',').map(str::trim);
                items
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect()
            };
            list(items.iter().map(|text| item(key, text)))
        }
    })
}

/// Returns the items of `text`, when that is a list of texts in TOML.
fn texts(text: &str) -> Option<Vec<String>> {
    let Value {
        kind: Kind::List(items),
        ..
    } = read::value(text).ok()?
    else {
        return None;
    };
    let text = |item: Value| match item.kind {
        Kind::Text(text) => Some(text),
        _ => None,
    };
    items.into_iter().map(text).collect()
}

/// Returns whether `key` counts in the user's settings only. A key that this version does
/// not know is never looked up.
pub(super) fn is_users(key: &str) -> bool {
    known(key).is_some_and(|(_, by_repository)| !by_repository)
}

pub(super) fn not_the_users(key: &str) -> Box<Error> {
    Error::Invalid {
        message: format!(
            "{key} counts in your own settings only, since a repository may come from anybody; \
             set it with --user (in Python: user=True)"
        ),
    }
    .into()
}

pub(super) fn bad_key(key: &str) -> Box<Error> {
    Error::Invalid {
        message: format!(
            "{key:?} cannot be a setting: write a section, a dot and a name, such as user.name"
        ),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_there_are() {
        let key = "remote.origin.calls";
        assert!(parse(key, "read, write").is_ok());
        let text = parse(key, "read,banana").unwrap_err().to_string();
        assert!(text.contains("read, write, off"), "{text}");
    }
}
