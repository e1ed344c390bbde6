//! Reading a tar's member table as strictly as it can be read.
//!
//! Readers of tar files disagree on much that is odd: whether a folder's content is skipped, what
//! comes after one block of zeros, whose word counts when two headers name one member. The
//! index reads an sdist with Python's `tarfile`, which ends in silence at a header that it does not
//! understand. So whatever is not plain ends the reading here, and says why.

use std::ops::Range;

use super::MemberKind;
use super::tar_pax::{Extension, pax};

const BLOCK: usize = 512;

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
    /// Whether it is a hard link, whose target is a member's path.
    pub hard: bool,
    /// Permission bits.
    pub mode: u32,
    /// Modification time, in seconds.
    pub time: u64,
    /// Owner and group ids.
    pub owner: (u64, u64),
    /// Owner and group names.
    pub owner_name: (String, String),
    /// Where its content is in the archive.
    pub data: Range<usize>,
}

/// A member table, as far as it can be read.
#[derive(Debug, Default)]
pub struct Table {
    /// In the order of the archive.
    pub entries: Vec<Entry>,
    /// Bytes that are not zero, and stand after the end of the archive.
    pub trailing: usize,
    /// Why reading stopped before the end, if it did.
    pub damage: Option<String>,
}

/// Reads at most `members` of them.
pub fn read(tar: &[u8], members: usize) -> Table {
    let mut reader = Reader {
        tar,
        at: 0,
        global: Extension::default(),
        table: Table::default(),
    };
    reader.table.damage = reader.run(members).err();
    reader.table
}

struct Reader<'t> {
    tar: &'t [u8],
    at: usize,
    global: Extension,
    table: Table,
}

impl<'t> Reader<'t> {
    fn run(&mut self, members: usize) -> Result<(), String> {
        // What the next member's own headers said before it.
        let mut own: Option<Extension> = None;
        // Whether something was said, and no member has followed.
        let mut due = false;
        while let Some(block) = self.block()? {
            if block.iter().all(|byte| *byte == 0) {
                if due {
                    break;
                }
                let rest = self.tar.get(self.at..).unwrap_or_default();
                self.table.trailing = rest.iter().filter(|byte| **byte != 0).count();
                return Ok(());
            }
            let header = Header::read(block)?;
            due = matches!(header.kind, b'x' | b'X' | b'L' | b'K' | b'g');
            match header.kind {
                b'x' | b'X' | b'L' | b'K' => {
                    let content = self.content(header.size)?;
                    let content = self.tar.get(content).unwrap_or_default();
                    let own = own.get_or_insert_default();
                    match header.kind {
                        b'L' => own.set(b"path", until_nul(content))?,
                        b'K' => own.set(b"linkpath", until_nul(content))?,
                        _ => pax(content, own)?,
                    }
                }
                b'g' => {
                    if own.is_some() {
                        return Err("a global header is between a member and its own".into());
                    }
                    let content = self.content(header.size)?;
                    let mut said = Extension::default();
                    pax(self.tar.get(content).unwrap_or_default(), &mut said)?;
                    self.global = self.global.with(said);
                    if self.global.names_or_measures() {
                        return Err("a global header names or measures members".into());
                    }
                }
                _ => {
                    if self.table.entries.len() >= members {
                        return Err(format!("it lists more than {members} members"));
                    }
                    let said = self.global.with(own.take().unwrap_or_default());
                    let entry = self.member(&header, said)?;
                    self.table.entries.push(entry);
                }
            }
        }
        if due {
            return Err("no member follows a header that is about one".into());
        }
        Ok(())
    }

