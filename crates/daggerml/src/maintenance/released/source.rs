//! The store of daggerml 0.1: an LMDB file with one table for each kind of object, and
//! files with the names of commits beside it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::packed::Packed;
use crate::error::{Error, Result, failed};
use crate::sorting::sort_by;
use crate::store::pages::{Damage, Map, Meta, Root, View, meta};

/// Tables of objects that are not brought over, and what they hold.
const LEFT: [(&str, &str); 3] = [
    ("index", "open DAGs"),
    ("frozenindex", "frozen DAGs"),
    ("deletable", "resources to be deleted"),
];

/// A name that stands for a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    pub name: String,
    /// The id that it has there.
    pub commit: String,
}

/// A repository of daggerml 0.1, to be read.
pub(super) struct Source {
    folder: PathBuf,
    file: PathBuf,
    view: View,
}

impl Source {
    /// Opens the repository in the folder `path`, or the `.dml` in it.
    pub fn open(path: &Path) -> Result<Self> {
        let inner = path.join(".dml");
        let folder = if is_folder(&inner) {
            inner
        } else {
            path.to_owned()
        };
        let file = folder.join("db").join("data.mdb");
        #[expect(clippy::disallowed_methods, reason = "the user names it, to be read")]
        let opened = match std::fs::File::open(&file) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NotFound {
                    what: "repository of daggerml 0.1",
                    name: path.display().to_string(),
                    place: file.display().to_string(),
                }
                .into());
            }
            Err(source) => return Err(failed("read", &file)(source)),
        };
        let length = opened.metadata().map_err(failed("read", &file))?;
        let length = length.len();
        let [first, second] = meta::read_both(&opened, &file)?;
        let meta: Meta = if second.txn > first.txn {
            second
        } else {
            first
        };
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        let map = Map::new(&opened, bytes).map_err(failed("read", &file))?;
        let source = Self {
            view: View::new(Arc::new(map), meta, length),
            folder,
            file,
        };
        if source.table("commit")?.is_none() || source.table("node-fn")?.is_none() {
            return Err(Error::StoreUnsupported {
                path: source.file,
                detail: "it is not a store of daggerml 0.1.7: it has no tables `commit` and \
                         `node-fn`"
                    .to_owned(),
            }
            .into());
        }
        Ok(source)
    }

    fn table(&self, name: &str) -> Result<Option<Root>> {
        Root::table(&self.view, name).map_err(|damage| self.damaged(&damage))
    }

    /// Returns the object `reference` (`dag:1f0c...`); `None` when it is not there.
    pub fn object(&self, reference: &str) -> Result<Option<Packed>> {
        let Some((table, id)) = reference.split_once(':') else {
            return Err(self.broken(reference, "it is not the name of an object"));
        };
        let Some(root) = self.table(table)? else {
            return Ok(None);
        };
        let found = root.find(&self.view, id.as_bytes(), true);
        let Some((leaf, index)) = found.map_err(|damage| self.damaged(&damage))? else {
            return Ok(None);
        };
        let bytes = leaf.value(&self.view, index);
        let bytes = bytes.map_err(|damage| self.damaged(&damage))?;
        let object = Packed::read(bytes).map_err(|detail| self.broken(reference, &detail))?;
        Ok(Some(object))
    }

    /// Returns the local branches or tags.
    pub fn pointers(&self, kind: &str) -> Result<Vec<Pointer>> {
        let folder = self.folder.join("refs").join("local").join(kind);
        let mut found = Vec::new();
        for (name, path) in entries(&folder)? {
            let commit = text(&path)?;
            let name = decoded(&name);
            found.push(Pointer {
                name,
                commit: commit.trim().to_owned(),
            });
        }
        Ok(found)
    }

    /// Returns the branch that is checked out; `None` when it is a commit.
    pub fn branch(&self) -> Result<Option<String>> {
        let head = text(&self.folder.join("HEAD"))?;
        let name = head.trim().strip_prefix("ref: refs/local/heads/");
        Ok(name.map(decoded))
    }

    /// Returns what else is there, and is not brought over: how many of what.
    pub fn left(&self) -> Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for (table, what) in LEFT {
            if let Some(root) = self.table(table)?
                && root.entries > 0
            {
                found.push((what.to_owned(), root.entries));
            }
        }
        for (name, path) in entries(&self.folder.join("refs"))? {
            if name != "local" {
                let number = entries(&path)?.len();
                found.push((format!("refs of `{name}`"), number as u64));
            }
        }
        if let Ok(settings) = text(&self.folder.join("config.json"))
            && let Ok(serde_json::Value::Object(settings)) = serde_json::from_str(&settings)
            && !settings.is_empty()
        {
            let names: Vec<_> = settings.keys().map(String::as_str).collect();
            let what = format!("settings ({})", names.join(", "));
            found.push((what, settings.len() as u64));
        }
        Ok(found)
    }

    /// Returns the error for an object that is damaged.
    pub fn broken(&self, reference: &str, detail: &str) -> Box<Error> {
        Error::StoreDamaged {
            path: self.file.clone(),
            detail: format!("object {reference}: {detail}"),
        }
        .into()
    }

    fn damaged(&self, damage: &Damage) -> Box<Error> {
        Error::StoreDamaged {
            path: self.file.clone(),
            detail: format!("page {}: {}", damage.page, damage.detail),
        }
        .into()
    }
}

#[expect(clippy::disallowed_methods, reason = "the user names it, to be read")]
fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

#[expect(clippy::disallowed_methods, reason = "the user names it, to be read")]
fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(failed("read", path))
}

/// Returns the entries of a folder, in the order of their names; none if it is not there.
#[expect(clippy::disallowed_methods, reason = "the user names it, to be read")]
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let read = match std::fs::read_dir(folder) {
        Ok(read) => read,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(source) => return Err(failed("read", folder)(source)),
    };
    let mut found = Vec::new();
    for entry in read {
        let entry = entry.map_err(failed("read", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push((name, entry.path()));
    }
    sort_by(&mut found, Ord::cmp);
    Ok(found)
}

/// Returns a name of a file, without its percent signs.
fn decoded(name: &str) -> String {
    let mut found = Vec::new();
    let mut rest = name.as_bytes();
    while let [first, more @ ..] = rest {
        let code = match more {
            [a, b, ..] if *first == b'%' => std::str::from_utf8(&[*a, *b])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        found.push(code.unwrap_or(*first));
        rest = match code {
            Some(_) => more.get(2..).unwrap_or_default(),
            None => more,
        };
    }
    String::from_utf8_lossy(&found).into_owned()
}
