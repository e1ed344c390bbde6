//! Staging: objects of an open DAG that are not in the store yet, and flushing them.
//!
//! Objects stay staged until they are written together with the chunk of the
//! index that refers to them, so there is no moment when garbage collection
//! could find an object that nothing refers to. An object that is in the store
//! already is staged all the same: it is written again if it was swept meanwhile.
//! What a staged node refers to elsewhere (an imported DAG) is looked up again
//! in the transaction that writes the node.

use std::collections::{BTreeSet, HashMap};

use super::index::{self, Chunk, Header, ReadIndexes, Session};
use super::open::OpenDag;
use crate::error::{Error, Result};
use crate::id::{ObjectId, TypedId};
use crate::record::{Record, Reference, Time};
use crate::store::{ReadObjects, Snapshot, WriteTxn};

/// A flush comes by itself at this many objects ... Ids are spread evenly, so in a
/// large store each object of a batch changes a page of its own: LMDB holds them
/// all in memory, and the file needs as many pages more. This bounds both.
const MOST_OBJECTS: usize = 1 << 13;

/// ... or at this many bytes.
const MOST_BYTES: usize = 8 << 20;

/// What is not in the store yet.
pub(super) struct Stage {
    objects: HashMap<ObjectId, Box<[u8]>>,
    bytes: usize,
    /// What staged nodes refer to that was in the store before them.
    elsewhere: BTreeSet<Reference>,
    /// Names, tags and arguments set since the last flush.
    pub log: Chunk,
    /// The number of nodes in the store.
    pub flushed: usize,
    /// The number of chunks in the store; `None` before the index is registered.
    pub chunks: Option<u64>,
    pub session: Session,
}

impl Stage {
    pub(super) fn new(session: Session) -> Self {
        Self {
            objects: HashMap::new(),
            bytes: 0,
            elsewhere: BTreeSet::new(),
            log: Chunk::default(),
            flushed: 0,
            chunks: None,
            session,
        }
    }

    /// Stages `record`; its id and the length of its encoding.
    pub(super) fn add<R: Record>(&mut self, record: &R) -> Result<(R::Id, usize)> {
        let bytes = record.encode()?;
        let length = bytes.len();
        let id = ObjectId::of(&bytes);
        if let std::collections::hash_map::Entry::Vacant(place) = self.objects.entry(id) {
            place.insert(bytes.into_boxed_slice());
            self.bytes += length;
        }
        Ok((R::Id::from_object(id), length))
    }

    /// Notes that a staged node refers to `target`, which is in the store.
    pub(super) fn refer(&mut self, target: impl Into<Reference>) {
        self.elsewhere.insert(target.into());
    }

    pub(super) fn is_full(&self) -> bool {
        self.objects.len() + self.log.names.len() >= MOST_OBJECTS || self.bytes >= MOST_BYTES
    }

    /// Writes what is staged.
    pub(super) fn write(&self, txn: &mut WriteTxn<'_>) -> Result<()> {
        for Reference { kind, id } in &self.elsewhere {
            if !txn.has_object(*id)? {
                return Err(Error::ObjectNotFound {
                    kind: *kind,
                    id: *id,
                });
            }
        }
        // In order of the ids, so that neighbours share pages.
        let mut objects: Vec<_> = self.objects.iter().collect();
        objects.sort_unstable_by_key(|(id, _)| **id);
        objects
            .into_iter()
            .try_for_each(|(id, bytes)| txn.put_object(*id, bytes))
    }

    /// Forgets what is staged, after it was written.
    pub(super) fn clear(&mut self) {
        self.objects = HashMap::new();
        self.bytes = 0;
        self.elsewhere.clear();
        self.log = Chunk::default();
    }
}

impl OpenDag {
    /// Makes everything so far durable. It comes by itself from time to time;
    /// after it, a crash loses nothing and the DAG can be resumed.
    pub fn flush(&mut self) -> Result<()> {
        self.check_open()?;
        let chunk = self.unflushed();
        if chunk.is_empty() && self.stage.chunks.is_some() {
            return Ok(());
        }
        self.write_index(&chunk)
    }

    /// Writes what is staged, `chunk` and the header.
    pub(super) fn write_index(&mut self, chunk: &Chunk) -> Result<()> {
        if self.info.call {
            return Err(Error::Invalid {
                message: "the DAG of a call is in memory until it ends".to_owned(),
            });
        }
        let chunks = self.stage.chunks.unwrap_or(0) + u64::from(!chunk.is_empty());
        let mut info = self.info.clone();
        info.nodes = self.nodes.len() as u64;
        info.flushed = Time::now();
        let header = Header {
            info,
            session: self.stage.session,
            chunks,
        };
        self.repository.store().write(|txn| {
            self.check_session(txn)?;
            self.stage.write(txn)?;
            if chunk.is_empty() {
                index::save(txn, &header)
            } else {
                index::append(txn, &header, chunk)
            }
        })?;
        self.info = header.info;
        self.stage.clear();
        self.stage.flushed = self.nodes.len();
        self.stage.chunks = Some(chunks);
        Ok(())
    }

    /// What the next flush appends to the index.
    pub(super) fn unflushed(&self) -> Chunk {
        Chunk {
            nodes: self
                .nodes
                .iter()
                .skip(self.stage.flushed)
                .copied()
                .collect(),
            ..self.stage.log.clone()
        }
    }

    /// Checks that the index is still there and this handle's to write.
    pub(super) fn check_session(&self, txn: &WriteTxn<'_>) -> Result<()> {
        if self.stage.chunks.is_none() {
            return Ok(());
        }
        let message = match txn.header(self.info.id)? {
            Some(header) if header.session == self.stage.session => return Ok(()),
            Some(_) => "was resumed elsewhere since; only the newest handle can change it",
            None => "was committed or discarded elsewhere",
        };
        Err(Error::Closed {
            message: format!("the open DAG {:?} {message}", self.info.name.as_str()),
        })
    }

    /// What is staged, and below it the store.
    pub(super) fn objects(&self) -> Result<Layered<'_>> {
        Ok(Layered {
            stage: &self.stage,
            snapshot: self.repository.snapshot()?,
        })
    }
}

/// Reads what is staged, and below it the store.
pub(super) struct Layered<'s> {
    stage: &'s Stage,
    snapshot: Snapshot,
}

impl Layered<'_> {
    /// Whether the object is staged.
    pub(super) fn is_staged(&self, id: ObjectId) -> bool {
        self.stage.objects.contains_key(&id)
    }
}

impl ReadObjects for Layered<'_> {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        match self.stage.objects.get(&id) {
            Some(bytes) => Ok(Some(bytes)),
            None => self.snapshot.raw_object(id),
        }
    }
}
