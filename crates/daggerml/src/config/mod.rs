//! Settings: of the user and of one repository. The repository's count more.
//!
//! Two TOML files: `config.toml` in the user's configuration folder
//! ([`user_folder`]) and `.dml/config.toml`. Editing keeps comments, order and
//! keys that this version does not know. A key is written with dots: `user.name`.

mod date;
mod fault;
mod keys;
mod place;
mod read;
#[cfg(test)]
mod tests;
mod tree;

use std::path::{Path, PathBuf};

pub use keys::{KEYS, KeyInfo, KeyType, OF_REMOTES, is_known, similar};

use crate::error::{Error, Result};
use crate::sorting::sort_by;
use place::UserFolder;
use tree::{Document, Item, Kind, Table};

pub(crate) use place::{MAX_FILE, Place};

/// The file's name, in both places.
pub const FILE: &str = "config.toml";

/// Whose settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The user's, for all repositories.
    User,
    /// The repository's.
    Repository,
}

impl Scope {
    /// Returns the scope's name in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Repository => "repository",
        }
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key, with dots.
    pub key: String,
    /// The value: text as it is, anything else as in TOML.
    pub value: String,
    /// Where it is set.
    pub scope: Scope,
}

/// The settings that count for a repository, or for none.
#[derive(Debug)]
pub struct Config {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    scope: Scope,
    place: Box<dyn Place>,
    document: Document,
}

/// Returns the folder of the user's settings: `DML_CONFIG_DIR`, or `daggerml` in the
/// system's place for configuration. `None` for a user without a home.
pub fn user_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|text| !text.is_empty());
    if let Some(folder) = variable("DML_CONFIG_DIR") {
        return Some(folder.into());
    }
    let base = if cfg!(windows) {
        variable("APPDATA").map(PathBuf::from)
    } else {
        let set = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        // The XDG specification says to ignore a relative path.
        set.filter(|path| path.is_absolute())
            .or_else(|| Some(std::env::home_dir()?.join(".config")))
    };
    base.map(|base| base.join("daggerml"))
}

impl Config {
    /// Reads the user's settings alone.
    pub fn of_user() -> Result<Self> {
        let mut files = Vec::new();
        if let Some(folder) = user_folder() {
            files.push(File::read(Scope::User, Box::new(UserFolder(folder)))?);
        }
        Ok(Self { files })
    }

    /// Reads the user's settings and those of a repository, which are at `place`.
    pub(crate) fn with_repository(place: Box<dyn Place>) -> Result<Self> {
        let mut config = Self::of_user()?;
        config.files.push(File::read(Scope::Repository, place)?);
        Ok(config)
    }

    /// Returns the setting of `key`: the repository's, if it may say that, else the user's.
    pub fn get(&self, key: &str) -> Result<Option<Setting>> {
        let parts = parts(key)?;
        let counts = |file: &&File| file.counts(key);
        Ok(self.files.iter().rev().filter(counts).find_map(|file| {
            let value = file.document.find(&parts)?;
            Some(Setting {
                key: key.to_owned(),
                value: file.document.show(value),
                scope: file.scope,
            })
        }))
    }

    /// Returns the items of a setting that is a list.
    pub fn get_list(&self, key: &str) -> Result<Vec<String>> {
        self.list_where(key, |file| file.counts(key))
    }

    /// Returns the items of a setting that is a list, as set in `scope` alone.
    pub fn get_list_in(&self, scope: Scope, key: &str) -> Result<Vec<String>> {
        self.list_where(key, |file| file.scope == scope)
    }

    fn list_where(&self, key: &str, counts: impl Fn(&File) -> bool) -> Result<Vec<String>> {
        let parts = parts(key)?;
        let counting = self.files.iter().rev().filter(|file| counts(file));
        for file in counting {
            let document = &file.document;
            if let Some(value) = document.find(&parts) {
                return Ok(match &value.kind {
                    Kind::List(items) => items.iter().map(|item| document.show(item)).collect(),
                    _ => vec![document.show(value)],
                });
            }
        }
        Ok(Vec::new())
    }

