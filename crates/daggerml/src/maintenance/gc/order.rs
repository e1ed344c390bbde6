//! The order of removal: an object is removed after everything that refers to it.
//!
//! So at any moment, everything that a remaining object refers to remains as well. A writer
//! that finds an object may therefore refer to it: a note of that one object in the journal
//! is enough to keep everything that it reaches.

use crate::error::Result;
use crate::record::references;
use crate::store::Snapshot;

use super::super::ids::start;
use super::mark::{CROWD, Marker};

/// What is to be removed.
pub(super) struct Garbage {
    /// Positions of objects: referrers first.
    pub order: Vec<u32>,
}

/// Works out references among the garbage.
struct Links<'m> {
    snapshot: &'m Snapshot,
    marker: &'m Marker,
    /// The positions of the garbage, in order.
    positions: &'m [u32],
    wanted: Vec<(u128, bool)>,
}

impl Links<'_> {
    /// Gathers what the garbage at `index` refers to. Nothing of it is damaged.
    fn gather(&mut self, index: usize) -> Result<()> {
        if let Some(&position) = self.positions.get(index)
            && !self.marker.ids.is_leaf(position as usize)
        {
            let version = self.snapshot.pages()?;
            let found = self.marker.ids.unverified(version, position as usize);
            let (_, bytes) = found.map_err(|damage| self.snapshot.damaged(&damage))?;
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
                    let wanted = u32::try_from(position).unwrap_or(u32::MAX);
                    if let Ok(index) = positions.binary_search(&wanted) {
                        visit(index);
                    }
                });
        }
    }
}

impl Garbage {
    /// Puts the objects at `positions`, which have no mark, in order.
    pub fn new(snapshot: &Snapshot, marker: &Marker, positions: &[u32]) -> Result<Self> {
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
                order.extend(positions.get(index).copied());
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
        Ok(Self { order })
    }

    /// Returns a part of the order, sorted: neighbours share pages.
    pub fn batch(part: &[u32]) -> Vec<u32> {
        let mut batch = part.to_vec();
        crate::sorting::sort_by(&mut batch, Ord::cmp);
        batch
    }
}
