//! The store: one LMDB environment that holds objects, refs and open DAGs.
//!
//! Many processes read and one writes at a time; a write is durable and all or
//! nothing. [`Snapshot`] reads, [`Store::write`] writes. Every object read is
//! checked against its id.

mod open;
mod read;
mod table;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use heed::{Env, WithoutTls};

pub use open::OpenOptions;
pub use read::{ReadObjects, Snapshot};
pub use table::Table;
pub use write::WriteTxn;

use crate::error::{Error, Result};
use table::Tables;

/// The version of the store's layout that this engine writes.
pub const SCHEMA: u64 = 1;

/// A handle to a repository's store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    env: Env<WithoutTls>,
    tables: Tables,
    /// The folder that holds the data file.
    path: PathBuf,
    /// The process that opened the environment: LMDB forbids use after fork.
    process: u32,
    /// Transactions of this process; the map may only be resized when none are.
    live: AtomicUsize,
    /// Held shared to begin a transaction, exclusively to resize the map.
    gate: RwLock<()>,
}

impl Store {
    /// The folder that holds the store's files.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// A consistent view of the store as it is now.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.check_process()?;
        Snapshot::begin(self)
    }

    /// Runs `change` in a write transaction and makes it durable. When `change`
    /// fails, nothing is written. It runs again when the map had to grow, so it
    /// must not have effects elsewhere.
    pub fn write<T>(&self, mut change: impl FnMut(&mut WriteTxn<'_>) -> Result<T>) -> Result<T> {
        self.check_process()?;
        loop {
            match WriteTxn::run(self, &mut change) {
                Err(Error::Database {
                    source: heed::Error::Mdb(heed::MdbError::MapFull),
                    ..
                }) => self.grow()?,
                other => return other,
            }
        }
    }

    fn check_process(&self) -> Result<()> {
        if self.inner.process == std::process::id() {
            return Ok(());
        }
        Err(Error::Closed {
            message: "this repository was opened before the process forked; \
                      open it again in a process started afresh (spawn, not fork)"
                .to_owned(),
        })
    }

    /// Doubles the map, when no transaction of this process is under way.
    fn grow(&self) -> Result<()> {
        let _alone = self
            .inner
            .gate
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.inner.live.load(Ordering::SeqCst) != 0 {
            return Err(Error::Conflict {
                message: "the store's map is full and cannot grow while this process reads; \
                          finish reading and try again"
                    .to_owned(),
            });
        }
        let size = self.inner.env.info().map_size.saturating_mul(2);
        // SAFETY: no transaction of this process is live, and none can begin
        // while the gate is held exclusively.
        unsafe { self.inner.env.resize(size) }.map_err(|source| self.failed("grow the map", source))
    }

    fn failed(&self, action: &'static str, source: heed::Error) -> Error {
        Error::Database {
            action,
            path: self.inner.path.clone(),
            source,
        }
    }
}

/// Counts a transaction as live until dropped.
struct Live(Arc<Inner>);

impl Live {
    fn begin(store: &Store) -> Self {
        store.inner.live.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&store.inner))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}
