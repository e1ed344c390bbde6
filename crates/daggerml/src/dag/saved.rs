//! What the store has of drafts, so that they survive a crash: the table `indexes`.
//!
//! A draft has one header under its id and, after it, a log: a chunk for every
//! flush, under id and sequence number. A flush appends what is new, so work
//! and disk grow with the DAG and never with its square; only the header, of
//! fixed size, is rewritten. The header says how many of the first chunks are
//! settled: their records are in the table of objects. The entries of a draft keep the
//! records of all its chunks, and what they refer to, from being garbage; settled ones
//! too, since nothing else keeps those before the DAG ends.
//!
//! The header names the handle that may write, its session. [`super::Draft`]
//! checks it in every flush, so that when a draft is resumed elsewhere, the
//! older handle gets an error instead of mixing its nodes in.

use super::chunk::{self, LAYOUT};
use crate::cbor::{Reader, Writer};
use crate::error::{Error, Fault, FaultKind, Result};
use crate::id::DraftId;
use crate::name::Name;
use crate::record::Time;
use crate::store::{ReadEntries, Snapshot, Table, WriteTxn};

/// What a draft is, without its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftInfo {
    /// Its id.
    pub id: DraftId,
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

/// Names the one handle that may write a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session([u8; 16]);

/// The entry under the id itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub info: DraftInfo,
    pub session: Session,
    /// The number of chunks.
    pub chunks: u64,
    /// How many of them are settled.
    pub settled: u64,
}

/// Makes a new id.
pub(super) fn new_id() -> Result<DraftId> {
    random().map(DraftId::from_bytes)
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

/// Reading drafts, from a snapshot or in a write transaction.
pub(super) trait ReadDrafts: ReadEntries {
    fn header(&self, id: DraftId) -> Result<Option<Header>> {
        self.entry(Table::Drafts, id.as_bytes())?
            .map(|bytes| Header::decode(id, bytes))
            .transpose()
    }

    fn chunk(&self, id: DraftId, sequence: u64) -> Result<&[u8]> {
        self.entry(Table::Drafts, &chunk_key(id, sequence))?
            .ok_or_else(|| missing(id, sequence))
    }
}

impl<T: ReadEntries> ReadDrafts for T {}

/// Returns the error for a chunk that is not there.
pub(super) fn missing(id: DraftId, sequence: u64) -> Box<Error> {
    Error::DraftInvalid {
        id,
        fault: Fault::new(FaultKind::Bounds, 0, format!("chunk {sequence} is missing")),
    }
    .into()
}

/// Returns the id and the sequence number in the key of a chunk; `None` for other keys.
pub(crate) fn chunk_of(key: &[u8]) -> Option<(DraftId, u64)> {
    let (id, sequence) = key.split_first_chunk()?;
    Some((
        DraftId::from_bytes(*id),
        u64::from_be_bytes(sequence.try_into().ok()?),
    ))
}

pub(super) fn chunk_key(id: DraftId, sequence: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(id.as_bytes());
    key[16..].copy_from_slice(&sequence.to_be_bytes());
    key
}

/// Returns the headers of all drafts, in order of their ids.
pub(crate) fn headers(snapshot: &Snapshot) -> Result<Vec<DraftInfo>> {
    let mut found = Vec::new();
    let mut last = None;
    for key in snapshot.keys(Table::Drafts, &[])? {
        let key = key?;
        if let Ok(id) = <[u8; 16]>::try_from(key) {
            found.extend(
                snapshot
                    .header(DraftId::from_bytes(id))?
                    .map(|header| header.info),
            );
            last = Some(DraftId::from_bytes(id));
        } else if chunk_of(key).is_none_or(|(id, _)| Some(id) != last) {
            // Neither a header nor a chunk after its header: the key is damaged, and
            // the seal says so.
            snapshot.get(Table::Drafts, key)?;
        }
    }
    Ok(found)
}

/// Writes the header and its last chunk.
pub(super) fn append(txn: &mut WriteTxn<'_>, header: &Header, chunk: &[u8]) -> Result<()> {
    let id = header.info.id;
    let key = chunk_key(id, header.chunks.saturating_sub(1));
    txn.put(Table::Drafts, &key, chunk)?;
    save(txn, header)
}

/// Writes the header alone.
pub(super) fn save(txn: &mut WriteTxn<'_>, header: &Header) -> Result<()> {
    txn.put(Table::Drafts, header.info.id.as_bytes(), &header.encode())
}

/// Removes a draft. Returns whether there was one.
pub(crate) fn remove(txn: &mut WriteTxn<'_>, id: DraftId) -> Result<bool> {
    let keys = txn.keys(Table::Drafts, id.as_bytes())?;
    for key in &keys {
        txn.delete(Table::Drafts, key)?;
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

    fn decode(id: DraftId, bytes: &[u8]) -> Result<Self> {
        Self::read(id, &mut Reader::new(bytes))
            .map_err(|fault| Error::DraftInvalid { id, fault }.into())
    }

    fn read(id: DraftId, reader: &mut Reader<'_>) -> Result<Self, Fault> {
        chunk::begin(reader, 12)?;
        let name = chunk::read_name(reader)?;
        let header = Self {
            info: DraftInfo {
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
