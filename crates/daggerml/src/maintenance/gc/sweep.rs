//! Sweeping: removing what has no mark, a bounded number at a time.

use crate::error::Result;
use crate::store::journal::{GC_KEY, Note, parse};
use crate::store::{Store, Table, WriteTxn};

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
        let batch = Garbage::batch(part);
        let spared = store.write(|txn| {
            if txn.get(Table::Meta, GC_KEY)? != Some(&run[..]) {
                return Err(taken_over());
            }
            take_notes(txn, marker)?;
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
fn take_notes(txn: &mut WriteTxn<'_>, marker: &mut Marker) -> Result<()> {
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
        if let Some(entry) = marker.ids.entry(position)
            && let Some((id, bytes)) = txn.object_at(&entry)?
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
    batch: &[u32],
) -> Result<Vec<(crate::record::Kind, usize)>> {
    let mut spared = Vec::new();
    for position in batch.iter().map(|position| *position as usize) {
        let Some(entry) = marker.ids.entry(position) else {
            continue;
        };
        if marker.marks.has(position) {
            if let Some((_, bytes)) = txn.object_at(&entry)? {
                spared.push((kind_at(bytes), bytes.len()));
            }
        } else {
            txn.remove_at(&entry)?;
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
