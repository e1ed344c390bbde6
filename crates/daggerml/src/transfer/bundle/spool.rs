//! Where the objects of a bundle wait until all of it is verified: in memory, or in
//! a file of the store's folder when they are many.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use crate::error::{Result, failed};
use crate::store::Store;

/// The most bytes kept in memory.
const IN_MEMORY: usize = 32 << 20;

/// What the name of the file begins with, as long as it has one.
const NAME: &str = "bundle";

pub(super) struct Spool {
    store: Store,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    /// The lengths of what was put, in order.
    lengths: Vec<usize>,
}

impl Spool {
    pub fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            memory: Vec::new(),
            file: None,
            lengths: Vec::new(),
        }
    }

    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.lengths.push(bytes.len());
        if self.file.is_none() && self.memory.len() + bytes.len() > IN_MEMORY {
            self.file = Some(BufWriter::new(self.store.folder().spool(NAME)?));
        }
        if let Some(file) = &mut self.file {
            return file
                .write_all(bytes)
                .map_err(failed("write", &self.store.path().join(NAME)));
        }
        self.memory.extend_from_slice(bytes);
        Ok(())
    }

    /// Calls `visit` with everything that was put, in order.
    pub fn each(&mut self, mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let store = &self.store;
        let path = store.path().join(NAME);
        let failed = || failed("read", &path);
        let mut memory = self.memory.as_slice();
        let mut file = match &mut self.file {
            Some(file) => {
                file.seek(SeekFrom::Start(0)).map_err(failed())?;
                Some(BufReader::new(file.get_mut()))
            }
            None => None,
        };
        let mut buffer = Vec::new();
        for &length in &self.lengths {
            // What came first is in memory.
            if let Some((bytes, rest)) = memory.split_at_checked(length)
                && !memory.is_empty()
            {
                memory = rest;
                visit(bytes)?;
            } else if let Some(file) = &mut file {
                buffer.resize(length, 0);
                file.read_exact(&mut buffer).map_err(failed())?;
                visit(&buffer)?;
            }
        }
        Ok(())
    }
}
