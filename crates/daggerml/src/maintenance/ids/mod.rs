//! All objects of a version, in little memory.

mod read;

use std::sync::OnceLock;

use crate::error::Result;
use crate::id::ObjectId;
use crate::record::{Kind, Record, Tombstone, kind_of};
use crate::store::Snapshot;
use crate::store::lmdb::Version;
use crate::store::lmdb::objects::{Entry, Frame, Place};
use crate::store::pages::Damage;

use super::{Total, Totals};

/// The objects of a version in the order of their ids: 29 bytes each.
///
/// They are read, and can be visited, in the order in which they are stored: what lies side by
/// side is in the processor's cache.
///
/// Ids are kept by their first 16 bytes. Two objects that share those would be
/// taken for one. That can only keep more than needed, and making such a pair takes 2^64
/// tries.
#[derive(Default)]
pub(super) struct Ids {
    starts: Vec<u128>,
    /// Where they are: as the place in a run, but with an index into `chunks`.
    places: Vec<Place>,
    /// The codes of the kinds; 0 for what has no header of a record.
    kinds: Vec<u8>,
    /// The positions in the order in which the objects are stored.
    stored: Vec<u32>,
    /// The chunks that they are in, in the order of their numbers.
    chunks: Vec<Chunk>,
    /// How much there is of each kind, by code.
    totals: [Total; Kind::ALL.len() + 1],
    /// The objects whose bytes are damaged, in order. Their starts end in zeros, since of their ids
    /// only the first bytes are known, until something is found that refers to them.
    damaged: Vec<Damaged>,
}

/// A chunk of objects.
#[derive(Clone, Copy, Default)]
struct Chunk {
    number: u32,
    /// How many objects are in it.
    count: usize,
    /// Where in the file its bytes begin; their length is 0 when they cannot be read.
    start: usize,
    length: usize,
}

/// An object whose bytes are damaged.
struct Damaged {
    position: usize,
    prefix: u64,
    name: OnceLock<ObjectId>,
}

/// Set in the code of the kind of a datum that refers to blobs.
const HAS_BLOBS: u8 = 0x80;

/// Set in the code of the kind of what is damaged.
const DAMAGED: u8 = 0x40;

/// How many bits of a start are not in the entries of runs.
const REST: u32 = 80;

/// Returns what is kept of an id.
pub(super) fn start(id: &[u8; 32]) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(id.first_chunk::<16>().unwrap_or(&[0; 16]));
    u128::from_be_bytes(bytes)
}

/// Returns the first bytes of the id of `start` that runs have.
fn prefix_of(start: u128) -> u64 {
    u64::try_from(start >> REST).unwrap_or(u64::MAX)
}

