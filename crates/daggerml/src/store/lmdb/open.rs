//! Opening a store, and making a new one.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use heed::{Env, EnvFlags, EnvOpenOptions, MdbError, WithoutTls};

use crate::error::{Error, Result, UnsafeReason};
use crate::folder::{self, Access, Facts, Folder};

use super::layout::{self, Layout};
use super::pages::meta;
use super::read::Reading;
use super::version::Version;
use super::{DATA_FILE, Lmdb, filesystem, registry};
use crate::store::backend::ReadTables;
use crate::store::{SCHEMA, Store, Table};

/// The name of LMDB's lock file.
pub(crate) const LOCK_FILE: &str = "lock.mdb";

/// What a repository of DaggerML 0.1 has.
const OLD_FILE: &str = "config.json";

/// Bytes of a lock file: a header and [`READERS`] places of a cache line.
const LOCK_LENGTH: usize = (READERS as usize + 2) * 64;

/// The most bytes of a lock file that is used: LMDB maps all of it.
const LOCK_MOST: u64 = 16 << 20;

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
        self.create_in(opened(path)?)
    }

    /// Makes a new, empty store in a folder that is open.
    pub(crate) fn create_in(&self, folder: Folder) -> Result<Store> {
        let path = folder.path().to_owned();
        let made = registry::find_or(&path, || {
            filesystem::check_local(&path)?;
            if folder.look(DATA_FILE)?.is_some() {
                return Err(Error::Exists {
                    what: "store",
                    name: path.join(DATA_FILE).display().to_string(),
                }
                .into());
            }
            let file = folder.create(DATA_FILE)?;
            let env = self.environment(&folder, &file, EnvFlags::empty())?;
            let lmdb = Self::assemble(env, file, folder, None)?;
            layout::fill(&lmdb).map_err(|source| lmdb.failed("create tables", source))?;
            Ok(lmdb)
        })?;
        Ok(Store::kept_in(made))
    }

    /// Opens the store in the folder `path`. A process that has it open already
    /// gets another handle to the same.
    pub fn open(&self, path: &Path) -> Result<Store> {
        self.open_in(opened(path)?)
    }

    /// Opens the store in a folder that is open, if its layout is this engine's.
    pub(crate) fn open_in(&self, folder: Folder) -> Result<Store> {
        let lmdb = self.open_any_in(folder)?;
        let data = lmdb.folder.path().join(DATA_FILE);
        match layout::of(&lmdb)? {
            Layout::Version(SCHEMA) => Ok(Store::kept_in(lmdb)),
            Layout::Version(found) if found > SCHEMA => Err(Error::StoreUnsupported {
                path: data,
                detail: format!(
                    "its layout is version {found}, this version of DaggerML knows {SCHEMA}; \
                     update DaggerML"
                ),
            }
            .into()),
            Layout::Version(found) => Err(Error::StoreUnsupported {
                path: data,
                detail: format!(
                    "its layout is version {found}, this version of DaggerML writes {SCHEMA}; \
                     run `dml migrate`"
                ),
            }
            .into()),
            Layout::Empty => Err(Error::StoreDamaged {
                path: data,
                detail: "it was never filled: making the repository was interrupted; \
                         remove the folder that it is in, and make the repository again"
                    .to_owned(),
            }
            .into()),
            Layout::Foreign => Err(Error::StoreUnsupported {
                path: data,
                detail: "it is an LMDB file, but not of DaggerML".to_owned(),
            }
            .into()),
        }
    }

    /// Opens the store in the folder `path`, whatever its layout.
    pub(crate) fn open_any(&self, path: &Path) -> Result<Arc<Lmdb>> {
        self.open_any_in(opened(path)?)
    }

    fn open_any_in(&self, folder: Folder) -> Result<Arc<Lmdb>> {
        let path = folder.path().to_owned();
        registry::find_or(&path, || {
            let file = folder.file(DATA_FILE, Access::Read)?;
            let file = file.ok_or_else(|| Error::without_data(&path))?;
            filesystem::check_local(&path)?;
            meta::read_both(&file, &path.join(DATA_FILE))?;
            let (env, read_only) = self.either(&folder, &file)?;
            let lmdb = Self::assemble(env, file, folder, read_only)?;
            // Processes that died while reading keep old pages from being used again. When this
            // fails, it costs disk space and nothing else.
            let _ = lmdb.env.clear_stale_readers();
            let reading = Reading::begin(&lmdb)?;
            Version::check_other(&lmdb, reading.number())?;
            drop(reading);
            Ok(lmdb)
        })
    }

    /// Opens for writing if that is allowed, else for reading; and why that.
    fn either(&self, folder: &Folder, file: &File) -> Result<(Env<WithoutTls>, Option<String>)> {
        let refused = if self.read_only {
            Some("it was opened for reading only".to_owned())
        } else {
            match folder.file(DATA_FILE, Access::Write) {
                Err(error) => match *error {
                    Error::Io { source, .. } if is_refusal(&source) => Some(source.to_string()),
                    Error::Unsafe { .. } => return Err(error),
                    _ => None,
                },
                Ok(_) => None,
            }
        };
        let Some(reason) = refused else {
            return match self.environment(folder, file, EnvFlags::empty()) {
                Ok(env) => Ok((env, None)),
                Err(error) => match *error {
                    Error::Io { source, .. } if is_refusal(&source) => {
                        self.reading(folder, file, source.to_string())
                    }
                    error => Err(error.into()),
                },
            };
        };
        self.reading(folder, file, reason)
    }

    /// Opens for reading, with the lock file if it can be had.
    fn reading(
        &self,
        folder: &Folder,
        file: &File,
        reason: String,
    ) -> Result<(Env<WithoutTls>, Option<String>)> {
        let env = match self.environment(folder, file, EnvFlags::READ_ONLY) {
            // Without a lock file, others cannot see that this process reads. But where it
            // cannot be made, nobody can write either.
            Err(error) if matches!(&*error, Error::Io { source, .. } if is_refusal(source)) => {
                self.environment(folder, file, EnvFlags::READ_ONLY | EnvFlags::NO_LOCK)?
            }
            opened => opened?,
        };
        Ok((env, Some(reason)))
    }

    fn assemble(
        env: Env<WithoutTls>,
        file: File,
        folder: Folder,
        read_only: Option<String>,
    ) -> Result<Arc<Lmdb>> {
        let [first, _] = meta::read_both(&file, &folder.path().join(DATA_FILE))?;
        Ok(Arc::new(Lmdb {
            env,
            file,
            folder,
            page_size: first.page_size,
            read_only,
            process: std::process::id(),
            tables: OnceLock::new(),
            newest: Mutex::new(None),
            map: Mutex::new(None),
            end: Mutex::new(None),
            runs: Arc::default(),
            writing: Mutex::new(()),
            gate: RwLock::new(()),
            lost: AtomicBool::new(false),
            freed_much: AtomicBool::new(false),
            readers: OnceLock::new(),
        }))
    }

    /// Opens the environment of the data file `file`.
    ///
    /// LMDB opens both files by their paths and follows links, and it writes to the
    /// lock file at once. So both files are judged before that, and again afterwards, before
    /// anything is written to the data file. In between, only somebody who may write to the
    /// folder could swap them; and such a folder is only used if the user trusts them (see
    /// `folder::trust`). The content of an old lock file is harmless: a process that finds it
    /// unlocked makes it anew first.
    fn environment(
        &self,
        folder: &Folder,
        file: &File,
        flags: EnvFlags,
    ) -> Result<Env<WithoutTls>> {
        let lock = if flags.contains(EnvFlags::NO_LOCK) {
            None
        } else {
            lock_file(folder)?
        };
        let path = folder.path();
        let mut reserve = self.reserve;
        loop {
            let mut options = EnvOpenOptions::new().read_txn_without_tls();
            options
                .map_size(reserve)
                // One more for what an older layout has.
                .max_dbs(u32::try_from(Table::ALL.len() + 1).unwrap_or(u32::MAX))
                .max_readers(READERS);
            #[expect(clippy::disallowed_methods, reason = "both files were judged")]
            // SAFETY: the file is only ever changed through LMDB, whose lock file
            // orders the processes; NO_LOCK is only set where nobody can write.
            let opened = unsafe { options.flags(flags).open(path) };
            match opened {
                // valgrind says that a map which is too large is an invalid argument.
                Err(heed::Error::Io(error))
                    if matches!(
                        error.kind(),
                        ErrorKind::OutOfMemory | ErrorKind::InvalidInput
                    ) && reserve > LEAST_RESERVE =>
                {
                    reserve /= 4;
                }
                Err(source) => return Err(failed(path, source)),
                Ok(env) => {
                    let data = env.try_clone_inner_file();
                    let data = data.map_err(|source| failed(path, source))?;
                    folder::check_same(file, &data, &path.join(DATA_FILE))?;
                    check_lock(folder, lock)?;
                    return Ok(env);
                }
            }
        }
    }
}

