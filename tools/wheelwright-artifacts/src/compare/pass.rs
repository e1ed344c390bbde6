//! The passes: each takes away one known source of difference.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use object::Endianness;
use object::read::elf::{ElfFile64, FileHeader as _};
use object::read::macho::MachOFile64;
use object::read::{Object as _, ObjectSection as _};
use serde::Serialize;

use crate::artifact::Archive;
use crate::artifact::headers::Headers;

/// A known source of difference that does not change what an artifact does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    /// The order of the members.
    Order,
    /// Their times, and the gzip header's.
    Time,
    /// Their modes.
    Mode,
    /// Their owners.
    Owner,
    /// Extra fields, comments, flags, the gzip header's name.
    Header,
    /// Entries for folders in a wheel, which installers pass over.
    Folders,
    /// How content is packed.
    Compression,
    /// Order of RECORD, and rows of members that are equivalent.
    Record,
    /// WHEEL's `Generator`.
    Generator,
    /// How the lines of a text end: CR LF or LF.
    LineEnds,
    /// The order of the fields of METADATA and PKG-INFO.
    MetadataOrder,
    /// `.note.gnu.build-id`.
    ElfBuildId,
    /// `LC_UUID`.
    MachoUuid,
    /// `LC_CODE_SIGNATURE`, which follows from the rest.
    MachoSignature,
    /// PE link times, checksum and debug identity.
    PeTimestamp,
}

impl Pass {
    /// Its name in verdicts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Time => "time",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Header => "header",
            Self::Folders => "folders",
            Self::Compression => "compression",
            Self::Record => "record",
            Self::Generator => "generator",
            Self::LineEnds => "line-ends",
            Self::MetadataOrder => "metadata-order",
            Self::ElfBuildId => "elf-build-id",
            Self::MachoUuid => "macho-uuid",
            Self::MachoSignature => "macho-signature",
            Self::PeTimestamp => "pe-timestamp",
        }
    }
}

/// Differences of the archives as wholes.
pub fn archive(a: &Archive, b: &Archive, passes: &mut BTreeSet<Pass>) {
    let paths = |x: &Archive| {
        let paths = (0..x.len()).map(|i| x.path(i).to_owned());
        paths.collect::<Vec<String>>()
    };
    let (mut order_a, mut order_b) = (paths(a), paths(b));
    // What only one of them has is said elsewhere, and says nothing of the order.
    let names = |paths: &[String]| paths.iter().cloned().collect::<BTreeSet<_>>();
    let (names_a, names_b) = (names(&order_a), names(&order_b));
    order_a.retain(|name| names_b.contains(name));
    order_b.retain(|name| names_a.contains(name));
    if order_a != order_b {
        passes.insert(Pass::Order);
    }
    match (a, b) {
        (Archive::Zip(a), Archive::Zip(b))
            if a.comment != b.comment || a.oddities != b.oddities =>
        {
            passes.insert(Pass::Header);
        }
        (Archive::TarGz(a), Archive::TarGz(b)) => {
            if a.gzip_time != b.gzip_time {
                passes.insert(Pass::Time);
            }
            if a.gzip_name != b.gzip_name || (a.trailing, a.after_end) != (b.trailing, b.after_end)
            {
                passes.insert(Pass::Header);
            }
        }
        _ => {}
    }
}

/// Differences between two members' headers.
pub fn member(a: &Archive, at_a: usize, b: &Archive, at_b: usize, passes: &mut BTreeSet<Pass>) {
    let mut differ = |different: bool, pass| {
        if different {
            passes.insert(pass);
        }
    };
    match (a, b) {
        (Archive::Zip(zip_a), Archive::Zip(zip_b)) => {
            let (Some(x), Some(y)) = (zip_a.entries.get(at_a), zip_b.entries.get(at_b)) else {
                return;
            };
            differ(x.time != y.time, Pass::Time);
            differ((x.host, x.attributes) != (y.host, y.attributes), Pass::Mode);
            let header = |e: &crate::artifact::zip::Entry| (e.flags, e.extra.clone(), e.comment);
            differ(header(x) != header(y), Pass::Header);
            let same = x.size == y.size && x.crc == y.crc;
            let packed = x.method != y.method || zip_a.packed(at_a) != zip_b.packed(at_b);
            differ(same && packed, Pass::Compression);
        }
        (Archive::TarGz(a), Archive::TarGz(b)) => {
            let (Some(x), Some(y)) = (a.entries.get(at_a), b.entries.get(at_b)) else {
                return;
            };
            differ(x.time != y.time, Pass::Time);
            differ(x.mode != y.mode, Pass::Mode);
            differ(
                (x.owner, &x.owner_name) != (y.owner, &y.owner_name),
                Pass::Owner,
            );
        }
        _ => {}
    }
}

/// Takes one source of difference out of a member's content, given its path.
type Step = fn(&str, &mut Vec<u8>);

