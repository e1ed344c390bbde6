//! Reading: snapshots, and objects checked against their ids.

use std::fmt::Display;
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::id::{ObjectId, TypedId};
use crate::record::{Kind, Record, Tombstone};

use super::backend::{Entries, Keys, ReadTables};
use super::lmdb::Version;
use super::{Absent, DATA_FILE, Store, Table, absent};

/// Anything objects can be read from: a [`Snapshot`], a [`super::WriteTxn`], a draft.
pub trait ReadObjects {
    /// Returns the stored bytes under `id`, unchecked; `None` when there are none.
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>>;

    /// Returns where the object `id` can be had, when it is not in the store on purpose.
    fn absent(&self, _id: ObjectId) -> Result<Option<Absent>> {
        Ok(None)
    }

    /// Returns the bytes of the object `id`, which is not in the store: fetched, if it is a
    /// value that a filter left at a remote and this can fetch.
    fn bring(&self, id: ObjectId, kind: Kind) -> Result<&[u8]> {
        Err(match self.absent(id)? {
            Some(absent) => absent.error(id, String::new()),
            None => Error::ObjectNotFound { kind, id }.into(),
        })
    }

    /// Returns the bytes under `id`, or those of another object whose id begins as that does:
    /// quicker than [`ReadObjects::raw_object`], for who hashes them anyway.
    fn likely_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        self.raw_object(id)
    }

    /// Returns whether there is an object `id`.
    fn has_object(&self, id: ObjectId) -> Result<bool> {
        Ok(self.raw_object(id)?.is_some())
    }

    /// Returns the bytes of object `id`, checked against the id. `kind` is for errors.
    fn object(&self, id: ObjectId, kind: Kind) -> Result<&[u8]> {
        match self.likely_object(id)? {
            Some(bytes) if ObjectId::of(bytes) == id => return Ok(bytes),
            Some(_) => {}
            None => return self.bring(id, kind),
        }
        let Some(bytes) = self.raw_object(id)? else {
            return self.bring(id, kind);
        };
        if ObjectId::of(bytes) == id {
            return Ok(bytes);
        }
        match Tombstone::decode(bytes) {
            Ok(tombstone) if tombstone.object == id => Err(Error::Excised {
                kind: tombstone.kind,
                id,
                reason: tombstone.reason,
            }
            .into()),
            _ => Err(Error::HashMismatch { kind, id }.into()),
        }
    }

    /// Returns the record `id`.
    fn load<I: TypedId, R: Record<Id = I>>(&self, id: I) -> Result<R> {
        let (id, kind) = (id.object(), I::KIND);
        R::decode(self.object(id, kind)?)
            .map_err(|fault| Error::ObjectInvalid { kind, id, fault }.into())
    }
}

