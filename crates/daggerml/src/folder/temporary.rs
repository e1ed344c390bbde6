//! Files that nobody else sees before they are whole.

use std::fs::File;
use std::io::{ErrorKind, Write};

use super::{Access, Folder, failed, system};
use crate::error::{Error, Result};

impl Folder {
    /// Returns a new file under a name that nobody can guess, with that name.
    fn unguessable(&self, prefix: &str) -> Result<(String, File)> {
        loop {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes).map_err(|error| Error::Invalid {
                message: format!("the system gives no random numbers: {error}"),
            })?;
            let name = format!("{prefix}.{:032x}", u128::from_be_bytes(bytes));
            match self.try_create(&name) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => {
                    let file = made.map_err(failed("make a file in", &self.path))?;
                    return Ok((name, file));
                }
            }
        }
    }

    /// Returns a file that is gone when it is closed, however this process ends.
    pub fn spool(&self, prefix: &str) -> Result<File> {
        let (name, file) = self.unguessable(prefix)?;
        // Windows keeps the name until the file is closed.
        system::forget(&self.dir, &name, file).map_err(failed("make a file in", &self.path))
    }

    /// Writes the file `name` in one step: a crash leaves the old one or the new.
    pub fn replace(&self, name: &str, content: &[u8]) -> Result<()> {
        let (new, mut file) = self.unguessable(name)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        drop(file); // Windows does not rename a file that is open.
        let written = written.and_then(|()| self.dir.rename(&new, name));
        if written.is_err() {
            // Best effort: the failure itself is what to report.
            let _ = self.remove(&new);
        }
        written.map_err(failed("write", &self.path.join(name)))
    }

    /// Makes the file `name` with this content, unless there is one already. It appears
    /// whole or not at all, and never takes another one's place.
    pub fn publish(&self, name: &str, content: &[u8]) -> Result<()> {
        let (new, mut file) = self.unguessable(name)?;
        let written = file.write_all(content);
        drop(file);
        let done = written.and_then(|()| match self.dir.rename_new(&new, name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            // Some file systems cannot rename like that: then the file begins empty.
            Err(_) => match self.try_create(name) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
                _ => Ok(()),
            },
            Ok(()) => Ok(()),
        });
        let _ = self.remove(&new); // Either it was renamed, or it is not needed.
        done.map_err(failed("make", &self.path.join(name)))
    }

    /// Makes the file `name` with this content, unless something has that name; whether it was
    /// made. It appears whole and stays after a crash. The name of what is not whole yet
    /// begins with `temporary`.
    pub fn publish_durably(&self, temporary: &str, name: &str, content: &[u8]) -> Result<bool> {
        let (new, mut file) = self.unguessable(temporary)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        drop(file);
        let named = written.and_then(|()| match self.dir.rename_new(&new, name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            // Some file systems cannot rename like that.
            Err(_) => self.dir.link(&new, name),
            Ok(()) => Ok(()),
        });
        let _ = self.remove(&new); // It may have two names now.
        match named.and_then(|()| self.dir.sync()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed("make", &self.path.join(name))(error)),
        }
    }

    /// Writes the file `name` as [`Folder::replace`] does, and makes its name durable, too.
    pub fn replace_durably(&self, temporary: &str, name: &str, content: &[u8]) -> Result<()> {
        let (new, mut file) = self.unguessable(temporary)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        drop(file);
        let written = written.and_then(|()| self.dir.rename(&new, name));
        if written.is_err() {
            let _ = self.remove(&new);
        }
        written
            .and_then(|()| self.dir.sync())
            .map_err(failed("write", &self.path.join(name)))
    }

    /// Returns the folder `name` in this one. It is made when there is none, and stays after
    /// a crash.
    pub fn durable_folder(&self, name: &str) -> Result<Self> {
        if let Some(found) = self.folder(name)? {
            return Ok(found);
        }
        let made = self.folder_or_new(name)?;
        self.dir.sync().map_err(failed("make", &made.path))?;
        Ok(made)
    }

    /// Returns the file `name`, to be locked; made when there is none.
    pub fn lock_file(&self, name: &str) -> Result<File> {
        loop {
            if let Some(file) = self.file(name, Access::Write)? {
                return Ok(file);
            }
            match self.try_create(name) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => return made.map_err(failed("make", &self.path.join(name))),
            }
        }
    }
}
