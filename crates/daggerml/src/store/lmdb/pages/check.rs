//! Checks of all pages: before LMDB writes, and for `fsck`.

use super::meta::u64_at;
use super::page::Data;
use super::space::ids_of;
use super::{Checked, Damage, Root, View};

/// A set of pages.
pub(super) struct PageSet(Vec<u64>);

impl PageSet {
    pub fn new(pages: u64) -> Self {
        let words = usize::try_from(pages / 64 + 1).unwrap_or(0);
        Self(vec![0; words])
    }

    /// Adds the page. Returns whether it is new and in bounds.
    pub fn insert(&mut self, page: u64) -> bool {
        let word = usize::try_from(page / 64)
            .ok()
            .and_then(|at| self.0.get_mut(at));
        let bit = 1 << (page % 64);
        match word {
            Some(word) if *word & bit == 0 => {
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    pub fn has(&self, page: u64) -> bool {
        let word = usize::try_from(page / 64)
            .ok()
            .and_then(|at| self.0.get(at));
        word.is_some_and(|word| word & 1 << (page % 64) != 0)
    }
}

/// A leaf, and between which keys its branch says that its own are.
#[derive(Clone, Copy)]
pub(crate) struct Leaf<'v> {
    pub number: u64,
    bounds: Bounds<'v>,
}

/// The least key, and the first one beyond the greatest; none where there is no limit.
type Bounds<'v> = [Option<&'v [u8]>; 2];

/// A walk over the pages of a version that visits each once and collects damage.
pub(crate) struct Walk<'v> {
    pub view: &'v View,
    seen: PageSet,
    /// What is wrong, in the order found.
    pub damage: Vec<Damage>,
}

impl<'v> Walk<'v> {
    pub fn new(view: &'v View) -> Self {
        let mut seen = PageSet::new(view.meta.pages);
        seen.insert(0);
        seen.insert(1);
        Self {
            view,
            seen,
            damage: Vec::new(),
        }
    }

    /// Visits the branches of `root`; the leaves below, in order of their keys.
    pub fn branches(&mut self, root: &Root) -> Vec<Leaf<'v>> {
        let mut leaves = Vec::new();
        let mut waiting: Vec<(u64, u16, Bounds<'v>)> = Vec::new();
        if !root.is_empty() {
            waiting.push((root.page, 1, [None; 2]));
        }
        while let Some((number, level, bounds)) = waiting.pop() {
            if number < self.view.meta.pages && !self.seen.insert(number) {
                self.damage.push(Damage::new(number, "it is in use twice"));
            } else if level == root.depth {
                leaves.push(Leaf { number, bounds });
            } else if level > root.depth {
                self.damage.push(Damage::new(number, "the tree has no end"));
            } else {
                match self.children(root, number, level, bounds) {
                    Ok(children) => waiting.extend(
                        children
                            .into_iter()
                            .rev()
                            .map(|(child, bounds)| (child, level + 1, bounds)),
                    ),
                    Err(damage) => self.damage.push(damage),
                }
            }
        }
        leaves
    }

    /// Returns the children of a branch, and what its keys say of theirs.
    fn children(
        &mut self,
        root: &Root,
        number: u64,
        level: u16,
        bounds: Bounds<'v>,
    ) -> Checked<Vec<(u64, Bounds<'v>)>> {
        let page = root.page_at(self.view, number, level, true)?;
        self.bounds(root, &page, bounds)?;
        // The first key of a branch is not used.
        let key = |index| page.node(index).map(|node| Some(node.key));
        (0..page.len)
            .map(|index| {
                let [low, high] = bounds;
                let low = if index == 0 { low } else { key(index)? };
                let high = if index + 1 == page.len {
                    high
                } else {
                    key(index + 1)?
                };
                Ok((page.child(index)?, [low, high]))
            })
            .collect()
    }

    /// Checks that a page's keys are where the branches above lead to, as a search does
    /// not find them otherwise. What the page holds can still be read.
    fn bounds(&mut self, root: &Root, page: &super::Page<'v>, bounds: Bounds<'v>) -> Checked<()> {
        let first = usize::from(!page.leaf);
        if page.len <= first {
            return Ok(());
        }
        let [low, high] = bounds;
        let (least, most) = (page.node(first)?.key, page.node(page.len - 1)?.key);
        let outside = low.is_some_and(|low| root.is_less(least, low))
            || high.is_some_and(|high| !root.is_less(most, high));
        if outside {
            let detail = "its keys are not between those of the branches above";
            self.damage.push(Damage::new(page.number, detail));
        }
        Ok(())
    }