/// Anything entries can be read from: a [`Snapshot`] or a [`super::WriteTxn`].
pub trait ReadEntries {
    /// Returns the entry of `table` under `key`.
    fn entry(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>>;

    /// Returns the keys of `table` that start with `prefix`, in order. Seals are compared.
    fn entry_keys(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>>;
}

/// A consistent view of the store at one moment. It keeps old pages from being
/// reused, so drop it soon.
pub struct Snapshot {
    tables: Box<dyn ReadTables>,
    store: Store,
    brought: absent::Brought,
    /// Whether anything is absent on purpose, once that was asked.
    lacks: OnceLock<bool>,
}

impl Snapshot {
    pub(super) fn new(store: &Store, tables: Box<dyn ReadTables>) -> Self {
        let store = store.clone();
        Self {
            tables,
            store,
            brought: absent::Brought::default(),
            lacks: OnceLock::new(),
        }
    }

    /// Returns the store that this is a view of.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the error that `damage` to the store's file makes: to its pages, or to what is in them.
    pub(crate) fn damaged(&self, damage: &dyn Display) -> Box<Error> {
        Error::StoreDamaged {
            path: self.store.path().join(DATA_FILE),
            detail: damage.to_string(),
        }
        .into()
    }

    /// Returns the number of the transaction whose result this is. It grows with every
    /// write.
    pub fn number(&self) -> u64 {
        self.tables.number()
    }

    /// Returns the entry of `table` under `key`.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.tables.get(table, key)
    }

    /// Returns the entries of `table`, which is not that of objects, whose keys start with
    /// `prefix`, in order of the keys.
    pub fn scan<'s>(
        &'s self,
        table: Table,
        prefix: &'s [u8],
    ) -> Result<impl Iterator<Item = Result<(&'s [u8], &'s [u8])>> + use<'s>> {
        let entries: Entries<'s> = self.tables.scan(table, prefix)?;
        Ok(entries)
    }

    /// Returns the objects whose ids start with `prefix`, in order of their ids. Those that are so
    /// damaged that their ids cannot be told are passed over.
    pub fn objects(
        &self,
        prefix: &[u8],
    ) -> Result<impl Iterator<Item = Result<(ObjectId, &[u8])>> + use<'_>> {
        self.tables.objects(prefix)
    }

    /// Returns the keys of `table` that start with `prefix`, in order. Seals are not
    /// checked.
    pub(crate) fn keys<'s>(&'s self, table: Table, prefix: &'s [u8]) -> Result<Keys<'s>> {
        self.tables.keys(table, prefix)
    }

    /// Returns the entry of `table` under `key`, with its seal unchecked: for what is
    /// checked by other means.
    pub(crate) fn unchecked(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.tables.unchecked(table, key)
    }

    /// Returns the number of entries of `table`.
    pub fn count(&self, table: Table) -> Result<u64> {
        self.tables.count(table)
    }

    /// Says that bytes which were read of the store's file are not needed soon, so that they do not
    /// count as this process's memory.
    pub(crate) fn let_go(&self, bytes: &[u8]) {
        if let Some(version) = self.tables.pages() {
            version.view.let_go(bytes);
        }
    }

    /// Lets the system begin to read the object `id`, if it is here, and so many bytes `beyond` it in the
    /// store's file. Returns whether it is. Looking for it waits for its first page, so those that
    /// come next are better read as what lies beyond.
    pub(crate) fn read_ahead(&self, id: ObjectId, beyond: usize) -> Result<bool> {
        let found = self.likely_object(id)?;
        if let Some(version) = self.tables.pages()
            && let Some(bytes) = found
        {
            version.view.read_ahead(bytes, beyond);
        }
        Ok(found.is_some())
    }

    /// Returns the pages of the store's file, which is all that garbage collection and
    /// `fsck` can work on.
    pub(crate) fn pages(&self) -> Result<&Version> {
        self.tables.pages().ok_or_else(|| {
            Error::Invalid {
                message: format!(
                    "the store {} is in memory: only a store on disk can be checked or collected",
                    self.store.path().display()
                ),
            }
            .into()
        })
    }
}

impl ReadEntries for Snapshot {
    fn entry(&self, table: Table, key: &[u8]) -> Result<Option<&[u8]>> {
        self.get(table, key)
    }

    fn entry_keys(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>> {
        if table == Table::Objects {
            let objects = self.objects(prefix)?;
            return objects
                .map(|object| object.map(|(id, _)| id.as_bytes().to_vec()))
                .collect();
        }
        let entries = self.scan(table, prefix)?;
        entries
            .map(|entry| entry.map(|(key, _)| key.to_vec()))
            .collect()
    }
}

impl ReadObjects for Snapshot {
    fn likely_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        self.unchecked(Table::Objects, id.as_bytes())
    }

    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        self.get(Table::Objects, id.as_bytes())
    }

    fn absent(&self, id: ObjectId) -> Result<Option<Absent>> {
        // Most repositories are whole: that is found out once.
        let lacks = if let Some(lacks) = self.lacks.get() {
            *lacks
        } else {
            let any = absent::any(self)?;
            *self.lacks.get_or_init(|| any)
        };
        if lacks {
            absent::find(self, id)
        } else {
            Ok(None)
        }
    }

    fn bring(&self, id: ObjectId, kind: Kind) -> Result<&[u8]> {
        if let Some(bytes) = self.brought.get(id) {
            return Ok(bytes);
        }
        let absent = self.absent(id)?.ok_or(Error::ObjectNotFound { kind, id })?;
        match self.store.bring(id, &absent) {
            Some(Ok(bytes)) => Ok(self.brought.keep(id, bytes)),
            Some(Err(error)) => Err(absent.error(id, error.to_string())),
            None => Err(absent.error(id, String::new())),
        }
    }
}
