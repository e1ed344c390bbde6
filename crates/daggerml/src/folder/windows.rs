//! The calls of Windows.
//!
//! The standard library cannot open a file relative to a directory. Instead, the directory
//! is held open in a way that lets nobody rename or replace it, so that the paths of what is
//! in it stay true. Reparse points (links, junctions) are opened themselves instead of being
//! followed, and then refused.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where they are used with care"
)]

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Access;
use super::facts::{Facts, Kind};

const FILE_SHARE_READ: u32 = 0x1;
const FILE_SHARE_WRITE: u32 = 0x2;
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000; // opens directories

/// A directory that is open.
pub(super) struct Dir {
    path: PathBuf,
    held: File,
}

impl Dir {
    pub fn open(path: &Path) -> io::Result<Self> {
        let held = OpenOptions::new()
            .read(true)
            .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS)
            .open(path)?;
        let path = path.to_owned();
        Ok(Self { path, held })
    }

    pub fn facts(&self) -> io::Result<Facts> {
        facts(&self.held)
    }

    pub fn look(&self, name: &str) -> io::Result<Option<Facts>> {
        look(&self.path.join(name))
    }

    pub fn open_file(&self, name: &str, access: Access) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(access == Access::Write)
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
            .open(self.path.join(name))
    }

    pub fn open_folder(&self, name: &str) -> io::Result<Self> {
        Self::open(&self.path.join(name))
    }

    pub fn create_file(&self, name: &str, _mode: u32, _folder: &Facts) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
            .open(self.path.join(name))
    }

    pub fn make_folder(&self, name: &str, mode: u32, _folder: &Facts) -> io::Result<()> {
        make_folder(&self.path.join(name), mode)
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "modes are of other systems; here rights are inherited"
    )]
    pub fn set_mode(&self, _mode: u32) -> io::Result<()> {
        Ok(())
    }

    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // A name that is not text was not made by this engine.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    /// Renames, but never over another file: `from` may stay, too.
    pub fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::hard_link(self.path.join(from), self.path.join(to))
    }

    /// Gives the file `from` the name `to` as well, unless something has it.
    pub fn link(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::hard_link(self.path.join(from), self.path.join(to))
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "Windows writes names at once"
    )]
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns what is at `path`, itself.
pub(super) fn look(path: &Path) -> io::Result<Option<Facts>> {
    match std::fs::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        found => Ok(Some(facts_of(&found?))),
    }
}

/// Returns what `file` is.
pub(super) fn facts(file: &File) -> io::Result<Facts> {
    Ok(facts_of(&file.metadata()?))
}

fn facts_of(found: &Metadata) -> Facts {
    let kind = |kind: FileType| match kind {
        kind if kind.is_symlink() => Kind::Link,
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_file() => Kind::File,
        _ => Kind::Device,
    };
    Facts {
        kind: kind(found.file_type()),
        length: found.len(),
        mode: 0o700,
        owner: None,
        links: 1,
        place: None,
        modified: found
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|time| i64::try_from(time.as_secs()).ok())
            .unwrap_or_default(),
    }
}

/// Makes the folder `path`.
pub(super) fn make_folder(path: &Path, _mode: u32) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// Removes the empty folder `path`.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    std::fs::remove_dir(path)
}

/// Returns a file that is gone when it is closed: opened again with that wish.
pub(super) fn forget(dir: &Dir, name: &str, file: File) -> io::Result<File> {
    const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
    drop(file);
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_DELETE_ON_CLOSE)
        .open(dir.path.join(name))
}

/// Returns the number of the user that this process acts as: there are none.
pub(super) fn user() -> u32 {
    0
}
