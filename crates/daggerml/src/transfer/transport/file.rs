//! A folder as a place of blobs: on a shared disk, or on one that is carried.
//!
//! A blob is a file of the same name. It is written under another name, made durable and
//! then given its own, so nobody sees a part of it. Nothing is opened by a path: see
//! [`crate::folder`]. Whose the files are is not judged, since a team shares them, and what
//! is in them is verified.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::key::is_segment;
use super::{Address, Description, Entry, Etag, Got, Key, Put, Swap, Transport};
use crate::error::{Error, RemoteError, Result};
use crate::folder::{Access, Folder, Kind};

/// The file that whoever swaps a blob holds a lock on. No key begins with a dot.
const LOCK: &str = ".lock";

/// What the names of files begin with that are not whole yet.
const TEMPORARY: &str = ".new";

/// The age from which such a file is taken for the rest of a process that died.
const ABANDONED: Duration = Duration::from_hours(24);

/// The most entries of an answer of `list`.
const PAGE: usize = 1000;

/// The most bytes of a blob whose mark is a hash of them; a larger one is never swapped.
const HASHED: u64 = 64 << 20;

/// A folder.
pub(super) struct File {
    root: PathBuf,
    address: String,
    /// Only one thread at a time swaps: a lock of the system may be the process's.
    swapping: Mutex<()>,
}

impl File {
    pub fn new(path: &std::path::Path, address: &Address) -> Self {
        Self {
            root: path.to_owned(),
            address: address.to_string(),
            swapping: Mutex::new(()),
        }
    }

    /// Runs one verb; its failure says which it was.
    fn verb<T>(&self, verb: &'static str, key: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        run().map_err(|error| match &*error {
            Error::Io { source, action, .. } => {
                RemoteError::of_io(&self.address, verb, key, action, source).into()
            }
            _ => error,
        })
    }

    /// Returns the folder; `None` when there is none.
    fn root(&self) -> Result<Option<Folder>> {
        Folder::of_remote(&self.root)
    }

    /// Returns the folder and the name of the blob `key` in it; `None` when there is no
    /// such folder.
    fn place(&self, key: &Key) -> Result<Option<(Folder, String)>> {
        let mut segments: Vec<&str> = key.as_str().split('/').collect();
        let name = segments.pop().unwrap_or_default().to_owned();
        let Some(mut folder) = self.root()? else {
            return Ok(None);
        };
        for segment in segments {
            match folder.folder(segment)? {
                Some(inner) => folder = inner,
                None => return Ok(None),
            }
        }
        Ok(Some((folder, name)))
    }

    /// Does the same and makes the folders that are missing.
    fn place_or_new(&self, key: &Key) -> Result<(Folder, String)> {
        let mut segments: Vec<&str> = key.as_str().split('/').collect();
        let name = segments.pop().unwrap_or_default().to_owned();
        let mut folder = self.root_or_new()?;
        for segment in segments {
            folder = folder.durable_folder(segment)?;
        }
        Ok((folder, name))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the user says where the remote is"
    )]
    fn root_or_new(&self) -> Result<Folder> {
        if let Some(root) = self.root()? {
            return Ok(root);
        }
        let failed = |source| {
            Box::new(Error::Io {
                action: "make",
                path: self.root.clone(),
                source,
            })
        };
        std::fs::create_dir_all(&self.root).map_err(failed)?;
        self.root()?
            .ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>, limit: u64) -> Result<Got> {
        let Some((folder, name)) = self.place(key)? else {
            return Ok(Got::Missing);
        };
        let Some(mut file) = folder.file(&name, Access::Read)? else {
            return Ok(Got::Missing);
        };
        let failed = |source| Error::Io {
            action: "read",
            path: folder.path().join(&name),
            source,
        };
        let size = file.metadata().map_err(failed)?.len();
        let whole = range.is_none();
        let range = range.unwrap_or(0..size);
        let end = range.end.min(size);
        let length = end.saturating_sub(range.start);
        if length > limit {
            return Err(RemoteError::TooLarge {
                remote: self.address.clone(),
                key: key.to_string(),
                limit,
            }
            .into());
        }
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        let etag = if whole && size <= HASHED {
            of_content(&bytes)?
        } else {
            // Such a blob is named by its content, so it has one version.
            Etag::new(&format!("{size} bytes"))?
        };
        Ok(Got::Found { etag, size, bytes })
    }

    fn swap_locked(&self, key: &Key, bytes: &[u8], expected: Option<&Etag>) -> Result<Swap> {
        let _swapping = self
            .swapping
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let root = self.root_or_new()?;
        let lock = root.lock_file(LOCK)?;
        lock.lock().map_err(|source| Error::Io {
            action: "lock",
            path: self.root.join(LOCK),
            source,
        })?;
        let now = match self.read(key, None, HASHED)? {
            Got::Found { etag, .. } => Some(etag),
            _ => None,
        };
        if now.as_ref() != expected {
            return Ok(Swap::Changed);
        }
        let (folder, name) = self.place_or_new(key)?;
        folder.replace_durably(TEMPORARY, &name, bytes)?;
        Ok(Swap::Swapped(of_content(bytes)?))
    }

    fn gather(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>> {
        let mut list = List {
            prefix,
            after: after.unwrap_or_default(),
            found: Vec::new(),
            abandoned: SystemTime::now()
                .checked_sub(ABANDONED)
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                .and_then(|time| i64::try_from(time.as_secs()).ok())
                .unwrap_or_default(),
        };
        if let Some(root) = self.root()? {
            list.walk(&root, "")?;
        }
        Ok(list.found)
    }
}

