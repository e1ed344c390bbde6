//! A wheel between laying it out and compressing it.

use wheelwright_artifacts::digest::Pieces;

use super::zip::{self, Member};
use super::{Artifact, PackError};

/// A wheel before it is compressed, which takes most of the time of packing.
#[derive(Debug, Clone)]
pub struct Layout {
    pub(super) file_name: String,
    pub(super) members: Vec<Member>,
}

impl Layout {
    /// Its file name.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Adds all that its bytes depend on, besides how they are compressed.
    pub fn add_to(&self, pieces: &mut Pieces) {
        pieces.add("wheel", self.file_name.as_bytes());
        for member in &self.members {
            pieces.add(&member.path, &member.bytes);
            pieces.add("executable", &[u8::from(member.executable)]);
        }
    }

    /// Compresses it.
    ///
    /// # Errors
    /// It is too large for a zip file.
    pub fn pack(&self) -> Result<Artifact, PackError> {
        Ok(Artifact {
            bytes: zip::write(&self.file_name, &self.members)?,
            file_name: self.file_name.clone(),
        })
    }
}
