//! Trees of pages: finding a key, and walking keys in order.

use std::collections::HashSet;

use crate::id_set::IdState;

use super::meta::{u16_at, u32_at, u64_at};
use super::{Checked, Damage, Page, View};

/// The numbers of pages that were checked.
pub(crate) type CheckedPages = HashSet<u64, IdState>;

/// The deepest tree that LMDB makes.
const MAX_DEPTH: u16 = 32;

/// The root of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub pad: u32,
    pub flags: u16,
    /// Levels of pages; 0 when it is empty.
    pub depth: u16,
    /// How many branch, leaf and overflow pages it has.
    pub pages: [u64; 3],
    /// How many entries it has.
    pub entries: u64,
    /// The page at the top.
    pub page: u64,
}

impl Root {
    /// Bytes of a root.
    pub const LENGTH: usize = 48;
    /// The page number of an empty tree.
    const NONE: u64 = u64::MAX;
    /// A tree without entries.
    pub const EMPTY: Self = Self {
        pad: 0,
        flags: 0,
        depth: 0,
        pages: [0; 3],
        entries: 0,
        page: Self::NONE,
    };

    pub(super) fn parse(bytes: &[u8], at: usize) -> Self {
        Self {
            pad: u32_at(bytes, at),
            flags: u16_at(bytes, at + 4),
            depth: u16_at(bytes, at + 6),
            pages: [8, 16, 24].map(|offset| u64_at(bytes, at + offset)),
            entries: u64_at(bytes, at + 32),
            page: u64_at(bytes, at + 40),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.page == Self::NONE
    }

    /// Returns whether `a` is before `b` in this tree: keys that are integers are in
    /// their order.
    pub(super) fn is_less(&self, a: &[u8], b: &[u8]) -> bool {
        if self.flags == 0 {
            a < b
        } else {
            u64_at(a, 0) < u64_at(b, 0)
        }
    }

    /// Returns the table `name` in the tree of tables; `None` when there is none.
    pub fn table(view: &View, name: &str) -> Checked<Option<Self>> {
        let Some((leaf, index)) = view.meta.main.find(view, name.as_bytes(), true)? else {
            return Ok(None);
        };
        let fail = |detail: &str| Err(Damage::new(leaf.number, format!("table {name}: {detail}")));
        let super::page::Data::Table(bytes) = leaf.data(index)? else {
            return fail("not a table");
        };
        if bytes.len() != Self::LENGTH {
            return fail("its root has another length");
        }
        let root = Self::parse(bytes, 0);
        if root.flags != 0 || root.depth > MAX_DEPTH || root.is_empty() != (root.depth == 0) {
            return fail("its root is inconsistent");
        }
        Ok(Some(root))
    }

    /// The page `number` at `level` (1 is the top), fully checked if `strict`.
    pub(super) fn page_at<'v>(
        &self,
        view: &'v View,
        number: u64,
        level: u16,
        strict: bool,
    ) -> Checked<Page<'v>> {
        let page = view.page(number)?;
        if page.leaf != (level == self.depth) {
            return Err(Damage::new(number, format!("it is not for level {level}")));
        }
        // Keys that are integers are in another order than their bytes.
        let ordered = self.flags == 0;
        let least = if page.leaf || !ordered { 1 } else { 2 };
        if page.len < least {
            return Err(Damage::new(
                number,
                format!("it has {} entries, {least} at least are wanted", page.len),
            ));
        }
        if strict {
            page.check(view.pages, ordered)?;
        }
        Ok(page)
    }

    /// Returns where `key` is: its leaf and index. Every page on the way is fully
    /// checked if `strict`.
    pub fn find<'v>(
        &self,
        view: &'v View,
        key: &[u8],
        strict: bool,
    ) -> Checked<Option<(Page<'v>, usize)>> {
        if self.is_empty() {
            return Ok(None);
        }
        let leaf = self.leaf_for(view, key, strict)?;
        let index = leaf.lower_bound(key)?;
        if index < leaf.len && leaf.node(index)?.key == key {
            return Ok(Some((leaf, index)));
        }
        self.check_gap(view, key, &leaf, index, strict)?;
        Ok(None)
    }

    /// Returns the leaf that `key` belongs to. The tree must not be empty.
    pub fn leaf_for<'v>(&self, view: &'v View, key: &[u8], strict: bool) -> Checked<Page<'v>> {
        let mut number = self.page;
        for level in 1..=self.depth.min(MAX_DEPTH) {
            let page = self.page_at(view, number, level, strict)?;
            if page.leaf {
                return Ok(page);
            }
            number = page.child(page.child_for(key)?)?;
        }
        Err(Damage::new(number, "the tree has no end"))
    }

    /// Returns the entries whose keys are not less than `from`, in order.
    pub fn scan<'v>(&self, view: &'v View, from: &[u8], strict: bool) -> Scan<'v> {
        let mut scan = Scan {
            view,
            root: *self,
            stack: Vec::new(),
            strict,
            failed: None,
            last: None,
            left: from.is_empty().then_some(self.entries),
        };
        if let Err(damage) = scan.seek(from) {
            scan.failed = Some(damage);
        }
        scan
    }
}

/// The entries of a tree in order. It ends at the first damage.
pub(crate) struct Scan<'v> {
    view: &'v View,
    root: Root,
    /// The way down to the next entry: a page and an index each.
    stack: Vec<(Page<'v>, usize)>,
    strict: bool,
    failed: Option<Damage>,
    /// The key of the entry given last.
    last: Option<&'v [u8]>,
    /// How many entries there are still to come, where it begins with the first one.
    left: Option<u64>,
}

/// A key, and its data.
pub(crate) type Entry<'v> = (&'v [u8], &'v [u8]);

