//! Promises that nothing needs any more: of values that a filter left at a remote, and that no
//! object of the store refers to.
//!
//! Objects are removed first, so that what refers to a promise is gone. A fetch notes promises before it
//! writes what refers to them; while one is under way, all of them stay.

use std::collections::BTreeSet;

use crate::error::Result;
use crate::id::ObjectId;
use crate::record::{Kind, references};
use crate::sorting;
use crate::store::journal::{GC_KEY, Note, parse};
use crate::store::{ReadObjects, Store, Table, absent};
use crate::transfer::remote::unless_fetching;

use super::taken_over;

/// How many promises one transaction removes.
const BATCH: usize = 10_000;

/// Removes promises that no object refers to. The marker of `run` must be set: from then on, writers
/// note what new objects refer to.
pub(super) fn collect(store: &Store, run: [u8; 16]) -> Result<()> {
    let snapshot = store.snapshot()?;
    let promises = snapshot.absents()?.into_iter();
    let promises = promises.filter(|(_, absent)| absent.kind == Kind::Datum);
    let mut unneeded = sorting::set(promises.map(|(id, _)| id));
    if unneeded.is_empty() {
        return Ok(());
    }
    for entry in snapshot.objects(&[])? {
        let (_, bytes) = entry?;
        // What is no record has no references that anybody could follow.
        let _ = references(bytes, &mut |id, _| {
            unneeded.remove(&id);
        });
    }
    drop(snapshot);
    while !unneeded.is_empty() {
        let Some(_alone) = unless_fetching(store)? else {
            return Ok(());
        };
        let some: Vec<ObjectId> = unneeded.iter().copied().take(BATCH).collect();
        store.write(|txn| {
            if txn.get(Table::Meta, GC_KEY)? != Some(&run[..]) {
                return Err(taken_over());
            }
            let mut noted = BTreeSet::new();
            for entry in txn.scan(Table::Journal, &[])? {
                if let Some(Note::Object(id)) = parse(entry?.0) {
                    noted.insert(id);
                    if let Some(bytes) = txn.raw_object(id)? {
                        let _ = references(bytes, &mut |id, _| {
                            noted.insert(id);
                        });
                    }
                }
            }
            let mut some = some.iter().filter(|id| !noted.contains(*id));
            some.try_for_each(|id| absent::forget(txn, *id))
        })?;
        some.iter().for_each(|id| {
            unneeded.remove(id);
        });
    }
    Ok(())
}
