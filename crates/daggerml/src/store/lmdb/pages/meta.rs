//! The two meta pages: where each version of the file begins.

use std::fs::File;
use std::path::Path;

use crate::error::{Error, Result, failed};

use super::tree::Root;

/// The first two bytes of flags of a meta page.
const P_META: u16 = 0x08;
const MAGIC: u32 = 0xBEEF_C0DE;
const VERSION: u32 = 1;
/// Header, then magic, version, address, map size, two trees, last page, transaction.
const LENGTH: usize = 16 + 24 + 2 * Root::LENGTH + 16;
/// The flag of LMDB's list of free pages, whose keys are integers.
const INTEGER_KEYS: u16 = 0x08;

/// What a meta page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The number of the transaction that wrote it.
    pub txn: u64,
    /// Bytes in a page.
    pub page_size: usize,
    /// How many pages the version has.
    pub pages: u64,
    /// The tree of free pages.
    pub free: Root,
    /// The tree of tables.
    pub main: Root,
}

/// Reads both meta pages of `file`, which is at `path`.
pub(crate) fn read_both(file: &File, path: &Path) -> Result<[Meta; 2]> {
    let length = file.metadata().map_err(failed("read", path))?.len();
    let damaged = |detail: String| Error::StoreDamaged {
        path: path.to_owned(),
        detail,
    };
    if length == 0 {
        return Err(damaged("the file is empty".to_owned()).into());
    }
    let mut metas = [None; 2];
    let mut page_size = 0;
    for (index, slot) in metas.iter_mut().enumerate() {
        let at = page_size * index as u64;
        if length < at + LENGTH as u64 {
            return Err(damaged(format!("the file is cut off after {length} bytes")).into());
        }
        let mut bytes = [0; LENGTH];
        read_at(file, &mut bytes, at).map_err(failed("read", path))?;
        let meta = parse(&bytes, index, path)?;
        page_size = meta.page_size as u64;
        *slot = Some(meta);
    }
    let [Some(first), Some(second)] = metas else {
        return Err(damaged("a meta page is missing".to_owned()).into());
    };
    if first.page_size != second.page_size {
        return Err(damaged("its two meta pages contradict each other".to_owned()).into());
    }
    Ok([first, second])
}

/// Reads the meta page of transaction `txn`; `None` when it was overwritten since.
pub(crate) fn read_one(
    file: &File,
    path: &Path,
    page_size: usize,
    txn: u64,
) -> Result<Option<Meta>> {
    let index = usize::from(!txn.is_multiple_of(2));
    let mut bytes = [0; LENGTH];
    read_at(file, &mut bytes, (page_size * index) as u64).map_err(failed("read", path))?;
    let meta = parse(&bytes, index, path)?;
    Ok(Some(meta).filter(|meta| meta.txn == txn && meta.page_size == page_size))
}

fn parse(bytes: &[u8; LENGTH], index: usize, path: &Path) -> Result<Meta> {
    let damaged = |detail: &str| Error::StoreDamaged {
        path: path.to_owned(),
        detail: detail.to_owned(),
    };
    let foreign = |detail: &str| Error::StoreUnsupported {
        path: path.to_owned(),
        detail: detail.to_owned(),
    };
    if bytes.iter().all(|&byte| byte == 0) {
        return Err(damaged("a meta page is all zeros").into());
    }
    match u32_at(bytes, 16) {
        MAGIC => {}
        magic if magic == MAGIC.swap_bytes() => {
            return Err(foreign("it was made on a machine of the other byte order").into());
        }
        _ if index == 0 => return Err(foreign("it is not a DaggerML store").into()),
        _ => return Err(damaged("the second meta page is not one").into()),
    }
    let version = u32_at(bytes, 20);
    if version != VERSION {
        let detail = format!("it has LMDB data version {version}; this engine knows {VERSION}");
        return Err(foreign(&detail).into());
    }
    let (free, main) = (Root::parse(bytes, 40), Root::parse(bytes, 88));
    let page_size = free.pad as usize;
    let sound = u64_at(bytes, 0) == index as u64
        && u16_at(bytes, 10) == P_META
        && page_size.is_power_of_two()
        && (512..=0x8000).contains(&page_size)
        && free.flags == INTEGER_KEYS
        && main.flags == 0;
    if !sound {
        return Err(damaged("a meta page is inconsistent").into());
    }
    let (last, txn) = (u64_at(bytes, 136), u64_at(bytes, 144));
    // Transaction n writes page n % 2; a new file has two with number 0.
    if txn % 2 != index as u64 && txn != 0 {
        return Err(damaged("a meta page has the other one's transaction").into());
    }
    if last == 0 || last > 1 << 48 {
        return Err(damaged("a meta page gives an impossible length").into());
    }
    Ok(Meta {
        txn,
        page_size,
        pages: last + 1,
        free,
        main,
    })
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    let read = std::os::windows::fs::FileExt::seek_read(file, bytes, at)?;
    if read == bytes.len() {
        Ok(())
    } else {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..at + N)
        .and_then(|part| part.try_into().ok())
        .unwrap_or([0; N])
}

/// Returns the number at `at`; 0 beyond the end, which callers rule out.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(part(bytes, at))
}

/// Returns the number at `at`; 0 beyond the end, which callers rule out.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(part(bytes, at))
}

/// Returns the number at `at`; 0 beyond the end, which callers rule out.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(part(bytes, at))
}
