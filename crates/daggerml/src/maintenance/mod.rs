//! Looking after a repository: garbage, damage, excision, migration.
//!
//! | module | does |
//! |---|---|
//! | [`gc`] | removes objects that nothing refers to |
//! | [`fsck`] | finds everything that is damaged, and says what is lost |
//! | [`excise`] | replaces an object by a tombstone |
//! | [`migrate`] | brings a store of an older layout up to date |

pub mod excise;
pub mod fsck;
pub mod gc;
mod ids;
pub mod migrate;
pub mod released;
mod roots;

use std::collections::BTreeMap;

use crate::record::Kind;

/// How far a long operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being done, in a word or two.
    pub phase: &'static str,
    /// How many objects were done.
    pub done: u64,
    /// Of how many, where that is known.
    pub total: Option<u64>,
}

/// How often progress is told, in objects.
const STRIDE: u64 = 8192;

/// A number of objects and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many.
    pub objects: u64,
    /// How many bytes they take, without what the store adds.
    pub bytes: u64,
}

impl Total {
    fn add(&mut self, bytes: usize) {
        self.objects += 1;
        self.bytes += bytes as u64;
    }
}

/// Totals by kind of object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<Kind, Total>);

impl Totals {
    fn add(&mut self, kind: Kind, bytes: usize) {
        self.0.entry(kind).or_default().add(bytes);
    }

    fn add_total(&mut self, kind: Kind, more: Total) {
        let total = self.0.entry(kind).or_default();
        total.objects += more.objects;
        total.bytes += more.bytes;
    }

    fn remove(&mut self, kind: Kind, bytes: usize) {
        let total = self.0.entry(kind).or_default();
        total.objects = total.objects.saturating_sub(1);
        total.bytes = total.bytes.saturating_sub(bytes as u64);
    }

    /// Returns the kinds that there are, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, Total)> {
        self.0.iter().map(|(kind, total)| (*kind, *total))
    }

    /// Returns all kinds together.
    pub fn all(&self) -> Total {
        self.0.values().fold(Total::default(), |sum, total| Total {
            objects: sum.objects + total.objects,
            bytes: sum.bytes + total.bytes,
        })
    }
}
