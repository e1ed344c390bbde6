//! Staging: objects of a draft that are not in the store yet, and flushing them.
//!
//! Ids are spread evenly, so in a large store each object of a batch would change a
//! page of its own. A batch that is written because it is full is therefore appended
//! to the DAG's index, as a chunk of its log, which takes the same time and space
//! however large the store is. When the DAG ends, or is flushed by its user, the log
//! is settled: its records are put into the table of objects (`settle`).
//! Only large records are put there at once.
//!
//! Objects stay staged until they are written together with the chunk of the
//! index that refers to them, so there is no moment when garbage collection
//! could find an object that nothing refers to. An object that is in the store
//! already is staged all the same: it is written again if it was swept meanwhile.
//! What a staged node refers to elsewhere (an imported DAG) is looked up again
//! in the transaction that writes the node.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;

use super::chunk::{Changes, ChunkWriter, Place, record_at};
use super::draft::Draft;
use super::saved::{self, Header, ReadDrafts, Session, chunk_key};
use crate::error::{Error, Result};
use crate::id::{DraftId, NodeId, ObjectId};
use crate::record::{Kind, Record, Reference, Time};
use crate::store::{Absent, ReadObjects, Snapshot, Table, WriteTxn};

/// At this many staged objects, they are written without a flush being asked for ...
const MOST_OBJECTS: usize = 1 << 13;

/// ... or at this many bytes.
const MOST_BYTES: usize = 8 << 20;

/// A record of up to this many bytes goes to the log: the table of objects holds it in
/// a page with others.
const SMALL: usize = 2000;

/// An encoded record and its id.
pub(super) type Staged = (ObjectId, Box<[u8]>);

/// What is not in the store yet.
pub(super) struct Stage {
    objects: IndexMap<ObjectId, Box<[u8]>>,
    bytes: usize,
    /// The nodes among the objects, in order, each with the datum that is its value.
    nodes: Vec<(ObjectId, Option<ObjectId>)>,
    /// What staged nodes refer to that was in the store before them.
    elsewhere: BTreeSet<Reference>,
    /// Names, tags and arguments set since the last flush.
    pub changes: Changes,
    /// The number of chunks in the store; `None` before the index is registered.
    pub chunks: Option<u64>,
    pub session: Session,
}

/// Where a flush puts what is staged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Small records into the log, to be settled later.
    Log,
    /// Everything into the table of objects.
    Objects,
}

impl Stage {
    pub(super) fn new(session: Session) -> Self {
        Self {
            objects: IndexMap::new(),
            bytes: 0,
            nodes: Vec::new(),
            elsewhere: BTreeSet::new(),
            changes: Changes::default(),
            chunks: None,
            session,
        }
    }

    /// Stages a new node, and the datum that is its value unless it is elsewhere.
    pub(super) fn add(&mut self, node: Staged, value: Option<ObjectId>, datum: Option<Staged>) {
        self.nodes.push((node.0, value));
        datum
            .into_iter()
            .chain([node])
            .for_each(|it| self.object(it));
    }

    /// Stages an object.
    pub(super) fn object(&mut self, (id, bytes): Staged) {
        if let indexmap::map::Entry::Vacant(place) = self.objects.entry(id) {
            self.bytes += bytes.len();
            place.insert(bytes);
        }
    }

    /// Notes that a staged node refers to `target`, which is in the store already.
    pub(super) fn refer(&mut self, target: impl Into<Reference>) {
        self.elsewhere.insert(target.into());
    }

    pub(super) fn is_full(&self) -> bool {
        self.objects.len() + self.changes.names.len() >= MOST_OBJECTS || self.bytes >= MOST_BYTES
    }

    /// Returns whether there is nothing to flush.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.changes == Changes::default()
    }

    /// Writes what is staged, except small records when those go `to` the log.
    pub(super) fn write(&self, txn: &mut WriteTxn<'_>, to: To) -> Result<()> {
        for Reference { kind, id } in &self.elsewhere {
            if !txn.has_object(*id)? && txn.absent(*id)?.is_none() {
                return Err(Error::ObjectNotFound {
                    kind: *kind,
                    id: *id,
                }
                .into());
            }
        }
        let mut objects: Vec<_> = self
            .objects
            .iter()
            .filter(|(_, bytes)| to == To::Objects || bytes.len() > SMALL)
            .collect();
        // In order of the ids, so that neighbours share pages.
        objects.sort_unstable_by_key(|(id, _)| **id);
        objects
            .into_iter()
            .try_for_each(|(id, bytes)| txn.put_object(*id, bytes))
    }

    /// Returns the chunk to be written beside what is staged, and the places of the nodes in it.
    fn chunk(&self, to: To) -> (Vec<u8>, Vec<Place>) {
        let logged = |bytes: &[u8]| to == To::Log && bytes.len() <= SMALL;
        let mut places = HashMap::new();
        let small = self.objects.values().filter(|bytes| logged(bytes)).count();
        let stored = |(id, _): &&(ObjectId, _)| !self.objects.get(id).is_some_and(|b| logged(b));
        let mut chunk = ChunkWriter::new(small + self.nodes.iter().filter(stored).count());
        let mut nodes = self.nodes.iter().peekable();
        for (id, bytes) in &self.objects {
            let node = nodes.next_if(|(node, _)| node == id).is_some();
            if logged(bytes) {
                places.insert(*id, chunk.record(bytes));
            } else if node {
                chunk.stored(*id);
            }
        }
        let place = |id: &ObjectId| places.get(id).copied().flatten();
        let places = self.nodes.iter().map(|(node, datum)| Place {
            node: place(node),
            datum: datum.as_ref().and_then(place),
        });
        (chunk.finish(&self.changes), places.collect())
    }

    /// Forgets what is staged, after it was written.
    pub(super) fn clear(&mut self) {
        *self = Self {
            chunks: self.chunks,
            ..Self::new(self.session)
        };
    }
}

