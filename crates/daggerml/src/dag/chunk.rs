//! Chunks: what each flush of a draft appends to its index.
//!
//! A chunk is CBOR: `[layout, [entry …], [name, position, …], [tag …], argv]`. An
//! entry is the bytes of a small record that is not in the table of objects yet, or
//! `[id]` for a node that is. Nodes are in the order they were made.

use std::collections::HashMap;
use std::num::NonZeroU32;

use crate::cbor::{Reader, Writer};
use crate::error::{Fault, FaultKind};
use crate::id::{ID_LEN, NodeId, ObjectId, TypedId};
use crate::name::Name;
use crate::record::{Kind, Node, Record, kind_of};

/// The version of the layout of the entries of drafts.
pub(super) const LAYOUT: u64 = 2;

/// What was set since the last flush.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The positions of named nodes. When two chunks have a name, the later one counts.
    pub names: Vec<(Name, u32)>,
    pub tags: Vec<Name>,
    pub argv: Option<u32>,
}

/// One entry of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'b> {
    /// A record that is not in the table of objects yet.
    Record(&'b [u8]),
    /// A node that is in the table of objects.
    Stored(NodeId),
}

/// Where in its chunk a node is, and the datum that is its value; `None` for what is
/// in the table of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub node: Option<NonZeroU32>,
    pub datum: Option<NonZeroU32>,
}

/// A chunk that is being made.
pub(super) struct ChunkWriter {
    writer: Writer,
}

impl ChunkWriter {
    /// Begins a chunk that will have `entries` entries.
    pub(super) fn new(entries: usize) -> Self {
        let mut writer = Writer::new();
        writer.array(5);
        writer.uint(LAYOUT);
        writer.array(entries);
        Self { writer }
    }

    /// Adds a record, and returns its place.
    pub(super) fn record(&mut self, bytes: &[u8]) -> Option<NonZeroU32> {
        let at = self.writer.len();
        self.writer.bytes(bytes);
        place(at)
    }

    /// Adds a node that is in the table of objects.
    pub(super) fn stored(&mut self, id: ObjectId) {
        self.writer.array(1);
        self.writer.bytes(id.as_bytes());
    }

    /// Returns the chunk's bytes.
    pub(super) fn finish(mut self, changes: &Changes) -> Vec<u8> {
        let writer = &mut self.writer;
        writer.array(changes.names.len() * 2);
        for (name, position) in &changes.names {
            writer.text(name.as_str());
            writer.uint((*position).into());
        }
        writer.array(changes.tags.len());
        changes
            .tags
            .iter()
            .for_each(|tag| writer.text(tag.as_str()));
        match changes.argv {
            Some(position) => writer.uint(position.into()),
            None => writer.null(),
        }
        self.writer.into_bytes()
    }
}

/// Returns the place of the entry at the offset `at`.
pub(super) fn place(at: usize) -> Option<NonZeroU32> {
    u32::try_from(at).ok().and_then(NonZeroU32::new)
}

/// Returns the record at `place` of the chunk in `bytes`.
pub(super) fn record_at(bytes: &[u8], place: NonZeroU32) -> Option<&[u8]> {
    let from = usize::try_from(place.get()).ok()?;
    Reader::new(bytes.get(from..)?).bytes().ok()
}

/// Calls `visit` for each entry of the chunk in `bytes`, with the entry's offset.
pub(crate) fn entries<'b>(
    bytes: &'b [u8],
    visit: &mut dyn FnMut(usize, Entry<'b>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    read_entries(&mut Reader::new(bytes), visit)
}

fn read_entries<'b>(
    reader: &mut Reader<'b>,
    visit: &mut dyn FnMut(usize, Entry<'b>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    begin(reader, 5)?;
    for _ in 0..reader.array()? {
        let at = reader.position();
        if reader.is_array() {
            reader.array_of(1)?;
            let id: [u8; ID_LEN] = reader
                .bytes()?
                .try_into()
                .map_err(|_| reader.fault(FaultKind::Bounds, "an id has 32 bytes"))?;
            let id = NodeId::from_object(ObjectId::from_bytes(id));
            visit(at, Entry::Stored(id))?;
        } else {
            visit(at, Entry::Record(reader.bytes()?))?;
        }
    }
    Ok(())
}

/// What a chunk holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The nodes, each with its place.
    pub nodes: Vec<(NodeId, Place)>,
    pub changes: Changes,
}

impl Chunk {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let reader = &mut Reader::new(bytes);
        let mut nodes = Vec::new();
        let mut data = HashMap::new();
        read_entries(reader, &mut |at, entry| {
            let record = match entry {
                Entry::Stored(id) => {
                    nodes.push((id, Place::default()));
                    return Ok(());
                }
                Entry::Record(record) => record,
            };
            let id = ObjectId::of(record);
            let place = place(at);
            if kind_of(record)? == Kind::Node {
                let datum = Node::decode(record)?.datum();
                let datum = datum.and_then(|datum| data.get(&datum.object()).copied());
                let node = place;
                nodes.push((NodeId::from_object(id), Place { node, datum }));
            } else if let Some(place) = place {
                data.insert(id, place);
            }
            Ok(())
        })?;
        let mut changes = Changes::default();
        for _ in 0..reader.array()? / 2 {
            let name = read_name(reader)?;
            changes.names.push((name, read_position(reader)?));
        }
        for _ in 0..reader.array()? {
            changes.tags.push(read_name(reader)?);
        }
        if !reader.is_null() {
            changes.argv = Some(read_position(reader)?);
        }
        reader.finish()?;
        Ok(Self { nodes, changes })
    }
}

pub(super) fn begin(reader: &mut Reader<'_>, items: usize) -> Result<(), Fault> {
    reader.array_of(items)?;
    match reader.uint()? {
        LAYOUT => Ok(()),
        other => Err(reader.fault(FaultKind::Header, format!("index layout {other}"))),
    }
}

pub(super) fn read_name(reader: &mut Reader<'_>) -> Result<Name, Fault> {
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
    use crate::record::Datum;

    #[test]
    fn what_was_written_is_read() {
        let datum = Datum { value: 7.into() }.encode().unwrap();
        let node = Node::Literal {
            datum: TypedId::from_object(ObjectId::of(&datum)),
        };
        let node = node.encode().unwrap();
        let node_id = NodeId::from_object(ObjectId::of(&node));
        let other = NodeId::from_object(ObjectId::of(b"other"));
        let changes = Changes {
            names: vec![(Name::new("x").unwrap(), 1)],
            tags: vec![Name::new("t").unwrap()],
            argv: Some(0),
        };
        let mut writer = ChunkWriter::new(3);
        writer.stored(other.object());
        let datum_place = writer.record(&datum);
        let node_place = writer.record(&node);
        let bytes = writer.finish(&changes);
        let place = Place {
            node: node_place,
            datum: datum_place,
        };
        let chunk = Chunk::decode(&bytes).unwrap();
        assert_eq!(chunk.nodes, [(other, Place::default()), (node_id, place)]);
        assert_eq!(chunk.changes, changes);
        assert_eq!(record_at(&bytes, node_place.unwrap()), Some(&node[..]));
        for end in 0..bytes.len() {
            assert!(Chunk::decode(&bytes[..end]).is_err());
        }
    }
}
