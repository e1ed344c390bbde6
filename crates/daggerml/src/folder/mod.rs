//! The one way into a repository's folder.
//!
//! A repository may come from anybody: a download, a folder that others write to. So
//! nothing inside of it is opened by a path. A [`Folder`] holds the directory itself,
//! and what is in it is opened by its own name relative to that: never through a link,
//! never anything but a plain file or a folder, and without waiting for anybody. Whose
//! the folder is, and who else may write to it, is judged first; see [`trust`].
//!
//! | file | holds |
//! |---|---|
//! | `facts` | what the system says of a file or folder |
//! | `trust` | whose folders and files are used |
//! | `temporary` | files that nobody else sees before they are whole |
//! | `unix`, `windows` | the system's calls |

mod facts;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;
mod temporary;
#[cfg(test)]
mod tests;
mod trust;

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, UnsafeReason, failed};

pub(crate) use facts::{Facts, Kind};
use trust::Trust;

/// The mode of a new repository's folder.
const PRIVATE: u32 = 0o700;

/// The mode of the folder of a repository that a group shares: files made in it belong to
/// the group.
const OF_A_GROUP: u32 = 0o2770;

/// Who may use a new repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Whoever made it.
    #[default]
    Private,
    /// Everybody in the folder's group, too.
    Group,
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    /// Reading and writing in place.
    Write,
}

/// A folder of a repository.
pub(crate) struct Folder {
    dir: system::Dir,
    path: PathBuf,
    facts: Facts,
    trust: Trust,
}