/// Returns the mark of what has this content.
fn of_content(bytes: &[u8]) -> Result<Etag> {
    Etag::new(blake3::hash(bytes).to_hex().as_str())
}

/// A walk through folders, in order of the keys.
struct List<'l> {
    prefix: &'l str,
    after: &'l str,
    found: Vec<Entry>,
    /// Files that are not whole and were written before this moment are removed.
    abandoned: i64,
}

impl List<'_> {
    /// Visits what is in `folder`, whose keys begin with `path`.
    fn walk(&mut self, folder: &Folder, path: &str) -> Result<()> {
        let mut names = Vec::new();
        for name in folder.names()? {
            if let Some(facts) = folder.look(&name)? {
                if name.starts_with(TEMPORARY) && facts.modified < self.abandoned {
                    let _ = folder.remove(&name); // Whoever may write will do it.
                }
                // The slash counts: `a-b` comes before `a/b`, which comes before `a0`.
                let end = match facts.kind {
                    Kind::Folder => "/",
                    Kind::File => "",
                    _ => continue,
                };
                if is_segment(&name) {
                    names.push((format!("{path}{name}{end}"), name, facts));
                }
            }
        }
        crate::sorting::sort_by(&mut names, |(a, ..), (b, ..)| a.cmp(b));
        for (key, name, facts) in names {
            if self.found.len() >= PAGE {
                break;
            }
            if facts.kind == Kind::Folder {
                let may_hold = key.starts_with(self.prefix) || self.prefix.starts_with(&key);
                let all_before = key.as_str() < self.after && !self.after.starts_with(&key);
                if may_hold
                    && !all_before
                    && Key::new(key.trim_end_matches('/')).is_ok()
                    && let Some(inner) = folder.folder(&name)?
                {
                    self.walk(&inner, &key)?;
                }
            } else if key.starts_with(self.prefix)
                && key.as_str() > self.after
                && let Ok(key) = Key::new(&key)
            {
                self.found.push(Entry {
                    key,
                    bytes: facts.length,
                    modified: Some(facts.modified),
                });
            }
        }
        Ok(())
    }
}

