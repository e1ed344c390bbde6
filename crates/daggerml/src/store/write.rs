//! Writing: transactions that are durable and all or nothing.

use std::ops::Bound;

use heed::RwTxn;

use crate::error::Result;
use crate::id::ObjectId;
use crate::record::Record;

use super::{Live, ReadObjects, Store, Table};

/// A write transaction; see [`Store::write`].
pub struct WriteTxn<'s> {
    txn: RwTxn<'s>,
    store: &'s Store,
}

impl WriteTxn<'_> {
    pub(super) fn run<T>(
        store: &Store,
        change: &mut impl FnMut(&mut WriteTxn<'_>) -> Result<T>,
    ) -> Result<T> {
        let _live = {
            let _gate = store
                .inner
                .gate
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            Live::begin(store)
        };
        let txn = store
            .inner
            .env
            .write_txn()
            .map_err(|source| store.failed("begin writing", source))?;
        let mut txn = WriteTxn { txn, store };
        let out = change(&mut txn)?;
        txn.txn
            .commit()
            .map_err(|source| store.failed("commit", source))?;
        Ok(out)
    }

    /// The entry of `table` under `key`, as this transaction sees it.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.store
            .inner
            .tables
            .get(table)
            .get(&self.txn, key)
            .map_err(|source| self.store.failed("read", source))
    }

    /// The entries of `table` whose keys start with `prefix`, in order of the keys.
    pub fn scan<'t>(
        &'t self,
        table: Table,
        prefix: &'t [u8],
    ) -> Result<impl Iterator<Item = Result<(&'t [u8], &'t [u8])>> + use<'t>> {
        // LMDB takes no empty key, nor prefix.
        let start = match prefix {
            [] => Bound::Unbounded,
            prefix => Bound::Included(prefix),
        };
        let entries = self
            .store
            .inner
            .tables
            .get(table)
            .range(&self.txn, &(start, Bound::<&[u8]>::Unbounded))
            .map_err(|source| self.store.failed("read", source))?;
        Ok(entries
            .take_while(move |entry| !matches!(entry, Ok((key, _)) if !key.starts_with(prefix)))
            .map(|entry| entry.map_err(|source| self.store.failed("read", source))))
    }

    /// Sets the entry of `table` under `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.store
            .inner
            .tables
            .get(table)
            .put(&mut self.txn, key, value)
            .map_err(|source| self.store.failed("write", source))
    }

    /// Removes the entry of `table` under `key`; whether there was one.
    pub fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        self.store
            .inner
            .tables
            .get(table)
            .delete(&mut self.txn, key)
            .map_err(|source| self.store.failed("write", source))
    }

    /// Stores object `id`, unless it is there. `bytes` must be the record with that id.
    pub fn put_object(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        if self.has_object(id)? {
            return Ok(());
        }
        self.put(Table::Objects, id.as_bytes(), bytes)
    }

    /// Stores `record` and returns its id.
    pub fn save<R: Record>(&mut self, record: &R) -> Result<R::Id> {
        use crate::id::TypedId;
        let bytes = record.encode()?;
        let id = ObjectId::of(&bytes);
        self.put_object(id, &bytes)?;
        Ok(R::Id::from_object(id))
    }
}

impl ReadObjects for WriteTxn<'_> {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        self.get(Table::Objects, id.as_bytes())
    }
}
