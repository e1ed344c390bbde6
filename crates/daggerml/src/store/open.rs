//! Opening a store, and making a new one.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use heed::{Env, EnvFlags, EnvOpenOptions, MdbError, WithoutTls};

use crate::error::{Error, Result};

use super::layout::{self, Layout};
use super::pages::meta;
use super::version::Version;
use super::{DATA_FILE, Inner, SCHEMA, Store, Table, medium, registry};

/// The name of LMDB's lock file.
const LOCK_FILE: &str = "lock.mdb";

/// What a repository of DaggerML 0.1 has.
const OLD_FILE: &str = "config.json";

/// Bytes of a lock file: a header and [`READERS`] places of a cache line.
const LOCK_LENGTH: usize = (READERS as usize + 2) * 64;

/// How many transactions may read at once, in all processes.
const READERS: u32 = 1024;

/// The address space that LMDB's map reserves: far more than any store needs, so
/// that it never has to grow. It costs no memory and no disk.
const RESERVE: usize = 1 << 40;

/// What the map falls back to, step by step, where the system limits address space.
const LEAST_RESERVE: usize = 16 << 20;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    reserve: usize,
    read_only: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            reserve: RESERVE,
            read_only: false,
        }
    }
}

impl OpenOptions {
    /// Reserves `bytes` of address space for the map (a multiple of the page size).
    #[must_use]
    pub fn reserve(mut self, bytes: usize) -> Self {
        self.reserve = bytes;
        self
    }

    /// Opens the store for reading only, even where it could be written.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Makes a new, empty store in the folder `path`, which must exist.
    pub fn create(&self, path: &Path) -> Result<Store> {
        let folder = canonical(path)?;
        registry::find_or(&folder, || {
            medium::check_local(&folder)?;
            if folder.join(DATA_FILE).exists() {
                return Err(Error::Exists {
                    what: "store",
                    name: folder.join(DATA_FILE).display().to_string(),
                });
            }
            let env = self.environment(&folder, EnvFlags::empty())?;
            let store = Self::store(env, &folder, None)?;
            layout::fill(&store).map_err(|source| store.failed("create tables", source))?;
            Ok(store)
        })
    }

    /// Opens the store in the folder `path`. A process that has it open already
    /// gets another handle to the same.
    pub fn open(&self, path: &Path) -> Result<Store> {
        let store = self.open_any(path)?;
        let data = store.path().join(DATA_FILE);
        match layout::of(&store)? {
            Layout::Version(SCHEMA) => Ok(store),
            Layout::Version(found) if found > SCHEMA => Err(Error::StoreUnsupported {
                path: data,
                detail: format!(
                    "its layout is version {found}, this version of DaggerML knows {SCHEMA}; \
                     update DaggerML"
                ),
            }),
            Layout::Version(found) => Err(Error::StoreUnsupported {
                path: data,
                detail: format!(
                    "its layout is version {found}, this version of DaggerML writes {SCHEMA}; \
                     run `dml migrate`"
                ),
            }),
            Layout::Empty => Err(Error::StoreDamaged {
                path: data,
                detail: "it was never filled: making the repository was interrupted; \
                         remove the folder that it is in, and make the repository again"
                    .to_owned(),
            }),
            Layout::Foreign => Err(Error::StoreUnsupported {
                path: data,
                detail: "it is an LMDB file, but not of DaggerML".to_owned(),
            }),
        }
    }

    /// Opens the store in the folder `path`, whatever its layout.
    pub(crate) fn open_any(&self, path: &Path) -> Result<Store> {
        let folder = canonical(path)?;
        let data = folder.join(DATA_FILE);
        registry::find_or(&folder, || {
            let file = File::open(&data).map_err(|source| match source.kind() {
                ErrorKind::NotFound => Error::without_data(&folder),
                _ => Error::Io {
                    action: "open",
                    path: data.clone(),
                    source,
                },
            })?;
            medium::check_local(&folder)?;
            meta::read_both(&file, &data)?;
            let (env, read_only) = self.either(&folder)?;
            let store = Self::store(env, &folder, read_only)?;
            // Processes that died while reading keep old pages; failing to clear
            // them costs disk and nothing else.
            let _ = store.inner.env.clear_stale_readers();
            let snapshot = store.snapshot()?;
            Version::check_other(&store.inner, snapshot.number())?;
            drop(snapshot);
            Ok(store)
        })
    }

    /// Opens for writing if that is allowed, else for reading; and why that.
    fn either(&self, folder: &Path) -> Result<(Env<WithoutTls>, Option<String>)> {
        let data = folder.join(DATA_FILE);
        let refused = if self.read_only {
            Some("it was opened for reading only".to_owned())
        } else {
            match std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(&data)
            {
                Err(error) if is_refusal(&error) => Some(error.to_string()),
                _ => None,
            }
        };
        let Some(reason) = refused else {
            match self.environment(folder, EnvFlags::empty()) {
                Err(Error::Io { source, .. }) if is_refusal(&source) => {
                    return self.reading(folder, source.to_string());
                }
                opened => return Ok((opened?, None)),
            }
        };
        self.reading(folder, reason)
    }

