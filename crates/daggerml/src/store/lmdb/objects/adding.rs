//! What a transaction adds: objects for new chunks, and the entries of a new run.

use std::collections::HashMap;

use crate::id::ObjectId;
use crate::id_set::IdState;
use crate::store::lmdb::pages::{Checked, View};

use super::directory::{Directory, Objects, RunInfo};
use super::frame::{CHUNK, Frame, MOST_BEFORE, head};
use super::merge::{Merge, RATIO, SMALL};
use super::run::{Entry, PART, Place, part_key};

/// A part of a run, to be written: its key and its entries.
pub(in crate::store::lmdb) type Part = ([u8; 8], Vec<u8>);

/// What a transaction adds and removes.
#[derive(Default)]
pub(in crate::store::lmdb) struct Adding {
    /// The directory as it will be, but for the new run.
    pub directory: Directory,
    /// The chunk that is being filled: it has the next number.
    pub chunk: Vec<u8>,
    /// The new run takes the place of this one and of those after it, and of no others. It is made two
    /// when it has more than so many parts.
    pub merges_from: Option<(u32, usize)>,
    entries: Vec<Entry>,
    /// For each entry, the one before it whose prefix is the same, and one more than its index.
    before: Vec<u32>,
    /// The last entry of each prefix, and one more than its index.
    last: HashMap<u64, u32, IdState>,
}

impl Adding {
    /// Begins after what `directory` says.
    pub fn new(directory: Directory) -> Self {
        Self {
            directory,
            ..Self::default()
        }
    }

    /// Returns whether there is no run to be made.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.merges_from.is_none()
    }

    /// Returns whether the chunk that is being filled has room for an object of `length` bytes.
    pub fn has_room(&self, length: usize) -> bool {
        self.chunk.is_empty() || self.chunk.len() + MOST_BEFORE + length <= CHUNK
    }

    /// Appends an object to the chunk. There must be room.
    pub fn append(&mut self, id: &ObjectId, bytes: &[u8], named: bool) {
        self.note_added(Place::prefix(id), self.chunk.len());
        self.chunk.extend(head(id, bytes.len(), named));
        self.chunk.extend_from_slice(bytes);
    }

    /// Appends a frame that was elsewhere to the chunk. There must be room.
    pub fn append_frame(&mut self, prefix: u64, frame: Frame<'_>) {
        self.note_added(prefix, self.chunk.len());
        self.chunk.extend_from_slice(frame.whole);
    }

    /// Notes that an object is at `offset` of the chunk.
    pub fn note_added(&mut self, prefix: u64, offset: usize) {
        let place = Place::new(self.directory.chunk, offset);
        self.directory.count += 1;
        self.note(Entry::new(prefix, place, false));
    }

    /// Notes that the object at `place` is removed.
    pub fn note_removed(&mut self, prefix: u64, place: Place) {
        self.directory.count = self.directory.count.saturating_sub(1);
        self.note(Entry::new(prefix, place, true));
    }

    fn note(&mut self, entry: Entry) {
        self.entries.push(entry);
        let index = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let before = self.last.insert(entry.prefix, index);
        self.before.push(before.unwrap_or(0));
    }

    /// Returns the entries of `prefix`, the newest first.
    pub fn entries(&self, prefix: u64) -> impl Iterator<Item = Entry> {
        let at = |index: u32| (index as usize).checked_sub(1);
        let first = self.last.get(&prefix).and_then(|index| at(*index));
        std::iter::successors(first, move |index| at(*self.before.get(*index)?))
            .filter_map(|index| self.entries.get(index).copied())
    }

    /// Makes the new run, which takes the place of some that it is not much smaller than. `write` is
    /// called with each part; returned are the runs that are to be removed. The directory is that of the
    /// next version then.
    pub fn finish<E>(
        &mut self,
        base: &Objects,
        view: &View,
        damaged: impl Fn(crate::store::lmdb::pages::Damage) -> E,
        write: &mut dyn FnMut(Part) -> Result<(), E>,
    ) -> Result<Vec<RunInfo>, E> {
        self.entries.sort_unstable();
        let mut size = self.entries.len();
        let mut kept = base.runs.len();
        while let Some(run) = kept.checked_sub(1).and_then(|last| base.runs.get(last)) {
            let merges = match self.merges_from {
                Some((first, _)) => run.number >= first,
                None => run.entries < RATIO * size || run.entries + size <= SMALL,
            };
            if !merges {
                break;
            }
            size += run.entries;
            kept -= 1;
        }
        let number = self.directory.run;
        let (mut parts, mut made) = (Parts::new(number), Vec::new());
        let merged = self.merge(base, view, kept);
        let mut merge = merged.map_err(&damaged)?;
        while let Some(entry) = merge.either().map_err(&damaged)? {
            if let Some(part) = parts.push(entry) {
                write(part)?;
                if self.merges_from.is_some_and(|(_, most)| parts.done == most) {
                    let next = parts.run.number.saturating_add(1);
                    made.push(std::mem::replace(&mut parts, Parts::new(next)).run);
                }
            }
        }
        let (info, rest) = parts.finish();
        if let Some(part) = rest {
            write(part)?;
        }
        let removed = self.directory.runs.split_off(kept);
        made.push(info);
        for info in made.into_iter().filter(|info| info.entries > 0) {
            self.directory.runs.push(info);
            self.directory.run = info.number.saturating_add(1);
        }
        Ok(removed)
    }

    /// Returns what was added, read as one with all but the first runs.
    fn merge<'m>(&'m self, base: &'m Objects, view: &'m View, kept: usize) -> Checked<Merge<'m>> {
        let mut merge = Merge::new(view, true);
        for run in base.runs.iter().skip(kept) {
            merge.add(run, 0)?;
        }
        merge.add_sorted(&self.entries)?;
        Ok(merge)
    }
}

/// The parts of a run that is being made.
struct Parts {
    run: RunInfo,
    part: Vec<u8>,
    done: usize,
}

impl Parts {
    fn new(number: u32) -> Self {
        Self {
            run: RunInfo {
                number,
                entries: 0,
                removals: 0,
            },
            part: Vec::new(),
            done: 0,
        }
    }

    /// Adds an entry. Returns the part that is full.
    fn push(&mut self, entry: Entry) -> Option<Part> {
        entry.write(&mut self.part);
        self.run.entries = self.run.entries.saturating_add(1);
        self.run.removals += u32::from(entry.removed());
        (self.part.len() >= PART * Entry::LENGTH).then(|| self.take())
    }

    fn take(&mut self) -> Part {
        let key = part_key(self.run.number, self.done);
        self.done += 1;
        (key, std::mem::take(&mut self.part))
    }

    /// Returns what the directory says of the run, and the last part.
    fn finish(mut self) -> (RunInfo, Option<Part>) {
        let rest = (!self.part.is_empty()).then(|| self.take());
        (self.run, rest)
    }
}
