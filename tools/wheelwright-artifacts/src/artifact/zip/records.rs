//! The single records of a zip file: the end record, the entries of the central
//! directory, local headers, data descriptors.

use super::{Entry, FLAG_DESCRIPTOR, Oddity};

const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const END64_LOCATOR: u32 = 0x0706_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;

const FLAG_UTF8: u16 = 0x800;

/// The end record, zip64 or not, and where it says that the directory is.
pub(super) struct EndRecord {
    pub(super) at: usize,
    pub(super) comment: usize,
    pub(super) count: u64,
    pub(super) directory: usize,
    pub(super) directory_end: usize,
    /// Bytes that precede the archive proper.
    pub(super) shift: u64,
    pub(super) oddities: Vec<Oddity>,
}

impl EndRecord {
    pub(super) fn find(bytes: &[u8]) -> Result<Self, String> {
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
        let after = bytes.get(at + 4..).unwrap_or_default();
        if after.windows(4).any(|four| four == END.to_le_bytes()) {
            oddities.push(Oddity::EndRecord {
                detail: "another end record follows, which some readers take instead".into(),
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
            if field(24) != count || field(4) != 44 || end64 as u64 + 76 != at as u64 {
                oddities.push(Oddity::EndRecord {
                    detail:
                        "its zip64 record is not followed by locator and end, or has more in it"
                            .into(),
                });
            }
            stop = end64;
        }
        if u16_at(bytes, at + 8) != u16_at(bytes, at + 10) {
            oddities.push(Oddity::EndRecord {
                detail: "its two counts of entries differ".into(),
            });
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

/// The directory entry at `at`, and where the next one begins.
pub(super) fn central_entry(bytes: &[u8], at: usize, shift: u64) -> Option<(Entry, usize)> {
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
        needs_version: *bytes.get(at + 6)?,
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
pub(super) fn local_header(bytes: &[u8], entry: &mut Entry) -> Option<(u64, u64)> {
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
    let stated = [u32_at(bytes, at + 22)?, u32_at(bytes, at + 18)?];
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
    if let Some(problem) = extra_problem(extra, stated, entry.method) {
        differ("extra field", problem.into(), "whole".into());
    }
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

/// How the extra fields of a local header can be read in two ways; `stated` are the
/// header's own sizes, unpacked and packed.
fn extra_problem(extra: &[u8], stated: [u32; 2], method: u16) -> Option<&'static str> {
    const ZIP64: u16 = 1;
    const UNICODE_PATH: u16 = 0x7075;
    let fields = extra_fields(extra);
    let read: usize = fields.iter().map(|(_, data)| data.len() + 4).sum();
    if read != extra.len() {
        return Some("cut off");
    }
    for id in [ZIP64, UNICODE_PATH] {
        if fields.iter().filter(|(known, _)| *known == id).count() > 1 {
            return Some("there twice");
        }
    }
    let (_, data) = fields.iter().find(|(id, _)| *id == ZIP64)?;
    let wide = stated.contains(&u32::MAX);
    match data.len() {
        0 if wide => Some("zip64 without a size"),
        // One size for both can only be that of stored data.
        8 if method != 0 => Some("zip64 with one size of two"),
        8 if u64_at(data, 0) != Some(u64::from(stated[0])) && !wide => {
            Some("zip64 with another size")
        }
        16 | 24 | 28 if u64_at(data, 8) != Some(u64::from(stated[1])) && stated[1] != u32::MAX => {
            Some("zip64 with another size")
        }
        0 | 8 | 16 | 24 | 28 => None,
        _ => Some("zip64 of an odd length"),
    }
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
