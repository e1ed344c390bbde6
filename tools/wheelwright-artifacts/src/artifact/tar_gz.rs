//! Reading an sdist's `tar.gz`, with a bound on what it may unpack to.

use std::io::Read as _;

use super::tar::{self, Entry};
use super::{Limits, MemberKind};

/// An unpacked `tar.gz` and its member table.
#[derive(Debug)]
pub struct TarGz {
    tar: Vec<u8>,
    /// In the order of the archive.
    pub entries: Vec<Entry>,
    /// The gzip header's modification time (0 when it has none).
    pub gzip_time: u32,
    /// The file name in the gzip header.
    pub gzip_name: Option<String>,
    /// Bytes after the gzip stream.
    pub trailing: usize,
    /// Bytes that are not zero, after the end of the tar.
    pub after_end: usize,
    /// Why reading the tar stopped before its end, if it did.
    pub damage: Option<String>,
}

impl TarGz {
    /// Unpacks the gzip stream and reads the tar's member table.
    ///
    /// # Errors
    /// When it is not gzip, breaks a limit, or holds no tar member at all.
    pub fn read(bytes: &[u8], limits: Limits) -> Result<Self, String> {
        let limit = limits.unpacked_from(bytes.len() as u64);
        let mut gzip = flate2::bufread::GzDecoder::new(bytes);
        let mut tar = Vec::new();
        gzip.by_ref()
            .take(limit.saturating_add(1))
            .read_to_end(&mut tar)
            .map_err(|e| format!("its gzip stream is damaged: {e}"))?;
        if tar.len() as u64 > limit {
            return Err(format!(
                "it unpacks to more than the limit of {limit} bytes"
            ));
        }
        let (gzip_time, gzip_name) = gzip.header().map_or((0, None), |h| {
            let name = h
                .filename()
                .map(|n| String::from_utf8_lossy(n).into_owned());
            (h.mtime(), name)
        });
        let trailing = gzip.into_inner().len();
        let table = tar::read(&tar, limits.members);
        match (&table.damage, table.entries.is_empty()) {
            (Some(damage), true) => Err(format!("its tar is damaged: {damage}")),
            (None, true) => Err("it holds no members".into()),
            _ => Ok(Self {
                tar,
                entries: table.entries,
                gzip_time,
                gzip_name,
                trailing,
                after_end: table.trailing,
                damage: table
                    .damage
                    .map(|damage| format!("its tar is damaged: {damage}")),
            }),
        }
    }

    /// The content of one member; a folder or link has none.
    ///
    /// # Errors
    /// When its data lies outside the archive.
    pub fn content(&self, index: usize) -> Result<&[u8], String> {
        let entry = self.entries.get(index).ok_or("no such member")?;
        if entry.kind != MemberKind::File {
            return Ok(&[]);
        }
        self.tar
            .get(entry.data.clone())
            .ok_or_else(|| "its data lies outside the archive".into())
    }
}
