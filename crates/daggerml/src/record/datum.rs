//! Datum records: one whole value each.

use crate::cbor::{read_value, write_value};
use crate::error::{Fault, ValueError};
use crate::id::DatumId;
use crate::value::Value;

use super::{Record, RecordReader, RecordWriter, Reference};

/// One whole value, stored as one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datum {
    /// The value.
    pub value: Value,
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

    fn references(&self, _visit: &mut dyn FnMut(Reference)) {}
}
