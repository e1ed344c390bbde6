//! Sorting that is compiled once.
//!
//! The standard library's sorts, and `collect()` into a `BTreeMap` or `BTreeSet`, are compiled for each
//! type and each closure that they meet: 2 kB of a wheel every time. Where sorting is not
//! what takes the time, the functions here do.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Sorts `items`; those that are equal stay in their order.
pub fn sort_by<T>(items: &mut [T], mut order: impl FnMut(&T, &T) -> Ordering) {
    if items.is_sorted_by(|a, b| order(a, b).is_le()) {
        return; // As it often is.
    }
    let mut places = places(items.len(), &mut |a, b| order(&items[a], &items[b]));
    for at in 0..items.len() {
        while places[at] != at {
            let place = places[at];
            items.swap(at, place);
            places.swap(at, place);
        }
    }
}

/// Returns, for each of `count` items, the place where it belongs.
fn places(count: usize, order: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut sorted: Vec<usize> = (0..count).collect();
    sorted.sort_by(|a, b| order(*a, *b));
    let mut places = vec![0; count];
    for (place, item) in sorted.into_iter().enumerate() {
        places[item] = place;
    }
    places
}

/// Returns a map of `entries`. The last of those with one key counts.
pub fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        map.insert(key, value);
    }
    map
}

/// Returns a set of `items`.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    for item in items {
        set.insert(item);
    }
    set
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(mut items: Vec<(u8, u32)>) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            sort_by(&mut items, |a, b| a.0.cmp(&b.0));
            prop_assert_eq!(items, expected);
        }

        #[test]
        fn maps_as_the_standard_library_does(entries: Vec<(u8, u32)>) {
            let expected: BTreeMap<_, _> = entries.iter().copied().collect();
            prop_assert_eq!(map(entries), expected);
        }
    }
}
