//! Reading: snapshots, and objects checked against their ids.

use std::ops::Bound;

use heed::{RoTxn, WithoutTls};

use crate::error::{Error, Result};
use crate::id::{ObjectId, TypedId};
use crate::record::{Kind, Record, Tombstone};

use super::{Live, Store, Table};

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

/// A consistent view of the store at one moment. It keeps old pages from being
/// reused, so drop it soon.
pub struct Snapshot {
    // Dropped in this order: the transaction before its count.
    txn: RoTxn<'static, WithoutTls>,
    store: Store,
    _live: Live,
}

impl Snapshot {
    pub(super) fn begin(store: &Store) -> Result<Self> {
        let _gate = store
            .inner
            .gate
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let live = Live::begin(store);
        let txn = store
            .inner
            .env
            .clone()
            .static_read_txn()
            .map_err(|source| store.failed("begin reading", source))?;
        Ok(Self {
            txn,
            store: store.clone(),
            _live: live,
        })
    }

    /// The store that this is a view of.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The entry of `table` under `key`.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.store
            .inner
            .tables
            .get(table)
            .get(&self.txn, key)
            .map_err(|source| self.store.failed("read", source))
    }

    /// The entries of `table` whose keys start with `prefix`, in order of the keys.
    pub fn scan<'s>(
        &'s self,
        table: Table,
        prefix: &'s [u8],
    ) -> Result<impl Iterator<Item = Result<(&'s [u8], &'s [u8])>> + use<'s>> {
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

    /// The number of entries of `table`.
    pub fn count(&self, table: Table) -> Result<u64> {
        self.store
            .inner
            .tables
            .get(table)
            .len(&self.txn)
            .map_err(|source| self.store.failed("read", source))
    }
}

impl ReadObjects for Snapshot {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        self.get(Table::Objects, id.as_bytes())
    }
}
