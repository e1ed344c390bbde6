//! Reading from a version of the file.

use std::sync::{Arc, PoisonError};

use heed::{MdbError, RoTxn, WithoutTls};

use super::objects::Scan;
use super::version::{Version, unsealed};
use super::write::not_objects;
use super::{Lmdb, lock};
use crate::error::Result;
use crate::store::Table;
use crate::store::backend::{Entries, Keys, Objects, ReadTables};

/// How often to try again when the version to read was overwritten between
/// beginning to read it and reading it, which takes two commits.
const TRIES: usize = 1000;

/// A version of the file, pinned: its pages are not used again for others.
pub(super) struct Reading {
    /// Pins the version.
    txn: RoTxn<'static, WithoutTls>,
    version: Arc<Version>,
    lmdb: Arc<Lmdb>,
}

impl Reading {
    /// Pins the newest version.
    pub fn begin(lmdb: &Arc<Lmdb>) -> Result<Self> {
        for _ in 0..TRIES {
            let txn = pinned(lmdb)?;
            if let Some(version) = Version::load(lmdb, txn.id() as u64)? {
                return Ok(Self {
                    txn,
                    version,
                    lmdb: Arc::clone(lmdb),
                });
            }
        }
        Err(lmdb.damaged_file("its meta pages do not hold the newest version".to_owned()))
    }

    /// Returns the version.
    pub fn version(&self) -> &Version {
        &self.version
    }
}

/// Begins a transaction that pins the newest version.
pub(super) fn pinned(lmdb: &Lmdb) -> Result<RoTxn<'static, WithoutTls>> {
    let begin = || {
        let _gate = lmdb.gate.read().unwrap_or_else(PoisonError::into_inner);
        lmdb.env.clone().static_read_txn()
    };
    for _ in 0..TRIES {
        match begin() {
            // Another process has made its map larger: take over the size.
            Err(heed::Error::Mdb(MdbError::MapResized)) => {
                let _writing = lock(&lmdb.writing);
                lmdb.resize(0)?;
            }
            begun => return begun.map_err(|source| lmdb.failed("begin reading", source)),
        }
    }
    Err(lmdb.failed("begin reading", heed::Error::Mdb(MdbError::MapResized)))
}

impl ReadTables for Reading {
    fn number(&self) -> u64 {
        self.txn.id() as u64
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.version.get(&self.lmdb, table, key)
    }

    fn unchecked(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        if table == Table::Objects {
            return self.version.object(&self.lmdb, key, false);
        }
        let damaged = |damage| self.lmdb.damaged(damage);
        let view = &self.version.view;
        let found = self.version.root(table).find(view, key, true);
        let Some((leaf, index)) = found.map_err(damaged)? else {
            return Ok(None);
        };
        leaf.value(view, index).map(Some).map_err(damaged)
    }

    fn objects<'e>(&'e self, prefix: &[u8]) -> Result<Objects<'e>> {
        let damaged = |damage| self.lmdb.damaged(damage);
        let objects = self.version.objects().map_err(damaged)?;
        let scan = Scan::new(objects, &self.version.view, prefix).map_err(damaged)?;
        Ok(Box::new(scan.map(move |object| object.map_err(damaged))))
    }

    fn scan<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Entries<'e>> {
        not_objects(table)?;
        let lmdb = &*self.lmdb;
        let root = self.version.root(table);
        let entries = root.scan(&self.version.view, prefix, table.sealed());
        let entries = entries
            .take_while(move |entry| match entry {
                Ok((key, _)) => key.starts_with(prefix),
                Err(_) => true,
            })
            .map(move |entry| {
                let (key, bytes) = entry.map_err(|damage| lmdb.damaged(damage))?;
                if !table.sealed() {
                    return Ok((key, bytes));
                }
                Ok((key, unsealed(lmdb, table, key, bytes)?))
            });
        Ok(Box::new(entries))
    }

    fn keys<'e>(&'e self, table: Table, prefix: &'e [u8]) -> Result<Keys<'e>> {
        not_objects(table)?;
        let root = self.version.root(table);
        let entries = root.scan(&self.version.view, prefix, table.sealed());
        let keys = entries
            .map(|entry| entry.map(|(key, _)| key))
            .map(|key| key.map_err(|damage| self.lmdb.damaged(damage)))
            .take_while(move |key| key.as_ref().map_or(true, |key| key.starts_with(prefix)));
        Ok(Box::new(keys))
    }

    fn count(&self, table: Table) -> Result<u64> {
        if table == Table::Objects {
            let objects = self.version.objects();
            let objects = objects.map_err(|damage| self.lmdb.damaged(damage))?;
            return Ok(objects.directory.count);
        }
        Ok(self.version.root(table).entries)
    }

    fn pages(&self) -> Option<&Version> {
        Some(&self.version)
    }
}
