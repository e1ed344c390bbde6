//! Tombstone records: what is left of an excised object.

use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::{ObjectId, TombstoneId};

use super::commit::Time;
use super::{Kind, Record, RecordReader, RecordWriter, Reference};

/// Marks an object that was excised. It is stored under the id of the object it
/// replaces, the one record whose place is not the hash of its bytes; it names
/// that id, so it cannot stand anywhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The id of the object that was here.
    pub object: ObjectId,
    /// Its kind.
    pub kind: Kind,
    /// Why it was excised.
    pub reason: String,
    /// When.
    pub time: Time,
}

impl Record for Tombstone {
    type Id = TombstoneId;

    fn items(&self) -> usize {
        4
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        writer.bytes(self.object.as_bytes());
        writer.uint(self.kind.code());
        writer.text(&self.reason);
        writer.int(self.time.0);
        Ok(())
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        reader.expect_items(items, 4)?;
        let object = reader.id::<TombstoneId>()?.into();
        let code = reader.uint()?;
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.code() == code) else {
            return Err(reader.fault(FaultKind::Kind, format!("unknown record kind {code}")));
        };
        Ok(Self {
            object,
            kind,
            reason: reader.text()?.to_owned(),
            time: Time(reader.int()?),
        })
    }

    fn references(&self, _visit: &mut dyn FnMut(Reference)) {}
}
