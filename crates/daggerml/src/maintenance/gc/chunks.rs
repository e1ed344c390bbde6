//! Chunks of objects that hold much garbage: what is left of them is moved, and they are removed.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::store::journal::GC_KEY;
use crate::store::lmdb::objects::Sparse;
use crate::store::{Store, Table};

use super::super::Step;
use super::taken_over;

/// A chunk is given up when this many of its bytes, in hundredths, are garbage.
const GARBAGE: usize = 25;

/// How many bytes one transaction moves, roughly.
const BATCH: usize = 4 << 20;

/// How many chunks one transaction removes at most.
const CHUNKS: usize = 1024;

/// Gives up chunks of `store` that hold much garbage.
pub(super) fn collect(store: &Store, run: [u8; 16], progress: &mut dyn FnMut(Step)) -> Result<()> {
    let sparse = find(store)?;
    let total = sparse.len();
    let mut left = &sparse[..];
    while !left.is_empty() {
        let mut bytes = 0;
        let many = left.iter().take(CHUNKS).take_while(|(length, _)| {
            bytes += length;
            bytes <= BATCH
        });
        let (some, rest) = left.split_at(many.count().max(1));
        store.write(|txn| {
            if txn.get(Table::Meta, GC_KEY)? != Some(&run[..]) {
                return Err(taken_over());
            }
            some.iter()
                .try_for_each(|(_, sparse)| txn.move_objects(std::slice::from_ref(sparse)))
        })?;
        left = rest;
        progress(Step {
            phase: "packing",
            done: (total - left.len()) as u64,
            total: Some(total as u64),
        });
    }
    Ok(())
}

/// Returns the chunks that hold much garbage, each with the bytes in it that are none.
fn find(store: &Store) -> Result<Vec<(usize, Sparse)>> {
    let snapshot = store.snapshot()?;
    let version = snapshot.pages()?;
    let found = version.objects().and_then(|objects| {
        // Chunks that were begun later are not looked at.
        let mut used: BTreeMap<u32, usize> = BTreeMap::new();
        let mut merge = objects.merge(&version.view, 0, false)?;
        while let Some(entry) = merge.object()? {
            let place = entry.place();
            let frame = objects.frame(&version.view, place)?;
            let whole = frame.map_or(0, |frame| frame.whole.len());
            *used.entry(place.chunk()).or_default() += whole;
        }
        let mut sparse: BTreeMap<u32, (usize, Sparse)> = BTreeMap::new();
        for chunk in objects.chunks(&version.view) {
            let (number, length) = chunk?;
            let used = used.get(&number).copied().unwrap_or(0);
            if (length - used.min(length)) * 100 >= length * GARBAGE {
                let objects = Vec::new();
                let chunk = number;
                sparse.insert(number, (used, Sparse { chunk, objects }));
            }
        }
        let mut merge = objects.merge(&version.view, 0, false)?;
        while !sparse.is_empty()
            && let Some(entry) = merge.object()?
        {
            if let Some((_, sparse)) = sparse.get_mut(&entry.place().chunk()) {
                sparse.objects.push(entry);
            }
        }
        Ok(sparse.into_values().collect())
    });
    found.map_err(|damage| snapshot.damaged(&damage))
}
