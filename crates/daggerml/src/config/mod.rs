//! Settings: of the user, and of one repository, which counts more.
//!
//! Two TOML files: `config.toml` in the user's configuration folder
//! ([`user_folder`]) and `.dml/config.toml`. Editing keeps comments, order and
//! keys that this version does not know. A key is written with dots: `user.name`.

mod keys;

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, Value};

pub use keys::{KEYS, KeyInfo, KeyType};

use crate::error::{Error, Result};
use crate::repo::FOLDER;

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
    /// The scope's name in text.
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
    path: PathBuf,
    document: DocumentMut,
}

/// The folder of the user's settings: `DML_CONFIG_DIR`, or `daggerml` in the
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
    /// Reads the settings that count in the repository in the folder `root`.
    pub fn of(root: Option<&Path>) -> Result<Self> {
        let user = user_folder().map(|folder| (Scope::User, folder.join(FILE)));
        let repository = root.map(|root| (Scope::Repository, root.join(FOLDER).join(FILE)));
        let files = user.into_iter().chain(repository);
        Ok(Self {
            files: files
                .map(|(scope, path)| File::read(scope, path))
                .collect::<Result<_>>()?,
        })
    }

    /// The setting of `key`: the repository's, else the user's.
    pub fn get(&self, key: &str) -> Result<Option<Setting>> {
        let parts = parts(key)?;
        Ok(self.files.iter().rev().find_map(|file| {
            let value = file.find(&parts)?.as_value()?;
            Some(Setting {
                key: key.to_owned(),
                value: text(value),
                scope: file.scope,
            })
        }))
    }

    /// The items of a setting that is a list.
    pub fn get_list(&self, key: &str) -> Result<Vec<String>> {
        self.list_where(key, |_| true)
    }

    /// The same, as `scope` alone says.
    pub fn get_list_in(&self, scope: Scope, key: &str) -> Result<Vec<String>> {
        self.list_where(key, |file| file.scope == scope)
    }

    fn list_where(&self, key: &str, counts: impl Fn(&File) -> bool) -> Result<Vec<String>> {
        let parts = parts(key)?;
        let found = self
            .files
            .iter()
            .rev()
            .filter(|file| counts(file))
            .find_map(|file| file.find(&parts)?.as_value());
        Ok(match found {
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            Some(one) => vec![text(one)],
            None => Vec::new(),
        })
    }

    /// All settings, in order of their keys; of one set twice, both, and the
    /// repository's, which counts, last.
    pub fn list(&self) -> Vec<Setting> {
        let mut found = Vec::new();
        for file in &self.files {
            collect(file.document.as_table(), "", file.scope, &mut found);
        }
        found.sort_by(|a, b| (&a.key, a.scope).cmp(&(&b.key, b.scope)));
        found
    }

    /// Sets `key` and writes the file. Text is kept as it is; a key of another
    /// type takes `true`, `false`, a number, or a list in TOML or with commas.
    pub fn set(&mut self, scope: Scope, key: &str, value: &str) -> Result<()> {
        let parts = parts(key)?;
        let value = keys::parse(key, value)?;
        if scope == Scope::Repository && keys::is_users(key) {
            return Err(keys::not_the_users(key));
        }
        let file = self.file(scope)?;
        let (last, tables) = parts.split_last().ok_or_else(|| keys::bad_key(key))?;
        let mut at = file.document.as_table_mut();
        for part in tables {
            let entry = at.entry(part).or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            });
            at = match entry {
                Item::Table(table) => table,
                _ => return Err(wrong(&file.path, format!("{part} is no table"))),
            };
        }
        at.insert(last, Item::Value(value));
        file.write()
    }

    /// Removes `key` and writes the file; whether it was set.
    pub fn unset(&mut self, scope: Scope, key: &str) -> Result<bool> {
        let parts = parts(key)?;
        let file = self.file(scope)?;
        let (last, tables) = parts.split_last().ok_or_else(|| keys::bad_key(key))?;
        let mut at = file.document.as_table_mut();
        for part in tables {
            match at.get_mut(part).and_then(Item::as_table_mut) {
                Some(table) => at = table,
                None => return Ok(false),
            }
        }
        if at.remove(last).is_none() {
            return Ok(false);
        }
        file.write()?;
        Ok(true)
    }

    fn file(&mut self, scope: Scope) -> Result<&mut File> {
        self.files
            .iter_mut()
            .find(|file| file.scope == scope)
            .ok_or_else(|| Error::Invalid {
                message: match scope {
                    Scope::User => {
                        "there is no home folder for the user's settings; set DML_CONFIG_DIR"
                    }
                    Scope::Repository => "there is no repository to set this for",
                }
                .to_owned(),
            })
    }
}

impl File {
    fn read(scope: Scope, path: PathBuf) -> Result<Self> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(wrong(&path, "it is not UTF-8 text".to_owned()));
            }
            Err(source) => {
                return Err(Error::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        let document = text.parse().map_err(|error: toml_edit::TomlError| {
            let detail = error.to_string();
            wrong(&path, format!("it is not TOML: {}", detail.trim_end()))
        })?;
        Ok(Self {
            scope,
            path,
            document,
        })
    }

    fn find(&self, parts: &[&str]) -> Option<&Item> {
        parts
            .iter()
            .try_fold(self.document.as_item(), |item, part| item.get(part))
    }

    /// Writes the file in one step, so that a crash leaves the old one or the new.
    fn write(&self) -> Result<()> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io {
                action,
                path,
                source,
            }
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let new = self
            .path
            .with_extension(format!("toml.{}", std::process::id()));
        let written = std::fs::write(&new, self.document.to_string())
            .and_then(|()| std::fs::rename(&new, &self.path))
            .map_err(failed("write", &self.path));
        if written.is_err() {
            // Best effort: the failure itself is what to report.
            let _ = std::fs::remove_file(&new);
        }
        written
    }
}

fn wrong(path: &Path, detail: String) -> Error {
    Error::Config {
        path: path.to_owned(),
        detail,
    }
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

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.value().clone(),
        other => other.to_string().trim().to_owned(),
    }
}

fn collect(table: &Table, prefix: &str, scope: Scope, found: &mut Vec<Setting>) {
    for (key, item) in table {
        let key = format!("{prefix}{key}");
        match item {
            Item::Table(table) => collect(table, &format!("{key}."), scope, found),
            Item::Value(value) => found.push(Setting {
                key,
                value: text(value),
                scope,
            }),
            Item::None | Item::ArrayOfTables(_) => {}
        }
    }
}
