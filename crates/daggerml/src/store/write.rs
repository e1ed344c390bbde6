//! Writing: transactions that are durable and all or nothing.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use heed::types::Bytes;
use heed::{Database, RwTxn};

use crate::error::{Error, Result};
use crate::id::{ObjectId, TypedId};
use crate::record::{Record, Tombstone, references};

use super::pages::check;
use super::table::{self, Tables};
use super::version::{TXN_KEY, Version, unsealed};
use super::{ReadEntries, ReadObjects, Store, Table, journal, seal};

/// A write transaction; see [`Store::write`].
///
/// LMDB walks the file's pages itself to write. Those that it is going to walk for
/// a key are checked before, in the version that the transaction began with; pages
/// that it made since are in memory and sound.
pub struct WriteTxn<'s> {
    txn: RwTxn<'s>,
    store: &'s Store,
    tables: &'s Tables<Database<Bytes, Bytes>>,
    /// What was committed before.
    base: Arc<Version>,
    /// Pages of the base that were checked.
    checked: RefCell<HashSet<u64>>,
    /// Whether `gc` runs and wants notes.
    journal: bool,
    changed: bool,
}

impl WriteTxn<'_> {
    pub(super) fn run<T>(
        store: &Store,
        change: &mut impl FnMut(&mut WriteTxn<'_>) -> Result<T>,
    ) -> Result<T> {
        let tables = tables(store)?;
        let mut txn = WriteTxn::begin(store, tables)?;
        let out = change(&mut txn)?;
        if txn.changed {
            txn.commit()?;
        }
        Ok(out)
    }

    fn begin<'s>(
        store: &'s Store,
        tables: &'s Tables<Database<Bytes, Bytes>>,
    ) -> Result<WriteTxn<'s>> {
        let begun = {
            let _gate = store
                .inner
                .gate
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            store.inner.env.write_txn()
        };
        let txn = begun.map_err(|source| store.failed("begin writing", source))?;
        let before = (txn.id() as u64).saturating_sub(1);
        let base = Version::load(&store.inner, before)?.ok_or_else(|| {
            let detail = "its meta pages do not hold the newest version";
            store.inner.damaged_file(detail.to_owned())
        })?;
        let journal = base
            .get(&store.inner, Table::Meta, journal::GC_KEY)?
            .is_some();
        Ok(WriteTxn {
            txn,
            store,
            tables,
            base,
            checked: RefCell::default(),
            journal,
            changed: false,
        })
    }

    fn commit(mut self) -> Result<()> {
        let number = self.number().to_be_bytes();
        self.put(Table::Meta, TXN_KEY, &number)?;
        let store = self.store;
        self.txn
            .commit()
            .map_err(|source| store.failed("commit", source))
    }

    /// The number of this transaction.
    pub fn number(&self) -> u64 {
        self.txn.id() as u64
    }

    /// Checks the pages of `table` that LMDB walks to find `key`, and, if `beside`,
    /// those that it may join with them when it deletes.
    fn check(&self, table: Table, key: &[u8], beside: bool) -> Result<()> {
        let root = self.base.root(table);
        let mut checked = self.checked.borrow_mut();
        root.check_way(&self.base.view, key, beside, &mut checked)
            .map_err(|damage| self.store.damaged(damage))
    }

    /// Checks all pages of `table`.
    fn check_all(&self, table: Table) -> Result<()> {
        let mut checked = self.checked.borrow_mut();
        let root = self.base.root(table);
        // The top page stands for all.
        if root.is_empty() || !checked.insert(u64::MAX - table as u64) {
            return Ok(());
        }
        root.check_all(&self.base.view)
            .map_err(|damage| self.store.damaged(damage))
    }

    fn raw(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.check(table, key, false)?;
        self.tables
            .get(table)
            .get(&self.txn, key)
            .map_err(|source| self.store.failed("read", source))
    }

    /// The entry of `table` under `key`, as this transaction sees it.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        match self.raw(table, key)? {
            Some(bytes) if table.sealed() => {
                unsealed(&self.store.inner, table, key, bytes).map(Some)
            }
            found => Ok(found),
        }
    }

    /// The entries of `table` whose keys start with `prefix`, in order of the keys.
    pub fn scan<'t>(
        &'t self,
        table: Table,
        prefix: &'t [u8],
    ) -> Result<impl Iterator<Item = Result<(&'t [u8], &'t [u8])>> + use<'t>> {
        self.check_all(table)?;
        let failed = |source| self.store.failed("read", source);
        let database = self.tables.get(table);
        // LMDB has no empty keys to begin at.
        let (all, some) = if prefix.is_empty() {
            (Some(database.iter(&self.txn).map_err(failed)?), None)
        } else {
            let some = database.prefix_iter(&self.txn, prefix).map_err(failed)?;
            (None, Some(some))
        };
        let entries = all.into_iter().flatten().chain(some.into_iter().flatten());
        Ok(entries.map(move |entry| {
            let (key, bytes) = entry.map_err(|source| self.store.failed("read", source))?;
            if !table.sealed() {
                return Ok((key, bytes));
            }
            Ok((key, unsealed(&self.store.inner, table, key, bytes)?))
        }))
    }

    /// The keys of `table` that start with `prefix`, which is not empty. Seals are not
    /// checked.
    pub(crate) fn keys(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>> {
        self.check_all(table)?;
        let failed = |source| self.store.failed("read", source);
        let entries = self.tables.get(table).prefix_iter(&self.txn, prefix);
        entries
            .map_err(failed)?
            .map(|entry| entry.map(|(key, _)| key.to_vec()).map_err(failed))
            .collect()
    }

    fn put_raw(&mut self, table: Table, key: &[u8], bytes: &[u8]) -> Result<()> {
        self.check(table, key, false)?;
        self.changed = true;
        self.tables
            .get(table)
            .put(&mut self.txn, key, bytes)
            .map_err(|source| self.store.failed("write", source))
    }

    /// Sets the entry of `table` under `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        if !table.sealed() {
            return self.put_raw(table, key, value);
        }
        self.put_raw(table, key, &seal::seal(table, key, value))?;
        if self.journal {
            journal::entry(self, table, key)?;
        }
        Ok(())
    }

    /// Removes the entry of `table` under `key`; whether there was one.
    pub fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        if table.sealed() {
            self.check_all(table)?;
        } else {
            self.check(table, key, true)?;
        }
        self.changed = true;
        self.tables
            .get(table)
            .delete(&mut self.txn, key)
            .map_err(|source| self.store.failed("write", source))
    }

    /// Removes the object `id`. All pages of the table must have been checked: `gc`
    /// has read them all.
    pub(crate) fn delete_object(&mut self, id: ObjectId) -> Result<bool> {
        self.changed = true;
        self.tables
            .get(Table::Objects)
            .delete(&mut self.txn, id.as_bytes())
            .map_err(|source| self.store.failed("write", source))
    }

    /// Stores object `id`, unless it is there. `bytes` must be the record with that
    /// id. An object that is there but damaged is healed; one that was excised
    /// stays so.
    pub fn put_object(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        let table = Table::Objects;
        self.check(table, id.as_bytes(), false)?;
        let there = self
            .tables
            .get(table)
            .get_or_put(&mut self.txn, id.as_bytes(), bytes)
            .map_err(|source| self.store.failed("write", source))?;
        let damaged = match there {
            None => {
                self.changed = true;
                return self.note_references(bytes);
            }
            Some(there) => {
                there != bytes
                    && ObjectId::of(there) != id
                    && Tombstone::decode(there).is_err()
                    && ObjectId::of(bytes) == id
            }
        };
        if damaged {
            self.put_raw(table, id.as_bytes(), bytes)?;
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
        self.put_raw(Table::Objects, id.as_bytes(), bytes)
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
        self.raw(Table::Objects, id.as_bytes())
    }
}

/// The handles for writing. Before the first write of a process they are opened and
/// what a write relies on is checked.
fn tables(store: &Store) -> Result<&Tables<Database<Bytes, Bytes>>> {
    let inner = &store.inner;
    if let Some(tables) = inner.tables.get() {
        return Ok(tables);
    }
    let snapshot = store.snapshot()?;
    let roots = Table::ALL.map(|table| snapshot.root(table));
    check::before_writing(snapshot.view(), &roots).map_err(|damage| store.damaged(damage))?;
    let failed = |source| store.failed("open tables", source);
    let txn = inner.env.read_txn().map_err(failed)?;
    let tables = table::open(&inner.env, &txn)
        .map_err(failed)?
        .ok_or_else(|| Error::StoreUnsupported {
            path: inner.folder.path().join(super::DATA_FILE),
            detail: "a table is missing".to_owned(),
        })?;
    // Committed, not dropped: LMDB forgets handles of a transaction that ends otherwise.
    txn.commit().map_err(failed)?;
    Ok(inner.tables.get_or_init(|| tables))
}
