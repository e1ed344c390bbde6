//! Indexes: what the store knows of open DAGs, so that they survive a crash.
//!
//! An index is one header under its id and, after it, a log: a chunk for every
//! flush, under id and sequence number. A flush appends what is new, so work
//! and disk grow with the DAG and never with its square; only the header, of
//! fixed size, is rewritten. The header says how many of the first chunks are
//! settled: their records are in the table of objects. What the records of all
//! chunks are and refer to is what an index keeps alive: settled ones too, since
//! nothing else does before the DAG ends.
//!
//! The header names the handle that may write, its session. [`super::OpenDag`]
//! checks it in every flush, so that when an index is resumed elsewhere, the
//! older handle gets an error instead of mixing its nodes in.

use super::chunk::{self, LAYOUT};
use crate::cbor::{Reader, Writer};
use crate::error::{Error, Fault, FaultKind, Result};
use crate::id::IndexId;
use crate::name::Name;
use crate::record::Time;
use crate::store::{ReadEntries, Snapshot, Table, WriteTxn};

/// What an open DAG is, without its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexInfo {
    /// Its id.
    pub id: IndexId,
    /// The name that it will be committed under; that of the runnable, for a call.
    pub name: Name,
    /// The message that it will be committed with.
    pub message: String,
    /// Whether it is the DAG of a call, which ends without a commit.
    pub call: bool,
    /// Whether changes are refused until it is unfrozen.
    pub frozen: bool,
    /// Why it was frozen.
    pub note: String,
    /// The number of nodes flushed.
    pub nodes: u64,
    /// When it was begun.
    pub created: Time,
    /// When it was last flushed.
    pub flushed: Time,
}

/// The right of one handle to write an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session([u8; 16]);

/// The entry under the id itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub info: IndexInfo,
    pub session: Session,
    /// The number of chunks.
    pub chunks: u64,
    /// How many of them are settled.
    pub settled: u64,
}

/// A new id.
pub(super) fn new_id() -> Result<IndexId> {
    random().map(IndexId::from_bytes)
}

impl Session {
    pub(super) fn random() -> Result<Self> {
        random().map(Self)
    }
}

fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Invalid {
        message: format!("the system gives no random numbers: {error}"),
    })?;
    Ok(bytes)
}

/// Reading indexes, from a snapshot or in a write transaction.
pub(super) trait ReadIndexes: ReadEntries {
    fn header(&self, id: IndexId) -> Result<Option<Header>> {
        self.entry(Table::Indexes, id.as_bytes())?
            .map(|bytes| Header::decode(id, bytes))
            .transpose()
    }

    fn chunk(&self, id: IndexId, sequence: u64) -> Result<&[u8]> {
        self.entry(Table::Indexes, &chunk_key(id, sequence))?
            .ok_or_else(|| missing(id, sequence))
    }
}

impl<T: ReadEntries> ReadIndexes for T {}

/// The error for a chunk that is not there.
pub(super) fn missing(id: IndexId, sequence: u64) -> Error {
    Error::IndexInvalid {
        id,
        fault: Fault {
            kind: FaultKind::Bounds,
            offset: 0,
            detail: format!("chunk {sequence} is missing"),
        },
    }
}

/// The id and the sequence number in the key of a chunk; `None` for other keys.
pub(crate) fn chunk_of(key: &[u8]) -> Option<(IndexId, u64)> {
    let (id, sequence) = key.split_first_chunk()?;
    Some((
        IndexId::from_bytes(*id),
        u64::from_be_bytes(sequence.try_into().ok()?),
    ))
}

pub(super) fn chunk_key(id: IndexId, sequence: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(id.as_bytes());
    key[16..].copy_from_slice(&sequence.to_be_bytes());
    key
}

/// The headers of all indexes, in order of their ids.
pub(crate) fn headers(snapshot: &Snapshot) -> Result<Vec<IndexInfo>> {
    let mut found = Vec::new();
    let mut last = None;
    for key in snapshot.keys(Table::Indexes, &[]) {
        let key = key?;
        if let Ok(id) = <[u8; 16]>::try_from(key) {
            found.extend(
                snapshot
                    .header(IndexId::from_bytes(id))?
                    .map(|header| header.info),
            );
            last = Some(IndexId::from_bytes(id));
        } else if chunk_of(key).is_none_or(|(id, _)| Some(id) != last) {
            // Neither a header nor a chunk after its header: the key is damaged, and
            // the seal says so.
            snapshot.get(Table::Indexes, key)?;
        }
    }
    Ok(found)
}

/// Writes the header, and the chunk that it counts as its last.
pub(super) fn append(txn: &mut WriteTxn<'_>, header: &Header, chunk: &[u8]) -> Result<()> {
    let id = header.info.id;
    let key = chunk_key(id, header.chunks.saturating_sub(1));
    txn.put(Table::Indexes, &key, chunk)?;
    save(txn, header)
}

/// Writes the header alone.
pub(super) fn save(txn: &mut WriteTxn<'_>, header: &Header) -> Result<()> {
    txn.put(Table::Indexes, header.info.id.as_bytes(), &header.encode())
}

/// Removes an index; whether there was one.
pub(crate) fn remove(txn: &mut WriteTxn<'_>, id: IndexId) -> Result<bool> {
    let keys = txn.keys(Table::Indexes, id.as_bytes())?;
    for key in &keys {
        txn.delete(Table::Indexes, key)?;
    }
    Ok(!keys.is_empty())
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let info = &self.info;
        writer.array(12);
        writer.uint(LAYOUT);
        writer.text(info.name.as_str());
        writer.text(&info.message);
        writer.uint(info.call.into());
        writer.uint(info.frozen.into());
        writer.text(&info.note);
        writer.uint(info.nodes);
        writer.int(info.created.0);
        writer.int(info.flushed.0);
        writer.bytes(&self.session.0);
        writer.uint(self.chunks);
        writer.uint(self.settled);
        writer.into_bytes()
    }

    fn decode(id: IndexId, bytes: &[u8]) -> Result<Self> {
        Self::read(id, &mut Reader::new(bytes)).map_err(|fault| Error::IndexInvalid { id, fault })
    }

    fn read(id: IndexId, reader: &mut Reader<'_>) -> Result<Self, Fault> {
        chunk::begin(reader, 12)?;
        let name = chunk::read_name(reader)?;
        let header = Self {
            info: IndexInfo {
                id,
                name,
                message: reader.text()?.to_owned(),
                call: reader.uint()? != 0,
                frozen: reader.uint()? != 0,
                note: reader.text()?.to_owned(),
                nodes: reader.uint()?,
                created: Time(reader.int()?),
                flushed: Time(reader.int()?),
            },
            session: Session(
                reader
                    .bytes()?
                    .try_into()
                    .map_err(|_| reader.fault(FaultKind::Bounds, "a session has 16 bytes"))?,
            ),
            chunks: reader.uint()?,
            settled: reader.uint()?,
        };
        reader.finish()?;
        Ok(header)
    }
}
