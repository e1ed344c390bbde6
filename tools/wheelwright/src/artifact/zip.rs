//! A raw zip reader that keeps every structural fact.
//!
//! The usual libraries hide what an audit must see: local headers that disagree
//! with the central directory, bytes that belong to no entry, entries that
//! overlap. This one reads both copies of every header and accounts for every
//! byte of the file.

use std::borrow::Cow;

use super::{Limits, MemberKind, inflate};

const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const END64_LOCATOR: u32 = 0x0706_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;

/// Entry data is stored as it is.
pub const STORED: u16 = 0;
/// Entry data is deflated.
pub const DEFLATED: u16 = 8;
const FLAG_ENCRYPTED: u16 = 1;
const FLAG_DESCRIPTOR: u16 = 8;
const FLAG_UTF8: u16 = 0x800;

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

struct EndRecord {
    at: usize,
    comment: usize,
    count: u64,
    directory: usize,
    directory_end: usize,
    /// Bytes that precede the archive proper.
    shift: u64,
    oddities: Vec<Oddity>,
}

impl EndRecord {
    fn find(bytes: &[u8]) -> Result<Self, String> {
        let earliest = bytes.len().saturating_sub(22 + usize::from(u16::MAX));
        let candidates = (earliest..bytes.len().saturating_sub(21))
            .rev()
            .filter(|&at| u32_at(bytes, at) == Some(END));
        let mut found = None;
        for at in candidates {
            let Some(comment) = u16_at(bytes, at + 20).map(usize::from) else {
                continue;
            };
            let exact = at + 22 + comment == bytes.len();
            if exact || (found.is_none() && at + 22 + comment < bytes.len()) {
                found = Some((at, comment, exact));
            }
            if exact {
                break;
            }
        }
        let (at, comment, exact) = found.ok_or("it has no end-of-directory record")?;
        let mut oddities = Vec::new();
        if !exact {
            let stop = at + 22 + comment;
            oddities.push(Oddity::Surplus {
                at: stop as u64,
                len: (bytes.len() - stop) as u64,
            });
        }
        let wide = |at| u32_at(bytes, at).map(u64::from).unwrap_or_default();
        let mut count = u16_at(bytes, at + 10).map(u64::from).unwrap_or_default();
        let (mut len, mut offset) = (wide(at + 12), wide(at + 16));
        let mut stop = at;
        let zip64 = count == 0xffff || len == 0xffff_ffff || offset == 0xffff_ffff;
        if zip64 && at >= 20 && u32_at(bytes, at - 20) == Some(END64_LOCATOR) {
            let end64 = u64_at(bytes, at - 12)
                .and_then(|o| usize::try_from(o).ok())
                .filter(|&o| u32_at(bytes, o) == Some(END64))
                .ok_or("its zip64 end record is missing")?;
            let field = |offset| u64_at(bytes, end64 + offset).unwrap_or_default();
            (count, len, offset) = (field(32), field(40), field(48));
            stop = end64;
        }
        if u16_at(bytes, at + 4) != Some(0) || u16_at(bytes, at + 6) != Some(0) {
            oddities.push(Oddity::EndRecord {
                detail: "it claims to be one part of several".into(),
            });
        }
        let start = (stop as u64)
            .checked_sub(len)
            .ok_or("its central directory is larger than the file")?;
        let shift = start
            .checked_sub(offset)
            .ok_or("its central directory begins past its end")?;
        if shift > 0 {
            oddities.push(Oddity::EndRecord {
                detail: format!("{shift} bytes precede the archive"),
            });
        }
        Ok(Self {
            at,
            comment,
            count,
            directory: usize::try_from(start).map_err(|e| e.to_string())?,
            directory_end: stop,
            shift,
            oddities,
        })
    }
}

fn central_entry(bytes: &[u8], at: usize, shift: u64) -> Option<(Entry, usize)> {
    if u32_at(bytes, at)? != CENTRAL {
        return None;
    }
    let name_len = usize::from(u16_at(bytes, at + 28)?);
    let extra_len = usize::from(u16_at(bytes, at + 30)?);
    let comment = usize::from(u16_at(bytes, at + 32)?);
    let raw_name = bytes.get(at + 46..at + 46 + name_len)?;
    let extra_at = at + 46 + name_len;
    let extra = bytes.get(extra_at..extra_at + extra_len)?;
    let flags = u16_at(bytes, at + 8)?;
    let mut sizes = [
        u64::from(u32_at(bytes, at + 24)?),
        u64::from(u32_at(bytes, at + 20)?),
        u64::from(u32_at(bytes, at + 42)?),
    ];
    let fields = extra_fields(extra);
    if let Some((_, data)) = fields.iter().find(|(id, _)| *id == 1) {
        let mut taken = 0;
        for size in &mut sizes {
            if *size == 0xffff_ffff {
                *size = u64_at(data, taken)?;
                taken += 8;
            }
        }
    }
    let [size, packed, offset] = sizes;
    let entry = Entry {
        name: String::from_utf8_lossy(raw_name).into_owned(),
        name_ok: raw_name.is_ascii()
            || (flags & FLAG_UTF8 != 0 && std::str::from_utf8(raw_name).is_ok()),
        host: *bytes.get(at + 5)?,
        flags,
        method: u16_at(bytes, at + 10)?,
        time: u32_at(bytes, at + 12)?,
        crc: u32_at(bytes, at + 16)?,
        packed,
        size,
        attributes: u32_at(bytes, at + 38)?,
        extra: fields.iter().map(|(id, _)| *id).collect(),
        comment,
        start: offset.checked_add(shift)?,
        data: 0..0,
        differences: Vec::new(),
    };
    Some((entry, extra_at + extra_len + comment))
}

