//! Several runs, read as one.

use crate::store::lmdb::pages::{Checked, Damage, View};

use super::run::{Entry, PART, Run};

/// How much larger a run is at least than the next one.
pub(super) const RATIO: usize = 3;

/// Runs that have this many entries at most together are merged in any case: they fit into a page.
pub(super) const SMALL: usize = 336;

/// Entries in order.
enum Source<'v> {
    File(&'v Run),
    Memory(&'v [Entry]),
}

struct Cursor<'v> {
    source: Source<'v>,
    /// The index of the next entry.
    at: usize,
    /// The next entry.
    entry: Entry,
}

/// The entries of several runs in order.
pub(crate) struct Merge<'v> {
    view: &'v View,
    /// Whether seals are compared.
    checked: bool,
    cursors: Vec<Cursor<'v>>,
    last: Option<Entry>,
}

impl<'v> Merge<'v> {
    pub(super) fn new(view: &'v View, checked: bool) -> Self {
        Self {
            view,
            checked,
            cursors: Vec::new(),
            last: None,
        }
    }

    /// Adds the entries of `run` from the one at `from` on.
    pub(super) fn add(&mut self, run: &'v Run, from: usize) -> Checked<()> {
        if self.checked && from < run.entries && !from.is_multiple_of(PART) {
            run.check(self.view, from)?;
        }
        self.push(Source::File(run), from)
    }

    /// Adds entries in memory, which are in order.
    pub(super) fn add_sorted(&mut self, entries: &'v [Entry]) -> Checked<()> {
        self.push(Source::Memory(entries), 0)
    }

    fn push(&mut self, source: Source<'v>, at: usize) -> Checked<()> {
        if let Some(entry) = self.read(&source, at)? {
            self.cursors.push(Cursor { source, at, entry });
        }
        Ok(())
    }

    fn read(&self, source: &Source<'v>, at: usize) -> Checked<Option<Entry>> {
        match source {
            Source::Memory(entries) => Ok(entries.get(at).copied()),
            Source::File(run) if at < run.entries => {
                if self.checked && at.is_multiple_of(PART) {
                    run.check(self.view, at)?;
                }
                run.entry(self.view, at).map(Some)
            }
            Source::File(_) => Ok(None),
        }
    }

    /// Returns the next entry, which stays the next.
    pub fn peek(&self) -> Option<Entry> {
        self.cursors.iter().map(|cursor| cursor.entry).min()
    }

    /// Returns the next entry, of an object that was added or removed.
    fn step(&mut self) -> Checked<Option<Entry>> {
        let Some(entry) = self.peek() else {
            return Ok(None);
        };
        let least = self.cursors.iter().position(|one| one.entry == entry);
        let index = least.unwrap_or_default();
        if self.last.replace(entry).is_some_and(|last| last >= entry) {
            return Err(Damage::new(0, "a run of objects is out of order"));
        }
        let mut cursor = self.cursors.swap_remove(index);
        cursor.at += 1;
        if let Some(next) = self.read(&cursor.source, cursor.at)? {
            cursor.entry = next;
            self.cursors.push(cursor);
        }
        Ok(Some(entry))
    }

    /// Returns the next entry that no other cancels: of an object that is there, or of the removal
    /// of one that is in none of these runs.
    pub fn either(&mut self) -> Checked<Option<Entry>> {
        while let Some(entry) = self.step()? {
            if entry.removed() || self.peek() != Some(entry.removal()) {
                return Ok(Some(entry));
            }
            self.step()?;
        }
        Ok(None)
    }

    /// Returns the next entry of an object that is there. All runs must be in this.
    pub fn object(&mut self) -> Checked<Option<Entry>> {
        match self.either()? {
            Some(entry) if entry.removed() => Err(entry.removed_nothing()),
            next => Ok(next),
        }
    }
}
