//! All objects of a version, in little memory.

use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::record::{Kind, Record, Tombstone, kind_of};
use crate::store::lmdb::Version;
use crate::store::pages::Root;
use crate::store::pages::check::{Leaf, Walk};
use crate::store::pages::{Damage, Page, View};
use crate::store::{Snapshot, Table};

use super::{Step, Total, Totals};

/// The objects of a version in the order of their ids: 25 bytes each.
///
/// Ids are kept by their first 16 bytes. Two objects that share those would be
/// taken for one. That can only keep more than needed, and making such a pair takes 2^64
/// tries.
#[derive(Default)]
pub(super) struct Ids {
    starts: Vec<u128>,
    /// The leaf page and the index in it.
    places: Vec<u64>,
    /// The codes of the kinds; 0 for what has no header of a record.
    kinds: Vec<u8>,
    /// How much there is of each kind, by code.
    totals: [Total; Kind::ALL.len() + 1],
}

/// The least bytes that an object takes in a page: its id, and LMDB's header.
const LEAST: u64 = 32 + 8 + 2;

/// Bits of a place for the index in the page.
const INDEX_BITS: u32 = 16;

/// Returns what is kept of an id.
pub(super) fn start(id: &[u8; 32]) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(id.first_chunk::<16>().unwrap_or(&[0; 16]));
    u128::from_be_bytes(bytes)
}

impl Ids {
    /// Reads the ids of all objects, checking every page of the table; the leaves
    /// that they are in. Leaves that are damaged are passed over and noted in `walk`.
    pub fn read(
        version: &Version,
        walk: &mut Walk<'_>,
        progress: &mut dyn FnMut(Step),
    ) -> (Self, Vec<u64>) {
        let root = version.root(Table::Objects);
        // The number may be damaged, so it is limited to what fits into the file.
        let view = &version.view;
        let most = view.pages.saturating_mul(view.meta.page_size as u64) / LEAST;
        let entries = usize::try_from(root.entries.min(most)).unwrap_or(0);
        let mut ids = Self {
            starts: Vec::with_capacity(entries),
            places: Vec::with_capacity(entries),
            kinds: Vec::with_capacity(entries),
            ..Self::default()
        };
        let leaves = walk.branches(&root);
        let mut sound = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let before = ids.len();
            match ids.leaf(&root, walk, leaf) {
                Ok(()) => sound.push(leaf.number),
                Err(damage) => {
                    walk.damage.push(damage);
                    ids.starts.truncate(before);
                    ids.places.truncate(before);
                    ids.kinds.truncate(before);
                }
            }
            if sound.len().is_multiple_of(256) {
                progress(Step {
                    phase: "reading ids",
                    done: ids.len() as u64,
                    total: Some(root.entries),
                });
            }
        }
        (ids, sound)
    }

    fn leaf<'v>(&mut self, root: &Root, walk: &mut Walk<'v>, leaf: Leaf<'v>) -> Result<(), Damage> {
        let number = leaf.number;
        let page = walk.leaf(root, leaf)?;
        for index in 0..page.len {
            let key = page.node(index)?.key;
            let id: &[u8; 32] = key
                .try_into()
                .map_err(|_| Damage::new(number, "a key is not an id"))?;
            let start = start(id);
            if self.starts.last().is_some_and(|before| *before > start) {
                return Err(Damage::new(number, "the keys are out of order"));
            }
            self.starts.push(start);
            self.places.push(number << INDEX_BITS | index as u64);
            // Damage to the data alone is found when it is read again.
            let bytes = page.value(walk.view, index).unwrap_or_default();
            let code = kind_of_place(bytes).map_or(0, Kind::code);
            let code = u8::try_from(code).unwrap_or(0);
            self.kinds.push(code);
            if let Some(total) = self.totals.get_mut(usize::from(code)) {
                total.add(bytes.len());
            }
        }
        Ok(())
    }

    /// Returns the kind of the object at `position`; `None` when its header cannot be read.
    pub fn kind(&self, position: usize) -> Option<Kind> {
        let code = u64::from(self.kinds.get(position).copied()?);
        Kind::ALL.into_iter().find(|kind| kind.code() == code)
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
        (part.get(offset) == Some(&wanted)).then_some(low + offset)
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
            } else {
                all = false;
            }
        }
        wanted.clear();
        all
    }

    /// Returns the id and bytes at `position`.
    pub fn object_in<'v>(
        &self,
        view: &'v View,
        position: usize,
    ) -> Result<(ObjectId, &'v [u8]), Damage> {
        let place = self.places.get(position).copied().unwrap_or_default();
        let page: Page<'v> = view.page(place >> INDEX_BITS)?;
        let index = usize::try_from(place & ((1 << INDEX_BITS) - 1)).unwrap_or(usize::MAX);
        let id = page.node(index)?.key.try_into();
        let id = id.map_err(|_| Damage::new(page.number, "a key is not an id"))?;
        Ok((ObjectId::from_bytes(id), page.value(view, index)?))
    }

    /// Returns the id and bytes at `position`.
    pub fn object<'s>(
        &self,
        snapshot: &'s Snapshot,
        position: usize,
    ) -> Result<(ObjectId, &'s [u8])> {
        self.object_in(&snapshot.pages()?.view, position)
            .map_err(|damage| damaged(snapshot, &damage))
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

/// Returns the error that `damage` makes.
pub(super) fn damaged(snapshot: &Snapshot, damage: &Damage) -> Box<Error> {
    Error::StoreDamaged {
        path: snapshot.store().path().join(crate::store::DATA_FILE),
        detail: damage.to_string(),
    }
    .into()
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
                places: vec![0; tops.len()],
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
