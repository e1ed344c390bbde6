//! Writing to the file: transactions that are durable and all or nothing.

use std::cell::RefCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use heed::RwTxn;

use super::objects::{Adding, Entry, Sparse};
use super::pages::check;
use super::pages::tree::CheckedPages;
use super::read::{self, Reading};
use super::tables::{self, Raw};
use super::version::{TXN_KEY, Version, unsealed};
use super::{DATA_FILE, Lmdb, seal};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::store::Table;
use crate::store::backend::{Entries, Far, Keys, WriteTables};
use crate::store::table::Tables;

/// A write transaction.
///
/// LMDB walks the file's pages itself to write. Those that it is going to walk for
/// a key are checked before, in the version that the transaction began with; pages
/// that it made since are in memory and sound.
pub(super) struct Writing<'l> {
    pub(super) txn: RwTxn<'l>,
    pub(super) lmdb: &'l Lmdb,
    pub(super) tables: &'l Tables<Raw>,
    /// What was committed before.
    pub(super) base: Arc<Version>,
    /// Pages of the base that were checked.
    checked: RefCell<CheckedPages>,
    pub(super) changed: bool,
    /// The objects that were added and removed; none before the first.
    pub(super) adding: Option<Adding>,
    /// How many entries the runs had that were merged.
    pub(super) freed: u64,
}

/// A transaction that merges runs of so many entries makes many pages free: a MiB or more.
const MUCH: u64 = 1 << 17;

impl<'l> Writing<'l> {
    /// Runs `change`, and commits what it changed.
    pub fn run(
        lmdb: &'l Lmdb,
        tables: &'l Tables<Raw>,
        change: &mut dyn FnMut(&mut dyn WriteTables) -> Result<()>,
    ) -> Result<()> {
        Self::alone(lmdb, tables, &mut |txn| change(txn))
    }

    /// Does the same with a change that knows the file.
    pub fn alone(
        lmdb: &'l Lmdb,
        tables: &'l Tables<Raw>,
        change: &mut dyn FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let mut txn = Self::begin(lmdb, tables)?;
        change(&mut txn)?;
        if txn.changed {
            txn.commit()?;
        }
        Ok(())
    }

    pub(super) fn begin(lmdb: &'l Lmdb, tables: &'l Tables<Raw>) -> Result<Self> {
        let begun = {
            let _gate = lmdb.gate.read().unwrap_or_else(PoisonError::into_inner);
            lmdb.env.write_txn()
        };
        let txn = begun.map_err(|source| lmdb.failed("begin writing", source))?;
        let before = (txn.id() as u64).saturating_sub(1);
        let base = Version::load(lmdb, before)?.ok_or_else(|| {
            let detail = "its meta pages do not hold the newest version";
            lmdb.damaged_file(detail.to_owned())
        })?;
        Ok(Self {
            txn,
            lmdb,
            tables,
            base,
            checked: RefCell::default(),
            changed: false,
            adding: None,
            freed: 0,
        })
    }

    fn commit(mut self) -> Result<()> {
        self.finish_objects()?;
        let number = self.number().to_be_bytes();
        self.put(Table::Meta, TXN_KEY, &number)?;
        let lmdb = self.lmdb;
        self.txn
            .commit()
            .map_err(|source| lmdb.failed("commit", source))?;
        if self.freed >= MUCH {
            lmdb.freed_much.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Checks the pages of `table` that LMDB walks to find `key`, and, if `beside`,
    /// those that it may join with them when it deletes.
    pub(super) fn check(&self, table: Table, key: &[u8], beside: bool) -> Result<()> {
        let root = self.base.root(table);
        let mut checked = self.checked.borrow_mut();
        root.check_way(&self.base.view, key, beside, &mut checked)
            .map_err(|damage| self.lmdb.damaged(damage))
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
            .map_err(|damage| self.lmdb.damaged(damage))
    }

    /// Removes what was checked.
    pub(super) fn remove(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        self.changed = true;
        self.tables
            .get(table)
            .delete(&mut self.txn, key)
            .map_err(|source| self.lmdb.failed("write", source))
    }
}

impl WriteTables for Writing<'_> {
    fn number(&self) -> u64 {
        self.txn.id() as u64
    }

    fn committed(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.base.get(self.lmdb, table, key)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        if table == Table::Objects {
            return match object_id(key) {
                Some(id) => self.object(&id),
                None => Ok(None),
            };
        }
        self.check(table, key, false)?;
        let found = self.tables.get(table).get(&self.txn, key);
        match found.map_err(|source| self.lmdb.failed("read", source))? {
            Some(bytes) if table.sealed() => unsealed(self.lmdb, table, key, bytes).map(Some),
            found => Ok(found),
        }
    }

    fn scan<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Entries<'e>> {
        not_objects(table)?;
        self.check_all(table)?;
        let failed = |source| self.lmdb.failed("read", source);
        let database = self.tables.get(table);
        // LMDB has no empty keys to begin at.
        let (all, some) = if prefix.is_empty() {
            (Some(database.iter(&self.txn).map_err(failed)?), None)
        } else {
            let some = database.prefix_iter(&self.txn, prefix).map_err(failed)?;
            (None, Some(some))
        };
        let entries = all.into_iter().flatten().chain(some.into_iter().flatten());
        Ok(Box::new(entries.map(move |entry| {
            let (key, bytes) = entry.map_err(failed)?;
            if !table.sealed() {
                return Ok((key, bytes));
            }
            Ok((key, unsealed(self.lmdb, table, key, bytes)?))
        })))
    }

