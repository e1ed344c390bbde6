//! Sets of ids, and of numbers of pages.
//!
//! Ids are hashes already, so a few of their bytes tell them apart. But records may come
//! from anybody and may hold any bytes for ids: a secret key keeps whoever chooses them
//! from choosing many that meet in one place.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A set of ids.
pub(crate) type IdSet<I> = HashSet<I, IdState>;

/// Makes hashers of ids, with a key of its own.
#[derive(Clone, Debug)]
pub(crate) struct IdState {
    key: [u64; 2],
}

impl Default for IdState {
    fn default() -> Self {
        let random = RandomState::new();
        Self {
            key: [random.hash_one(0), random.hash_one(1)],
        }
    }
}

impl BuildHasher for IdState {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher {
            key: self.key,
            hash: 0,
        }
    }
}

/// Hashes one id: 32 bytes.
pub(crate) struct IdHasher {
    key: [u64; 2],
    hash: u64,
}

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        // An id is two such halves; no loop, so that it is quick in code made small.
        let Some((first, rest)) = bytes.split_first_chunk() else {
            return self.fold(
                bytes
                    .iter()
                    .fold(1, |all, byte| all << 8 | u128::from(*byte)),
            );
        };
        self.fold(u128::from_le_bytes(*first));
        if let Some(second) = rest.first_chunk() {
            self.fold(u128::from_le_bytes(*second));
        }
    }

    // The number of a page.
    fn write_u64(&mut self, number: u64) {
        self.fold(number.into());
    }

    // The length of an array of bytes, which is the same for all ids.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.hash
    }
}

impl IdHasher {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
    fn fold(&mut self, half: u128) {
        let [first, second] = self.key;
        let (low, high) = (half as u64, (half >> 64) as u64);
        let product = u128::from(low ^ first ^ self.hash) * u128::from(high ^ second);
        self.hash = product as u64 ^ (product >> 64) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{NodeId, ObjectId, TypedId};

    #[test]
    fn ids_that_differ_in_any_byte_are_told_apart() {
        let ids: Vec<NodeId> = (0..32)
            .flat_map(|at| (0..=255).map(move |byte| (at, byte)))
            .map(|(at, byte)| {
                let mut bytes = [7; 32];
                bytes[at] = byte;
                NodeId::from_object(ObjectId::from_bytes(bytes))
            })
            .collect();
        let set: IdSet<NodeId> = ids.iter().copied().collect();
        assert_eq!(set.len(), 32 * 255 + 1);
        let state = IdState::default();
        let hashes: HashSet<u64> = set.iter().map(|id| state.hash_one(id)).collect();
        assert_eq!(hashes.len(), set.len(), "hashes that meet");
        let other = IdState::default();
        assert_ne!(state.hash_one(ids[0]), other.hash_one(ids[0]));
    }
}
