//! Indexes: what the store knows of open DAGs, so that they survive a crash.
//!
//! An index is one header under its id and, after it, a log: a chunk for every
//! flush, under id and sequence number. A flush appends what is new, so work
//! and disk grow with the DAG and never with its square; only the header, of
//! fixed size, is rewritten. Nodes that a chunk names are in the store: chunk
//! and objects are written in one transaction. So the nodes in the chunks are
//! all that an index keeps alive ([`references`]).
//!
//! The header names the handle that may write, its session. [`super::OpenDag`]
//! checks it in every flush, so that when an index is resumed elsewhere, the
//! older handle gets an error instead of mixing its nodes in.

use std::fmt;
use std::str::FromStr;

use crate::cbor::{Reader, Writer};
use crate::error::{Error, Fault, FaultKind, IdError, Result};
use crate::id::{NodeId, hex_digit};
use crate::name::Name;
use crate::record::{Reference, Time};
use crate::store::{Snapshot, Table, WriteTxn};

/// The version of this layout.
const LAYOUT: u64 = 1;

/// The id of an open DAG: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexId([u8; 16]);

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
}

/// What one flush added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    pub nodes: Vec<NodeId>,
    /// Positions of named nodes; a later chunk's word counts.
    pub names: Vec<(Name, u32)>,
    pub tags: Vec<Name>,
    pub argv: Option<u32>,
}

impl IndexId {
    pub(super) fn random() -> Result<Self> {
        random().map(Self)
    }

    /// The id's bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
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

impl fmt::Display for IndexId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for IndexId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IndexId({self})")
    }
}

impl FromStr for IndexId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::Index {
            text: text.to_owned(),
        };
        let digits: Option<Vec<u8>> = text.bytes().map(hex_digit).collect();
        let digits = digits
            .filter(|digits| digits.len() == 32)
            .ok_or_else(wrong)?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Ok(Self(bytes))
    }
}

/// Where indexes can be read from.
pub(super) trait ReadIndexes {
    fn entry(&self, key: &[u8]) -> Result<Option<&[u8]>>;

    fn header(&self, id: IndexId) -> Result<Option<Header>> {
        self.entry(&id.0)?
            .map(|bytes| Header::decode(id, bytes))
            .transpose()
    }

    fn chunk(&self, id: IndexId, sequence: u64) -> Result<Chunk> {
        let bytes = self
            .entry(&chunk_key(id, sequence))?
            .ok_or_else(|| Error::IndexInvalid {
                id,
                fault: Fault {
                    kind: FaultKind::Bounds,
                    offset: 0,
                    detail: format!("chunk {sequence} is missing"),
                },
            })?;
        Chunk::decode(bytes).map_err(|fault| Error::IndexInvalid { id, fault })
    }
}

impl ReadIndexes for Snapshot {
    fn entry(&self, key: &[u8]) -> Result<Option<&[u8]>> {
        self.get(Table::Indexes, key)
    }
}

impl ReadIndexes for WriteTxn<'_> {
    fn entry(&self, key: &[u8]) -> Result<Option<&[u8]>> {
        self.get(Table::Indexes, key)
    }
}

fn chunk_key(id: IndexId, sequence: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(&id.0);
    key[16..].copy_from_slice(&sequence.to_be_bytes());
    key
}

/// The headers of all indexes, in order of their ids.
pub(crate) fn headers(snapshot: &Snapshot) -> Result<Vec<IndexInfo>> {
    let mut found = Vec::new();
    for entry in snapshot.scan(Table::Indexes, &[])? {
        let (key, bytes) = entry?;
        if let Ok(id) = key.try_into() {
            found.push(Header::decode(IndexId(id), bytes)?.info);
        }
    }
    Ok(found)
}

/// Calls `visit` for everything that open DAGs refer to, as far as it is
/// flushed: the roots that garbage collection must keep. In order of the
/// indexes, and linear in their nodes.
pub fn references(snapshot: &Snapshot, visit: &mut dyn FnMut(IndexId, Reference)) -> Result<()> {
    for entry in snapshot.scan(Table::Indexes, &[])? {
        let (key, bytes) = entry?;
        let Some((id, [_, ..])) = key.split_first_chunk() else {
            continue;
        };
        let id = IndexId(*id);
        let chunk = Chunk::decode(bytes).map_err(|fault| Error::IndexInvalid { id, fault })?;
        chunk
            .nodes
            .iter()
            .for_each(|node| visit(id, (*node).into()));
    }
    Ok(())
}