impl<'v> Scan<'v> {
    fn seek(&mut self, from: &[u8]) -> Checked<()> {
        if self.root.is_empty() {
            return Ok(());
        }
        let mut number = self.root.page;
        for level in 1..=self.root.depth {
            let page = self.root.page_at(self.view, number, level, self.strict)?;
            if page.leaf {
                let index = page.lower_bound(from)?;
                self.stack.push((page, index));
                if from.is_empty() {
                    return Ok(());
                }
                return self
                    .root
                    .check_gap(self.view, from, &page, index, self.strict);
            }
            let index = page.child_for(from)?;
            number = page.child(index)?;
            self.stack.push((page, index));
        }
        Err(Damage::new(number, "the tree has no end"))
    }

    fn step(&mut self) -> Checked<Option<Entry<'v>>> {
        while let Some((page, index)) = self.stack.last_mut() {
            if *index >= page.len {
                self.stack.pop();
                if let Some((_, index)) = self.stack.last_mut() {
                    *index += 1;
                }
            } else if page.leaf {
                let entry = (page.node(*index)?.key, page.value(self.view, *index)?);
                *index += 1;
                // A branch that leads to another page than it did gives keys of elsewhere.
                let before = self.last.replace(entry.0);
                if before.is_some_and(|before| !self.root.is_less(before, entry.0)) {
                    return Err(Damage::new(page.number, "its keys belong before others"));
                }
                if let Some(left) = &mut self.left {
                    *left = left.wrapping_sub(1);
                }
                return Ok(Some(entry));
            } else {
                let number = page.child(*index)?;
                let level = u16::try_from(self.stack.len() + 1).unwrap_or(MAX_DEPTH);
                let child = self.root.page_at(self.view, number, level, self.strict)?;
                self.stack.push((child, 0));
            }
        }
        match self.left.take() {
            None | Some(0) => Ok(None),
            Some(_) => {
                let detail = "it has another number of entries than it says";
                Err(Damage::new(self.root.page, detail))
            }
        }
    }
}

impl<'v> Iterator for Scan<'v> {
    type Item = Checked<Entry<'v>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(damage) = self.failed.take() {
            self.stack.clear();
            return Some(Err(damage));
        }
        let found = self.step();
        if found.is_err() {
            self.stack.clear();
        }
        found.transpose()
    }
}

/// Checks that a key is not missed because a branch leads elsewhere.
impl Root {
    /// Checks the place `index` of `leaf`, where `key` would be if it were there. At
    /// an edge of the leaf the next leaf must begin, or the one before it end, beyond
    /// the key: otherwise a branch's key is damaged, and the key may be in another leaf.
    fn check_gap(
        &self,
        view: &View,
        key: &[u8],
        leaf: &Page<'_>,
        index: usize,
        strict: bool,
    ) -> Checked<()> {
        let (first, last) = (index == 0, index == leaf.len);
        if self.depth < 2 || !(first || last) {
            return Ok(());
        }
        // The way to the nearest branches that have a child before and after this way.
        let (mut before, mut after) = (None, None);
        let mut number = self.page;
        for level in 1..self.depth {
            let page = self.page_at(view, number, level, strict)?;
            let at = page.child_for(key)?;
            if at > 0 {
                before = Some((page.child(at - 1)?, level + 1));
            }
            if at + 1 < page.len {
                after = Some((page.child(at + 1)?, level + 1));
            }
            number = page.child(at)?;
        }
        let beside = |from: Option<(u64, u16)>, end: bool| -> Checked<Option<Page<'_>>> {
            let Some((mut number, from)) = from else {
                return Ok(None);
            };
            for level in from..self.depth {
                let page = self.page_at(view, number, level, strict)?;
                number = page.child(if end { page.len.saturating_sub(1) } else { 0 })?;
            }
            self.page_at(view, number, self.depth, strict).map(Some)
        };
        let misled = |page: &Page<'_>| {
            let detail = "its keys belong elsewhere: a branch leads past them";
            Err(Damage::new(page.number, detail))
        };
        if first
            && let Some(page) = beside(before, true)?
            && page.node(page.len.saturating_sub(1))?.key >= key
        {
            return misled(&page);
        }
        if last
            && let Some(page) = beside(after, false)?
            && page.node(0)?.key <= key
        {
            return misled(&page);
        }
        Ok(())
    }
}

/// Checks of the pages that LMDB is going to walk.
impl Root {
    /// Checks the way to `key`, and the pages of the data under it. With `beside`, also
    /// the leaves to both sides. Pages in `checked` were checked before.
    pub fn check_way(
        &self,
        view: &View,
        key: &[u8],
        beside: bool,
        checked: &mut CheckedPages,
    ) -> Checked<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut number = self.page;
        for level in 1..=self.depth {
            let page = self.page_at(view, number, level, checked.insert(number))?;
            if page.leaf {
                let index = page.lower_bound(key)?;
                if index < page.len && page.node(index)?.key == key {
                    page.value(view, index)?;
                    return Ok(());
                }
                return self.check_gap(view, key, &page, index, false);
            }
            let index = page.child_for(key)?;
            if beside && level + 1 == self.depth {
                for other in index.saturating_sub(1)..(index + 2).min(page.len) {
                    let number = page.child(other)?;
                    self.page_at(view, number, level + 1, checked.insert(number))?;
                }
            }
            number = page.child(index)?;
        }
        Err(Damage::new(number, "the tree has no end"))
    }

    /// Checks every page.
    pub fn check_all(&self, view: &View) -> Checked<()> {
        self.scan(view, &[], true)
            .try_for_each(|entry| entry.map(drop))
    }
}
