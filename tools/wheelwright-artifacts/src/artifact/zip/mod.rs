//! A raw zip reader that keeps every structural fact.
//!
//! The usual libraries hide what an audit must see: local headers that disagree
//! with the central directory, bytes that belong to no entry, entries that
//! overlap. This one reads both copies of every header and accounts for every
//! byte of the file.

mod records;

use std::borrow::Cow;

use self::records::{EndRecord, central_entry, local_header};
use super::{Limits, MemberKind, inflate};

/// Entry data is stored as it is.
pub const STORED: u16 = 0;
/// Entry data is deflated.
pub const DEFLATED: u16 = 8;
const FLAG_ENCRYPTED: u16 = 1;
const FLAG_DESCRIPTOR: u16 = 8;
const FLAG_PATCH: u16 = 0x20;
const FLAG_STRONG_ENCRYPTION: u16 = 0x40;

/// A zip file's bytes, its central directory, and what is odd about it.
#[derive(Debug)]
pub struct Zip {
    bytes: Vec<u8>,
    /// In the order of the central directory.
    pub entries: Vec<Entry>,
    /// The archive comment.
    pub comment: Vec<u8>,
    /// Structural oddities, in the order found.
    pub oddities: Vec<Oddity>,
    /// Why no content is unpacked, when it would break a limit.
    pub refused: Option<String>,
}

/// One central directory entry, with its local header beside it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name, undecodable bytes replaced.
    pub name: String,
    /// Whether the name is UTF-8 and, where it is not ASCII, is marked as such.
    pub name_ok: bool,
    /// Operating system that made the entry (3 is Unix).
    pub host: u8,
    /// The zip version that a reader needs, times ten.
    pub needs_version: u8,
    /// General purpose flags.
    pub flags: u16,
    /// Compression method.
    pub method: u16,
    /// MS-DOS date (high half) and time (low half).
    pub time: u32,
    /// CRC-32 of the content.
    pub crc: u32,
    /// Packed size.
    pub packed: u64,
    /// Unpacked size.
    pub size: u64,
    /// External attributes: the Unix mode is in the high half.
    pub attributes: u32,
    /// Ids of the central extra fields.
    pub extra: Vec<u16>,
    /// Entry comment length.
    pub comment: usize,
    /// First byte of the local header.
    pub start: u64,
    /// Where the data is; empty when the local header is unreadable.
    pub data: std::ops::Range<usize>,
    /// How the local header differs, one phrase each.
    pub differences: Vec<String>,
}

/// A structural oddity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// Bytes that belong to no entry.
    Surplus {
        /// First byte.
        at: u64,
        /// How many.
        len: u64,
    },
    /// Two entries, or an entry and the directory, share bytes.
    Overlap {
        /// The entry that begins too early.
        member: String,
        /// The one that it begins inside.
        other: String,
    },
    /// A claim of the end record that is not so.
    EndRecord {
        /// What it says and what is there.
        detail: String,
    },
}

impl Entry {
    /// The Unix mode, where the entry was made with one.
    pub fn mode(&self) -> Option<u32> {
        (self.host == 3).then_some(self.attributes >> 16)
    }

    /// What the entry is.
    pub fn kind(&self) -> MemberKind {
        let format = self.mode().map_or(0, |mode| mode & 0o170_000);
        match format {
            0o120_000 => MemberKind::Link,
            0o040_000 => MemberKind::Folder,
            _ if self.name.ends_with('/') => MemberKind::Folder,
            0 | 0o100_000 => MemberKind::File,
            _ => MemberKind::Special,
        }
    }

    /// What keeps Python's reader from it, whatever the compression method.
    pub fn unreadable(&self) -> Option<String> {
        if self.encrypted() || self.flags & FLAG_STRONG_ENCRYPTION != 0 {
            return Some("encrypted".into());
        }
        if self.flags & FLAG_PATCH != 0 {
            return Some("a compressed patch".into());
        }
        let (major, minor) = (self.needs_version / 10, self.needs_version % 10);
        (self.needs_version > 63).then(|| format!("needs zip version {major}.{minor}"))
    }

    /// Whether its data is encrypted.
    pub fn encrypted(&self) -> bool {
        self.flags & FLAG_ENCRYPTED != 0
    }

    /// Whether sizes and CRC follow the data instead of preceding it.
    pub fn has_descriptor(&self) -> bool {
        self.flags & FLAG_DESCRIPTOR != 0
    }
}