    /// Visits a leaf of `root`, and the overflow pages of its entries.
    pub fn leaf(&mut self, root: &Root, leaf: Leaf<'v>) -> Checked<super::Page<'v>> {
        let page = root.page_at(self.view, leaf.number, root.depth, true)?;
        self.bounds(root, &page, leaf.bounds)?;
        // Tables are in the table of tables and nowhere else; LMDB refuses to write else.
        let tables = root.page == self.view.meta.main.page;
        for index in 0..page.len {
            let data = page.data(index)?;
            if matches!(data, Data::Table(_)) != tables {
                let detail = format!("entry {index} has the mark of another kind of table");
                self.damage.push(Damage::new(leaf.number, detail));
            }
            if let Data::Overflow(first, length) = data {
                // Whether they are what they should be is seen when they are read.
                let pages = self.view.overflow_run(first, length);
                let pages = pages.unwrap_or_else(|_| self.view.overflow_pages(length));
                let twice = (first..first.saturating_add(pages))
                    .filter(|&page| !self.seen.insert(page))
                    .last();
                if let Some(twice) = twice {
                    self.damage.push(Damage::new(twice, "it is in use twice"));
                }
            }
        }
        Ok(page)
    }

    /// Visits the list of free pages, and the pages in it. What is in use must
    /// have been visited before.
    pub fn free(&mut self) {
        let root = self.view.meta.free;
        let mut entries = 0;
        for leaf in self.branches(&root) {
            match self.free_leaf(&root, leaf) {
                Ok(found) => entries += found,
                Err(damage) => self.damage.push(damage),
            }
        }
        self.count(&root, entries, "the list of free pages");
    }

    /// Checks that a tree has as many entries as it says. Pages that are damaged hide
    /// some.
    pub fn count(&mut self, root: &Root, found: u64, what: &str) {
        if self.damage.is_empty() && root.entries != found {
            let detail = format!("{what}: {} entries announced, {found} found", root.entries);
            self.damage.push(Damage::new(root.page, detail));
        }
    }

    /// Visits a leaf of the list of free pages. Returns how many entries it has.
    fn free_leaf(&mut self, root: &Root, leaf: Leaf<'v>) -> Checked<u64> {
        let number = leaf.number;
        let page = self.leaf(root, leaf)?;
        for index in 0..page.len {
            let bytes = page.value(self.view, index)?;
            let fail = |detail: &str| {
                let detail = format!("list of free pages, entry {index}: {detail}");
                Err(Damage::new(number, detail))
            };
            if page.node(index)?.key.len() != 8 || bytes.len() % 8 != 0 {
                return fail("not a list");
            }
            let count = u64_at(bytes, 0);
            if count
                .checked_add(1)
                .is_none_or(|n| n > bytes.len() as u64 / 8)
            {
                return fail("longer than its bytes");
            }
            let mut before = self.view.meta.pages;
            for at in 1..=usize::try_from(count).unwrap_or(0) {
                let free = u64_at(bytes, at * 8);
                if free < 2 || free >= before {
                    return fail("impossible page number");
                }
                if !self.seen.insert(free) {
                    self.damage.push(Damage::new(
                        free,
                        "it is in use, and in the list of free pages",
                    ));
                }
                before = free;
            }
        }
        Ok(page.len as u64)
    }

    /// Returns how many pages were not visited.
    pub fn missing(&self) -> u64 {
        (2..self.view.meta.pages)
            .filter(|&page| !self.seen.has(page))
            .count() as u64
    }
}

/// Checks all pages of the tables, and that none of them is in the list of free pages.
pub(crate) fn everything(view: &View, tables: &[Root]) -> Checked<()> {
    let mut walk = Walk::new(view);
    for root in tables.iter().chain([&view.meta.main]) {
        for leaf in walk.branches(root) {
            walk.leaf(root, leaf)?;
        }
    }
    walk.free();
    walk.damage.into_iter().next().map_or(Ok(()), Err)
}

/// Checks what a write relies on beyond the way to its keys: all branches, the
/// table of tables and the list of free pages, and that no page is in two places.
/// It reads about one page in a hundred of the store.
pub(crate) fn before_writing(view: &View, tables: &[Root]) -> Checked<()> {
    let mut walk = Walk::new(view);
    for leaf in walk.branches(&view.meta.main) {
        walk.leaf(&view.meta.main, leaf)?;
    }
    for root in tables {
        walk.branches(root);
    }
    walk.free();
    walk.damage.into_iter().next().map_or(Ok(()), Err)
}

/// Checks that what the file lacks at its end are free pages: ones that were never written, or that
/// `gc` cut off. Otherwise somebody else cut it off.
pub(crate) fn end_of_file(view: &View) -> Checked<()> {
    let lacks = view.meta.pages.saturating_sub(view.pages);
    if lacks == 0 {
        return Ok(());
    }
    let cut_off = || {
        let (held, wanted) = (view.pages, view.meta.pages);
        let detail = format!("the file is cut off: it holds {held} of {wanted} pages");
        Damage::new(held, detail)
    };
    let mut free = Vec::new();
    for entry in view.meta.free.scan(view, &[], true) {
        let (_, ids) = entry.map_err(|_| cut_off())?;
        // The last pages come first.
        let ids = ids_of(ids).map_err(|_| cut_off())?;
        free.extend(ids.take_while(|page| *page >= view.pages));
        if free.len() as u64 > lacks {
            return Err(cut_off());
        }
    }
    free.sort_unstable();
    if free.into_iter().eq(view.pages..view.meta.pages) {
        Ok(())
    } else {
        Err(cut_off())
    }
}
