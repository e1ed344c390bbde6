//! The store: one LMDB environment that holds objects, refs and open DAGs.
//!
//! Many processes read and one writes at a time; a write is durable and all or
//! nothing. [`Snapshot`] reads, [`Store::write`] writes. Every object read is
//! checked against its id, every other entry against its seal, and every page
//! before it is followed, so a damaged file gives errors and no crash.
//!
//! | file | holds |
//! |---|---|
//! | `open` | opening and making stores, one handle a process (`registry`) |
//! | `layout` | which tables there are, and older layouts |
//! | `medium` | what the folder is on: network file systems, read-only ones |
//! | `pages` | LMDB's pages, read with every offset checked |
//! | `version` | one version of the file, which a transaction pins |
//! | `read`, `write` | snapshots and write transactions |
//! | `seal` | the hash over entries that are not objects |
//! | `journal` | what writers note while `gc` runs |

pub(crate) mod journal;
pub(crate) mod layout;
mod medium;
mod open;
pub(crate) mod pages;
mod read;
mod registry;
mod seal;
mod table;
mod version;
mod write;

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use heed::types::Bytes;
use heed::{Database, Env, MdbError, WithoutTls};

pub(crate) use open::LOCK_FILE;
pub use open::OpenOptions;
pub use read::{ReadEntries, ReadObjects, Snapshot};
pub use table::Table;
pub use write::WriteTxn;

use crate::error::{Error, Result};
use crate::folder::Folder;
use pages::{Damage, Map};
use table::Tables;
use version::Version;

/// The version of the store's layout that this engine writes.
pub const SCHEMA: u64 = 1;

/// The name of LMDB's data file.
pub(crate) const DATA_FILE: &str = "data.mdb";

/// A handle to a repository's store; cheap to clone. All handles of a process to
/// one folder share what is below.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    env: Env<WithoutTls>,
    /// The data file, for what is read without LMDB.
    file: File,
    /// The folder that holds the data file.
    folder: Folder,
    /// Bytes in a page.
    page_size: usize,
    /// Why nothing can be written, if so.
    read_only: Option<String>,
    /// The process that opened the environment: LMDB forbids use after fork.
    process: u32,
    /// Handles for writing, opened before the first write.
    tables: OnceLock<Tables<Database<Bytes, Bytes>>>,
    /// The version last read, and the file in memory.
    newest: Mutex<Option<Arc<Version>>>,
    map: Mutex<Option<Arc<Map>>>,
    /// Held to write and to resize LMDB's map.
    writing: Mutex<()>,
    /// Held shared to begin a transaction, exclusively to resize LMDB's map.
    gate: RwLock<()>,
    /// Set when LMDB lost its map: the environment must not be used again.
    lost: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// The folder that holds the store's files.
    pub fn path(&self) -> &Path {
        self.inner.folder.path()
    }

    /// The same, open.
    pub(crate) fn folder(&self) -> &Folder {
        &self.inner.folder
    }

    /// Bytes of the data file.
    pub fn size(&self) -> Result<u64> {
        self.inner.length()
    }

    /// Why nothing can be written; `None` when the store can be written.
    pub fn read_only(&self) -> Option<&str> {
        self.inner.read_only.as_deref()
    }

    /// A consistent view of the store as it is now.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.check_usable()?;
        Snapshot::begin(self)
    }

    /// Runs `change` in a write transaction and makes it durable. When `change`
    /// fails, nothing is written. It runs again when the map had to grow, so it
    /// must not have effects elsewhere; and it must not call `write` itself.
    pub fn write<T>(&self, mut change: impl FnMut(&mut WriteTxn<'_>) -> Result<T>) -> Result<T> {
        self.check_usable()?;
        self.check_there()?;
        if let Some(reason) = &self.inner.read_only {
            return Err(Error::ReadOnly {
                path: self.inner.folder.path().to_owned(),
                detail: reason.clone(),
            });
        }
        let _writing = lock(&self.inner.writing);
        loop {
            match WriteTxn::run(self, &mut change) {
                Err(Error::Database {
                    source: heed::Error::Mdb(MdbError::MapFull),
                    ..
                }) => self.grow()?,
                Err(Error::Database {
                    source: heed::Error::Mdb(MdbError::MapResized),
                    ..
                }) => self.resize(0)?,
                other => return other,
            }
        }
    }

    /// Refuses a store whose file was removed while it was open: it can be read, but
    /// whatever is written into it is lost.
    pub fn check_there(&self) -> Result<()> {
        if self.inner.is_removed() {
            return Err(Error::Closed {
                message: format!(
                    "{} was removed while this process had it open; start the process anew to \
                     make or open another repository there",
                    self.inner.folder.path().display()
                ),
            });
        }
        Ok(())
    }

    fn check_usable(&self) -> Result<()> {
        if self.inner.lost.load(Ordering::SeqCst) {
            return Err(Error::Closed {
                message: "this repository's map was lost when it had to grow; open it again"
                    .to_owned(),
            });
        }
        if self.inner.process == std::process::id() {
            return Ok(());
        }
        Err(Error::Closed {
            message: "this repository was opened before the process forked; \
                      open it again in a process started afresh (spawn, not fork)"
                .to_owned(),
        })
    }

    /// Doubles LMDB's map. `writing` must be held.
    fn grow(&self) -> Result<()> {
        let old = self.inner.env.info().map_size;
        // LMDB unmaps before it maps and cannot go back: see that there is room.
        memmap2::MmapOptions::new()
            .len(old)
            .map_raw_read_only(&self.inner.file)
            .map_err(|source| Error::Io {
                action: "grow the map of",
                path: self.inner.folder.path().join(DATA_FILE),
                source,
            })?;
        self.resize(old.saturating_mul(2))
    }

    /// Sets the size of LMDB's map; 0 takes what the largest process has. `writing`
    /// must be held.
    fn resize(&self, size: usize) -> Result<()> {
        let _alone = self
            .inner
            .gate
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // SAFETY: no write transaction of this process is live, as `writing` is held,
        // and none can begin while the gate is held exclusively. Read transactions
        // that are live only pin a version: they never look into LMDB's map.
        unsafe { self.inner.env.resize(size) }.map_err(|source| {
            self.inner.lost.store(true, Ordering::SeqCst);
            self.inner.failed("grow the map", source)
        })
    }

    fn failed(&self, action: &'static str, source: heed::Error) -> Error {
        self.inner.failed(action, source)
    }

    fn damaged(&self, damage: Damage) -> Error {
        self.inner.damaged(damage)
    }
}

