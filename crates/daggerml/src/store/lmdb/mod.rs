//! A store in a file of LMDB.
//!
//! Many processes read and one writes at a time. Every entry that is not an object is
//! checked against its seal, and every page before it is followed, so a damaged file gives
//! errors and no crash.
//!
//! | file | holds |
//! |---|---|
//! | `open` | opening and making stores, one handle a process (`registry`) |
//! | `layout` | which tables there are, and older layouts |
//! | `layout_1` | the layout before this one, made into this one |
//! | `filesystem` | refusing network file systems |
//! | `pages` | LMDB's pages, read with every offset checked |
//! | `objects` | objects in chunks, and the runs that lead to them |
//! | `version` | one version of the file, which a transaction pins |
//! | `read`, `write`, `write_objects` | snapshots and write transactions |
//! | `shrink`, `readers` | cutting off what is free at the end, which nobody reads |
//! | `seal` | the hash over entries that are not objects |

mod filesystem;
pub(crate) mod layout;
pub(crate) mod layout_1;
pub(crate) mod objects;
mod open;
pub(crate) mod pages;
mod read;
mod readers;
mod registry;
mod seal;
mod shrink;
mod tables;
mod version;
mod write;
mod write_objects;

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use heed::{Env, MdbError, WithoutTls};

pub(crate) use open::LOCK_FILE;
pub use open::OpenOptions;
pub(crate) use version::Version;

use super::backend::{Backend, ReadTables, WriteTables};
use super::lock;
use super::table::Tables;
use crate::error::{Error, Result, failed};
use crate::folder::Folder;
use pages::{Damage, Map};
use tables::Raw;

/// The name of LMDB's data file.
pub(crate) const DATA_FILE: &str = "data.mdb";

/// A file of LMDB in a folder, open.
pub(crate) struct Lmdb {
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
    tables: OnceLock<Tables<Raw>>,
    /// The version last read, and the file in memory.
    newest: Mutex<Option<Arc<Version>>>,
    map: Mutex<Option<Arc<Map>>>,
    /// How many pages the file held when its end was checked, and how many the version had.
    end: Mutex<Option<(u64, u64)>>,
    /// The runs of objects last read.
    runs: objects::KnownRuns,
    /// Held to write and to resize LMDB's map.
    writing: Mutex<()>,
    /// Held shared to begin a transaction, exclusively to resize LMDB's map.
    gate: RwLock<()>,
    /// Set when LMDB lost its map: the environment must not be used again.
    lost: AtomicBool,
    /// Set when a transaction has made many pages free.
    freed_much: AtomicBool,
    /// The lock file, once it was looked into. It comes after `env`: the system drops LMDB's locks on
    /// the file when it is closed.
    readers: OnceLock<readers::LockFile>,
}

impl Backend for Lmdb {
    fn folder(&self) -> &Folder {
        &self.folder
    }

    fn size(&self) -> Result<u64> {
        self.length()
    }

    fn read_only(&self) -> Option<&str> {
        self.read_only.as_deref()
    }

    fn check_there(&self) -> Result<()> {
        if self.is_removed() {
            return Err(Error::Closed {
                message: format!(
                    "{} was removed while this process had it open; start the process anew to \
                     make or open another repository there",
                    self.folder.path().display()
                ),
            }
            .into());
        }
        Ok(())
    }

    fn take_freed_much(&self) -> bool {
        self.freed_much.swap(false, Ordering::Relaxed)
    }

    fn cut_off(self: Arc<Self>) -> Result<()> {
        self.check_usable()?;
        self.check_there()?;
        shrink::cut_off(&self)
    }

    fn snapshot(self: Arc<Self>) -> Result<Box<dyn ReadTables>> {
        self.check_usable()?;
        Ok(Box::new(read::Reading::begin(&self)?))
    }

    fn write(
        self: Arc<Self>,
        change: &mut dyn FnMut(&mut dyn WriteTables) -> Result<()>,
    ) -> Result<()> {
        self.check_usable()?;
        self.check_there()?;
        let tables = write::tables(&self)?;
        let _writing = lock(&self.writing);
        loop {
            let Err(error) = write::Writing::run(&self, tables, change) else {
                return Ok(());
            };
            match *error {
                Error::Database {
                    source: heed::Error::Mdb(MdbError::MapFull),
                    ..
                } => self.grow()?,
                Error::Database {
                    source: heed::Error::Mdb(MdbError::MapResized),
                    ..
                } => self.resize(0)?,
                _ => return Err(error),
            }
        }
    }
}

impl Lmdb {
    /// Returns the folder that holds the data file.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn check_usable(&self) -> Result<()> {
        if self.lost.load(Ordering::SeqCst) {
            return Err(Error::Closed {
                message: "this repository's map was lost when it had to grow; open it again"
                    .to_owned(),
            }
            .into());
        }
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(Error::Closed {
            message: "this repository was opened before the process forked; \
                      open it again in a process started afresh (spawn, not fork)"
                .to_owned(),
        }
        .into())
    }

    /// Doubles LMDB's map. `writing` must be held.
    fn grow(&self) -> Result<()> {
        let old = self.env.info().map_size;
        // LMDB unmaps before it maps and cannot go back: see that there is room.
        memmap2::MmapOptions::new()
            .len(old)
            .map_raw_read_only(&self.file)
            .map_err(failed(
                "grow the map of",
                &self.folder.path().join(DATA_FILE),
            ))?;
        self.resize(old.saturating_mul(2))
    }

    /// Sets the size of LMDB's map; 0 takes what the largest process has. `writing`
    /// must be held.
    fn resize(&self, size: usize) -> Result<()> {
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: no write transaction of this process is live, as `writing` is held,
        // and none can begin while the gate is held exclusively. Read transactions
        // that are live only pin a version: they never look into LMDB's map.
        unsafe { self.env.resize(size) }.map_err(|source| {
            self.lost.store(true, Ordering::SeqCst);
            self.failed("grow the map", source)
        })
    }

    /// Returns whether no folder has the data file any more.
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

    fn failed(&self, action: &'static str, source: heed::Error) -> Box<Error> {
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
            }
            .into(),
            source => Error::Database {
                action,
                path: self.folder.path().to_owned(),
                source,
            }
            .into(),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "to be given to map_err")]
    fn damaged(&self, damage: Damage) -> Box<Error> {
        self.damaged_file(damage.to_string())
    }

    fn damaged_file(&self, detail: String) -> Box<Error> {
        Error::StoreDamaged {
            path: self.folder.path().join(DATA_FILE),
            detail,
        }
        .into()
    }

    fn length(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(failed(
            "read the length of",
            &self.folder.path().join(DATA_FILE),
        ))?;
        Ok(metadata.len())
    }
}