impl Transport for File {
    fn describe(&self) -> Result<Description> {
        Ok(Description {
            address: self.address.clone(),
            writable: true,
            ranges: true,
            largest: None,
            page: PAGE as u64,
        })
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>> {
        self.verb("list", prefix, || self.gather(prefix, after))
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        known: Option<&Etag>,
        limit: u64,
    ) -> Result<Got> {
        self.verb("get", key.as_str(), || {
            Ok(match self.read(key, range, limit)? {
                Got::Found { etag, .. } if known == Some(&etag) => Got::Unchanged,
                got => got,
            })
        })
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> Result<Put> {
        self.verb("put", key.as_str(), || {
            let (folder, name) = self.place_or_new(key)?;
            if folder.look(&name)?.is_some() {
                return Ok(Put::Exists);
            }
            Ok(if folder.publish_durably(TEMPORARY, &name, bytes)? {
                Put::Created
            } else {
                Put::Exists
            })
        })
    }

    fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Etag>) -> Result<Swap> {
        self.verb("swap", key.as_str(), || {
            self.swap_locked(key, bytes, expected)
        })
    }

    fn delete(&self, key: &Key) -> Result<()> {
        self.verb("delete", key.as_str(), || {
            let Some((folder, name)) = self.place(key)? else {
                return Ok(());
            };
            match folder.remove(&name) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                removed => removed.map_err(|source| {
                    Error::Io {
                        action: "remove",
                        path: folder.path().join(&name),
                        source,
                    }
                    .into()
                }),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{OpenOptions, open};
    use super::*;

    fn at(root: &Path) -> Box<dyn Transport> {
        let address = Address::parse(root.to_str().unwrap(), Path::new("/")).unwrap();
        open(&address, &OpenOptions::default()).unwrap()
    }

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    fn bytes(got: Got) -> (Etag, u64, Vec<u8>) {
        match got {
            Got::Found { etag, size, bytes } => (etag, size, bytes),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn blobs_are_made_once_and_read_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let remote = at(&folder.path().join("new/one"));
        let (a, most) = (key("packs/ab/x"), u64::MAX);
        assert_eq!(remote.get(&a, None, None, most).unwrap(), Got::Missing);
        assert_eq!(remote.list("", None).unwrap(), []);
        remote.delete(&a).unwrap();
        assert_eq!(remote.put(&a, b"0123456789").unwrap(), Put::Created);
        assert_eq!(remote.put(&a, b"other").unwrap(), Put::Exists);
        let (etag, size, found) = bytes(remote.get(&a, None, None, most).unwrap());
        assert_eq!((size, &found[..]), (10, &b"0123456789"[..]));
        let known = remote.get(&a, None, Some(&etag), most).unwrap();
        assert_eq!(known, Got::Unchanged);
        for (range, wanted) in [(2..4, "23"), (8..99, "89"), (10..11, ""), (20..30, "")] {
            let (_, size, found) = bytes(remote.get(&a, Some(range), None, 2).unwrap());
            assert_eq!((size, &found[..]), (10, wanted.as_bytes()));
        }
        let error = remote.get(&a, None, None, 9).unwrap_err();
        assert!(matches!(
            *error,
            Error::Remote(RemoteError::TooLarge { limit: 9, .. })
        ));
        remote.delete(&a).unwrap();
        assert_eq!(remote.get(&a, None, None, most).unwrap(), Got::Missing);
    }

    #[test]
    fn of_many_swaps_of_one_version_one_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let refs = key("refs");
        let count = |expected: Option<&Etag>, round: usize| {
            std::thread::scope(|scope| {
                let each = (0..8).map(|number| {
                    let (root, refs) = (folder.path(), &refs);
                    scope.spawn(move || {
                        let text = format!("{round} {number}");
                        at(root).swap(refs, text.as_bytes(), expected).unwrap()
                    })
                });
                let each: Vec<_> = each.collect();
                let done: Vec<_> = each.into_iter().map(|each| each.join().unwrap()).collect();
                let swapped = done.iter().filter(|swap| matches!(swap, Swap::Swapped(_)));
                swapped.count()
            })
        };
        assert_eq!(count(None, 0), 1);
        for round in 1..20 {
            let (etag, ..) = bytes(at(folder.path()).get(&refs, None, None, 99).unwrap());
            assert_eq!(count(Some(&etag), round), 1);
            assert_eq!(count(Some(&etag), round), 0);
        }
        let listed = at(folder.path()).list("", None).unwrap();
        assert_eq!(listed.len(), 1, "the lock and what is not whole is no blob");
    }

    #[test]
    fn lists_are_in_order_of_keys_in_pages() {
        let folder = tempfile::tempdir().unwrap();
        let remote = at(folder.path());
        let mut wanted: Vec<String> = ["a-b", "a/b", "a0", "a.x/y", "b", "c/d/e", "c/d0"]
            .map(str::to_owned)
            .into();
        wanted.extend((0..1100).map(|number| format!("packs/{number:04}")));
        for name in &wanted {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x").unwrap(); // `put` waits for the disk
        }
        std::fs::write(folder.path().join("NOT A KEY"), b"x").unwrap();
        wanted.sort();
        for prefix in ["", "a", "a/", "packs/", "packs/10", "c/d", "z"] {
            let mut found: Vec<String> = Vec::new();
            loop {
                let page = remote.list(prefix, found.last().map(String::as_str));
                let page = page.unwrap();
                assert!(page.len() <= PAGE);
                if page.is_empty() {
                    break;
                }
                found.extend(page.iter().map(|entry| entry.key.to_string()));
            }
            let wanted = wanted.iter().filter(|name| name.starts_with(prefix));
            assert!(found.iter().eq(wanted), "{prefix}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("remote"), folder.path().join("out"));
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(outside.join("x"), b"secret").unwrap();
        let remote = at(&root);
        remote.put(&key("a"), b"x").unwrap();
        std::os::unix::fs::symlink(&outside, root.join("packs")).unwrap();
        std::os::unix::fs::symlink(outside.join("x"), root.join("refs")).unwrap();
        for name in ["packs/x", "refs"] {
            assert!(remote.get(&key(name), None, None, 99).is_err());
        }
        assert!(remote.put(&key("packs/y"), b"x").is_err());
        assert!(remote.swap(&key("refs"), b"x", None).is_err());
        assert_eq!(remote.list("", None).unwrap().len(), 1);
        assert_eq!(std::fs::read(outside.join("x")).unwrap(), b"secret");
        assert!(!outside.join("y").exists());
    }

    #[test]
    #[cfg(unix)]
    fn what_a_dead_process_left_is_removed_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let remote = at(folder.path());
        remote.put(&key("a/b"), b"x").unwrap();
        let [old, new] = ["old", "new"].map(|n| folder.path().join(format!("a/{TEMPORARY}.{n}")));
        let file = std::fs::File::create(&old).unwrap();
        file.set_modified(SystemTime::now() - ABANDONED * 2)
            .unwrap();
        std::fs::write(&new, b"").unwrap();
        assert_eq!(remote.list("", None).unwrap().len(), 1);
        assert!(!old.exists() && new.exists());
    }
}
