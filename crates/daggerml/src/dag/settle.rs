//! Settling: the records of a draft's log go into the table of objects.
//!
//! They are put there in the order of the log, a bounded number in each transaction. So what is
//! referred to comes first, and little memory is needed however large the log is. Until all are there, the log keeps them from being garbage. After a crash, or when
//! another handle takes over, settling begins again and finds some of them there.

use std::num::NonZeroU32;

use super::chunk::{self, Entry, Place, record_at};
use super::draft::Draft;
use super::saved::{self, ReadDrafts, chunk_key};
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::store::{Snapshot, Table};

/// The most objects that one transaction puts.
const BATCH: usize = 1 << 14;

/// Where the nodes are that are in the log and not settled yet.
#[derive(Default)]
pub(super) struct Unsettled {
    /// The number of the first chunk that is not settled.
    settled: u64,
    /// The position of the first node.
    first: usize,
    /// For each chunk, the place of its first node among the places.
    starts: Vec<usize>,
    places: Vec<Place>,
}

impl Unsettled {
    /// Makes the state in which all of a log's `chunks` and `nodes` are settled.
    pub(super) fn new(chunks: u64, nodes: usize) -> Self {
        Self {
            settled: chunks,
            first: nodes,
            ..Self::default()
        }
    }

    /// Returns the number of chunks, from the first, that are settled.
    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// Returns whether everything is settled.
    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Adds chunk `sequence`, whose nodes are at `places`.
    pub(super) fn append(&mut self, sequence: u64, places: &[Place]) {
        let settled = places.iter().all(|place| *place == Place::default());
        if self.is_empty() && settled {
            self.settled = sequence + 1;
            self.first += places.len();
        } else {
            self.starts.push(self.places.len());
            self.places.extend_from_slice(places);
        }
    }

    /// Returns the chunk and the place of the node at `position`, if it is in the log.
    pub(super) fn find(&self, position: usize) -> Option<(u64, Place)> {
        let at = position.checked_sub(self.first)?;
        let place = self.places.get(at)?;
        let chunk = self.starts.partition_point(|start| *start <= at);
        let chunk = self.settled + (chunk as u64).checked_sub(1)?;
        (*place != Place::default()).then_some((chunk, *place))
    }
}

/// A record in the log: the first bytes of its id, its chunk and its place there.
type Logged = (u64, u32, NonZeroU32);

impl Draft {
    /// Puts the records of the log into the table of objects. All must be flushed.
    pub(super) fn settle(&mut self) -> Result<()> {
        let chunks = self.stage.chunks.unwrap_or(0);
        let records = self.logged(chunks)?;
        let mut header = self.header(chunks);
        header.settled = chunks;
        let store = self.repository.store();
        let mut batches = records.chunks(BATCH).peekable();
        while let Some(batch) = batches.next() {
            let snapshot = store.snapshot()?;
            let objects = self.objects_in(&snapshot, chunks, batch)?;
            store.write(|txn| {
                self.check_session(txn)?;
                objects
                    .iter()
                    .try_for_each(|(id, bytes)| txn.put_object(*id, bytes))?;
                if batches.peek().is_none() {
                    saved::save(txn, &header)?;
                }
                Ok(())
            })?;
        }
        self.info = header.info;
        self.unsettled = Unsettled::new(chunks, self.nodes.len());
        Ok(())
    }

    /// Returns all records in the log that are not settled.
    fn logged(&self, chunks: u64) -> Result<Vec<Logged>> {
        let id = self.info.id;
        let snapshot = self.repository.snapshot()?;
        let mut records = Vec::with_capacity(self.unsettled.places.len() * 2);
        for sequence in self.unsettled.settled..chunks {
            let number = u32::try_from(sequence).unwrap_or(u32::MAX);
            let read = chunk::entries(snapshot.chunk(id, sequence)?, &mut |at, entry| {
                if let (Entry::Record(record), Some(place)) = (entry, chunk::place(at)) {
                    records.push((ObjectId::of(record).first_bytes(), number, place));
                }
                Ok(())
            });
            read.map_err(|fault| Error::DraftInvalid { id, fault })?;
        }
        Ok(records)
    }

    /// Returns the ids and bytes of `batch`.
    fn objects_in<'s>(
        &self,
        snapshot: &'s Snapshot,
        chunks: u64,
        batch: &[Logged],
    ) -> Result<Vec<(ObjectId, &'s [u8])>> {
        let index = self.info.id;
        // The seals were checked when the records were found; the ids are checked below.
        let log: Vec<_> = (0..chunks)
            .map(|sequence| snapshot.unchecked(Table::Drafts, &chunk_key(index, sequence)))
            .collect::<Result<_>>()?;
        let find = |(first, number, place): &Logged| {
            let chunk = log.get(usize::try_from(*number).ok()?).copied().flatten()?;
            let record = record_at(chunk, *place)?;
            let id = ObjectId::of(record);
            (id.first_bytes() == *first).then_some((id, record))
        };
        batch
            .iter()
            .map(|logged| find(logged).ok_or_else(|| saved::missing(index, logged.1.into())))
            .collect()
    }
}
