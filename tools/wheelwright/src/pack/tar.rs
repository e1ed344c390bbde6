//! A gzipped tar file whose bytes follow from its members alone.

use std::io;

use miniz_oxide::deflate::compress_to_vec;
use wheelwright_artifacts::epoch::ZIP_EPOCH;

use crate::project::files::File;

/// 1980-01-02 00:00:00 UTC. Wheels are zip files, which hold no time before
/// 1980; a day later, so that this is true in every time zone.
const MODIFIED: u64 = ZIP_EPOCH + 86_400;
const DEFLATE_LEVEL: u8 = 9;

/// Writes `files` in the order given, each below the folder `root`.
///
/// # Errors
/// A path does not fit into a tar header.
pub fn write_gzipped(root: &str, files: &[File]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(MODIFIED);
        header.set_size(file.bytes.len() as u64);
        builder.append_data(
            &mut header,
            format!("{root}/{}", file.path),
            file.bytes.as_slice(),
        )?;
    }
    Ok(gzip(&builder.into_inner()?))
}

/// A gzip member without name, time or system.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff];
    out.extend(compress_to_vec(bytes, DEFLATE_LEVEL));
    out.extend(crc32fast::hash(bytes).to_le_bytes());
    // The format holds the length modulo 2^32.
    out.extend(((bytes.len() as u64 & 0xffff_ffff) as u32).to_le_bytes());
    out
}