impl Folder {
    /// Opens the folder `path`; `None` when there is none. Its last part must not be
    /// a link; the parts before it may be.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let found = canonical(path).and_then(|path| Ok((system::look(&path)?, path)));
        let (facts, path) = match found {
            Ok((Some(facts), path)) => (facts, path),
            Ok((None, _)) => return Ok(None),
            Err(error) if is_absence(&error) => return Ok(None),
            Err(source) => return Err(failed("open", path)(source)),
        };
        facts.expect(Kind::Folder, &path)?;
        let dir = system::Dir::open(&path).map_err(failed("open", &path))?;
        let facts = dir.facts().map_err(failed("open", &path))?;
        facts.expect(Kind::Folder, &path)?;
        Ok(Some(Self {
            trust: Trust::of(&facts, &path)?,
            dir,
            path,
            facts,
        }))
    }

    /// Opens the folder `path` of a remote; `None` when there is none. It may be reached by
    /// links, but what is in it is not. Whose it is is not judged: a team shares it.
    pub fn of_remote(path: &Path) -> Result<Option<Self>> {
        let path = match std::fs::canonicalize(path) {
            Err(error) if is_absence(&error) => return Ok(None),
            found => found.map_err(failed("open", path))?,
        };
        let dir = system::Dir::open(&path).map_err(failed("open", &path))?;
        let facts = dir.facts().map_err(failed("open", &path))?;
        facts.expect(Kind::Folder, &path)?;
        Ok(Some(Self {
            dir,
            path,
            facts,
            trust: Trust::Remote,
        }))
    }

    /// Makes the folder `path` for a new repository; `None` when something is there.
    pub fn make(path: &Path, sharing: Sharing) -> Result<Option<Self>> {
        let path = canonical(path).map_err(failed("make", path))?;
        let mode = match sharing {
            Sharing::Private => PRIVATE,
            Sharing::Group => OF_A_GROUP,
        };
        match system::make_folder(&path, mode) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            made => made.map_err(failed("make", &path))?,
        }
        let made = Self::open(&path).and_then(|made| {
            if let Some(made) = made {
                made.dir.set_mode(mode).map_err(failed("make", &path))?;
            }
            // The facts are read again, since the modes of new files follow from the folder's mode.
            Self::open(&path)
        });
        if made.is_err() {
            // For example on a file system without owners or modes. Nothing is left behind.
            let _ = system::remove_folder(&path);
        }
        made
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what is there under `name`, without opening it.
    pub fn look(&self, name: &str) -> Result<Option<Facts>> {
        let found = component(name).and_then(|()| self.dir.look(name));
        found.map_err(failed("look at", &self.path.join(name)))
    }

    /// Returns the file `name`; `None` when there is none.
    pub fn file(&self, name: &str, access: Access) -> Result<Option<File>> {
        let Some(facts) = self.look(name)? else {
            return Ok(None);
        };
        self.accept(name, &facts)?;
        let file = match self.dir.open_file(name, access) {
            Err(error) if is_absence(&error) => return Ok(None),
            opened => opened.map_err(failed("open", &self.path.join(name)))?,
        };
        // It may have been replaced since.
        let opened = system::facts(&file).map_err(failed("open", &self.path.join(name)))?;
        self.accept(name, &opened)?;
        Ok(Some(file))
    }

    /// Refuses a file that is not plain, or that others may change. A file that has a second
    /// name (a hard link) may belong to anybody, who put it here so that its content is shown
    /// or written over.
    pub fn accept(&self, name: &str, facts: &Facts) -> Result<()> {
        let path = self.path.join(name);
        facts.expect(Kind::File, &path)?;
        self.trust.accept(facts, &self.facts, &path)?;
        if facts.links > 1 && self.trust != Trust::Remote {
            let names = facts.links;
            let reason = UnsafeReason::Names { names };
            return Err(Error::Unsafe { path, reason }.into());
        }
        Ok(())
    }

    /// Returns what is in the file `name`, which may have `most` bytes; `None` when there
    /// is none.
    pub fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.file(name, Access::Read)? else {
            return Ok(None);
        };
        let path = self.path.join(name);
        let mut bytes = Vec::new();
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(failed("read", &path))?;
        if bytes.len() as u64 > most {
            let reason = UnsafeReason::TooLarge { most };
            return Err(Error::Unsafe { path, reason }.into());
        }
        Ok(Some(bytes))
    }

    /// Returns a new, empty file `name`, to read and write; it must not be there.
    pub fn create(&self, name: &str) -> Result<File> {
        self.try_create(name)
            .map_err(failed("make", &self.path.join(name)))
    }

    fn try_create(&self, name: &str) -> io::Result<File> {
        component(name)?;
        self.dir
            .create_file(name, self.facts.mode_of_files(), &self.facts)
    }

    /// Returns the folder `name` in this one; `None` when there is none.
    pub fn folder(&self, name: &str) -> Result<Option<Self>> {
        let path = self.path.join(name);
        let Some(facts) = self.look(name)? else {
            return Ok(None);
        };
        facts.expect(Kind::Folder, &path)?;
        let dir = match self.dir.open_folder(name) {
            Err(error) if is_absence(&error) => return Ok(None),
            opened => opened.map_err(failed("open", &path))?,
        };
        let facts = dir.facts().map_err(failed("open", &path))?;
        facts.expect(Kind::Folder, &path)?;
        self.trust.accept(&facts, &self.facts, &path)?;
        Ok(Some(Self {
            dir,
            path,
            facts,
            trust: self.trust,
        }))
    }

    /// Opens the folder `name` in this one, and makes it when there is none.
    pub fn folder_or_new(&self, name: &str) -> Result<Self> {
        if let Some(found) = self.folder(name)? {
            return Ok(found);
        }
        let made = self
            .dir
            .make_folder(name, self.facts.mode_of_folders(), &self.facts);
        match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(failed("make", &self.path.join(name)))?,
        }
        self.folder(name)?.ok_or_else(|| {
            failed("open", &self.path.join(name))(io::Error::from(ErrorKind::NotFound))
        })
    }

    /// Returns the names of what is in it.
    pub fn names(&self) -> Result<Vec<String>> {
        self.dir.names().map_err(failed("read", &self.path))
    }

    /// Removes `name`, which is not a folder. If it is a link, what it leads to stays.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        component(name)?;
        self.dir.remove_file(name)
    }

    /// Removes the folder, which must be empty.
    pub fn remove_self(self) -> io::Result<()> {
        let path = self.path.clone();
        drop(self); // Windows removes no folder that is open.
        system::remove_folder(&path)
    }
}

/// Returns whether there is anything at `path`, even a link that leads nowhere.
pub(crate) fn is_there(path: &Path) -> bool {
    matches!(system::look(path), Ok(Some(_)))
}

/// Returns what is at `path`, which is not followed if it is a link.
pub(crate) fn look(path: &Path) -> Result<Option<Facts>> {
    system::look(path).map_err(failed("look at", path))
}

/// Refuses an environment whose data file is not the one that was judged: another
/// took its name meanwhile.
pub(crate) fn check_same(judged: &File, opened: &File, path: &Path) -> Result<()> {
    let both = system::facts(judged).and_then(|judged| Ok((judged, system::facts(opened)?)));
    let (judged, opened) = both.map_err(failed("look at", path))?;
    if judged.place == opened.place {
        return Ok(());
    }
    Err(Error::Unsafe {
        path: path.to_owned(),
        reason: UnsafeReason::Replaced,
    }
    .into())
}

/// Returns the path without links, except that its last part may be one.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok(std::fs::canonicalize(parent)?.join(name)),
        _ => std::fs::canonicalize(&path),
    }
}

/// Refuses names that lead elsewhere. All names come from this engine, so this should never
/// happen.
fn component(name: &str) -> io::Result<()> {
    let elsewhere = name.is_empty() || name == "." || name == "..";
    if elsewhere || name.contains(['/', '\\', ':', '\0']) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "no plain name"));
    }
    Ok(())
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
