//! One sorted run: where objects are, in order of the first bytes of their ids.

use crate::id::ObjectId;
use crate::store::Table;
use crate::store::lmdb::pages::page::HEADER;
use crate::store::lmdb::pages::{Checked, Damage, Root, View};
use crate::store::lmdb::seal;

use super::directory::RunInfo;
use super::frame::CHUNK;

/// How many entries a part of a run has; the last part may have fewer.
pub(super) const PART: usize = (CHUNK - seal::LENGTH) / Entry::LENGTH;

/// Bits of a place for the offset in the chunk.
const OFFSET: u32 = 15;

/// Where an object is: the number of its chunk, and the offset in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

impl Place {
    /// Returns the place at `offset` of `chunk`. Offsets are less than `CHUNK`.
    pub fn new(chunk: u32, offset: usize) -> Self {
        Self(u64::from(chunk) << OFFSET | offset as u64)
    }

    /// Returns the number of the chunk.
    pub fn chunk(self) -> u32 {
        u32::try_from(self.0 >> OFFSET).unwrap_or(u32::MAX)
    }

    /// Returns the offset in the chunk.
    pub fn offset(self) -> usize {
        usize::try_from(self.0 & ((1 << OFFSET) - 1)).unwrap_or(usize::MAX)
    }

    /// Returns what runs hold of an id: the number that its first six bytes are.
    pub fn prefix(id: &ObjectId) -> u64 {
        id.first_bytes() >> 16
    }
}

/// An entry of a run. In order: by the first bytes of the id, then by the place, and that an
/// object was removed comes right after that it was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// The first six bytes of the id, as a number.
    pub prefix: u64,
    /// The place, and one bit that says that the object there was removed.
    word: u64,
}

impl Entry {
    /// Bytes of an entry.
    pub const LENGTH: usize = 12;

    /// Makes the entry of an object.
    pub fn new(prefix: u64, place: Place, removed: bool) -> Self {
        let word = place.0 << 1 | u64::from(removed);
        Self { prefix, word }
    }

    /// Returns where the object is.
    pub fn place(self) -> Place {
        Place(self.word >> 1)
    }

    /// Returns whether it says that the object was removed.
    pub fn removed(self) -> bool {
        self.word & 1 == 1
    }

    /// Returns what is wrong when it says that an object was removed that was not there.
    pub fn removed_nothing(self) -> Damage {
        let chunk = self.place().chunk();
        let detail = format!(
            "a run says that an object was removed from chunk {chunk}, which was not there"
        );
        Damage::new(0, detail)
    }

    /// Returns the entry that says that the object of this one was removed.
    pub fn removal(self) -> Self {
        let word = self.word | 1;
        Self { word, ..self }
    }

    fn parse(bytes: &[u8; Self::LENGTH]) -> Self {
        let mut wide = [0; 16];
        if let Some(last) = wide.last_chunk_mut() {
            *last = *bytes;
        }
        let both = u128::from_be_bytes(wide);
        let half = |number: u128| u64::try_from(number & ((1 << 48) - 1)).unwrap_or_default();
        Self {
            prefix: half(both >> 48),
            word: half(both),
        }
    }

    /// Appends the entry's bytes to `part`.
    pub fn write(self, part: &mut Vec<u8>) {
        for number in [self.prefix, self.word] {
            let [_, _, bytes @ ..] = number.to_be_bytes();
            part.extend_from_slice(&bytes);
        }
    }
}

/// Returns the key of a part of a run.
pub(super) fn part_key(run: u32, part: usize) -> [u8; 8] {
    let part = u64::from(u32::try_from(part).unwrap_or(u32::MAX));
    (u64::from(run) << 32 | part).to_be_bytes()
}

/// A run in the file.
#[derive(Debug)]
pub(crate) struct Run {
    pub number: u32,
    pub entries: usize,
    /// Where in the file each part begins, and its length.
    parts: Vec<(usize, usize)>,
}

