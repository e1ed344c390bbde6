//! Where a file of settings is kept, and how it is read and written there.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::FILE;
use crate::error::{Error, Result, UnsafeReason, failed};

/// The most bytes of a file of settings.
pub(crate) const MAX_FILE: u64 = 1 << 20;

/// Where a file of settings is kept.
pub(crate) trait Place: fmt::Debug + Send + Sync {
    /// Returns the file's path, for messages.
    fn path(&self) -> PathBuf;

    /// Returns what is in the file; `None` when there is no file.
    fn read(&self) -> Result<Option<Vec<u8>>>;

    /// Writes the file in one step, so that a crash leaves the old one or the new.
    fn write(&self, content: &[u8]) -> Result<()>;
}

/// Returns whether this user may not even see if there is such a file.
#[expect(clippy::disallowed_methods, reason = "the user's own settings")]
fn is_out_of_sight(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// The folder of the user's own settings. It is trusted: a link in it is followed.
#[derive(Debug)]
pub(super) struct UserFolder(pub PathBuf);

impl Place for UserFolder {
    fn path(&self) -> PathBuf {
        self.0.join(FILE)
    }

    #[expect(clippy::disallowed_methods, reason = "the user's own settings")]
    fn read(&self) -> Result<Option<Vec<u8>>> {
        let path = self.path();
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            // The home of somebody else, as `sudo -u` leaves it: no settings of this user.
            Err(error) if error.kind() == ErrorKind::PermissionDenied && is_out_of_sight(&path) => {
                return Ok(None);
            }
            opened => opened.map_err(failed("read", &path))?,
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(failed("read", &path))?;
        if bytes.len() as u64 > MAX_FILE {
            let reason = UnsafeReason::TooLarge { most: MAX_FILE };
            return Err(Error::Unsafe { path, reason }.into());
        }
        Ok(Some(bytes))
    }

    /// Only the user may read the file: settings may name programs and other machines.
    fn write(&self, content: &[u8]) -> Result<()> {
        let folder = &self.0;
        make_private(folder).map_err(failed("make", folder))?;
        // When the file is a link, what it leads to is replaced and the link stays.
        let path = self.path();
        let path = std::fs::canonicalize(&path).unwrap_or(path);
        let written = path.parent().map_or_else(
            || Err(ErrorKind::InvalidInput.into()),
            |folder| {
                let mut new = tempfile::Builder::new()
                    .prefix(".config.toml.")
                    .tempfile_in(folder)?; // only the user may read it
                new.write_all(content)?;
                new.as_file().sync_all()?;
                new.persist(&path).map(drop).map_err(|error| error.error)
            },
        );
        written.map_err(failed("write", &path))
    }
}

#[expect(clippy::disallowed_methods, reason = "the user's own settings")]
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}