impl Inner {
    /// Whether no folder has the data file any more.
    #[cfg(unix)]
    fn is_removed(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let Ok(ours) = self.file.metadata() else {
            return false;
        };
        // Some file systems do not count links: see whether it is where it was.
        let is_ours = |there: crate::folder::Facts| there.place == Some((ours.dev(), ours.ino()));
        let there = self.folder.look(DATA_FILE);
        ours.nlink() == 0 && !there.is_ok_and(|there| there.is_some_and(is_ours))
    }

    /// Windows does not remove a file that is open.
    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "it is used where it can be true")]
    fn is_removed(&self) -> bool {
        false
    }

    fn failed(&self, action: &'static str, source: heed::Error) -> Error {
        use heed::Error::Mdb;
        match source {
            Mdb(MdbError::Corrupted | MdbError::PageNotFound | MdbError::Invalid) => {
                self.damaged_file(format!("cannot {action}: {source}"))
            }
            Mdb(MdbError::Panic) => Error::Closed {
                message: format!(
                    "cannot {action}: an earlier write to {} failed half-way; nothing committed \
                     is lost; open the repository again",
                    self.folder.path().display()
                ),
            },
            source => Error::Database {
                action,
                path: self.folder.path().to_owned(),
                source,
            },
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
    fn damaged(&self, damage: Damage) -> Error {
        self.damaged_file(damage.to_string())
    }

    fn damaged_file(&self, detail: String) -> Error {
        Error::StoreDamaged {
            path: self.folder.path().join(DATA_FILE),
            detail,
        }
    }

    fn length(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(|source| Error::Io {
            action: "read the length of",
            path: self.folder.path().join(DATA_FILE),
            source,
        })?;
        Ok(metadata.len())
    }
}
