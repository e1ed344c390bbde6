//! The store: objects, refs, drafts and all else that a repository holds.
//!
//! Many processes read and one writes at a time; a write is durable and all or
//! nothing. [`Snapshot`] reads, [`Store::write`] writes. Every object read is
//! checked against its id.
//!
//! | file | holds |
//! |---|---|
//! | `table` | which tables there are |
//! | `snapshot`, `write` | what is read and written: entries, objects, records |
//! | `absent` | which objects are not here on purpose |
//! | `journal` | what writers note while `gc` runs |
//! | `shrink` | giving space back to the file system |
//! | `backend` | the door to what keeps the entries |
//! | `lmdb` | a file that keeps them: what every repository on disk has |
//! | `memory` | memory that keeps them, for tests |

pub(crate) mod absent;
mod backend;
pub(crate) mod journal;
pub(crate) mod lmdb;
mod memory;
pub(crate) mod shrink;
mod snapshot;
mod table;
mod write;

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use absent::Absent;
pub use lmdb::OpenOptions;
pub(crate) use lmdb::{DATA_FILE, LOCK_FILE, layout, layout_1, pages};
pub use snapshot::{ReadEntries, ReadObjects, Snapshot};
pub use table::Table;
pub use write::WriteTxn;

use crate::error::{Error, RemoteError, Result};
use crate::folder::Folder;
use crate::id::ObjectId;
use crate::record::Kind;
use absent::Bring;
use backend::Backend;
pub(crate) use backend::Far;

/// The version of the store's layout that this engine writes.
pub const SCHEMA: u64 = 2;

/// A handle to a repository's store; cheap to clone. All handles of a process to
/// one folder share what is below.
#[derive(Clone)]
pub struct Store {
    backend: Arc<dyn Backend>,
    /// What fetches values that a filter left at remotes.
    bring: Option<Arc<dyn Bring>>,
}

thread_local! {
    /// Whether this thread is in a write transaction, in which it must not begin another.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Returns a store whose entries `backend` keeps.
    fn kept_in(backend: Arc<dyn Backend>) -> Self {
        Self {
            backend,
            bring: None,
        }
    }

    /// Makes an empty store whose entries are in memory. Only locks and temporary files
    /// are in `folder`.
    pub(crate) fn in_memory(folder: Folder) -> Self {
        Self::kept_in(Arc::new(memory::Memory::new(folder)))
    }

    /// Lets `bring` fetch values that a filter left at remotes.
    pub(crate) fn bringing(self, bring: Arc<dyn Bring>) -> Self {
        Self {
            bring: Some(bring),
            ..self
        }
    }

    /// Fetches a value that a filter left at a remote; `None` where that cannot be.
    fn bring(&self, id: ObjectId, absent: &Absent) -> Option<Result<Vec<u8>>> {
        let bring = self.bring.as_ref()?;
        if absent.kind != Kind::Datum || WRITING.get() {
            return None;
        }
        Some(bring.bring(self, id, absent))
    }

    /// Returns the folder that holds the store's files.
    pub fn path(&self) -> &Path {
        self.folder().path()
    }

    /// Returns the same folder, open.
    pub(crate) fn folder(&self) -> &Folder {
        self.backend.folder()
    }

    /// Returns how many bytes the store takes.
    pub fn size(&self) -> Result<u64> {
        self.backend.size()
    }

    /// Returns whether a transaction of this process has made many pages free, and forgets it.
    pub(crate) fn take_freed_much(&self) -> bool {
        self.backend.take_freed_much()
    }

    /// Gives what is free at the end of the file back to the file system.
    pub(crate) fn cut_off(&self) -> Result<()> {
        Arc::clone(&self.backend).cut_off()
    }

    /// Returns why nothing can be written; `None` when the store can be written.
    pub fn read_only(&self) -> Option<&str> {
        self.backend.read_only()
    }

    /// Returns a consistent view of the store as it is now.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let tables = Arc::clone(&self.backend).snapshot()?;
        Ok(Snapshot::new(self, tables))
    }

    /// Runs `change` in a write transaction and makes it durable. When `change`
    /// fails, nothing is written. It runs again when the store had to grow, so it
    /// must not have effects elsewhere; and it must not call `write` itself.
    pub fn write<T>(&self, mut change: impl FnMut(&mut WriteTxn<'_>) -> Result<T>) -> Result<T> {
        let mut out = None;
        self.write_any(&mut |txn| {
            out = Some(change(txn)?);
            Ok(())
        })?;
        out.ok_or_else(not_run)
    }

    /// [`Self::write`], compiled once for all changes.
    fn write_any(&self, change: &mut dyn FnMut(&mut WriteTxn<'_>) -> Result<()>) -> Result<()> {
        if let Some(reason) = self.read_only() {
            self.check_there()?;
            return Err(Error::ReadOnly {
                path: self.path().to_owned(),
                detail: reason.to_owned(),
            }
            .into());
        }
        let mut last = None;
        loop {
            let within = WRITING.replace(true);
            let written =
                Arc::clone(&self.backend).write(&mut |tables| change(&mut WriteTxn::new(tables)?));
            WRITING.set(within);
            let Err(error) = written else {
                return Ok(());
            };
            // A value that the change needs is at a remote: with it, it may succeed.
            let Error::Remote(RemoteError::Elsewhere { reference, .. }) = &*error else {
                return Err(error);
            };
            if within || last.replace(reference.id) == Some(reference.id) {
                return Err(error);
            }
            let Some(absent) = self.snapshot()?.absent(reference.id)? else {
                continue; // It has come meanwhile.
            };
            match self.bring(reference.id, &absent) {
                Some(Ok(_)) => {}
                Some(Err(failed)) => return Err(absent.error(reference.id, failed.to_string())),
                None => return Err(error),
            }
        }
    }

    /// Refuses a store whose file was removed while it was open: it can be read, but
    /// whatever is written into it is lost.
    pub fn check_there(&self) -> Result<()> {
        self.backend.check_there()
    }
}

/// The error of a transaction that ended well without having been run.
fn not_run() -> Box<Error> {
    let message = "the store did not run the transaction".to_owned();
    Error::Invalid { message }.into()
}
