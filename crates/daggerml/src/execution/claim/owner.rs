//! Who owns claims: an executor, which shows that it lives by a locked file.
//!
//! The system releases the lock when the process dies, however it dies, so nobody
//! has to guess by process numbers or clocks.

use std::fs::{File, TryLockError};

use super::OwnerId;
use crate::error::{Error, Result};
use crate::folder::{Access, Folder};

/// The folder of the lock files, in the store's folder.
const FOLDER: &str = "owners";

/// This executor as an owner.
pub(crate) struct Owner {
    pub id: OwnerId,
    folder: Folder,
    /// The process that it is in: a fork of it is not an owner.
    process: u32,
    /// Holds the lock.
    _file: File,
}

impl Owner {
    /// Makes a new owner in the store in the folder `store`; removes what dead ones left.
    pub fn new(store: &Folder) -> Result<Self> {
        let folder = store.folder_or_new(FOLDER)?;
        sweep(&folder);
        loop {
            let id = OwnerId::random()?;
            let file = folder.create(id.as_str())?;
            // Another one's sweep may come between: then the file is gone again.
            file.lock().map_err(|source| Error::Io {
                action: "lock a file in",
                path: folder.path().to_owned(),
                source,
            })?;
            if folder.look(id.as_str())?.is_some() {
                return Ok(Self {
                    id,
                    folder,
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
            let _ = self.folder.remove(self.id.as_str()); // A sweep would do it too.
        }
    }
}

/// Returns whether the owner `id` is dead. What is in the place of its file and cannot be one
/// is an error: to take it for a living owner would be to wait for it for ever.
pub(crate) fn is_dead(store: &Folder, id: &OwnerId) -> Result<bool> {
    let Some(folder) = store.folder(FOLDER)? else {
        return Ok(true);
    };
    Ok(match folder.file(id.as_str(), Access::Read)? {
        Some(file) => match file.try_lock_shared() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        None => true,
    })
}

/// Removes the files of dead owners, and nothing else: what has another form of name,
/// is no plain file or belongs to somebody else was not made by an owner.
fn sweep(folder: &Folder) {
    for name in folder.names().unwrap_or_default() {
        if OwnerId::parse(&name).is_some()
            && let Ok(Some(file)) = folder.file(&name, Access::Read)
            && file.try_lock().is_ok()
        {
            let _ = folder.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a folder in the place of a store's.
    fn store() -> (tempfile::TempDir, Folder) {
        let made = tempfile::tempdir().unwrap();
        let folder = Folder::open(made.path()).unwrap().unwrap();
        (made, folder)
    }

    #[test]
    fn an_owner_lives_until_it_is_dropped() {
        let (_made, store) = store();
        let first = Owner::new(&store).unwrap();
        let second = Owner::new(&store).unwrap();
        assert_ne!(first.id, second.id);
        assert!(!is_dead(&store, &first.id).unwrap());
        let id = first.id.clone();
        drop(first);
        assert!(is_dead(&store, &id).unwrap());
        assert!(!is_dead(&store, &second.id).unwrap());
    }

    #[test]
    fn what_dead_owners_left_is_removed_and_nothing_else() {
        let (made, store) = store();
        let owners = made.path().join(FOLDER);
        let dead = "0".repeat(32);
        let names = [dead.as_str(), "notes.txt", &"0".repeat(31), &"F".repeat(32)];
        std::fs::create_dir_all(&owners).unwrap();
        for name in names {
            File::create(owners.join(name)).unwrap();
        }
        let folder = "1".repeat(32);
        std::fs::create_dir(owners.join(&folder)).unwrap();
        assert!(is_dead(&store, &OwnerId::parse(&dead).unwrap()).unwrap());
        let _owner = Owner::new(&store).unwrap();
        assert!(!owners.join(&dead).exists());
        for name in &names[1..] {
            assert!(owners.join(name).exists(), "{name}");
        }
        assert!(owners.join(&folder).exists());
        assert!(is_dead(&store, &OwnerId::parse(&folder).unwrap()).is_err());
    }
}
