//! Datum records: one whole value each.
//!
//! A datum refers to the blobs that are in its value. Its format version tells whether there are any.

use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::DatumId;
use crate::value::{Builder, Stopped, Value, build_value, peek_type, read_value, write_value};

use super::{Kind, Record, RecordReader, RecordWriter, Reference};

/// One whole value, stored as one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datum {
    /// The value.
    pub value: Value,
}

impl Datum {
    /// Returns the type of the value in a datum's bytes, from its first item alone.
    pub(crate) fn type_in(bytes: &[u8]) -> Result<&'static str, Fault> {
        peek_type(&mut Self::open(bytes)?)
    }

    /// Tells `builder` the value in a datum's bytes.
    pub(crate) fn build<'v, B: Builder<'v>>(
        bytes: &'v [u8],
        builder: &mut B,
    ) -> Result<(), Stopped<B::Error>> {
        let mut reader = Self::open(bytes)?;
        build_value(&mut reader, builder)?;
        Ok(super::finish(&reader)?)
    }

    /// Reads everything before the value.
    pub(crate) fn open(bytes: &[u8]) -> Result<RecordReader<'_>, Fault> {
        let (reader, kind, items) = super::open(bytes)?;
        if kind != Kind::Datum {
            return Err(reader.fault(FaultKind::Header, format!("a {kind} record")));
        }
        reader.expect_items(items, 1)?;
        Ok(reader)
    }
}

impl Record for Datum {
    type Id = DatumId;

    fn items(&self) -> usize {
        1
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        write_value(writer, &self.value)
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        reader.expect_items(items, 1)?;
        Ok(Self {
            value: read_value(reader)?,
        })
    }

    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        self.value.blobs(&mut |blob| visit(blob.id.into()));
    }
}
