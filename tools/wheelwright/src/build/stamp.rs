//! What was done before, by a digest of everything it depended on.

use std::path::{Path, PathBuf};

use wheelwright_artifacts::digest::Digest;

/// A folder of stamps: for each piece of work, the digest of its inputs when
/// it was last done well.
#[derive(Debug, Clone)]
pub struct Stamps {
    folder: PathBuf,
}

impl Stamps {
    /// The stamps in a work folder.
    pub fn open(work: &Path) -> Self {
        Self {
            folder: work.join("stamps"),
        }
    }

    /// Was the work called `name` done with the inputs `key`?
    pub fn holds(&self, name: &str, key: &Digest) -> bool {
        std::fs::read_to_string(self.folder.join(name)).is_ok_and(|text| text.trim() == key.hex())
    }

    /// Notes that it was. A stamp that cannot be written only costs time.
    pub fn set(&self, name: &str, key: &Digest) {
        let _ = std::fs::create_dir_all(&self.folder);
        let _ = std::fs::write(self.folder.join(name), key.hex());
    }
}
