//! Who owns claims: an executor, which shows that it lives by a locked file.
//!
//! The system releases the lock when the process dies, however it dies, so nobody
//! has to guess by process numbers or clocks.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::claim::OwnerId;
use crate::error::{Error, Result};

/// The folder of the lock files, in the store's folder.
const FOLDER: &str = "owners";

/// This executor as an owner.
pub(super) struct Owner {
    pub id: OwnerId,
    path: PathBuf,
    /// The process that it is in: a fork of it is no owner.
    process: u32,
    /// Holds the lock.
    _file: File,
}

impl Owner {
    /// A new owner in the store in the folder `store`; removes what dead ones left.
    pub fn new(store: &Path) -> Result<Self> {
        let folder = store.join(FOLDER);
        let failed = |action| {
            let path = folder.clone();
            move |source| Error::Io {
                action,
                path,
                source,
            }
        };
        std::fs::create_dir_all(&folder).map_err(failed("make"))?;
        sweep(&folder);
        loop {
            let id = OwnerId::random()?;
            let path = folder.join(id.as_str());
            let file = File::create_new(&path).map_err(failed("make a file in"))?;
            // Another one's sweep may come between: then the file is gone again.
            file.lock().map_err(failed("lock a file in"))?;
            if path.exists() {
                return Ok(Self {
                    id,
                    path,
                    process: std::process::id(),
                    _file: file,
                });
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            let _ = std::fs::remove_file(&self.path); // A sweep would do it too.
        }
    }
}

/// Whether the owner `id` is dead.
pub(super) fn is_dead(store: &Path, id: &OwnerId) -> bool {
    let path = store.join(FOLDER).join(id.as_str());
    match File::open(&path) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Removes the files of dead owners.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_lives_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let first = Owner::new(folder.path()).unwrap();
        let second = Owner::new(folder.path()).unwrap();
        assert_ne!(first.id, second.id);
        assert!(!is_dead(folder.path(), &first.id));
        let id = first.id.clone();
        drop(first);
        assert!(is_dead(folder.path(), &id));
        assert!(!is_dead(folder.path(), &second.id));
    }

    #[test]
    fn what_dead_owners_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let name = "0".repeat(32);
        let file = folder.path().join(FOLDER).join(&name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        File::create(&file).unwrap();
        assert!(is_dead(folder.path(), &OwnerId::parse(&name).unwrap()));
        let _owner = Owner::new(folder.path()).unwrap();
        assert!(!file.exists());
    }
}
