//! LMDB's pages, read with every offset checked.
//!
//! LMDB trusts its file: a damaged page sends it outside the map, and the
//! process dies. So snapshots do not walk LMDB's trees with LMDB. They pin a
//! version of the file with one of its read transactions, and read the pages
//! here, where each page number, offset and length is checked before it is
//! followed. Damage becomes an error, whatever the size of the store, and
//! opening a store costs nothing. Before a write, the pages that LMDB is going
//! to walk are checked in the same way (see [`check`]).
//!
//! The format is that of LMDB 0.9's data version 1 on 64-bit, little-endian
//! machines: the only kind that DaggerML is built for.

pub(crate) mod check;
pub(crate) mod meta;
pub(crate) mod page;
pub(crate) mod space;
pub(crate) mod tree;

use std::fs::File;
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};

pub(crate) use meta::Meta;
pub(crate) use page::Page;
pub(crate) use tree::Root;

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!(
    "DaggerML runs on 64-bit, little-endian machines only: its store reads the pages of LMDB in their layout"
);

/// What is wrong with a page.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    /// The page's number.
    pub page: u64,
    /// What is wrong with it.
    pub detail: String,
}

impl Damage {
    pub fn new(page: u64, detail: impl Into<String>) -> Self {
        Self {
            page,
            detail: detail.into(),
        }
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "page {}: {}", self.page, self.detail)
    }
}

/// A result of reading pages.
pub(crate) type Checked<T> = Result<T, Damage>;

/// The data file in memory.
pub(crate) struct Map {
    raw: MmapRaw,
}

impl Map {
    /// Maps at least the first `bytes` of `file`.
    pub fn new(file: &File, bytes: usize) -> std::io::Result<Self> {
        // Beyond the end of the file there is room to grow into without another
        // map, where the system has that.
        let room = if cfg!(unix) {
            bytes.saturating_mul(2).max(64 << 20)
        } else {
            bytes
        };
        let map = |length| MmapOptions::new().len(length).map_raw_read_only(file);
        let raw = map(room).or_else(|_| map(bytes))?;
        Ok(Self { raw })
    }

    pub fn len(&self) -> usize {
        self.raw.len()
    }
}

/// One version of the file: the pages that a transaction pins.
#[derive(Clone)]
pub(crate) struct View {
    map: Arc<Map>,
    /// The version's meta page.
    pub meta: Meta,
    /// How many pages there are: those of the version that the file holds.
    pub pages: u64,
}

impl View {
    /// Makes the version that `meta` describes, of a file of `length` bytes that `map` holds.
    pub fn new(map: Arc<Map>, meta: Meta, length: u64) -> Self {
        let held = (map.len() as u64).min(length) / meta.page_size as u64;
        Self {
            map,
            pages: meta.pages.min(held),
            meta,
        }
    }

    /// Returns the `length` bytes from the start of page `first` on.
    pub fn run(&self, first: u64, length: usize) -> Checked<&[u8]> {
        let size = self.meta.page_size;
        let inside = first >= 2
            && first < self.pages
            && (self.pages - first).saturating_mul(size as u64) >= length as u64;
        let start = usize::try_from(first)
            .ok()
            .and_then(|n| n.checked_mul(size));
        let Some(start) = start.filter(|_| inside) else {
            return Err(Damage::new(
                first,
                format!("beyond the end: the store has {} pages", self.pages),
            ));
        };
        // SAFETY: `pages` pages lie in the map and in the file (see `new`), and the
        // run ends before their end. Pages that a pinned version reaches are not
        // written to. On a damaged file this may be a page that it does not reach,
        // whose bytes may change: then what is read is checked against a hash.
        Ok(unsafe { std::slice::from_raw_parts(self.map.raw.as_ptr().add(start), length) })
    }

    /// Returns where in the file `bytes`, which were read from there, begin.
    pub fn offset(&self, bytes: &[u8]) -> Option<usize> {
        bytes
            .as_ptr()
            .addr()
            .checked_sub(self.map.raw.as_ptr().addr())
    }

    /// Lets go of bytes that were read: they stay in the system's cache, and do not count as this
    /// process's memory any more. Bytes that are elsewhere stay as they are.
    #[cfg(unix)]
    pub fn let_go(&self, bytes: &[u8]) {
        /// No page that is not large has more bytes.
        const MULTIPLE: usize = 64 << 10;
        let Some(offset) = self.offset(bytes) else {
            return;
        };
        let end = offset.saturating_add(bytes.len());
        if bytes.is_empty() || end > self.map.len() {
            return;
        }
        // What lies beside them goes too, or a part of each would stay.
        let begin = offset / MULTIPLE * MULTIPLE;
        let end = end.next_multiple_of(MULTIPLE).min(self.map.len());
        let advice = memmap2::UncheckedAdvice::DontNeed;
        // SAFETY: these are pages of a file that is mapped to be read, by a map that others share. Whoever
        // reads them again gets the same bytes from the file.
        let _refused = unsafe {
            self.map
                .raw
                .unchecked_advise_range(advice, begin, end - begin)
        };
    }

    /// Says that bytes are needed soon, and so many `beyond` them: the system begins to read them.
    #[cfg(unix)]
    pub fn read_ahead(&self, bytes: &[u8], beyond: usize) {
        // What is not in the file is refused, and read as it is.
        if let Some(offset) = self.offset(bytes)
            && offset.saturating_add(bytes.len()) <= self.map.len()
        {
            let length = (bytes.len().saturating_add(beyond)).min(self.map.len() - offset);
            let advice = memmap2::Advice::WillNeed;
            let _refused = self.map.raw.advise_range(advice, offset, length);
        }
    }

    /// Does nothing: the system decides.
    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "as on other systems")]
    pub fn let_go(&self, _bytes: &[u8]) {}

    /// Does nothing: the system decides.
    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "as on other systems")]
    pub fn read_ahead(&self, _bytes: &[u8], _beyond: usize) {}

    /// Returns the `length` bytes that begin at `offset` in the file.
    pub fn bytes(&self, offset: usize, length: usize) -> Checked<&[u8]> {
        let size = self.meta.page_size;
        let inside = offset % size;
        let bytes = self.run((offset / size) as u64, inside.saturating_add(length))?;
        Ok(bytes.get(inside..).unwrap_or_default())
    }

    /// Returns the branch or leaf page `number`.
    pub fn page(&self, number: u64) -> Checked<Page<'_>> {
        Page::parse(number, self.run(number, self.meta.page_size)?)
    }

    /// Returns the `length` bytes that begin on the overflow page `first`.
    pub fn overflow(&self, first: u64, length: usize) -> Checked<&[u8]> {
        let bytes = self.run(first, page::HEADER.saturating_add(length))?;
        self.overflow_run(first, length)?;
        Ok(bytes.get(page::HEADER..).unwrap_or_default())
    }

    /// Returns how many overflow pages begin with `first`, which hold `length` bytes. There
    /// can be more than these take: LMDB writes a shorter value of the same transaction to
    /// the pages of the longer one that it replaces.
    pub fn overflow_run(&self, first: u64, length: usize) -> Checked<u64> {
        let pages = page::check_overflow(first, self.run(first, page::HEADER)?)?;
        if pages < self.overflow_pages(length) || pages > self.pages.saturating_sub(first) {
            return Err(Damage::new(first, "not the overflow pages it should be"));
        }
        Ok(pages)
    }

    /// Returns the number of overflow pages that `length` bytes take.
    pub fn overflow_pages(&self, length: usize) -> u64 {
        (length.saturating_add(page::HEADER)).div_ceil(self.meta.page_size) as u64
    }
}
