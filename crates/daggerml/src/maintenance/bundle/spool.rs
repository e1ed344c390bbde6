//! Where the objects of a bundle wait until all of it is verified: in memory, or in
//! a file of the store's folder when they are many.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// The most bytes kept in memory.
const IN_MEMORY: usize = 32 << 20;

/// Tells the files of one process apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

pub(super) struct Spool {
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    path: PathBuf,
    /// The lengths of what was put, in order.
    lengths: Vec<usize>,
}

impl Spool {
    pub fn new(folder: &Path) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            memory: Vec::new(),
            file: None,
            path: folder.join(format!("bundle.{}.{number}", std::process::id())),
            lengths: Vec::new(),
        }
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = self.path.clone();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.lengths.push(bytes.len());
        if self.file.is_none() && self.memory.len() + bytes.len() > IN_MEMORY {
            let mut options = File::options();
            let file = options
                .create_new(true)
                .read(true)
                .write(true)
                .open(&self.path);
            self.file = Some(BufWriter::new(file.map_err(self.failed("make"))?));
        }
        let failed = self.failed("write");
        if let Some(file) = &mut self.file {
            return file.write_all(bytes).map_err(failed);
        }
        self.memory.extend_from_slice(bytes);
        Ok(())
    }

    /// Calls `visit` with everything that was put, in order.
    pub fn each(&mut self, mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io {
                action: "read",
                path,
                source,
            }
        };
        let mut memory = self.memory.as_slice();
        let mut file = match &mut self.file {
            Some(file) => {
                file.seek(SeekFrom::Start(0)).map_err(failed(&self.path))?;
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
                file.read_exact(&mut buffer).map_err(failed(&self.path))?;
                visit(&buffer)?;
            }
        }
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
