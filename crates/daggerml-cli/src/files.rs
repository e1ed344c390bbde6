//! Files that the user names: written whole, so that a reader never finds half of one.

#![expect(
    clippy::disallowed_methods,
    reason = "they are outside of repositories"
)]

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::CommandError;

/// Writes the file `path` by `write`. The content goes to a new file in the same folder
/// first, which then takes the place of `path`. When anything fails, the old file is still
/// there.
///
/// Nobody can guess the name of the new file. In a folder that others may write to, such as
/// `/tmp`, they could have put a link under any name that they can guess. A link in the
/// place of `path` itself is replaced, not followed.
pub fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let failed = |error: io::Error| CommandError::file("write", path, &error);
    let found = fs::metadata(path).ok();
    if let Some(found) = &found
        && !found.is_file()
    {
        return fill(&special(path, found).map_err(failed)?, path, write);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let own = found.filter(is_own);
    // Where there is no folder, the library would name its temporary file.
    fs::metadata(folder).map_err(failed)?;
    let part = new_file().tempfile_in(folder).map_err(failed)?;
    keep_mode(part.as_file(), own.as_ref()).map_err(failed)?;
    let done = fill(part.as_file(), path, write)?;
    part.as_file().sync_all().map_err(failed)?;
    part.persist(path).map_err(|error| failed(error.error))?;
    Ok(done)
}

/// Makes a file like any new one: the umask says who may use it.
fn new_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dml-").suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Gives a new file the permissions of the old one, if the user owns that. The owner of
/// another file that everybody may write to may want to write to its replacement.
fn keep_mode(new: &File, own: Option<&Metadata>) -> io::Result<()> {
    match own {
        Some(own) if cfg!(unix) => new.set_permissions(own.permissions()),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn is_own(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.uid() == rustix::process::geteuid().as_raw()
}

/// Windows' files inherit their rights from the folder.
#[cfg(not(unix))]
fn is_own(_found: &Metadata) -> bool {
    true
}

/// Opens a device or a pipe, which cannot be replaced, only written to. One of another
/// user may have been put in the place of the file; devices are root's.
fn special(path: &Path, found: &Metadata) -> io::Result<File> {
    #[cfg(unix)]
    let of_root = std::os::unix::fs::MetadataExt::uid(found) == 0;
    #[cfg(not(unix))]
    let of_root = true;
    if !is_own(found) && !of_root {
        let message = "it is no plain file, and belongs to another user";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    File::options().write(true).open(path)
}

/// Writes the file `path` with this content.
pub fn write(path: &Path, content: &[u8]) -> Result<(), CommandError> {
    replace(path, |output| {
        let failed = |error: io::Error| CommandError::file("write", path, &error);
        output.write_all(content).map_err(failed)
    })
}

/// Makes the folder `path` and those above it.
pub fn make_folder(path: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(path).map_err(|error| CommandError::file("make", path, &error))
}

/// Opens the file `path` to read.
pub fn open(path: &Path) -> Result<File, CommandError> {
    File::open(path).map_err(|error| CommandError::open(path, &error))
}

fn fill<T>(
    file: &File,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let mut output = BufWriter::new(file);
    let done = write(&mut output)?;
    output
        .flush()
        .map_err(|error| CommandError::file("write", path, &error))?;
    Ok(done)
}
