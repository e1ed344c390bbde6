//! Values as canonical CBOR.
//!
//! Both directions keep their own stack, so that nesting costs heap, never the
//! thread's stack, whatever the bytes say.

mod read;
mod write;

pub(crate) use read::read_value;
pub(crate) use write::write_value;

use crate::error::{Fault, ValueError};
use crate::value::Value;

use super::{Reader, Writer};

/// The type name of a runnable under [`super::tag::OBJECT`].
const RUNNABLE: &str = "daggerml.Runnable";

/// The canonical bytes of `value`.
///
/// Errors when the value is nested deeper than [`crate::value::MAX_DEPTH`] or
/// takes more than [`crate::value::MAX_BYTES`].
pub fn encode_value(value: &Value) -> Result<Vec<u8>, ValueError> {
    let mut writer = Writer::new();
    write_value(&mut writer, value)?;
    Ok(writer.into_bytes())
}

/// The value whose canonical bytes are exactly `bytes`.
pub fn decode_value(bytes: &[u8]) -> Result<Value, Fault> {
    let mut reader = Reader::new(bytes);
    let value = read_value(&mut reader)?;
    reader.finish()?;
    Ok(value)
}
