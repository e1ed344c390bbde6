//! What keeps the parts of a blob from being garbage before a node refers to them.
//!
//! They are written in transactions of bounded size, long before the record that lists them. Each
//! transaction therefore puts an entry with their ids into the table of drafts, which counts as a root.
//! Whoever writes them holds a lock, which others may share. While nobody holds it, such entries are
//! of processes that died, or of drafts that were dropped: `gc` removes them first.

use std::fs::File;

use super::saved;
use crate::cbor::Writer;
use crate::error::{Result, failed};
use crate::id::ObjectId;
use crate::store::{Store, Table, WriteTxn};

/// What the keys of entries begin with. No key of a draft or of its log is as long.
const PREFIX: &[u8] = b"blob/";

/// The file that is locked.
const LOCK: &str = "blob.lock";

/// The version of an entry.
const VERSION: u64 = 1;

/// The entries of one draft.
pub(crate) struct Kept {
    /// Locked until this is dropped.
    _lock: File,
    /// Tells them from those of others.
    own: [u8; 16],
    /// The numbers of the entries that are there.
    numbers: Vec<u32>,
    next: u32,
}

impl Kept {
    pub fn begin(store: &Store) -> Result<Self> {
        let lock = store.folder().lock_file(LOCK)?;
        let path = store.path().join(LOCK);
        lock.lock_shared().map_err(failed("lock", &path))?;
        Ok(Self {
            _lock: lock,
            own: *saved::new_id()?.as_bytes(),
            numbers: Vec::new(),
            next: 0,
        })
    }

    fn key(&self, number: u32) -> Vec<u8> {
        [PREFIX, &self.own, &number.to_be_bytes()].concat()
    }

    /// Writes objects, and an entry that keeps them in the place of those numbered `instead`.
    /// Returns its number.
    pub fn write(
        &mut self,
        store: &Store,
        objects: &[(ObjectId, Vec<u8>)],
        instead: &[u32],
    ) -> Result<u32> {
        let number = self.next;
        let key = self.key(number);
        let mut writer = Writer::new();
        writer.array(2);
        writer.uint(VERSION);
        writer.array(objects.len());
        objects.iter().for_each(|(id, _)| writer.id(*id));
        let entry = writer.into_bytes();
        let instead: Vec<_> = instead.iter().map(|number| self.key(*number)).collect();
        store.write(|txn| {
            objects
                .iter()
                .try_for_each(|(id, bytes)| txn.put_object(*id, bytes))?;
            txn.put(Table::Drafts, &key, &entry)?;
            instead
                .iter()
                .try_for_each(|key| txn.delete(Table::Drafts, key).map(drop))
        })?;
        self.next += 1;
        self.numbers.push(number);
        Ok(number)
    }

    /// Removes all entries: something else keeps the objects by now, or nobody wants them.
    pub fn forget(&self, txn: &mut WriteTxn<'_>) -> Result<()> {
        // Those that others took the place of are not there any more.
        for number in &self.numbers {
            txn.delete(Table::Drafts, &self.key(*number))?;
        }
        Ok(())
    }
}

/// Removes what was left by processes that died.
pub(crate) fn forget_left(store: &Store) -> Result<()> {
    let is_there = store
        .snapshot()?
        .keys(Table::Drafts, PREFIX)?
        .next()
        .is_some();
    if !is_there {
        return Ok(());
    }
    let lock = store.folder().lock_file(LOCK)?;
    if lock.try_lock().is_err() {
        return Ok(()); // Somebody is putting a blob. A later run will do.
    }
    store.write(|txn| {
        for key in txn.keys(Table::Drafts, PREFIX)? {
            txn.delete(Table::Drafts, &key)?;
        }
        Ok(())
    })
}
