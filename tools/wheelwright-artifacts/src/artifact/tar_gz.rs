//! Reading an sdist's `tar.gz`, with a bound on what it may unpack to.

use std::io::{Cursor, Read as _};

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
    /// Why reading the tar stopped before its end, if it did.
    pub damage: Option<String>,
}

/// One tar member.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Path as stored, undecodable bytes replaced.
    pub path: String,
    /// Whether the stored path is UTF-8.
    pub path_ok: bool,
    /// What it is.
    pub kind: MemberKind,
    /// Where a link points.
    pub link: Option<String>,
    /// Permission bits.
    pub mode: u32,
    /// Modification time, in seconds.
    pub time: u64,
    /// Owner and group ids.
    pub owner: (u64, u64),
    /// Owner and group names.
    pub owner_name: (String, String),
    data: std::ops::Range<usize>,
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
        let mut read = Self {
            tar: Vec::new(),
            entries: Vec::new(),
            gzip_time,
            gzip_name,
            trailing,
            damage: None,
        };
        read.damage = read.read_members(&tar, limits).err();
        read.tar = tar;
        match (&read.damage, read.entries.is_empty()) {
            (Some(damage), true) => Err(damage.clone()),
            (None, true) => Err("it holds no members".into()),
            _ => Ok(read),
        }
    }

    fn read_members(&mut self, tar: &[u8], limits: Limits) -> Result<(), String> {
        let mut archive = tar::Archive::new(Cursor::new(tar));
        let members = archive.entries().map_err(|e| e.to_string())?;
        for member in members {
            if self.entries.len() >= limits.members {
                return Err(format!("it lists more than {} members", limits.members));
            }
            let mut member = member.map_err(|e| format!("its tar is damaged: {e}"))?;
            let sparse = is_sparse(&mut member);
            let path = member.path_bytes();
            let header = member.header();
            let kind = match header.entry_type() {
                _ if sparse => MemberKind::Special,
                t if t.is_file() || t.is_contiguous() => MemberKind::File,
                t if t.is_dir() => MemberKind::Folder,
                t if t.is_symlink() || t.is_hard_link() => MemberKind::Link,
                _ => MemberKind::Special,
            };
            let data = usize::try_from(member.raw_file_position())
                .ok()
                .zip(usize::try_from(member.size()).ok())
                .and_then(|(start, len)| Some(start..start.checked_add(len)?))
                .filter(|range| kind != MemberKind::File || range.end <= tar.len())
                .ok_or("a member is longer than the archive")?;
            let name = |bytes: Option<&[u8]>| {
                String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
            };
            self.entries.push(Entry {
                path: String::from_utf8_lossy(&path).into_owned(),
                path_ok: std::str::from_utf8(&path).is_ok(),
                kind,
                link: member
                    .link_name_bytes()
                    .map(|l| String::from_utf8_lossy(&l).into_owned()),
                mode: header.mode().unwrap_or(0),
                time: header.mtime().unwrap_or(0),
                owner: (header.uid().unwrap_or(0), header.gid().unwrap_or(0)),
                owner_name: (
                    name(header.username_bytes()),
                    name(header.groupname_bytes()),
                ),
                data,
            });
        }
        Ok(())
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

/// Whether GNU tar left holes out of a member, which it then says in a pax header.
fn is_sparse(member: &mut tar::Entry<'_, Cursor<&[u8]>>) -> bool {
    let Ok(Some(extensions)) = member.pax_extensions() else {
        return false;
    };
    extensions
        .flatten()
        .any(|extension| extension.key_bytes().starts_with(b"GNU.sparse"))
}
