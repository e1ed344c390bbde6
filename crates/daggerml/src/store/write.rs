//! Writing: transactions that are durable and all or nothing.

use crate::error::Result;
use crate::id::{ObjectId, TypedId};
use crate::record::{Record, Tombstone, references};

use super::backend::{Entries, Far, WriteTables};
use super::lmdb::objects::{Entry, Sparse};
use super::{Absent, ReadEntries, ReadObjects, Table, absent, journal};

/// A write transaction; see [`super::Store::write`].
pub struct WriteTxn<'t> {
    tables: &'t mut dyn WriteTables,
    /// Whether `gc` runs and wants notes.
    journal: bool,
}

impl<'t> WriteTxn<'t> {
    pub(super) fn new(tables: &'t mut dyn WriteTables) -> Result<Self> {
        let journal = tables.committed(Table::Meta, journal::GC_KEY)?.is_some();
        Ok(Self { tables, journal })
    }
}

impl WriteTxn<'_> {
    /// Returns the number of this transaction.
    pub fn number(&self) -> u64 {
        self.tables.number()
    }

    /// Returns the entry of `table` under `key`, as this transaction sees it.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.tables.get(table, key)
    }

    /// Returns the entries of `table` whose keys start with `prefix`, in order of the keys.
    pub fn scan<'e>(
        &'e self,
        table: Table,
        prefix: &'e [u8],
    ) -> Result<impl Iterator<Item = Result<(&'e [u8], &'e [u8])>>> {
        let entries: Entries<'e> = self.tables.scan(table, prefix)?;
        Ok(entries)
    }

    /// Returns the keys of `table` that start with `prefix`, which is not empty. Seals are
    /// not checked.
    pub(crate) fn keys(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>> {
        let keys = self.tables.keys(table, prefix)?;
        keys.map(|key| key.map(<[u8]>::to_vec)).collect()
    }

    /// Sets the entry of `table` under `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.tables.put(table, key, value)?;
        if self.journal && table != Table::Objects {
            journal::entry(self, table, key)?;
        }
        Ok(())
    }

    /// Removes the entry of `table` under `key`. Returns whether there was one.
    pub fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        self.tables.delete(table, key)
    }

    /// Returns the id and the bytes of the object that `entry` leads to, if it is there.
    pub(crate) fn object_at(&self, entry: &Entry) -> Result<Option<(ObjectId, &[u8])>> {
        self.tables.object_at(entry)
    }

    /// Removes the object that `entry` leads to, if it is there.
    pub(crate) fn remove_at(&mut self, entry: &Entry) -> Result<()> {
        self.tables.remove_at(entry)
    }

    /// Moves what is in chunks that hold much garbage into new ones, and removes them.
    pub(crate) fn move_objects(&mut self, sparse: &[Sparse]) -> Result<()> {
        self.tables.move_objects(sparse)
    }

    /// Puts entries again, so that they get other pages of the file, and commits in any case.
    pub(crate) fn put_again(&mut self, far: &[&Far]) -> Result<()> {
        self.tables.put_again(far)
    }

    /// Stores object `id`, unless it is there. `bytes` must be the record with that
    /// id. An object that is there but damaged is healed; one that was excised
    /// stays so.
    pub fn put_object(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        let table = Table::Objects;
        let there = self.tables.get_or_put(table, id.as_bytes(), bytes)?;
        let damaged = match there {
            None => return self.note_references(bytes),
            Some(there) => {
                there != bytes
                    && ObjectId::of(there) != id
                    && Tombstone::decode(there).is_err()
                    && ObjectId::of(bytes) == id
            }
        };
        if damaged {
            self.tables.put(table, id.as_bytes(), bytes)?;
        }
        if self.journal {
            journal::object(self, id)?;
        }
        Ok(())
    }

    /// Notes what a new object refers to.
    fn note_references(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.journal {
            return Ok(());
        }
        let mut ids = Vec::new();
        references(bytes, &mut |id, _| ids.push(id))?;
        ids.into_iter().try_for_each(|id| journal::object(self, id))
    }

    /// Stores `record` and returns its id.
    pub fn save<R: Record>(&mut self, record: &R) -> Result<R::Id> {
        let bytes = record.encode()?;
        let id = ObjectId::of(&bytes);
        self.put_object(id, &bytes)?;
        Ok(R::Id::from_object(id))
    }

    /// Puts other bytes in the place of object `id`: a tombstone.
    pub(crate) fn replace_object(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        self.tables.put(Table::Objects, id.as_bytes(), bytes)
    }
}

impl ReadEntries for WriteTxn<'_> {
    fn entry(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.get(table, key)
    }

    fn entry_keys(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>> {
        let entries = self.scan(table, prefix)?;
        entries
            .map(|entry| entry.map(|(key, _)| key.to_vec()))
            .collect()
    }
}

impl ReadObjects for WriteTxn<'_> {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        self.get(Table::Objects, id.as_bytes())
    }

    fn absent(&self, id: ObjectId) -> Result<Option<Absent>> {
        absent::find(self, id)
    }
}
