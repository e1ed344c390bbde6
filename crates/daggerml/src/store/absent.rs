//! Objects that are not here on purpose: commits before those that a shallow clone has, and
//! values that a filter left at a remote.
//!
//! Whatever an object in the store refers to is in the store, or has an entry here. The entry
//! says where the object can be had. It may outlive its use: it counts only while the object
//! is not in the store.

use std::sync::OnceLock;

use crate::cbor::{Reader, Writer};
use crate::error::{Error, FaultKind, RemoteError, Result};
use crate::id::{CommitId, ObjectId};
use crate::record::{Kind, Reference};

use super::{ReadEntries, ReadObjects, Snapshot, Store, Table, WriteTxn};

/// What the keys begin with, in the table of facts; an id follows.
const PREFIX: &[u8] = b"absent/";

/// The version of an entry.
const VERSION: u64 = 1;

/// Says of an object that is not here where it can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// What it is: a commit of older history, or a value that a filter left out.
    pub kind: Kind,
    /// The name of the remote that has it.
    pub remote: String,
    /// How many bytes it has; 0 when that is not known.
    pub bytes: u64,
    /// The pack that held it when this was written.
    pub(crate) pack: ObjectId,
    /// Where in the pack it begins.
    pub(crate) at: u64,
}

impl Absent {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(6);
        writer.uint(VERSION);
        writer.uint(self.kind.code());
        writer.text(&self.remote);
        writer.uint(self.bytes);
        writer.id(self.pack);
        writer.uint(self.at);
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let reader = &mut Reader::new(bytes);
        reader.array_of(6)?;
        if reader.uint()? != VERSION {
            return Err(reader.fault(FaultKind::Header, "another version").into());
        }
        let code = reader.uint()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code);
        let absent = Self {
            kind: kind.ok_or_else(|| reader.fault(FaultKind::Header, "another kind"))?,
            remote: reader.text()?.to_owned(),
            bytes: reader.uint()?,
            pack: reader.id::<CommitId>()?.into(),
            at: reader.uint()?,
        };
        reader.finish()?;
        Ok(absent)
    }

    /// Returns the error of whoever needs the object here; `cause` says why it was not fetched.
    pub(crate) fn error(self, id: ObjectId, cause: String) -> Box<Error> {
        let Self {
            kind,
            remote,
            bytes,
            ..
        } = self;
        RemoteError::Elsewhere {
            remote,
            reference: Reference { kind, id },
            bytes,
            cause,
        }
        .into()
    }
}

/// Fetches values that a filter left at remotes.
pub(crate) trait Bring: Send + Sync {
    /// Fetches a value into the store. Returns its bytes, verified.
    fn bring(&self, store: &Store, id: ObjectId, absent: &Absent) -> Result<Vec<u8>>;
}

/// Values that were fetched for one snapshot, which does not see them in the store. It only
/// grows, so what was read from it stays where it is.
#[derive(Default)]
pub(super) struct Brought(OnceLock<Box<Link>>);

struct Link {
    id: ObjectId,
    bytes: Vec<u8>,
    next: Brought,
}

impl Brought {
    /// Returns a value that was fetched.
    pub fn get(&self, id: ObjectId) -> Option<&[u8]> {
        let mut at = self;
        while let Some(link) = at.0.get() {
            if link.id == id {
                return Some(&link.bytes);
            }
            at = &link.next;
        }
        None
    }

    /// Keeps a value, and returns it.
    pub fn keep(&self, id: ObjectId, bytes: Vec<u8>) -> &[u8] {
        let mut new = Box::new(Link {
            id,
            bytes,
            next: Self::default(),
        });
        let mut at = self;
        loop {
            match at.0.set(new) {
                Ok(()) => return at.0.get().map_or(&[], |link| &link.bytes),
                Err(taken) => new = taken,
            }
            let Some(link) = at.0.get() else {
                return &[]; // It was just set.
            };
            at = &link.next;
        }
    }
}

fn key(id: ObjectId) -> Vec<u8> {
    [PREFIX, id.as_bytes()].concat()
}

/// Returns whether anything is absent on purpose.
pub(super) fn any(snapshot: &Snapshot) -> Result<bool> {
    Ok(snapshot.scan(Table::Meta, PREFIX)?.next().is_some())
}

/// Returns what is known of the object `id`, which is not in the store.
pub(super) fn find(entries: &impl ReadEntries, id: ObjectId) -> Result<Option<Absent>> {
    let entry = entries.entry(Table::Meta, &key(id))?;
    entry.map(Absent::decode).transpose()
}

/// Returns whether what is referred to is absent on purpose.
pub(crate) fn is_absent(objects: &impl ReadObjects, to: Reference) -> Result<bool> {
    let absent = objects.absent(to.id)?;
    Ok(absent.is_some_and(|absent| absent.kind == to.kind))
}

/// Notes that an object is absent.
pub(crate) fn put(txn: &mut WriteTxn<'_>, id: ObjectId, absent: &Absent) -> Result<()> {
    txn.put(Table::Meta, &key(id), &absent.encode())
}

/// Removes the entry of an object.
pub(crate) fn forget(txn: &mut WriteTxn<'_>, id: ObjectId) -> Result<()> {
    txn.delete(Table::Meta, &key(id)).map(drop)
}

/// Removes the entries of objects that are here by now.
pub(crate) fn settle(txn: &mut WriteTxn<'_>) -> Result<()> {
    for key in txn.entry_keys(Table::Meta, PREFIX)? {
        let id = key.get(PREFIX.len()..).and_then(|id| id.try_into().ok());
        if let Some(id) = id
            && txn.has_object(ObjectId::from_bytes(id))?
        {
            txn.delete(Table::Meta, &key)?;
        }
    }
    Ok(())
}

impl Snapshot {
    /// Returns the objects that are not here on purpose, with where they can be had.
    pub fn absents(&self) -> Result<Vec<(ObjectId, Absent)>> {
        let mut found = Vec::new();
        for entry in self.scan(Table::Meta, PREFIX)? {
            let (key, value) = entry?;
            let id = key.get(PREFIX.len()..).and_then(|id| id.try_into().ok());
            if let Some(id) = id.map(ObjectId::from_bytes)
                && !self.has_object(id)?
            {
                found.push((id, Absent::decode(value)?));
            }
        }
        Ok(found)
    }

    /// Returns a commit before those of a shallow clone; `None` when all history is here.
    pub fn shallow(&self) -> Result<Option<(ObjectId, Absent)>> {
        let absents = self.absents()?.into_iter();
        Ok(absents
            .into_iter()
            .find(|(_, absent)| absent.kind == Kind::Commit))
    }
}
