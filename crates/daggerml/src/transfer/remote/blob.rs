//! The bytes of a pack: in memory, or in a file of the repository's folder when they are many.
//!
//! Packs of several megabytes wait here to be sent or written, and the pack of a large object is
//! as long as that. In a file, which the system keeps in its own cache, they take no memory
//! of this process.

use std::fs::File;
use std::io::Write;
use std::ops::Deref;

use memmap2::Mmap;

use crate::error::{Result, failed};
use crate::store::Store;

/// The most bytes that are kept in memory.
pub(super) const IN_MEMORY: usize = 1 << 20;

/// What the name of the file begins with, as long as it has one.
const NAME: &str = "pack";

/// Bytes that do not change.
pub(super) enum Blob {
    Memory(Vec<u8>),
    /// The file comes last: it must be open for as long as it is mapped.
    File(
        Mmap,
        #[expect(dead_code, reason = "it keeps the file")] File,
    ),
}

impl Blob {
    /// Keeps `bytes`, in a file if they are many.
    pub fn new(bytes: Vec<u8>, store: &Store) -> Result<Self> {
        if bytes.len() <= IN_MEMORY {
            return Ok(Self::Memory(bytes));
        }
        let mut writer = BlobWriter::new(store)?;
        writer.write(&bytes)?;
        drop(bytes);
        writer.finish()
    }

    /// Returns how many bytes of memory it takes.
    pub fn in_memory(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::File(..) => 0,
        }
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::File(map, _) => map,
        }
    }
}

/// Bytes that are written to a file, and their hash.
pub(super) struct BlobWriter<'w> {
    store: &'w Store,
    file: File,
    pub hasher: blake3::Hasher,
}

impl<'w> BlobWriter<'w> {
    pub fn new(store: &'w Store) -> Result<Self> {
        Ok(Self {
            store,
            file: store.folder().spool(NAME)?,
            hasher: blake3::Hasher::new(),
        })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        let written = self.file.write_all(bytes);
        written.map_err(failed("write a temporary file in", self.store.path()))
    }

    pub fn finish(self) -> Result<Blob> {
        // SAFETY: the file is this process's alone: it has no name, or one that nobody can guess
        // and that ends with it, and no part of this program writes to it from here on.
        let map = unsafe { Mmap::map(&self.file) };
        let map = map.map_err(failed("read a temporary file in", self.store.path()))?;
        Ok(Blob::File(map, self.file))
    }
}