    /// The next block, if the archive has not ended.
    fn block(&mut self) -> Result<Option<&'t [u8]>, String> {
        let rest = self.tar.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let block = rest.get(..BLOCK).ok_or("it is cut off in a header")?;
        self.at += BLOCK;
        Ok(Some(block))
    }

    /// Takes `size` bytes and what fills their last block.
    fn content(&mut self, size: u64) -> Result<Range<usize>, String> {
        let ends = usize::try_from(size)
            .ok()
            .and_then(|size| Some((self.at.checked_add(size)?, size.div_ceil(BLOCK))))
            .and_then(|(end, blocks)| Some((end, self.at.checked_add(blocks.checked_mul(BLOCK)?)?)))
            .filter(|(_, next)| *next <= self.tar.len());
        let (end, next) = ends.ok_or("a member is longer than the archive")?;
        Ok(std::mem::replace(&mut self.at, next)..end)
    }

    fn member(&mut self, header: &Header<'_>, said: Extension) -> Result<Entry, String> {
        let sparse = said.sparse || header.kind == b'S';
        let path = match said.path {
            Some(path) => path,
            None => header.path()?,
        };
        let kind = match header.kind {
            _ if sparse => MemberKind::Special,
            // An old way to write folders.
            0 if path.ends_with(b"/") => MemberKind::Folder,
            0 | b'0' | b'7' => MemberKind::File,
            b'1' | b'2' => MemberKind::Link,
            b'5' => MemberKind::Folder,
            _ => MemberKind::Special,
        };
        let size = said.size.unwrap_or(header.size);
        if kind == MemberKind::File && path.ends_with(b"/") {
            return Err(format!("{} is a file", String::from_utf8_lossy(&path)));
        }
        let plain = kind != MemberKind::Folder && !(b'1'..=b'6').contains(&header.kind);
        if size != 0 && !plain {
            return Err(format!(
                "{} has content, and is no file",
                String::from_utf8_lossy(&path)
            ));
        }
        if header.kind == b'S' {
            // Blocks that list more holes; the last byte but seven says if there is another.
            let mut more = header.block.get(482).is_some_and(|byte| *byte != 0);
            while more {
                let block = self.block()?.ok_or("it is cut off in a sparse file")?;
                more = block.get(504).is_some_and(|byte| *byte != 0);
            }
        }
        let data = self.content(size)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let name = |said: Option<Vec<u8>>, range| text(&said.unwrap_or_else(|| header.text(range)));
        let is_link = kind == MemberKind::Link;
        Ok(Entry {
            path_ok: std::str::from_utf8(&path).is_ok(),
            path: text(&path),
            kind,
            link: is_link.then(|| name(said.link, 157..257)),
            hard: header.kind == b'1',
            mode: u32::try_from(header.number(100..108)?).map_err(|_| "a mode is too large")?,
            time: match said.time {
                Some(time) => time,
                None => header.number(136..148)?,
            },
            owner: (
                said.uid.map_or_else(|| header.number(108..116), Ok)?,
                said.gid.map_or_else(|| header.number(116..124), Ok)?,
            ),
            owner_name: (name(said.user, 265..297), name(said.group, 297..329)),
            data,
        })
    }
}

/// A member's first block, or that of what is said about one.
struct Header<'b> {
    block: &'b [u8],
    kind: u8,
    size: u64,
}

impl<'b> Header<'b> {
    fn read(block: &'b [u8]) -> Result<Self, String> {
        let header = Self {
            block,
            kind: block.get(156).copied().unwrap_or_default(),
            size: number(block.get(124..136).unwrap_or_default())?,
        };
        let sum: u64 = (0..)
            .zip(block)
            .map(|(at, byte)| {
                u64::from(if (148..156).contains(&at) {
                    b' '
                } else {
                    *byte
                })
            })
            .sum();
        if header.number(148..156)? != sum {
            return Err("a header's checksum is wrong".into());
        }
        for numbers in [100..108, 108..116, 116..124, 136..148, 329..337, 337..345] {
            header.number(numbers)?;
        }
        Ok(header)
    }

    fn field(&self, range: Range<usize>) -> &'b [u8] {
        self.block.get(range).unwrap_or_default()
    }

    fn number(&self, range: Range<usize>) -> Result<u64, String> {
        number(self.field(range))
    }

    fn text(&self, range: Range<usize>) -> Vec<u8> {
        until_nul(self.field(range)).to_vec()
    }

    fn path(&self) -> Result<Vec<u8>, String> {
        let mut path = self.text(345..500);
        let name = self.text(0..100);
        if path.is_empty() {
            return Ok(name);
        }
        if self.field(257..265) != b"ustar\x0000" {
            return Err(format!(
                "the header of {} has more after its name than its format knows",
                String::from_utf8_lossy(&name)
            ));
        }
        path.push(b'/');
        path.extend(name);
        Ok(path)
    }
}

/// An octal number, or a large one in binary.
fn number(field: &[u8]) -> Result<u64, String> {
    let wrong = || format!("`{}` is no number", field.escape_ascii());
    if let [0x80, digits @ ..] = field {
        return digits.iter().try_fold(0_u64, |sum, digit| {
            let high = sum.checked_mul(256).ok_or_else(wrong)?;
            Ok(high + u64::from(*digit))
        });
    }
    let text = std::str::from_utf8(until_nul(field)).map_err(|_| wrong())?;
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Ok(0);
    }
    if text.starts_with('+') {
        return Err(wrong());
    }
    u64::from_str_radix(text, 8).map_err(|_| wrong())
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}
