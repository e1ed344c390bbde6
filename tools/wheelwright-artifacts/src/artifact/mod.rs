//! Reading wheels and sdists as they are, without trusting them.
//!
//! Nothing here judges: the readers report what is in the file, odd or not, and
//! stop only where nothing more can be read. [`crate::audit`] does the judging.

#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the formats fix the case of their suffixes"
)]

pub mod file_name;
pub mod headers;
pub mod inflate;
pub mod record;
pub mod tar;
pub mod tar_gz;
mod tar_pax;
pub mod zip;

use std::borrow::Cow;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Bounds on what a reader will take in, so that no input can exhaust the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest artifact file, in bytes.
    pub file: u64,
    /// Most members in one archive.
    pub members: usize,
    /// Largest sum of the members' unpacked sizes, in bytes.
    pub unpacked: u64,
    /// Largest ratio of unpacked to packed size, once past [`Limits::RATIO_FREE`].
    pub ratio: u64,
}

impl Limits {
    /// Unpacked bytes below which the ratio is not looked at: small and very
    /// regular files compress a thousandfold and harm nobody.
    pub const RATIO_FREE: u64 = 64 << 20;

    /// The most that may be unpacked from an archive of `packed` bytes.
    pub fn unpacked_from(&self, packed: u64) -> u64 {
        self.unpacked
            .min(packed.saturating_mul(self.ratio).max(Self::RATIO_FREE))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file: 2 << 30,
            members: 200_000,
            unpacked: 4 << 30,
            ratio: 100,
        }
    }
}

/// Why an artifact could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system said no.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Larger than [`Limits::file`].
    #[error("{} has {size} bytes, the limit is {limit}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The limit it passed.
        limit: u64,
    },
    /// Neither `.whl` nor `.tar.gz` (nor `.zip`, the old form of an sdist).
    #[error("{} is neither a wheel (.whl) nor an sdist (.tar.gz)", path.display())]
    UnknownKind {
        /// The file.
        path: PathBuf,
    },
    /// Not the archive that its name says, or damaged past reading.
    #[error("{} is not a readable {format} file: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// `zip` or `tar.gz`.
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// What sort of artifact a file is, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `.whl`
    Wheel,
    /// `.tar.gz`
    Sdist,
}

/// An artifact's bytes and the member table of its archive.
#[derive(Debug)]
pub struct Artifact {
    /// The last component of its path.
    pub file_name: String,
    /// Wheel or sdist.
    pub kind: Kind,
    /// The file's size in bytes.
    pub size: u64,
    /// The file's SHA-256, in hex.
    pub sha256: String,
    /// The archive.
    pub archive: Archive,
}

/// The archive of an artifact.
#[derive(Debug)]
pub enum Archive {
    /// A wheel's.
    Zip(zip::Zip),
    /// An sdist's.
    TarGz(tar_gz::TarGz),
}

/// What kind of thing a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic or hard link.
    Link,
    /// A device, a pipe, or something unknown.
    Special,
}

impl Artifact {
    /// Reads the artifact at `path`.
    ///
    /// # Errors
    /// When there is no file, it is too large, or its archive has no readable
    /// member table.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io {
            path: path.to_owned(),
            source,
        };
        // Asked before it is opened: a pipe would wait, a device go on for ever.
        let found = std::fs::metadata(path).map_err(io)?;
        if !found.is_file() {
            let kind = if found.is_dir() {
                "a folder"
            } else {
                "a device or a pipe"
            };
            return Err(io(std::io::Error::other(format!("it is {kind}"))));
        }
        let too_large = |size| ReadError::TooLarge {
            path: path.to_owned(),
            size,
            limit: limits.file,
        };
        if found.len() > limits.file {
            return Err(too_large(found.len()));
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(io)?;
        // Somebody may go on writing to it.
        let mut file = file.take(limits.file.saturating_add(1));
        let size = file.read_to_end(&mut bytes).map_err(io)? as u64;
        if size > limits.file {
            return Err(too_large(size));
        }
        Self::from_bytes(path, bytes, limits)
    }

    /// Reads an artifact that is already in memory; `path` names it.
    ///
    /// # Errors
    /// As [`Artifact::open`].
    pub fn from_bytes(path: &Path, bytes: Vec<u8>, limits: Limits) -> Result<Self, ReadError> {
        let file_name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let kind = if file_name.ends_with(".whl") {
            Kind::Wheel
        } else if file_name.ends_with(".tar.gz") {
            Kind::Sdist
        } else {
            return Err(ReadError::UnknownKind {
                path: path.to_owned(),
            });
        };
        let size = bytes.len() as u64;
        let sha256 = hex(&Sha256::digest(&bytes));
        let damaged = |format| {
            move |reason| ReadError::Damaged {
                path: path.to_owned(),
                format,
                reason,
            }
        };
        let archive = match kind {
            Kind::Wheel => Archive::Zip(zip::Zip::read(bytes, limits).map_err(damaged("zip"))?),
            Kind::Sdist => {
                Archive::TarGz(tar_gz::TarGz::read(&bytes, limits).map_err(damaged("tar.gz"))?)
            }
        };
        Ok(Self {
            file_name,
            kind,
            size,
            sha256,
            archive,
        })
    }
}

impl Archive {
    /// How many members the archive lists.
    pub fn len(&self) -> usize {
        match self {
            Self::Zip(zip) => zip.entries.len(),
            Self::TarGz(tar) => tar.entries.len(),
        }
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The path of member `index` as the archive has it.
    pub fn path(&self, index: usize) -> &str {
        match self {
            Self::Zip(zip) => zip.entries.get(index).map_or("", |e| &e.name),
            Self::TarGz(tar) => tar.entries.get(index).map_or("", |e| &e.path),
        }
    }

    /// What kind of thing member `index` is.
    pub fn kind(&self, index: usize) -> MemberKind {
        match self {
            Self::Zip(zip) => zip
                .entries
                .get(index)
                .map_or(MemberKind::Special, zip::Entry::kind),
            Self::TarGz(tar) => tar
                .entries
                .get(index)
                .map_or(MemberKind::Special, |e| e.kind),
        }
    }

    /// The unpacked bytes of member `index`.
    ///
    /// # Errors
    /// A sentence on why its data cannot be unpacked.
    pub fn content(&self, index: usize) -> Result<Cow<'_, [u8]>, String> {
        match self {
            Self::Zip(zip) => zip.content(index),
            Self::TarGz(tar) => tar.content(index).map(Cow::Borrowed),
        }
    }
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{b:02x}");
            out
        })
}
