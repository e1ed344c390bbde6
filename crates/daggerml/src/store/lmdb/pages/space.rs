//! Where the free pages of a file are, and what lies behind them.

use std::collections::BinaryHeap;

use super::check::PageSet;
use super::meta::u64_at;
use super::page::Data;
use super::{Checked, Damage, Root, View};

/// The free pages of a version.
pub(crate) struct Space {
    free: PageSet,
    /// How many pages are free.
    pub count: u64,
    /// The first page after all that are not free.
    pub end: u64,
}

impl Space {
    /// Reads the list of free pages. Those that a transaction freed count if `may_use` holds for
    /// its number.
    pub fn of(view: &View, may_use: impl Fn(u64) -> bool) -> Checked<Self> {
        let pages = view.meta.pages;
        let (mut free, mut count) = (PageSet::new(pages), 0);
        for entry in view.meta.free.scan(view, &[], true) {
            let (key, ids) = entry?;
            if !may_use(u64_at(key, 0)) {
                continue;
            }
            for page in ids_of(ids)? {
                if page < 2 || page >= pages || !free.insert(page) {
                    let detail = "the list of free pages has it twice, or cannot have it";
                    return Err(Damage::new(page, detail));
                }
                count += 1;
            }
        }
        let mut end = pages;
        while end > 2 && free.has(end - 1) {
            end -= 1;
        }
        Ok(Self { free, count, end })
    }

    /// Returns how many pages of `view`, whose free pages these are, are in use.
    pub fn used(&self, view: &View) -> u64 {
        view.meta.pages.saturating_sub(self.count)
    }

    /// Returns the first of more than `least` free pages that lie side by side.
    pub fn first_hole(&self, least: u64) -> Option<u64> {
        let mut length = 0;
        (2..self.end).find_map(|page| {
            length = if self.free.has(page) { length + 1 } else { 0 };
            (length > least).then(|| page - least)
        })
    }

    /// Returns the lengths of all runs of free pages before `limit`, the longest first.
    pub fn runs(&self, limit: u64) -> Runs {
        let (mut runs, mut length) = (BinaryHeap::new(), 0);
        for page in 2..=limit {
            if page < limit && self.free.has(page) {
                length += 1;
            } else if length > 0 {
                runs.push(length);
                length = 0;
            }
        }
        Runs(runs)
    }
}

/// Returns the pages in an entry of the list of free pages, the last one first.
pub(super) fn ids_of(entry: &[u8]) -> Checked<impl Iterator<Item = u64>> {
    let count = usize::try_from(u64_at(entry, 0)).unwrap_or(usize::MAX);
    let Some(ids) = entry.get(8..).filter(|ids| ids.len() / 8 >= count) else {
        let detail = "an entry of the list of free pages is longer than its bytes";
        return Err(Damage::new(0, detail));
    };
    Ok((0..count).map(|at| u64_at(ids, at * 8)))
}

/// Runs of free pages, by length.
pub(crate) struct Runs(BinaryHeap<u64>);

impl Runs {
    /// Returns the lengths, the longest first.
    pub fn into_longest(mut self) -> impl Iterator<Item = u64> {
        std::iter::from_fn(move || self.0.pop())
    }

    /// Takes `pages` pages that lie side by side. Returns whether there are so many.
    pub fn take(&mut self, pages: u64) -> bool {
        match self.0.peek().copied() {
            Some(longest) if longest >= pages => {
                self.0.pop();
                if longest > pages {
                    self.0.push(longest - pages);
                }
                true
            }
            _ => false,
        }
    }
}

/// Something that lies at the end of the file.
pub(crate) struct Beyond {
    /// The key of an entry that leads to it: to put it again moves it.
    pub key: Vec<u8>,
    /// The first of its pages.
    pub page: u64,
    /// How many pages it takes side by side.
    pub pages: u64,
}

/// Returns the entries of a tree that have pages from `limit` on.
pub(crate) fn beyond(view: &View, root: &Root, limit: u64) -> Checked<Vec<Beyond>> {
    let mut found = Vec::new();
    let mut waiting = Vec::new();
    if !root.is_empty() {
        waiting.push((root.page, 1, false));
    }
    while let Some((number, level, within)) = waiting.pop() {
        if level > root.depth {
            return Err(Damage::new(number, "the tree has no end"));
        }
        let page = root.page_at(view, number, level, true)?;
        // A branch moves when one of its leaves does.
        let mut far = within || number >= limit;
        if !page.leaf {
            for index in 0..page.len {
                waiting.push((page.child(index)?, level + 1, far));
                far = false;
            }
            continue;
        }
        for index in 0..page.len {
            if let Data::Overflow(first, length) = page.data(index)? {
                let pages = view.overflow_run(first, length)?;
                if first + pages > limit {
                    let key = page.node(index)?.key.to_vec();
                    let page = first;
                    found.push(Beyond { key, page, pages });
                    far = false;
                }
            }
        }
        if far && page.len > 0 {
            let key = page.node(0)?.key.to_vec();
            let (page, pages) = (number, 1);
            found.push(Beyond { key, page, pages });
        }
    }
    Ok(found)
}
