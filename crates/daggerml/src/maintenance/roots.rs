//! Roots: what refs, drafts, calls and claims keep.

use crate::cbor::{Reader, Token};
use crate::dag::{ChunkEntry, chunk_entries, chunk_of};
use crate::error::{Error, Fault, Result};
use crate::id::{ID_LEN, ObjectId, TypedId};
use crate::record::{Kind, kind_of, references};
use crate::repo::refs::Target;
use crate::store::{Snapshot, Table};

/// The tables whose entries keep objects.
pub(super) const TABLES: [Table; 4] = [Table::Refs, Table::Drafts, Table::Calls, Table::Claims];

/// Calls `visit` for every object that the entry `value` of `table` may keep.
///
/// A ref keeps the commit that it is set to. The log of a draft keeps its nodes and
/// what they refer to. Every other value is CBOR and keeps each object whose id is in it;
/// every byte string of an id's length counts as one. So the formats of these values can
/// change, and what a newer version wrote is still kept. A value that is exactly as long as
/// an id is that id.
pub(super) fn of_entry(
    table: Table,
    key: &[u8],
    value: &[u8],
    visit: &mut dyn FnMut(ObjectId),
) -> Result<()> {
    if table == Table::Refs {
        let name = String::from_utf8_lossy(key);
        if let Target::Commit(id) = Target::parse(&name, value)? {
            visit(id.into());
        }
        return Ok(());
    }
    if let Ok(id) = value.try_into() {
        visit(ObjectId::from_bytes(id));
        return Ok(());
    }
    let read = if table == Table::Drafts && chunk_of(key).is_some() {
        logged(value, visit)
    } else {
        ids_in(value, visit)
    };
    read.map_err(|fault| {
        Error::Invalid {
        message: format!(
            "the entry {} of the table {} cannot be read, so what it keeps is not known: {fault}",
            hex(key),
            table.name()
        ),
    }.into()
    })
}

/// Visits what a chunk of the log of a draft keeps: its nodes and what they refer to. Its
/// records may be in the table of objects too, when they are being settled.
fn logged(chunk: &[u8], visit: &mut dyn FnMut(ObjectId)) -> Result<(), Fault> {
    chunk_entries(chunk, &mut |_, entry| {
        match entry {
            ChunkEntry::Stored(node) => visit(node.object()),
            ChunkEntry::Record(record) if kind_of(record)? == Kind::Node => {
                visit(ObjectId::of(record));
                references(record, &mut |id, _| visit(id))?;
            }
            // A datum: its node refers to it, and it to blobs.
            ChunkEntry::Record(record) => references(record, &mut |id, _| visit(id))?,
        }
        Ok(())
    })
}

/// Returns a key as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // Never fails: it is a String.
        text
    })
}

fn ids_in(value: &[u8], visit: &mut dyn FnMut(ObjectId)) -> Result<(), Fault> {
    let mut reader = Reader::new(value);
    while reader.position() < value.len() {
        if let Token::Bytes(bytes) = reader.token()?
            && bytes.len() == ID_LEN
            && let Ok(id) = bytes.try_into()
        {
            visit(ObjectId::from_bytes(id));
        }
    }
    Ok(())
}

/// Calls `visit` for every object that an entry of `snapshot` keeps, with the entry's
/// table.
pub(super) fn all(snapshot: &Snapshot, visit: &mut dyn FnMut(Table, ObjectId)) -> Result<()> {
    for table in TABLES {
        for entry in snapshot.scan(table, &[])? {
            let (key, value) = entry?;
            of_entry(table, key, value, &mut |id| visit(table, id))?;
        }
    }
    Ok(())
}