impl Zip {
    /// Reads the structure of a zip file; unpacks nothing.
    ///
    /// # Errors
    /// When there is no end record or no central directory to go by.
    pub fn read(bytes: Vec<u8>, limits: Limits) -> Result<Self, String> {
        let end = EndRecord::find(&bytes)?;
        let mut zip = Self {
            entries: Vec::new(),
            comment: bytes
                .get(end.at + 22..end.at + 22 + end.comment)
                .unwrap_or(&[])
                .to_vec(),
            oddities: end.oddities.clone(),
            refused: None,
            bytes,
        };
        zip.read_directory(&end, limits)?;
        zip.account_for_bytes(&end);
        let total = zip
            .entries
            .iter()
            .fold(0u64, |sum, e| sum.saturating_add(e.size));
        let limit = limits.unpacked_from(zip.bytes.len() as u64);
        if total > limit {
            zip.refused = Some(format!(
                "{total} bytes unpacked from {} packed; the limit is {limit}",
                zip.bytes.len()
            ));
        }
        Ok(zip)
    }

    fn read_directory(&mut self, end: &EndRecord, limits: Limits) -> Result<(), String> {
        let mut at = end.directory;
        while at < end.directory_end {
            if self.entries.len() >= limits.members {
                return Err(format!("it lists more than {} members", limits.members));
            }
            let Some((entry, next)) = central_entry(&self.bytes, at, end.shift) else {
                return Err(format!("its central directory is damaged at byte {at}"));
            };
            self.entries.push(entry);
            at = next;
        }
        if at != end.directory_end || self.entries.len() as u64 != end.count {
            self.oddities.push(Oddity::EndRecord {
                detail: format!(
                    "the end record says {} entries in {} bytes; there are {} in {}",
                    end.count,
                    end.directory_end - end.directory,
                    self.entries.len(),
                    at - end.directory,
                ),
            });
        }
        Ok(())
    }

    /// Walks the entries in file order: each must begin where the last ended.
    fn account_for_bytes(&mut self, end: &EndRecord) {
        let mut spans = Vec::with_capacity(self.entries.len());
        for entry in &mut self.entries {
            match local_header(&self.bytes, entry) {
                Some(span) => spans.push((span, entry.name.clone())),
                None => entry
                    .differences
                    .push("there is no readable local header".into()),
            }
        }
        spans.sort();
        let mut cursor = 0u64;
        let mut previous = "the start of the file".to_owned();
        for ((start, stop), name) in spans {
            if start < cursor {
                self.oddities.push(Oddity::Overlap {
                    member: name.clone(),
                    other: previous.clone(),
                });
            } else if start > cursor {
                self.oddities.push(Oddity::Surplus {
                    at: cursor,
                    len: start - cursor,
                });
            }
            if stop > cursor {
                cursor = stop;
                previous = name;
            }
        }
        let directory = end.directory as u64;
        if cursor > directory {
            self.oddities.push(Oddity::Overlap {
                member: "the central directory".into(),
                other: previous,
            });
        } else if cursor < directory {
            self.oddities.push(Oddity::Surplus {
                at: cursor,
                len: directory - cursor,
            });
        }
    }

    /// The unpacked content of one entry, its CRC checked.
    ///
    /// # Errors
    /// A sentence on why it cannot be had.
    pub fn content(&self, index: usize) -> Result<Cow<'_, [u8]>, String> {
        if let Some(reason) = &self.refused {
            return Err(format!("not unpacked: {reason}"));
        }
        let entry = self.entries.get(index).ok_or("no such member")?;
        if entry.encrypted() {
            return Err("it is encrypted".into());
        }
        let packed = self
            .bytes
            .get(entry.data.clone())
            .ok_or("its data lies outside the file")?;
        let content = match entry.method {
            STORED if entry.size == packed.len() as u64 => Cow::Borrowed(packed),
            STORED => return Err("it is stored, yet its two sizes differ".into()),
            DEFLATED => Cow::Owned(inflate::inflate(packed, entry.size)?),
            method => return Err(format!("compression method {method} is not readable")),
        };
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        if crc.sum() == entry.crc {
            Ok(content)
        } else {
            Err(format!(
                "its CRC-32 is {:08x}, declared {:08x}",
                crc.sum(),
                entry.crc
            ))
        }
    }

    /// The packed bytes of one entry.
    pub fn packed(&self, index: usize) -> &[u8] {
        self.entries
            .get(index)
            .and_then(|e| self.bytes.get(e.data.clone()))
            .unwrap_or(&[])
    }
}