impl Draft {
    /// Makes everything so far durable, and puts its objects where everybody can read
    /// them. After that, a crash loses nothing and the DAG can be resumed. When much is
    /// staged, the DAG is made durable without this call.
    pub fn flush(&mut self) -> Result<()> {
        self.check_open()?;
        if self.unsettled.is_empty() {
            if !self.stage.is_empty() || self.stage.chunks.is_none() {
                self.write_index(To::Objects)?;
            }
            return Ok(());
        }
        if !self.stage.is_empty() {
            self.write_index(To::Log)?;
        }
        self.settle()
    }

    /// Writes what is staged, its chunk and the header.
    pub(super) fn write_index(&mut self, to: To) -> Result<()> {
        if self.info.call {
            return Err(Error::Invalid {
                message: "the DAG of a call is in memory until it ends".to_owned(),
            }
            .into());
        }
        let (chunk, places) = self.stage.chunk(to);
        let chunk = (!self.stage.is_empty()).then_some(chunk);
        let before = self.stage.chunks.unwrap_or(0);
        let chunks = before + u64::from(chunk.is_some());
        let header = self.header(chunks);
        self.repository.store().write(|txn| {
            self.check_session(txn)?;
            self.stage.write(txn, to)?;
            match &chunk {
                Some(chunk) => saved::append(txn, &header, chunk),
                None => saved::save(txn, &header),
            }
        })?;
        self.info = header.info;
        if chunk.is_some() {
            self.unsettled.append(before, &places);
        }
        self.stage.clear();
        self.stage.chunks = Some(chunks);
        Ok(())
    }

    /// Makes the header of an index that has `chunks` chunks.
    pub(super) fn header(&self, chunks: u64) -> Header {
        let mut info = self.info.clone();
        info.nodes = self.nodes.len() as u64;
        info.flushed = Time::now();
        Header {
            info,
            session: self.stage.session,
            chunks,
            settled: self.unsettled.settled(),
        }
    }

    /// Checks that the index is still there and that this handle may write it.
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
            message: format!("the draft {:?} {message}", self.info.name.as_str()),
        }
        .into())
    }

    /// Returns what is staged, and below it the store.
    pub(crate) fn objects(&self) -> Result<Layered<'_>> {
        Ok(Layered {
            stage: &self.stage,
            logged: None,
            snapshot: self.repository.snapshot()?,
        })
    }

    /// Returns what is staged, the records of `node` and its value in the log, and the store.
    pub(crate) fn objects_of(&self, node: NodeId) -> Result<Layered<'_>> {
        let position = self.nodes.get_index_of(&node);
        let place = position.and_then(|position| self.unsettled.find(position));
        Ok(Layered {
            logged: place.map(|(chunk, place)| (self.info.id, chunk, place)),
            ..self.objects()?
        })
    }
}

/// Reads what is staged, and below it the store.
pub(crate) struct Layered<'s> {
    stage: &'s Stage,
    /// Records in the log that are going to be read.
    logged: Option<(DraftId, u64, Place)>,
    snapshot: Snapshot,
}

impl Layered<'_> {
    /// Returns whether the object is staged.
    pub(crate) fn is_staged(&self, id: ObjectId) -> bool {
        self.stage.objects.contains_key(&id)
    }

    fn logged(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        let Some((index, sequence, place)) = self.logged else {
            return Ok(None);
        };
        // The record's id is compared, which is quicker than the seal of the whole chunk.
        let key = chunk_key(index, sequence);
        let Some(chunk) = self.snapshot.unchecked(Table::Drafts, &key)? else {
            return Ok(None);
        };
        let records = [place.node, place.datum].into_iter().flatten();
        Ok(records
            .filter_map(|place| record_at(chunk, place))
            .find(|record| ObjectId::of(record) == id))
    }
}

impl ReadObjects for Layered<'_> {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        if let Some(bytes) = self.stage.objects.get(&id) {
            return Ok(Some(bytes));
        }
        match self.logged(id)? {
            None => self.snapshot.raw_object(id),
            found => Ok(found),
        }
    }

    fn absent(&self, id: ObjectId) -> Result<Option<Absent>> {
        self.snapshot.absent(id)
    }

    fn bring(&self, id: ObjectId, kind: Kind) -> Result<&[u8]> {
        self.snapshot.bring(id, kind)
    }
}

/// `record`, encoded.
pub(super) fn encode<R: Record>(record: &R) -> Result<Staged> {
    let bytes = record.encode()?.into_boxed_slice();
    Ok((ObjectId::of(&bytes), bytes))
}