    fn keys<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Keys<'e>> {
        not_objects(table)?;
        self.check_all(table)?;
        let failed = |source| self.lmdb.failed("read", source);
        let entries = self.tables.get(table).prefix_iter(&self.txn, prefix);
        let entries = entries.map_err(failed)?;
        Ok(Box::new(entries.map(move |entry| {
            entry.map(|(key, _)| key).map_err(failed)
        })))
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        if table == Table::Objects {
            return self.replace(&wanted_id(key)?, value);
        }
        self.check(table, key, false)?;
        self.changed = true;
        let sealed;
        let bytes: &[u8] = if table.sealed() {
            sealed = seal::seal(table, key, value);
            &sealed
        } else {
            value
        };
        self.tables
            .get(table)
            .put(&mut self.txn, key, bytes)
            .map_err(|source| self.lmdb.failed("write", source))
    }

    fn get_or_put<'e>(
        &'e mut self,
        table: Table,
        key: &'e [u8],
        value: &'e [u8],
    ) -> Result<Option<&'e [u8]>> {
        if table == Table::Objects {
            return self.object_or_add(&wanted_id(key)?, value);
        }
        if self.get(table, key)?.is_none() {
            self.put(table, key, value)?;
            return Ok(None);
        }
        self.get(table, key)
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        if table == Table::Objects {
            return match object_id(key) {
                Some(id) => self.remove_object(&id),
                None => Ok(false),
            };
        }
        self.check_all(table)?;
        self.remove(table, key)
    }

    fn object_at(&self, entry: &Entry) -> Result<Option<(ObjectId, &[u8])>> {
        Writing::object_at(self, entry)
    }

    fn remove_at(&mut self, entry: &Entry) -> Result<()> {
        Writing::remove_at(self, entry)
    }

    fn move_objects(&mut self, sparse: &[Sparse]) -> Result<()> {
        self.move_sparse(sparse)
    }

    fn put_again(&mut self, far: &[&Far]) -> Result<()> {
        Writing::put_again(self, far)
    }
}

/// Returns the id that is a key of the objects; `None` when it is none.
pub(super) fn object_id(key: &[u8]) -> Option<ObjectId> {
    key.try_into().ok().map(ObjectId::from_bytes)
}

fn wanted_id(key: &[u8]) -> Result<ObjectId> {
    object_id(key).ok_or_else(|| {
        Error::Invalid {
            message: format!("an object's id has 32 bytes, and not {}", key.len()),
        }
        .into()
    })
}

/// Refuses the table of objects, whose entries are chunks of them.
pub(super) fn not_objects(table: Table) -> Result<()> {
    if table == Table::Objects {
        return Err(Error::Invalid {
            message: "the table of objects is not read entry by entry".to_owned(),
        }
        .into());
    }
    Ok(())
}

/// Returns the handles for writing. Before the first write of a process they are opened
/// and what a write relies on is checked.
pub(super) fn tables(lmdb: &Arc<Lmdb>) -> Result<&Tables<Raw>> {
    if let Some(tables) = lmdb.tables.get() {
        return Ok(tables);
    }
    let reading = Reading::begin(lmdb)?;
    let version = reading.version();
    let roots = Table::ALL.map(|table| version.root(table));
    check::before_writing(&version.view, &roots).map_err(|damage| lmdb.damaged(damage))?;
    let failed = |source| lmdb.failed("open tables", source);
    let txn = read::pinned(lmdb)?;
    let tables = tables::open(&lmdb.env, &txn)
        .map_err(failed)?
        .ok_or_else(|| Error::StoreUnsupported {
            path: lmdb.folder.path().join(DATA_FILE),
            detail: "a table is missing".to_owned(),
        })?;
    // Committed, not dropped: LMDB forgets handles of a transaction that ends otherwise.
    txn.commit().map_err(failed)?;
    Ok(lmdb.tables.get_or_init(|| tables))
}