/// Writes the header, and the chunk that it counts as its last.
pub(super) fn append(txn: &mut WriteTxn<'_>, header: &Header, chunk: &Chunk) -> Result<()> {
    let id = header.info.id;
    txn.put(
        Table::Indexes,
        &chunk_key(id, header.chunks.saturating_sub(1)),
        &chunk.encode(),
    )?;
    save(txn, header)
}

/// Writes the header alone.
pub(super) fn save(txn: &mut WriteTxn<'_>, header: &Header) -> Result<()> {
    txn.put(Table::Indexes, &header.info.id.0, &header.encode())
}

/// Removes an index; whether there was one.
pub(crate) fn remove(txn: &mut WriteTxn<'_>, id: IndexId) -> Result<bool> {
    let keys: Vec<Vec<u8>> = txn
        .scan(Table::Indexes, &id.0)?
        .map(|entry| entry.map(|(key, _)| key.to_vec()))
        .collect::<Result<_>>()?;
    for key in &keys {
        txn.delete(Table::Indexes, key)?;
    }
    Ok(!keys.is_empty())
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let info = &self.info;
        writer.array(11);
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
        writer.into_bytes()
    }

    fn decode(id: IndexId, bytes: &[u8]) -> Result<Self> {
        Self::read(id, &mut Reader::new(bytes)).map_err(|fault| Error::IndexInvalid { id, fault })
    }

    fn read(id: IndexId, reader: &mut Reader<'_>) -> Result<Self, Fault> {
        begin(reader, 11)?;
        let name = read_name(reader)?;
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
        };
        reader.finish()?;
        Ok(header)
    }
}

impl Chunk {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
            && self.names.is_empty()
            && self.tags.is_empty()
            && self.argv.is_none()
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(5);
        writer.uint(LAYOUT);
        writer.array(self.nodes.len());
        self.nodes.iter().for_each(|node| writer.id(*node));
        writer.array(self.names.len() * 2);
        for (name, position) in &self.names {
            writer.text(name.as_str());
            writer.uint((*position).into());
        }
        writer.array(self.tags.len());
        self.tags.iter().for_each(|tag| writer.text(tag.as_str()));
        match self.argv {
            Some(position) => writer.uint(position.into()),
            None => writer.null(),
        }
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let reader = &mut Reader::new(bytes);
        begin(reader, 5)?;
        let mut chunk = Self {
            nodes: reader.ids()?,
            ..Self::default()
        };
        for _ in 0..reader.array()? / 2 {
            chunk
                .names
                .push((read_name(reader)?, read_position(reader)?));
        }
        for _ in 0..reader.array()? {
            chunk.tags.push(read_name(reader)?);
        }
        if !reader.is_null() {
            chunk.argv = Some(read_position(reader)?);
        }
        reader.finish()?;
        Ok(chunk)
    }
}

fn begin(reader: &mut Reader<'_>, items: usize) -> Result<(), Fault> {
    reader.array_of(items)?;
    match reader.uint()? {
        LAYOUT => Ok(()),
        other => Err(reader.fault(FaultKind::Header, format!("index layout {other}"))),
    }
}

fn read_name(reader: &mut Reader<'_>) -> Result<Name, Fault> {
    Name::from_normalized(reader.text()?.to_owned())
        .map_err(|error| reader.fault(FaultKind::Payload, error.to_string()))
}

fn read_position(reader: &mut Reader<'_>) -> Result<u32, Fault> {
    u32::try_from(reader.uint()?)
        .map_err(|_| reader.fault(FaultKind::Bounds, "a position beyond 32 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_text_round_trips() {
        let id = IndexId::random().unwrap();
        assert_eq!(id.to_string().parse::<IndexId>().unwrap(), id);
        for bad in ["", "abc", &"g".repeat(32), &"a".repeat(64)] {
            assert!(bad.parse::<IndexId>().is_err(), "{bad}");
        }
    }
}
