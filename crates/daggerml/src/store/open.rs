//! Opening a store, and making a new one.

use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, RwLock};

use heed::{Env, EnvOpenOptions, WithoutTls};

use crate::error::{Error, Result};

use super::table::Tables;
use super::{Inner, SCHEMA, Store, Table};

/// The key of the layout's version in [`Table::Meta`].
const SCHEMA_KEY: &[u8] = b"schema";

/// The name of LMDB's data file.
pub(super) const DATA_FILE: &str = "data.mdb";

/// The address space that the map reserves: far more than any store needs, so
/// that it never has to grow under a reader. It costs no memory and no disk.
const RESERVE: usize = if cfg!(target_pointer_width = "64") {
    1 << 40
} else {
    1 << 30
};

/// What the map falls back to where the system limits address space.
const LEAST_RESERVE: usize = 256 << 20;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    reserve: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { reserve: RESERVE }
    }
}

impl OpenOptions {
    /// Reserves `bytes` of address space for the map (a multiple of the page size).
    #[must_use]
    pub fn reserve(mut self, bytes: usize) -> Self {
        self.reserve = bytes;
        self
    }

    /// Makes a new, empty store in the folder `path`, which must exist.
    pub fn create(&self, path: &Path) -> Result<Store> {
        let env = self.environment(path)?;
        let tables =
            Tables::create(&env).map_err(|source| failed("create tables", path, source))?;
        let store = Self::store(env, tables, path);
        store.write(|txn| txn.put(Table::Meta, SCHEMA_KEY, &SCHEMA.to_be_bytes()))?;
        Ok(store)
    }

    /// Opens the store in the folder `path`.
    pub fn open(&self, path: &Path) -> Result<Store> {
        let data = path.join(DATA_FILE);
        std::fs::metadata(&data).map_err(|source| Error::Io {
            action: "open",
            path: data.clone(),
            source,
        })?;
        let env = self.environment(path)?;
        let txn = env
            .read_txn()
            .map_err(|source| failed("begin reading", path, source))?;
        let tables = Tables::open(&env, &txn)
            .map_err(|source| failed("open tables", path, source))?
            .ok_or_else(|| Error::StoreUnsupported {
                path: data.clone(),
                detail: "it is an LMDB file, but not of DaggerML".to_owned(),
            })?;
        // Committed, not dropped: LMDB forgets handles of a transaction that ends otherwise.
        txn.commit()
            .map_err(|source| failed("open tables", path, source))?;
        let store = Self::store(env, tables, path);
        let schema = store
            .snapshot()?
            .get(Table::Meta, SCHEMA_KEY)?
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_be_bytes);
        match schema {
            Some(SCHEMA) => Ok(store),
            Some(found) if found > SCHEMA => Err(Error::StoreUnsupported {
                path: data,
                detail: format!(
                    "its layout is version {found}, this version of DaggerML knows {SCHEMA}; update DaggerML"
                ),
            }),
            _ => Err(Error::StoreDamaged {
                path: data,
                detail: "it does not say which version of the layout it has".to_owned(),
            }),
        }
    }

    fn store(env: Env<WithoutTls>, tables: Tables, path: &Path) -> Store {
        Store {
            inner: Arc::new(Inner {
                env,
                tables,
                path: path.to_owned(),
                process: std::process::id(),
                live: AtomicUsize::new(0),
                gate: RwLock::new(()),
            }),
        }
    }

    fn environment(&self, path: &Path) -> Result<Env<WithoutTls>> {
        let mut reserve = self.reserve;
        loop {
            let mut options = EnvOpenOptions::new().read_txn_without_tls();
            options
                .map_size(reserve)
                .max_dbs(u32::try_from(Table::ALL.len()).unwrap_or(u32::MAX))
                .max_readers(1024);
            // SAFETY: the file is only ever changed through LMDB, whose lock file
            // orders the processes; network file systems are refused before.
            match unsafe { options.open(path) } {
                Err(heed::Error::Io(error))
                    if error.kind() == std::io::ErrorKind::OutOfMemory
                        && reserve > LEAST_RESERVE =>
                {
                    reserve /= 4;
                }
                Err(source) => return Err(failed("open", path, source)),
                Ok(env) => return Ok(env),
            }
        }
    }
}

fn failed(action: &'static str, path: &Path, source: heed::Error) -> Error {
    Error::Database {
        action,
        path: path.to_owned(),
        source,
    }
}
