//! A zip file whose bytes follow from its members alone: fixed time, fixed
//! modes, one compressor, no extra fields.

use libdeflater::{CompressionLvl, Compressor};

use super::PackError;

/// 1980-01-01 00:00:00, the oldest time that a zip file can hold.
const DATE: u16 = 0x0021;
const TIME: u16 = 0;
/// Regular file; the upper half of a member's external attributes.
const REGULAR: u32 = 0o100_000;
/// Made on Unix, by version 2.0 of the format.
const MADE_BY: u16 = 0x0314;
const NEEDED: u16 = 0x0014;
const UTF8: u16 = 1 << 11;

/// A member to be written.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its path, with `/`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// May it be executed (mode 0755) or not (0644)?
    pub executable: bool,
}

/// Writes `members` in the order given, as the zip file `artifact`.
///
/// # Errors
/// A member or the file is too large for a zip file without extensions.
pub fn write(artifact: &str, members: &[Member]) -> Result<Vec<u8>, PackError> {
    let too_large = || PackError::TooLarge {
        artifact: artifact.to_owned(),
    };
    let size = |n: usize| u32::try_from(n).map_err(|_| too_large());
    let mut out = Vec::new();
    let mut directory = Vec::new();
    let mut compressor = Compressor::new(CompressionLvl::best());
    for member in members {
        let offset = size(out.len())?;
        let deflated = deflated(&mut compressor, &member.bytes);
        let (method, data) = match &deflated {
            Some(deflated) => (8, deflated.as_slice()),
            None => (0, member.bytes.as_slice()),
        };
        let mut common = Vec::new();
        short(&mut common, NEEDED);
        short(&mut common, if member.path.is_ascii() { 0 } else { UTF8 });
        short(&mut common, method);
        short(&mut common, TIME);
        short(&mut common, DATE);
        long(&mut common, crc32fast::hash(&member.bytes));
        long(&mut common, size(data.len())?);
        long(&mut common, size(member.bytes.len())?);
        short(
            &mut common,
            u16::try_from(member.path.len()).map_err(|_| too_large())?,
        );
        short(&mut common, 0); // no extra fields

        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(member.path.as_bytes());
        out.extend(data);

        let mode = REGULAR | if member.executable { 0o755 } else { 0o644 };
        directory.extend(b"PK\x01\x02");
        short(&mut directory, MADE_BY);
        directory.extend(&common);
        short(&mut directory, 0); // no comment
        short(&mut directory, 0); // first disk
        short(&mut directory, 0); // internal attributes
        long(&mut directory, mode << 16);
        long(&mut directory, offset);
        directory.extend(member.path.as_bytes());
    }
    let count = u16::try_from(members.len())
        .ok()
        .filter(|count| *count < u16::MAX)
        .ok_or_else(too_large)?;
    let start = size(out.len())?;
    let length = size(directory.len())?;
    out.extend(directory);
    out.extend(b"PK\x05\x06");
    short(&mut out, 0);
    short(&mut out, 0);
    short(&mut out, count);
    short(&mut out, count);
    long(&mut out, length);
    long(&mut out, start);
    short(&mut out, 0); // no comment
    size(out.len())?;
    Ok(out)
}

/// `bytes` deflated; `None` if that is not shorter.
fn deflated(compressor: &mut Compressor, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; compressor.deflate_compress_bound(bytes.len())];
    let length = compressor.deflate_compress(bytes, &mut out).ok()?;
    out.truncate(length);
    (length < bytes.len()).then_some(out)
}

fn short(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

fn long(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}
