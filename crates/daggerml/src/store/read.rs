//! Reading: snapshots, and objects checked against their ids.

use std::sync::{Arc, PoisonError};

use heed::{MdbError, RoTxn, WithoutTls};

use crate::error::{Error, Result};
use crate::id::{ObjectId, TypedId};
use crate::record::{Kind, Record, Tombstone};

use super::pages::{Root, View};
use super::version::{Version, unsealed};
use super::{Store, Table, lock};

/// Anything objects can be read from: a [`Snapshot`], a [`super::WriteTxn`], an open DAG.
pub trait ReadObjects {
    /// The stored bytes under `id`, unchecked; `None` when there are none.
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>>;

    /// Whether there is an object `id`.
    fn has_object(&self, id: ObjectId) -> Result<bool> {
        Ok(self.raw_object(id)?.is_some())
    }

    /// The bytes of object `id`, checked against the id. `kind` is for errors.
    fn object(&self, id: ObjectId, kind: Kind) -> Result<&[u8]> {
        let bytes = self
            .raw_object(id)?
            .ok_or(Error::ObjectNotFound { kind, id })?;
        if ObjectId::of(bytes) == id {
            return Ok(bytes);
        }
        match Tombstone::decode(bytes) {
            Ok(tombstone) if tombstone.object == id => Err(Error::Excised {
                kind: tombstone.kind,
                id,
                reason: tombstone.reason,
            }),
            _ => Err(Error::HashMismatch { kind, id }),
        }
    }

    /// The record `id`.
    fn load<I: TypedId, R: Record<Id = I>>(&self, id: I) -> Result<R> {
        let (id, kind) = (id.object(), I::KIND);
        R::decode(self.object(id, kind)?).map_err(|fault| Error::ObjectInvalid { kind, id, fault })
    }
}

/// Anything entries can be read from: a [`Snapshot`] or a [`super::WriteTxn`].
pub trait ReadEntries {
    /// The entry of `table` under `key`.
    fn entry(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>>;

    /// The keys of `table` that start with `prefix`, in order. Seals are compared.
    fn entry_keys(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>>;
}

/// How often to try again when the version to read was overwritten between
/// beginning to read it and reading it, which takes two commits.
const TRIES: usize = 1000;

/// A consistent view of the store at one moment. It keeps old pages from being
/// reused, so drop it soon.
pub struct Snapshot {
    /// Pins the version.
    txn: RoTxn<'static, WithoutTls>,
    version: Arc<Version>,
    store: Store,
}

impl Snapshot {
    pub(super) fn begin(store: &Store) -> Result<Self> {
        for _ in 0..TRIES {
            let txn = match begin(store) {
                Err(heed::Error::Mdb(MdbError::MapResized)) => {
                    let _writing = lock(&store.inner.writing);
                    store.resize(0)?;
                    continue;
                }
                begun => begun.map_err(|source| store.failed("begin reading", source))?,
            };
            if let Some(version) = Version::load(&store.inner, txn.id() as u64)? {
                return Ok(Self {
                    txn,
                    version,
                    store: store.clone(),
                });
            }
        }
        Err(store
            .inner
            .damaged_file("its meta pages do not hold the newest version".to_owned()))
    }

    /// The store that this is a view of.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The number of the transaction whose result this is. It grows with every write.
    pub fn number(&self) -> u64 {
        self.txn.id() as u64
    }

    /// The entry of `table` under `key`.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.version.get(&self.store.inner, table, key)
    }

    /// The entries of `table` whose keys start with `prefix`, in order of the keys.
    pub fn scan<'s>(
        &'s self,
        table: Table,
        prefix: &'s [u8],
    ) -> Result<impl Iterator<Item = Result<(&'s [u8], &'s [u8])>> + use<'s>> {
        let inner = &self.store.inner;
        let entries = self.root(table).scan(self.view(), prefix, table.sealed());
        Ok(entries
            .take_while(move |entry| match entry {
                Ok((key, _)) => key.starts_with(prefix),
                Err(_) => true,
            })
            .map(move |entry| {
                let (key, bytes) = entry.map_err(|damage| inner.damaged(damage))?;
                if !table.sealed() {
                    return Ok((key, bytes));
                }
                Ok((key, unsealed(inner, table, key, bytes)?))
            }))
    }

    /// The keys of `table` that start with `prefix`, in order. Seals are not checked.
    pub(crate) fn keys<'s>(
        &'s self,
        table: Table,
        prefix: &'s [u8],
    ) -> impl Iterator<Item = Result<&'s [u8]>> {
        let entries = self.root(table).scan(self.view(), prefix, table.sealed());
        entries
            .map(|entry| entry.map(|(key, _)| key))
            .map(|key| key.map_err(|damage| self.store.inner.damaged(damage)))
            .take_while(move |key| key.as_ref().map_or(true, |key| key.starts_with(prefix)))
    }

    /// The entry of `table` under `key`, with its seal unchecked: for what is checked
    /// by other means.
    pub(crate) fn unchecked(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        let damaged = |damage| self.store.inner.damaged(damage);
        let found = self.root(table).find(self.view(), key, true);
        let Some((leaf, index)) = found.map_err(damaged)? else {
            return Ok(None);
        };
        leaf.value(self.view(), index).map(Some).map_err(damaged)
    }

    /// The number of entries of `table`.
    pub fn count(&self, table: Table) -> Result<u64> {
        Ok(self.root(table).entries)
    }

    pub(crate) fn view(&self) -> &View {
        &self.version.view
    }

    pub(crate) fn root(&self, table: Table) -> Root {
        self.version.root(table)
    }

    /// Whether the file has `table` at all.
    pub(super) fn has_table(&self, table: Table) -> bool {
        self.version.roots.get(table).is_some()
    }
}

fn begin(store: &Store) -> heed::Result<RoTxn<'static, WithoutTls>> {
    let _gate = store
        .inner
        .gate
        .read()
        .unwrap_or_else(PoisonError::into_inner);
    store.inner.env.clone().static_read_txn()
}

impl ReadEntries for Snapshot {
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

impl ReadObjects for Snapshot {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        self.get(Table::Objects, id.as_bytes())
    }
}