impl Run {
    /// Finds the parts of a run in the table `root`.
    pub fn load(view: &View, root: &Root, info: RunInfo) -> Checked<Self> {
        let number = info.number;
        let wrong = |detail: &str| Damage::new(root.page, format!("run {number}: {detail}"));
        let mut parts = Vec::new();
        let mut left = usize::try_from(info.entries).unwrap_or(usize::MAX);
        for entry in root.scan(view, &number.to_be_bytes(), false) {
            let (key, part) = entry?;
            if left == 0 || key != part_key(number, parts.len()) {
                break;
            }
            let entries = left.min(PART);
            if part.len() != entries * Entry::LENGTH + seal::LENGTH {
                return Err(wrong("a part has another length"));
            }
            let at = view.offset(part);
            parts.push((at.ok_or_else(|| wrong("it is elsewhere"))?, part.len()));
            left -= entries;
        }
        if left > 0 {
            return Err(wrong("a part is missing"));
        }
        Ok(Self {
            number,
            entries: usize::try_from(info.entries).unwrap_or(usize::MAX),
            parts,
        })
    }

    /// Returns whether it stays where it is as long as it is there: all parts are on overflow pages. A small
    /// part is in a leaf, which is copied when an entry beside it changes.
    pub fn stays(&self, view: &View) -> bool {
        let mut parts = self.parts.iter();
        parts.all(|(start, _)| start % view.meta.page_size == HEADER)
    }

    /// Returns the entry at `index`.
    pub fn entry(&self, view: &View, index: usize) -> Checked<Entry> {
        let outside = || Damage::new(0, format!("run {} has no entry {index}", self.number));
        let (start, length) = *self.parts.get(index / PART).ok_or_else(outside)?;
        let at = index % PART * Entry::LENGTH;
        if index >= self.entries || at + Entry::LENGTH > length {
            return Err(outside());
        }
        let bytes = view.bytes(start + at, Entry::LENGTH)?;
        bytes.first_chunk().map(Entry::parse).ok_or_else(outside)
    }

    /// Compares the seal of the part that the entry at `index` is in.
    pub fn check(&self, view: &View, index: usize) -> Checked<()> {
        let part = index / PART;
        let (start, length) = self.parts.get(part).copied().unwrap_or_default();
        let sealed = view.bytes(start, length)?;
        match seal::unseal(Table::Runs, &part_key(self.number, part), sealed) {
            Some(_) => Ok(()),
            None => Err(Damage::new(
                (start / view.meta.page_size) as u64,
                format!("part {part} of run {} is not what was written", self.number),
            )),
        }
    }

    /// Returns the entries of a part, as bytes.
    fn part<'v>(&self, view: &'v View, part: usize) -> Checked<&'v [u8]> {
        let outside = || Damage::new(0, format!("run {} has no part {part}", self.number));
        let (start, length) = *self.parts.get(part).ok_or_else(outside)?;
        view.bytes(start, length.saturating_sub(seal::LENGTH))
    }

    /// Returns the index of the first entry whose prefix is not less than `prefix`.
    ///
    /// Ids are spread evenly, so a guess by their value is in the right part, or in one beside it.
    pub fn lower_bound(&self, view: &View, prefix: u64) -> Checked<usize> {
        let guess = (u128::from(prefix) * self.entries as u128) >> 48;
        let guess = usize::try_from(guess).unwrap_or(0) / PART;
        // All parts before `low` are less, and none from `high` on is.
        let (mut low, mut high) = (0, self.parts.len());
        let mut at = guess.min(high.saturating_sub(1));
        while low < high {
            let part = self.part(view, at)?;
            let length = part.len() / Entry::LENGTH;
            if prefix_at(part, length.saturating_sub(1)) < prefix {
                low = at + 1;
                at = low;
            } else if at > low && prefix_at(part, 0) >= prefix {
                high = at;
                at -= 1;
            } else {
                let (mut first, mut end) = (0, length);
                while first < end {
                    let middle = first.midpoint(end);
                    if prefix_at(part, middle) < prefix {
                        first = middle + 1;
                    } else {
                        end = middle;
                    }
                }
                return Ok(at * PART + first);
            }
        }
        Ok((low * PART).min(self.entries))
    }
}

/// Returns the prefix of the entry at `index` of a part; one beyond all where there is none.
fn prefix_at(part: &[u8], index: usize) -> u64 {
    let bytes = part
        .get(index * Entry::LENGTH..)
        .and_then(<[u8]>::first_chunk);
    bytes.map_or(u64::MAX, |bytes| u64::from_be_bytes(*bytes) >> 16)
}