    /// Opens for reading, with the lock file if it can be had.
    fn reading(&self, folder: &Path, reason: String) -> Result<(Env<WithoutTls>, Option<String>)> {
        let env = match self.environment(folder, EnvFlags::READ_ONLY) {
            // Without a lock file others cannot see that this process reads; where it
            // cannot be made, nobody writes either.
            Err(Error::Io { source, .. }) if is_refusal(&source) => {
                self.environment(folder, EnvFlags::READ_ONLY | EnvFlags::NO_LOCK)?
            }
            opened => opened?,
        };
        Ok((env, Some(reason)))
    }

    fn store(env: Env<WithoutTls>, folder: &Path, read_only: Option<String>) -> Result<Store> {
        let data = folder.join(DATA_FILE);
        let file = File::open(&data).map_err(|source| Error::Io {
            action: "open",
            path: data.clone(),
            source,
        })?;
        let [first, _] = meta::read_both(&file, &data)?;
        Ok(Store {
            inner: Arc::new(Inner {
                env,
                file,
                path: folder.to_owned(),
                page_size: first.page_size,
                read_only,
                process: std::process::id(),
                tables: OnceLock::new(),
                newest: Mutex::new(None),
                map: Mutex::new(None),
                writing: Mutex::new(()),
                gate: RwLock::new(()),
                lost: AtomicBool::new(false),
            }),
        })
    }

    fn environment(&self, folder: &Path, flags: EnvFlags) -> Result<Env<WithoutTls>> {
        if !flags.contains(EnvFlags::NO_LOCK) {
            make_lock_file(folder)?;
        }
        let mut reserve = self.reserve;
        loop {
            let mut options = EnvOpenOptions::new().read_txn_without_tls();
            options
                .map_size(reserve)
                .max_dbs(u32::try_from(Table::ALL.len()).unwrap_or(u32::MAX))
                .max_readers(READERS);
            // SAFETY: the file is only ever changed through LMDB, whose lock file
            // orders the processes; NO_LOCK is only set where nobody can write.
            let opened = unsafe { options.flags(flags).open(folder) };
            match opened {
                Err(heed::Error::Io(error))
                    if error.kind() == ErrorKind::OutOfMemory && reserve > LEAST_RESERVE =>
                {
                    reserve /= 4;
                }
                Err(source) => return Err(failed(folder, source)),
                Ok(env) => return Ok(env),
            }
        }
    }
}

impl Error {
    /// A repository's folder has no data file in it.
    pub(crate) fn without_data(folder: &Path) -> Self {
        if folder.join(OLD_FILE).exists() {
            return Self::StoreUnsupported {
                path: folder.to_owned(),
                detail: "it was made by DaggerML 0.1, whose repositories are not read; \
                         move it away, make a new one, and put the values again"
                    .to_owned(),
            };
        }
        Self::StoreDamaged {
            path: folder.join(DATA_FILE),
            detail: format!(
                "it is not there: the file was removed, or making the repository was \
                 interrupted; then remove the folder {} and make it again",
                folder.display()
            ),
        }
    }
}

/// Whether the system refused because of permissions or a read-only file system.
fn is_refusal(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn canonical(path: &Path) -> Result<std::path::PathBuf> {
    std::fs::canonicalize(path).map_err(|source| Error::Io {
        action: "open",
        path: path.to_owned(),
        source,
    })
}

fn failed(folder: &Path, source: heed::Error) -> Error {
    let unsupported = |detail: &str| Error::StoreUnsupported {
        path: folder.to_owned(),
        detail: detail.to_owned(),
    };
    match source {
        heed::Error::Io(source) => Error::Io {
            action: "open the store in",
            path: folder.to_owned(),
            source,
        },
        heed::Error::Mdb(MdbError::VersionMismatch) => unsupported(
            "another version of LMDB has it open; end the processes that use it, or update them",
        ),
        heed::Error::Mdb(MdbError::Invalid) => unsupported(
            "its lock file lock.mdb is not one; if no process uses the store, delete that file",
        ),
        heed::Error::EnvAlreadyOpened => Error::Closed {
            message: format!(
                "{} was opened before this process forked; open it in a process started afresh",
                folder.display()
            ),
        },
        source => Error::Database {
            action: "open",
            path: folder.to_owned(),
            source,
        },
    }
}

/// Makes a lock file with all its blocks, unless there is one: LMDB would make one
/// with holes, and a full disk would end the process when it fills one. Where it
/// cannot be made for another reason than a full disk, LMDB makes its own.
fn make_lock_file(folder: &Path) -> Result<()> {
    let lock = folder.join(LOCK_FILE);
    if lock.exists() {
        return Ok(());
    }
    let new = folder.join(format!("lock.new.{}", std::process::id()));
    let written = std::fs::write(&new, vec![0; LOCK_LENGTH]);
    if written.is_ok() {
        // A link appears at once and never over another file.
        let _ = std::fs::hard_link(&new, &lock);
    }
    let _ = std::fs::remove_file(&new);
    match written {
        Err(source)
            if matches!(
                source.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            ) =>
        {
            Err(Error::Io {
                action: "make",
                path: lock,
                source,
            })
        }
        _ => Ok(()),
    }
}