    /// Returns all settings, in order of their keys; of one set twice, both, and the
    /// repository's, which counts, last. What the repository may not say is left out.
    pub fn list(&self) -> Vec<Setting> {
        let mut found = Vec::new();
        for file in &self.files {
            collect(file, &file.document.root, "", &mut found);
        }
        found.retain(|s| s.scope == Scope::User || !keys::is_users(&s.key));
        sort_by(&mut found, |a, b| (&a.key, a.scope).cmp(&(&b.key, b.scope)));
        found
    }

    /// Sets `key` and writes the file. Text is kept as it is; a key of another
    /// type takes `true`, `false`, a number, or a list in TOML or with commas.
    pub fn set(&mut self, scope: Scope, key: &str, value: &str) -> Result<()> {
        self.insert(scope, key, &keys::parse(key, value)?)
    }

    /// Adds `item` to the list `key` and writes the file. Returns whether it was not there.
    pub fn add(&mut self, scope: Scope, key: &str, item: &str) -> Result<bool> {
        if keys::type_of(key)? != KeyType::List {
            return Err(Error::Invalid {
                message: format!("{key} has one value and is no list to add to; set it"),
            }
            .into());
        }
        let mut items = self.get_list_in(scope, key)?;
        let item = keys::item(key, item);
        if items.contains(&item) {
            return Ok(false);
        }
        items.push(item);
        self.insert(scope, key, &tree::list(items))?;
        Ok(true)
    }

    fn insert(&mut self, scope: Scope, key: &str, value: &str) -> Result<()> {
        let parts = parts(key)?;
        if scope == Scope::Repository && keys::is_users(key) {
            return Err(keys::not_the_users(key));
        }
        let file = self.file(scope)?;
        let set = file.document.set(&parts, value);
        set.map_err(|why| wrong(&file.place.path(), why))?;
        file.write()
    }

    /// Removes `key` and writes the file. Returns whether it was set.
    pub fn unset(&mut self, scope: Scope, key: &str) -> Result<bool> {
        let parts = parts(key)?;
        let file = self.file(scope)?;
        let unset = file.document.unset(&parts);
        if !unset.map_err(|why| wrong(&file.place.path(), why))? {
            return Ok(false);
        }
        file.write()?;
        Ok(true)
    }

    fn file(&mut self, scope: Scope) -> Result<&mut File> {
        self.files
            .iter_mut()
            .find(|file| file.scope == scope)
            .ok_or_else(|| {
                Error::Invalid {
                    message: match scope {
                        Scope::User => {
                            "there is no home folder for the user's settings; set DML_CONFIG_DIR"
                        }
                        Scope::Repository => "there is no repository to set this for",
                    }
                    .to_owned(),
                }
                .into()
            })
    }
}

impl File {
    fn read(scope: Scope, place: Box<dyn Place>) -> Result<Self> {
        let bytes = place.read()?.unwrap_or_default();
        let text = String::from_utf8(bytes)
            .map_err(|_| wrong(&place.path(), "it is not UTF-8 text".to_owned()))?;
        let document = Document::parse(text)
            .map_err(|fault| wrong(&place.path(), format!("it is not TOML: {fault}")))?;
        Ok(Self {
            scope,
            place,
            document,
        })
    }

    /// Returns whether what it says of `key` counts.
    fn counts(&self, key: &str) -> bool {
        self.scope == Scope::User || !keys::is_users(key)
    }

    fn write(&self) -> Result<()> {
        self.place.write(self.document.text().as_bytes())
    }
}

fn wrong(path: &Path, detail: String) -> Box<Error> {
    Error::Config {
        path: path.to_owned(),
        detail,
    }
    .into()
}

fn parts(key: &str) -> Result<Vec<&str>> {
    let parts: Vec<_> = key.split('.').collect();
    let fine = |part: &&str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if parts.len() > 1 && parts.iter().all(fine) {
        return Ok(parts);
    }
    Err(keys::bad_key(key))
}

fn collect(file: &File, table: &Table, prefix: &str, found: &mut Vec<Setting>) {
    for (key, item) in &table.items {
        let key = format!("{prefix}{key}");
        match item {
            Item::Table(table) => collect(file, table, &format!("{key}."), found),
            Item::Value(value) => found.push(Setting {
                key,
                value: file.document.show(value),
                scope: file.scope,
            }),
            Item::Tables(_) => {}
        }
    }
}
