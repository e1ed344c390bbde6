//! The journal: what writers note while `gc` runs.
//!
//! `gc` marks in a snapshot and sweeps later, in write transactions of its own.
//! Between them others write. A write may make something reachable that was not:
//! by setting a ref, by putting an object again that is there already, or by
//! putting a new object that refers to an old one. While the marker [`GC_KEY`] is
//! set, every write notes these in [`Table::Journal`], in its own transaction;
//! each sweep transaction first marks from what is noted, then deletes.

use crate::error::Result;
use crate::id::ObjectId;

use super::{Table, WriteTxn};

/// The key in [`Table::Meta`] that is set while `gc` runs: a number that names the run.
pub(crate) const GC_KEY: &[u8] = b"gc";

/// The letter of an object in the journal's keys.
const OBJECT: u8 = b'o';

/// What one entry of the journal notes.
pub(crate) enum Note<'k> {
    /// An object was put again, or is referred to by a new one.
    Object(ObjectId),
    /// An entry that keeps objects was set.
    Entry(Table, &'k [u8]),
}

/// Returns the letter of a table in the journal's keys; none for tables that keep no objects.
fn letter(table: Table) -> Option<u8> {
    match table {
        Table::Refs => Some(b'r'),
        Table::Drafts => Some(b'i'),
        Table::Calls => Some(b'c'),
        Table::Claims => Some(b'l'),
        Table::Objects | Table::Runs | Table::Meta | Table::Journal => None,
    }
}

/// Reads a key of the journal.
pub(crate) fn parse(key: &[u8]) -> Option<Note<'_>> {
    let (&first, rest) = key.split_first()?;
    if first == OBJECT {
        return rest
            .try_into()
            .ok()
            .map(|id| Note::Object(ObjectId::from_bytes(id)));
    }
    let table = Table::ALL
        .into_iter()
        .find(|table| letter(*table) == Some(first))?;
    Some(Note::Entry(table, rest))
}

/// Notes that `table`'s entry under `key` was set.
pub(super) fn entry(txn: &mut WriteTxn<'_>, table: Table, key: &[u8]) -> Result<()> {
    match letter(table) {
        Some(letter) => txn.put(Table::Journal, &[&[letter], key].concat(), &[]),
        None => Ok(()),
    }
}

/// Notes that the object `id` was put again, or is referred to by a new one.
pub(super) fn object(txn: &mut WriteTxn<'_>, id: ObjectId) -> Result<()> {
    txn.put(
        Table::Journal,
        &[&[OBJECT], &id.as_bytes()[..]].concat(),
        &[],
    )
}
