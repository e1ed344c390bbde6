//! Which versions are being read, in all processes: LMDB's table of readers.
//!
//! LMDB keeps the table in its lock file, and gives no other access to it. It is an array of
//! places of 64 bytes at the end of the file: the number of the transaction that is read (all ones
//! if none is), 8 bytes, and the number of the process (0 if it is unused), 4 bytes.

use std::fs::File;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use super::Lmdb;
use super::open::LOCK_FILE;
use crate::error::{Result, failed};
use crate::folder::Access;

/// Bytes of a place.
const PLACE: usize = 64;

/// The most bytes before the places: what LMDB keeps there of its locks takes two to four times as
/// many as a place does.
const MOST_BEFORE: usize = 6 * PLACE;

/// The lock file, in memory.
pub(super) struct LockFile {
    map: MmapRaw,
    /// Open as long as the map is used, since LMDB's locks would be dropped.
    _file: File,
}

impl LockFile {
    fn open(lmdb: &Lmdb) -> Result<Option<Self>> {
        let Some(file) = lmdb.folder.file(LOCK_FILE, Access::Read)? else {
            return Ok(None);
        };
        let path = lmdb.folder.path().join(LOCK_FILE);
        let length = file.metadata().map_err(failed("look at", &path))?.len();
        let length = usize::try_from(length).unwrap_or(0);
        let map = MmapOptions::new().len(length).map_raw_read_only(&file);
        // Closing the file would drop LMDB's locks: it stays open with nothing to close it.
        match map {
            Ok(map) => Ok(Some(Self { map, _file: file })),
            Err(error) => {
                std::mem::forget(file);
                Err(failed("map", &path)(error))
            }
        }
    }

    /// Returns the transaction and the process of a place.
    fn place(&self, at: usize) -> Option<(u64, u32)> {
        if !at.is_multiple_of(PLACE) || at + PLACE > self.map.len() {
            return None;
        }
        let start = self.map.as_ptr();
        #[expect(
            clippy::cast_ptr_alignment,
            reason = "a place begins at a multiple of 64 bytes"
        )]
        // SAFETY: the place is in the map, which begins on a page and is never made shorter. So both
        // numbers are aligned and can be read; others change them at any moment, as atomic ones.
        let (txn, process) = unsafe {
            let txn = start.add(at).cast::<AtomicU64>();
            let process = start.add(at + 8).cast::<AtomicU32>();
            (
                (*txn).load(Ordering::Acquire),
                (*process).load(Ordering::Acquire),
            )
        };
        Some((txn, process))
    }
}

/// Returns the number of a transaction such that nobody reads what earlier ones freed: pages that they
/// freed can be used. `None` where it cannot be found out.
///
/// A write transaction of this process must be open: then later readers only read the newest
/// version. What that one freed is in the version before it, which is read if the newest one did not
/// reach the disk when the machine stopped; so the result is at most its number.
pub(super) fn oldest(lmdb: &Lmdb) -> Result<Option<u64>> {
    if lmdb.readers.get().is_none()
        && let Some(opened) = LockFile::open(lmdb)?
        && let Err(second) = lmdb.readers.set(opened)
    {
        std::mem::forget(second);
    }
    let Some(lock) = lmdb.readers.get() else {
        return Ok(None);
    };
    let places = usize::try_from(lmdb.env.max_readers()).unwrap_or(usize::MAX);
    let before = lock.map.len().checked_sub(places.saturating_mul(PLACE));
    let Some(before) = before.filter(|before| (PLACE..=MOST_BEFORE).contains(before)) else {
        return Ok(None);
    };
    let first = before / PLACE * PLACE;
    // A reader of this process must be found. If it is not, the table is not where it is thought to be.
    let probe = lmdb.env.clone().static_read_txn();
    let probe = probe.map_err(|source| lmdb.failed("begin reading", source))?;
    let own = (probe.id() as u64, lmdb.process);
    let (mut oldest, mut known) = (u64::MAX, false);
    for at in (0..places).map(|index| first + index * PLACE) {
        if let Some(reader) = lock.place(at)
            && reader.1 != 0
        {
            oldest = oldest.min(reader.0);
            known |= reader == own;
        }
    }
    Ok(known.then_some(oldest))
}