impl Ids {
    /// Returns the frame at `position`; `None` when none can be there.
    fn frame<'v>(
        &self,
        version: &'v Version,
        position: usize,
    ) -> Result<Option<Frame<'v>>, Damage> {
        let outside = || Damage::new(0, "no such object");
        let place = self.places.get(position).ok_or_else(outside)?;
        let chunk = self.chunks.get(place.chunk() as usize);
        let chunk = chunk.ok_or_else(outside)?;
        if chunk.length == 0 {
            return Ok(None);
        }
        let bytes = version.view.bytes(chunk.start, chunk.length)?;
        Ok(Frame::read(bytes, place.offset()))
    }

    /// Returns the positions in the order in which the objects are stored.
    pub fn stored(&self) -> &[u32] {
        &self.stored
    }

    /// Returns the entry in a run of the object at `position`.
    pub fn entry(&self, position: usize) -> Option<Entry> {
        let place = self.places.get(position)?;
        let chunk = self.chunks.get(place.chunk() as usize)?;
        let place = Place::new(chunk.number, place.offset());
        Some(Entry::new(prefix_of(self.start(position)?), place, false))
    }

    /// Returns whether the bytes at `position` are damaged.
    pub fn is_damaged(&self, position: usize) -> bool {
        let code = self.kinds.get(position);
        code.is_some_and(|code| code & DAMAGED != 0)
    }

    /// Returns the damaged object whose id begins as that of `start`.
    fn find_damaged(&self, start: u128) -> Option<&Damaged> {
        let prefix = prefix_of(start);
        let at = self.damaged.partition_point(|one| one.prefix < prefix);
        let found = self.damaged.get(at)?;
        (found.prefix == prefix).then_some(found)
    }

    /// Returns the positions of the objects whose bytes are damaged, the first bytes of their ids,
    /// and the ids of those that something was found to refer to.
    pub fn damaged(&self) -> impl Iterator<Item = (usize, u64, Option<ObjectId>)> {
        self.damaged
            .iter()
            .map(|one| (one.position, one.prefix, one.name.get().copied()))
    }

    /// Returns the kind of the object at `position`; `None` when its header cannot be read.
    pub fn kind(&self, position: usize) -> Option<Kind> {
        let code = u64::from(self.kinds.get(position).copied()? & !(HAS_BLOBS | DAMAGED));
        Kind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Returns whether the object at `position` is a datum that refers to nothing.
    pub fn is_leaf(&self, position: usize) -> bool {
        let code = self.kinds.get(position).copied();
        code.is_some_and(|code| u64::from(code) == Kind::Datum.code())
    }

    /// Returns how much there is of each kind.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for kind in Kind::ALL {
            let code = usize::try_from(kind.code()).unwrap_or(0);
            match self.totals.get(code) {
                Some(total) if total.objects > 0 => totals.add_total(kind, *total),
                _ => {}
            }
        }
        totals
    }

    /// Returns what is kept of the id at `position`.
    pub fn start(&self, position: usize) -> Option<u128> {
        self.starts.get(position).copied()
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns the position of `id`; `None` when there is no such object.
    pub fn find(&self, id: ObjectId) -> Option<usize> {
        let wanted = start(id.as_bytes());
        // Ids are spread evenly, so the guess is close.
        let (mut low, mut high) = (0, self.starts.len());
        let top = u64::try_from(wanted >> 64).unwrap_or(u64::MAX);
        let guess = (u128::from(top) * high as u128) >> 64;
        let mut at = usize::try_from(guess).ok()?;
        let mut stride = 8;
        // Widen around the guess until it is enclosed.
        while at < high {
            let found = *self.starts.get(at)?;
            if found < wanted {
                low = at + 1;
                at = at.saturating_add(stride);
            } else {
                high = at + 1;
                if at == 0 || *self.starts.get(at - 1)? < wanted {
                    low = at;
                    break;
                }
                at = at.saturating_sub(stride).max(low);
                if *self.starts.get(at)? < wanted {
                    low = at + 1;
                    break;
                }
            }
            stride *= 4;
        }
        let part = self.starts.get(low..high)?;
        let offset = part.partition_point(|start| *start < wanted);
        if part.get(offset) == Some(&wanted) {
            return Some(low + offset);
        }
        let damaged = self.find_damaged(wanted)?;
        damaged.name.get_or_init(|| id);
        Some(damaged.position)
    }

    /// Calls `visit` with the positions of those of `wanted` that are there, in order.
    /// Returns whether all are. `wanted` is put in order; many at once are found quicker
    /// than one by one.
    pub fn find_all(
        &self,
        wanted: &mut Vec<(u128, bool)>,
        visit: &mut dyn FnMut(usize, bool),
    ) -> bool {
        wanted.sort_unstable();
        let mut all = true;
        let mut at = 0;
        for &(wanted, datum) in wanted.iter() {
            // Doubling steps: the next one is near when there are many.
            let (mut step, mut low) = (1, at);
            while self
                .starts
                .get(low + step)
                .is_some_and(|start| *start < wanted)
            {
                low += step;
                step *= 2;
            }
            let high = (low + step + 1).min(self.starts.len());
            let part = self.starts.get(low..high).unwrap_or_default();
            at = low + part.partition_point(|start| *start < wanted);
            if self.starts.get(at) == Some(&wanted) {
                visit(at, datum);
            } else if let Some(damaged) = self.find_damaged(wanted) {
                visit(damaged.position, datum);
            } else {
                all = false;
            }
        }
        wanted.clear();
        all
    }

    /// Returns the bytes at `position`, and their id if they need not match it. All others were hashed
    /// when they were found.
    pub fn unverified<'v>(
        &self,
        version: &'v Version,
        position: usize,
    ) -> Result<(Option<ObjectId>, &'v [u8]), Damage> {
        if !self.is_damaged(position)
            && let Some(frame) = self.frame(version, position)?
        {
            return Ok((frame.id, frame.bytes));
        }
        let (id, bytes) = self.object_in(version, position)?;
        Ok((Some(id), bytes))
    }

    /// Returns the id and bytes at `position`. Where the bytes are damaged, the id may be known in part,
    /// and end in zeros.
    pub fn object_in<'v>(
        &self,
        version: &'v Version,
        position: usize,
    ) -> Result<(ObjectId, &'v [u8]), Damage> {
        let frame = self.frame(version, position)?;
        let start = self.start(position).unwrap_or_default();
        if let Some(frame) = frame
            && let Some(id) = frame.id(prefix_of(start))
        {
            return Ok((id, frame.bytes));
        }
        let damaged = self
            .damaged
            .binary_search_by_key(&position, |one| one.position);
        let damaged = damaged.ok().and_then(|at| self.damaged.get(at));
        let id = damaged.and_then(|one| one.name.get().copied());
        let id = id.unwrap_or_else(|| {
            let mut id = [0; 32];
            let start = start.to_be_bytes();
            id.iter_mut().zip(start).for_each(|(to, from)| *to = from);
            ObjectId::from_bytes(id)
        });
        Ok((id, frame.map_or(&[], |frame| frame.bytes)))
    }

    /// Returns the id and bytes at `position`.
    pub fn object<'s>(
        &self,
        snapshot: &'s Snapshot,
        position: usize,
    ) -> Result<(ObjectId, &'s [u8])> {
        self.object_in(snapshot.pages()?, position)
            .map_err(|damage| snapshot.damaged(&damage))
    }
}

