//! Blobs: bytes of any length.

use super::Value;
use crate::id::BlobId;

/// Bytes of any length. The value has only their length and the id of the record that lists their
/// parts; the bytes are read by [`Repository::open_blob`](crate::Repository::open_blob).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Blob {
    /// The record of the parts. Equal bytes have equal ids.
    pub id: BlobId,
    /// How many bytes there are.
    pub size: u64,
}

impl From<Blob> for Value {
    fn from(blob: Blob) -> Self {
        Self::Blob(Box::new(blob))
    }
}
