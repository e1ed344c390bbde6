//! Sweeping: removing what has no mark, a bounded number at a time.

use crate::error::Result;
use crate::id::ObjectId;
use crate::store::journal::{GC_KEY, Note, parse};
use crate::store::{ReadObjects, Store, Table, WriteTxn};

use super::super::{Step, roots};
use super::mark::Marker;
use super::order::Garbage;
use super::{Report, kind_at, taken_over};

/// How many objects one transaction removes at most: it holds the lock for some
/// hundredths of a second.
const BATCH: usize = 20_000;

/// Removes `garbage`, except what was noted since it was found. `report` is
/// corrected to what was removed.
pub(super) fn sweep(
    store: &Store,
    run: [u8; 16],
    marker: &mut Marker,
    garbage: &Garbage,
    report: &mut Report,
    progress: &mut dyn FnMut(Step),
) -> Result<()> {
    let total = Some(garbage.order.len() as u64);
    let mut done = 0;
    for part in garbage.order.chunks(BATCH) {
        let batch = garbage.batch(part);
        let spared = store.write(|txn| {
            if txn.get(Table::Meta, GC_KEY)? != Some(&run[..]) {
                return Err(taken_over());
            }
            take_notes(txn, marker, garbage)?;
            remove(txn, marker, &batch)
        })?;
        for (kind, bytes) in spared {
            report.spare(kind, bytes);
        }
        done += batch.len() as u64;
        progress(Step {
            phase: "removing",
            done,
            total,
        });
    }
    Ok(())
}

/// Marks from what the journal holds, and clears it.
fn take_notes(txn: &mut WriteTxn<'_>, marker: &mut Marker, garbage: &Garbage) -> Result<()> {
    for entry in txn.scan(Table::Journal, &[])? {
        let (key, _) = entry?;
        match parse(key) {
            Some(Note::Object(id)) => marker.want(id, false),
            Some(Note::Entry(table, key)) => {
                if let Some(value) = txn.get(table, key)? {
                    roots::of_entry(table, key, value, &mut |id| marker.want(id, false))?;
                }
            }
            None => {}
        }
    }
    while let Some(position) = marker.next() {
        // What had no mark is in the garbage.
        let id = marker
            .ids
            .start(position)
            .and_then(|start| garbage.find(start));
        if let Some(id) = id
            && let Some(bytes) = txn.raw_object(id)?
        {
            marker.look_into(id, bytes)?;
        }
    }
    // When this transaction runs again because the map had to grow, the marks are
    // there already.
    clear_journal(txn)
}

/// Removes those of `batch` that have no mark; the kinds and lengths of the others.
fn remove(
    txn: &mut WriteTxn<'_>,
    marker: &Marker,
    batch: &[ObjectId],
) -> Result<Vec<(crate::record::Kind, usize)>> {
    let mut spared = Vec::new();
    for id in batch {
        if marker.ids.find(*id).is_some_and(|at| marker.marks.has(at)) {
            if let Some(bytes) = txn.raw_object(*id)? {
                spared.push((kind_at(bytes), bytes.len()));
            }
        } else {
            txn.delete_object(*id)?;
        }
    }
    Ok(spared)
}

/// Removes everything from the journal.
pub(super) fn clear_journal(txn: &mut WriteTxn<'_>) -> Result<()> {
    let keys: Vec<Vec<u8>> = txn
        .scan(Table::Journal, &[])?
        .map(|entry| entry.map(|(key, _)| key.to_vec()))
        .collect::<Result<_>>()?;
    for key in &keys {
        txn.delete(Table::Journal, key)?;
    }
    Ok(())
}
