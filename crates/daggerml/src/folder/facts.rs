//! What the system says of a file or folder.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Result, UnsafeReason};

/// Everybody may write to it.
pub(super) const OTHERS_WRITE: u32 = 0o002;

/// The mode of a folder that a group shares.
pub(super) const SHARED: u32 = 0o2020;

/// What something in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    windows,
    expect(dead_code, reason = "folders of Windows hold no pipes")
)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
    Pipe,
    Socket,
    Device,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a plain file",
            Self::Folder => "a folder",
            Self::Link => "a link",
            Self::Pipe => "a pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

/// What the system says of a file or folder. What a system does not say is `None`, or
/// what harms nobody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub kind: Kind,
    /// Bytes.
    pub length: u64,
    /// The permissions, as in `chmod`.
    pub mode: u32,
    /// The number of the user that it belongs to.
    pub owner: Option<u32>,
    /// How many names it has.
    pub links: u64,
    /// Which file it is, by device and number.
    pub place: Option<(u64, u64)>,
    /// When it was last written, in seconds since 1970.
    pub modified: i64,
}

impl Facts {
    /// Refuses what is not of the kind `wanted`.
    pub fn expect(&self, wanted: Kind, path: &Path) -> Result<()> {
        if self.kind == wanted {
            return Ok(());
        }
        Err(Error::Unsafe {
            path: path.to_owned(),
            reason: UnsafeReason::Kind {
                found: self.kind.to_string(),
                wanted: wanted.to_string(),
            },
        }
        .into())
    }

    /// Returns the mode of a new file in this folder. Whoever may use the folder may use
    /// the file, but not everybody may write to it.
    pub fn mode_of_files(&self) -> u32 {
        0o600 | (self.mode & 0o064)
    }

    /// Returns the mode of a new folder in this folder.
    pub fn mode_of_folders(&self) -> u32 {
        0o700 | (self.mode & 0o2075)
    }
}