/// Reads the local header of `entry`, notes how it differs, and gives the span
/// of bytes that the whole entry takes.
fn local_header(bytes: &[u8], entry: &mut Entry) -> Option<(u64, u64)> {
    let at = usize::try_from(entry.start).ok()?;
    if u32_at(bytes, at)? != LOCAL {
        return None;
    }
    let name_len = usize::from(u16_at(bytes, at + 26)?);
    let extra_len = usize::from(u16_at(bytes, at + 28)?);
    let name = bytes.get(at + 30..at + 30 + name_len)?;
    let extra = bytes.get(at + 30 + name_len..at + 30 + name_len + extra_len)?;
    let start = at + 30 + name_len + extra_len;
    let stop = start.checked_add(usize::try_from(entry.packed).ok()?)?;
    bytes.get(start..stop)?;
    entry.data = start..stop;

    let mut sizes = [
        u64::from(u32_at(bytes, at + 22)?),
        u64::from(u32_at(bytes, at + 18)?),
    ];
    if let Some((_, data)) = extra_fields(extra).iter().find(|(id, _)| *id == 1) {
        let mut taken = 0;
        for size in &mut sizes {
            if *size == 0xffff_ffff {
                *size = u64_at(data, taken)?;
                taken += 8;
            }
        }
    }
    let [size, packed] = sizes;
    let crc = u32_at(bytes, at + 14)?;
    let mut differ = |what: &str, local: String, central: String| {
        if local != central {
            entry
                .differences
                .push(format!("{what} is {local} locally, {central} centrally"));
        }
    };
    let flags = u16_at(bytes, at + 6)?;
    differ(
        "name",
        String::from_utf8_lossy(name).into_owned(),
        entry.name.clone(),
    );
    differ(
        "flags",
        format!("{flags:#x}"),
        format!("{:#x}", entry.flags),
    );
    differ(
        "method",
        u16_at(bytes, at + 8)?.to_string(),
        entry.method.to_string(),
    );
    differ(
        "time",
        format!("{:#x}", u32_at(bytes, at + 10)?),
        format!("{:#x}", entry.time),
    );
    let later = flags & FLAG_DESCRIPTOR != 0 && crc == 0;
    if !later {
        differ("CRC", format!("{crc:08x}"), format!("{:08x}", entry.crc));
        differ("size", size.to_string(), entry.size.to_string());
        differ("packed size", packed.to_string(), entry.packed.to_string());
    }
    let tail = if flags & FLAG_DESCRIPTOR == 0 {
        0
    } else {
        descriptor_len(bytes, stop, entry).unwrap_or_else(|| {
            entry
                .differences
                .push("the data descriptor does not repeat the sizes".into());
            0
        })
    };
    Some((entry.start, (stop + tail) as u64))
}

/// The length of the data descriptor at `at`, in whichever of its four forms
/// repeats the directory's numbers.
fn descriptor_len(bytes: &[u8], at: usize, entry: &Entry) -> Option<usize> {
    for signed in [4, 0] {
        if signed == 4 && u32_at(bytes, at) != Some(DESCRIPTOR) {
            continue;
        }
        let at = at + signed;
        if u32_at(bytes, at) != Some(entry.crc) {
            continue;
        }
        let narrow = (
            u32_at(bytes, at + 4).map(u64::from),
            u32_at(bytes, at + 8).map(u64::from),
        );
        if narrow == (Some(entry.packed), Some(entry.size)) {
            return Some(signed + 12);
        }
        let wide = (u64_at(bytes, at + 4), u64_at(bytes, at + 12));
        if wide == (Some(entry.packed), Some(entry.size)) {
            return Some(signed + 20);
        }
    }
    None
}

fn extra_fields(mut extra: &[u8]) -> Vec<(u16, &[u8])> {
    let mut fields = Vec::new();
    while let (Some(id), Some(len)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let stop = 4 + usize::from(len);
        let Some(data) = extra.get(4..stop) else {
            break;
        };
        fields.push((id, data));
        extra = extra.get(stop..).unwrap_or(&[]);
    }
    fields
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}
