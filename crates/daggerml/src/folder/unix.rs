//! The calls of Linux, macOS and other Unix systems.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags};

use super::Access;
use super::facts::{Facts, Kind};

/// The flags for every open. Links are not followed; opening a pipe does not wait; programs
/// that this process starts do not get the file; and a terminal does not become that of
/// this process.
const CAREFUL: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOCTTY);

/// A directory that is open.
pub(super) struct Dir(OwnedFd);

impl Dir {
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = CAREFUL | OFlags::RDONLY | OFlags::DIRECTORY;
        Ok(Self(fs::openat(CWD, path, flags, Mode::empty())?))
    }

    pub fn facts(&self) -> io::Result<Facts> {
        // A duplicate, which is closed again.
        facts(&File::from(self.0.try_clone()?))
    }

    pub fn look(&self, name: &str) -> io::Result<Option<Facts>> {
        look_at(self.0.as_fd(), Path::new(name))
    }

    pub fn open_file(&self, name: &str, access: Access) -> io::Result<File> {
        let access = match access {
            Access::Read => OFlags::RDONLY,
            Access::Write => OFlags::RDWR,
        };
        let file = open_below(self.0.as_fd(), name, CAREFUL | access, Mode::empty())?;
        Ok(file.into())
    }

    pub fn open_folder(&self, name: &str) -> io::Result<Self> {
        let flags = CAREFUL | OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = open_below(self.0.as_fd(), name, flags, Mode::empty())?;
        Ok(Self(opened))
    }

    /// Makes a file, which is to be used by whoever uses `folder`.
    pub fn create_file(&self, name: &str, mode: u32, folder: &Facts) -> io::Result<File> {
        let flags = CAREFUL | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let mode = mode_of(mode);
        let file = open_below(self.0.as_fd(), name, flags, mode)?;
        hand_over(&file, folder);
        fs::fchmod(&file, mode)?; // The umask may have removed rights.
        Ok(file.into())
    }

    /// Makes a folder, which is to be used by whoever uses `folder`.
    pub fn make_folder(&self, name: &str, mode: u32, folder: &Facts) -> io::Result<()> {
        fs::mkdirat(&self.0, name, mode_of(mode))?;
        let made = self.open_folder(name)?;
        hand_over(&made.0, folder);
        made.set_mode(mode)
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(fs::fchmod(&self.0, mode_of(mode))?)
    }

    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.0)? {
            // A name that is not text was not made by this engine.
            if let Ok(name) = entry?.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Renames, but never over another file.
    pub fn rename_new(&self, from: &str, to: &str) -> io::Result<()> {
        let flags = fs::RenameFlags::NOREPLACE;
        Ok(fs::renameat_with(&self.0, from, &self.0, to, flags)?)
    }

    /// Gives the file `from` the name `to` as well, unless something has it.
    pub fn link(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::linkat(&self.0, from, &self.0, to, AtFlags::empty())?)
    }

    /// Makes durable which names there are.
    pub fn sync(&self) -> io::Result<()> {
        match fs::fsync(&self.0) {
            // Some file systems cannot do that to a folder.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOTSUP) => Ok(()),
            synced => Ok(synced?),
        }
    }
}

/// Returns what is at `path`, itself.
pub(super) fn look(path: &Path) -> io::Result<Option<Facts>> {
    look_at(CWD, path)
}

/// Returns what `file` is.
pub(super) fn facts(file: &File) -> io::Result<Facts> {
    let found = file.metadata()?;
    let kind = match found.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_symlink() => Kind::Link,
        kind if kind.is_fifo() => Kind::Pipe,
        kind if kind.is_socket() => Kind::Socket,
        _ => Kind::Device,
    };
    Ok(Facts {
        kind,
        length: found.len(),
        mode: found.mode() & 0o7777,
        owner: Some(found.uid()),
        links: found.nlink(),
        place: Some((found.dev(), found.ino())),
        modified: found.mtime(),
    })
}

#[allow(
    clippy::useless_conversion,
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    clippy::cast_lossless,
    clippy::cast_possible_wrap,
    reason = "the types of these fields differ from system to system"
)]
fn look_at(dir: BorrowedFd<'_>, path: &Path) -> io::Result<Option<Facts>> {
    let found = match fs::statat(dir, path, AtFlags::SYMLINK_NOFOLLOW) {
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        found => found?,
    };
    let kind = match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        FileType::Fifo => Kind::Pipe,
        FileType::Socket => Kind::Socket,
        _ => Kind::Device,
    };
    Ok(Some(Facts {
        kind,
        length: found.st_size as u64,
        mode: u32::from(found.st_mode) & 0o7777,
        owner: Some(found.st_uid),
        links: found.st_nlink as u64,
        place: Some((found.st_dev as u64, found.st_ino as u64)),
        modified: found.st_mtime as i64,
    }))
}

/// Makes the folder `path`.
pub(super) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    Ok(fs::mkdirat(CWD, path, mode_of(mode))?)
}

/// Removes the empty folder `path`.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    Ok(fs::unlinkat(CWD, path, AtFlags::REMOVEDIR)?)
}

/// Takes the name of a file away, which stays until it is closed.
pub(super) fn forget(dir: &Dir, name: &str, file: File) -> io::Result<File> {
    dir.remove_file(name)?;
    Ok(file)
}

/// Gives what root made in the folder of a user (by `sudo`, or in a container) to that
/// user, who could not use it otherwise. Where that is not possible, root keeps it.
fn hand_over(made: impl AsFd, folder: &Facts) {
    if let (0, Some(owner)) = (user(), folder.owner)
        && owner != 0
    {
        let _ = std::os::unix::fs::fchown(made, Some(owner), None);
    }
}

/// Returns the number of the user that this process acts as.
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "macOS keeps modes in 16 bits, which is enough for all there are"
)]
fn mode_of(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode as _)
}

/// Opens what `dir` has under `name`. Names are single parts and links are refused by
/// `CAREFUL`, so this stays in `dir` everywhere; Linux is told so as well.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn open_below(dir: BorrowedFd<'_>, name: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    use fs::ResolveFlags;
    use rustix::io::Errno;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match fs::openat2(dir, name, flags, mode, resolve) {
        // Linux before 5.6 lacks the call, and some sandboxes forbid it.
        Err(Errno::NOSYS | Errno::PERM) => Ok(fs::openat(dir, name, flags, mode)?),
        opened => Ok(opened?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open_below(dir: BorrowedFd<'_>, name: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    Ok(fs::openat(dir, name, flags, mode)?)
}
