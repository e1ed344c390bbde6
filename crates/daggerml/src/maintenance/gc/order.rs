//! The order of removal: an object is removed after everything that refers to it.
//!
//! So at any moment, everything that a remaining object refers to remains as well. A writer
//! that finds an object may therefore refer to it: a note of that one object in the journal
//! is enough to keep everything that it reaches.

use crate::error::Result;
use crate::id::ObjectId;
use crate::record::references;
use crate::store::Snapshot;

use super::super::ids::start;
use super::mark::{CROWD, Marker};

/// What is to be removed.
pub(super) struct Garbage {
    /// The ids, in order.
    pub ids: Vec<ObjectId>,
    /// Indices into `ids`: referrers first.
    pub order: Vec<u32>,
}

/// Works out references among the garbage.
struct Links<'m> {
    snapshot: &'m Snapshot,
    marker: &'m Marker,
    /// The positions of the garbage, in order.
    positions: &'m [usize],
    wanted: Vec<(u128, bool)>,
}

impl Links<'_> {
    /// Gathers what the garbage at `index` refers to. Damaged garbage refers to nothing.
    fn gather(&mut self, index: usize) -> Result<()> {
        if let Some(&position) = self.positions.get(index) {
            let (_, bytes) = self.marker.ids.object(self.snapshot, position)?;
            let wanted = &mut self.wanted;
            let _ = references(bytes, &mut |id, datum| {
                wanted.push((start(id.as_bytes()), datum));
            });
        }
        Ok(())
    }

    /// Calls `visit` for each reference to garbage that was gathered, if there are many
    /// or `all` are wanted.
    fn resolve(&mut self, all: bool, visit: &mut dyn FnMut(usize)) {
        if all || self.wanted.len() > CROWD {
            let positions = self.positions;
            self.marker
                .ids
                .find_all(&mut self.wanted, &mut |position, _| {
                    if let Ok(index) = positions.binary_search(&position) {
                        visit(index);
                    }
                });
        }
    }
}

impl Garbage {
    /// Makes the objects at `positions`, which have no mark.
    pub fn new(
        snapshot: &Snapshot,
        marker: &Marker,
        positions: &[usize],
        ids: Vec<ObjectId>,
    ) -> Result<Self> {
        let mut links = Links {
            snapshot,
            marker,
            positions,
            wanted: Vec::new(),
        };
        // How many referrers of each are not in the order yet.
        let mut referrers = vec![0u32; positions.len()];
        for index in 0..positions.len() {
            links.gather(index)?;
            links.resolve(index + 1 == positions.len(), &mut |index| {
                if let Some(count) = referrers.get_mut(index) {
                    *count += 1;
                }
            });
        }
        let mut order = Vec::with_capacity(positions.len());
        let mut wave: Vec<usize> = (0..positions.len())
            .filter(|index| referrers.get(*index) == Some(&0))
            .collect();
        while !wave.is_empty() {
            let mut next = Vec::new();
            for (at, &index) in wave.iter().enumerate() {
                order.push(u32::try_from(index).unwrap_or(u32::MAX));
                links.gather(index)?;
                links.resolve(at + 1 == wave.len(), &mut |index| {
                    if let Some(count) = referrers.get_mut(index) {
                        *count -= 1;
                        if *count == 0 {
                            next.push(index);
                        }
                    }
                });
            }
            next.sort_unstable();
            wave = next;
        }
        Ok(Self { ids, order })
    }

    /// Returns the garbage whose id starts as `start` says.
    pub fn find(&self, wanted: u128) -> Option<ObjectId> {
        let at = self.ids.partition_point(|id| start(id.as_bytes()) < wanted);
        self.ids
            .get(at)
            .filter(|id| start(id.as_bytes()) == wanted)
            .copied()
    }

    /// Returns the ids of a part of the order, sorted: neighbours share pages.
    pub fn batch(&self, part: &[u32]) -> Vec<ObjectId> {
        let mut batch: Vec<ObjectId> = part
            .iter()
            .filter_map(|index| self.ids.get(usize::try_from(*index).ok()?).copied())
            .collect();
        crate::sorting::sort_by(&mut batch, Ord::cmp);
        batch
    }
}
