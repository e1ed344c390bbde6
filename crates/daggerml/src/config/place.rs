//! Where settings are kept, and how they are read and written there.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::FILE;
use crate::error::{Error, Result, UnsafeReason};
use crate::folder::Folder;
use crate::repo::FOLDER;

/// The most bytes of a file of settings.
const MOST: u64 = 1 << 20;

/// Where settings are kept.
#[derive(Debug)]
pub(super) enum Place {
    /// In this folder, which is the user's own: a link in it is the user's wish.
    User(PathBuf),
    /// In the repository in this folder, which may come from anybody.
    Repository(PathBuf),
}

impl Place {
    /// The file.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::User(folder) => folder.join(FILE),
            Self::Repository(root) => root.join(FOLDER).join(FILE),
        }
    }

    /// What is in the file; `None` when there is none.
    pub fn read(&self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::User(_) => self.read_user(),
            Self::Repository(root) => match Folder::open(&root.join(FOLDER))? {
                Some(folder) => folder.read(FILE, MOST),
                None => Ok(None),
            },
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the user's own settings")]
    fn read_user(&self) -> Result<Option<Vec<u8>>> {
        let path = self.path();
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed("read", &path))?,
        };
        let mut bytes = Vec::new();
        file.take(MOST + 1)
            .read_to_end(&mut bytes)
            .map_err(failed("read", &path))?;
        if bytes.len() as u64 > MOST {
            let reason = UnsafeReason::TooLarge { most: MOST };
            return Err(Error::Unsafe { path, reason });
        }
        Ok(Some(bytes))
    }

    /// Writes the file in one step, so that a crash leaves the old one or the new.
    pub fn write(&self, content: &[u8]) -> Result<()> {
        match self {
            Self::User(folder) => self.write_user(folder, content),
            Self::Repository(root) => match Folder::open(&root.join(FOLDER))? {
                Some(folder) => folder.replace(FILE, content),
                None => Err(Error::RepositoryNotFound { from: root.clone() }),
            },
        }
    }

    /// What the user's settings say is nobody else's business: they may name programs
    /// and where other machines are.
    fn write_user(&self, folder: &Path, content: &[u8]) -> Result<()> {
        make_private(folder).map_err(failed("make", folder))?;
        // Who keeps settings elsewhere and links to them finds them changed there.
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

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}