/// Returns the kind of the object in `bytes`, also when a tombstone is in its place.
pub(super) fn kind_of_place(bytes: &[u8]) -> Option<Kind> {
    match kind_of(bytes).ok()? {
        Kind::Tombstone => Some(Tombstone::decode(bytes).ok()?.kind),
        kind => Some(kind),
    }
}

/// A set of positions.
pub(super) struct Marks(Vec<u64>);

impl Marks {
    pub fn new(length: usize) -> Self {
        Self(vec![0; length / 64 + 1])
    }

    /// Adds `position`. Returns whether it was not there.
    pub fn insert(&mut self, position: usize) -> bool {
        let Some(word) = self.0.get_mut(position / 64) else {
            return false;
        };
        let bit = 1 << (position % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub fn has(&self, position: usize) -> bool {
        let word = self.0.get(position / 64).copied().unwrap_or_default();
        word & 1 << (position % 64) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_is_there(
            mut tops in proptest::collection::vec(any::<u64>(), 0..200),
            other in any::<u64>(),
            crowd in any::<bool>(),
        ) {
            if crowd {
                tops.iter_mut().for_each(|top| *top >>= 40);
            }
            tops.sort_unstable();
            tops.dedup();
            let id = |top: u64| {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&top.to_be_bytes());
                ObjectId::from_bytes(bytes)
            };
            let ids = Ids {
                starts: tops.iter().map(|top| start(id(*top).as_bytes())).collect(),
                ..Ids::default()
            };
            for (at, top) in tops.iter().enumerate() {
                prop_assert_eq!(ids.find(id(*top)), Some(at));
            }
            prop_assert_eq!(ids.find(id(other)), tops.iter().position(|top| *top == other));
            let mut wanted: Vec<_> = tops
                .iter()
                .rev()
                .step_by(3)
                .chain([&other])
                .map(|top| (start(id(*top).as_bytes()), false))
                .collect();
            let mut positions: Vec<_> = (0..tops.len()).rev().step_by(3).rev().collect();
            if let Some(at) = tops.iter().position(|top| *top == other) {
                positions.push(at);
                positions.sort_unstable();
            }
            let mut found = Vec::new();
            let all = ids.find_all(&mut wanted, &mut |at, _| found.push(at));
            prop_assert_eq!(found, positions);
            prop_assert_eq!(all, tops.contains(&other));
        }
    }
}