impl Error {
    /// A repository's folder has no data file in it.
    pub(crate) fn without_data(folder: &Path) -> Self {
        if folder::is_there(&folder.join(OLD_FILE)) {
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

/// Returns whether the system refused because of permissions or a read-only file system.
fn is_refusal(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn opened(path: &Path) -> Result<Folder> {
    Folder::open(path)?.ok_or_else(|| {
        Error::Io {
            action: "open",
            path: path.to_owned(),
            source: ErrorKind::NotFound.into(),
        }
        .into()
    })
}

fn failed(folder: &Path, source: heed::Error) -> Box<Error> {
    let unsupported = |detail: &str| Error::StoreUnsupported {
        path: folder.to_owned(),
        detail: detail.to_owned(),
    };
    match source {
        heed::Error::Io(source) => Error::Io {
            action: "open the store in",
            path: folder.to_owned(),
            source,
        }
        .into(),
        heed::Error::Mdb(MdbError::VersionMismatch) => unsupported(
            "another version of LMDB has it open; end the processes that use it, or update them",
        )
        .into(),
        heed::Error::Mdb(MdbError::Invalid) => unsupported(
            "its lock file lock.mdb is not one; if no process uses the store, delete that file",
        )
        .into(),
        heed::Error::EnvAlreadyOpened => Error::Closed {
            message: format!(
                "{} was opened before this process forked; open it in a process started afresh",
                folder.display()
            ),
        }
        .into(),
        source => Error::Database {
            action: "open",
            path: folder.to_owned(),
            source,
        }
        .into(),
    }
}

/// Returns what the lock file is, which is made if need be; `None` where that cannot be.
///
/// It is never opened here: the system drops all of a process' locks on a file as soon
/// as the process closes any handle of it, and LMDB may have it open already.
fn lock_file(folder: &Folder) -> Result<Option<Facts>> {
    if folder.look(LOCK_FILE)?.is_none() {
        make_lock_file(folder)?;
    }
    let found = folder.look(LOCK_FILE)?;
    if let Some(lock) = &found {
        folder.accept(LOCK_FILE, lock)?;
        if lock.length > LOCK_MOST {
            return Err(Error::Unsafe {
                path: folder.path().join(LOCK_FILE),
                reason: UnsafeReason::TooLarge { most: LOCK_MOST },
            }
            .into());
        }
    }
    Ok(found)
}

/// Makes a lock file with all its blocks. LMDB would make one with holes; when it fills one
/// on a full disk, the process dies. If the file cannot be made for another reason than a
/// full disk, nobody can write either.
fn make_lock_file(folder: &Folder) -> Result<()> {
    let Err(error) = folder.publish(LOCK_FILE, &vec![0; LOCK_LENGTH]) else {
        return Ok(());
    };
    match &*error {
        Error::Io { source, .. }
            if !matches!(
                source.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            ) =>
        {
            Ok(())
        }
        _ => Err(error),
    }
}

/// Refuses an environment whose lock file is not the one that was judged.
fn check_lock(folder: &Folder, judged: Option<Facts>) -> Result<()> {
    let now = folder.look(LOCK_FILE)?;
    match (judged, now) {
        (Some(judged), Some(now)) if judged.place == now.place && judged.kind == now.kind => Ok(()),
        (None, _) => Ok(()), // It could not be made, so it is not used.
        _ => Err(Error::Unsafe {
            path: folder.path().join(LOCK_FILE),
            reason: UnsafeReason::Replaced,
        }
        .into()),
    }
}