/// Applies the passes that fit a member's content. `None` when they explain
/// everything; else what remains of both after them.
pub fn content(
    name: &str,
    a: &[u8],
    b: &[u8],
    passes: &mut BTreeSet<Pass>,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    let steps: [(Pass, Step); 7] = [
        (Pass::Generator, generator),
        (Pass::LineEnds, line_ends),
        (Pass::MetadataOrder, metadata_order),
        (Pass::ElfBuildId, elf_build_id),
        (Pass::MachoSignature, macho_signature),
        (Pass::MachoUuid, macho_uuid),
        (Pass::PeTimestamp, pe_timestamp),
    ];
    for (pass, step) in steps {
        let before = distance(&a, &b);
        let (mut after_a, mut after_b) = (a.clone(), b.clone());
        step(name, &mut after_a);
        step(name, &mut after_b);
        if distance(&after_a, &after_b) < before {
            passes.insert(pass);
            (a, b) = (after_a, after_b);
        }
        if a == b {
            return None;
        }
    }
    Some((a, b))
}

/// How many bytes differ, with the difference in length.
fn distance(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(x, y)| x != y).count() + a.len().abs_diff(b.len())
}

fn generator(name: &str, content: &mut Vec<u8>) {
    if name.ends_with(".dist-info/WHEEL") {
        let text = String::from_utf8_lossy(content);
        let lines: Vec<&str> = text
            .lines()
            .filter(|l| !l.starts_with("Generator:"))
            .collect();
        *content = lines.join("\n").into_bytes();
    }
}

fn line_ends(_: &str, content: &mut Vec<u8>) {
    // A zero byte stands in no text, and CR LF is data wherever it stands in binaries.
    if !content.contains(&0) && std::str::from_utf8(content).is_ok() {
        let mut last = 0;
        let lines = content.iter().enumerate();
        let is_end = |(at, byte): (usize, &u8)| {
            (*byte == b'\r' && content.get(at + 1) == Some(&b'\n')).then_some(at)
        };
        let ends: Vec<usize> = lines.filter_map(is_end).collect();
        let mut text = Vec::with_capacity(content.len());
        for end in ends {
            text.extend_from_slice(&content[last..end]);
            last = end + 1;
        }
        text.extend_from_slice(&content[last..]);
        *content = text;
    }
}

/// Sorts the fields by name; those of one name stay in their order, which can mean
/// something.
fn metadata_order(name: &str, content: &mut Vec<u8>) {
    let is_metadata = name.ends_with(".dist-info/METADATA") || name.ends_with("PKG-INFO");
    if !is_metadata {
        return;
    }
    let mut headers = Headers::parse(content);
    if headers.stray.is_empty() && headers.utf8 {
        headers.fields.sort_by(|a, b| a.0.cmp(&b.0));
        let mut text = String::new();
        for (name, value) in &headers.fields {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        }
        *content = format!("{text}\n{}", headers.body).into_bytes();
    }
}

fn zero(content: &mut [u8], range: std::ops::Range<usize>) {
    if let Some(part) = content.get_mut(range) {
        part.fill(0);
    }
}

fn elf_build_id(_: &str, content: &mut Vec<u8>) {
    let range = (|| {
        let file = ElfFile64::<Endianness>::parse(&**content).ok()?;
        let _ = file.elf_header().endian().ok()?;
        let (start, len) = file.section_by_name(".note.gnu.build-id")?.file_range()?;
        Some(usize::try_from(start).ok()?..usize::try_from(start.checked_add(len)?).ok()?)
    })();
    if let Some(range) = range {
        zero(content, range);
    }
}

/// The load command of this kind: where it begins and its bytes.
fn macho_command(content: &[u8], kind: object::macho::LoadCommandType) -> Option<(usize, Vec<u8>)> {
    let file = MachOFile64::<Endianness>::parse(content).ok()?;
    let mut commands = file.macho_load_commands().ok()?;
    while let Some(command) = commands.next().ok()? {
        if command.cmd() == kind {
            let at = usize::try_from(command.offset()).ok()?;
            return Some((at, command.raw_data().to_vec()));
        }
    }
    None
}

#[expect(clippy::ptr_arg, reason = "every step has the type `Step`")]
fn macho_uuid(_: &str, content: &mut Vec<u8>) {
    if let Some((at, command)) = macho_command(content, object::macho::LC_UUID) {
        zero(content, at + 8..at + command.len());
    }
}

/// Takes the signature off the end, and its place and size out of the command.
fn macho_signature(_: &str, content: &mut Vec<u8>) {
    let Some((at, command)) = macho_command(content, object::macho::LC_CODE_SIGNATURE) else {
        return;
    };
    let word = |i: usize| {
        let bytes: [u8; 4] = command.get(i..i + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    if let (Some(start), Some(len)) = (word(8), word(12))
        && let Some(stop) = start.checked_add(len)
        && stop <= content.len()
    {
        content.drain(start..stop);
        zero(content, at + 8..at + 16);
    }
}

#[expect(clippy::ptr_arg, reason = "every step has the type `Step`")]
fn pe_timestamp(_: &str, content: &mut Vec<u8>) {
    let Some(ranges) = crate::binary::pe::volatile(content) else {
        return;
    };
    for range in ranges {
        zero(content, range);
    }
}
