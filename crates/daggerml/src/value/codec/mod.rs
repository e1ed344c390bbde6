//! Values as canonical CBOR.
//!
//! Both directions keep their own stack, so that nesting costs heap, never the
//! thread's stack, whatever the bytes say.

mod read;
mod write;

pub(crate) use read::{build_value, read_value};
pub(crate) use write::write_value;

use crate::cbor::{Reader, Token, Writer, tag};
use crate::fault::{Fault, FaultKind, ValueError};

use super::Value;

/// The type name of a runnable under [`tag::OBJECT`].
const RUNNABLE: &str = "daggerml.Runnable";

/// The type name of a blob there.
const BLOB: &str = "daggerml.Blob";

/// How many items a blob has under its tag; a runnable has others.
const BLOB_ITEMS: usize = 3;

/// Returns the canonical bytes of `value`.
///
/// Errors when the value is nested deeper than [`crate::value::MAX_DEPTH`] or
/// takes more than [`crate::value::MAX_BYTES`].
pub fn encode_value(value: &Value) -> Result<Vec<u8>, ValueError> {
    let mut writer = Writer::new();
    write_value(&mut writer, value)?;
    Ok(writer.into_bytes())
}

/// Returns the value whose canonical bytes are exactly `bytes`.
pub fn decode_value(bytes: &[u8]) -> Result<Value, Fault> {
    let mut reader = Reader::new(bytes);
    let value = read_value(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Returns the type of the next value, from its first token.
pub(crate) fn peek_type(reader: &mut Reader<'_>) -> Result<&'static str, Fault> {
    Ok(match reader.token()? {
        Token::Null => "null",
        Token::Bool(_) => "bool",
        Token::Unsigned(_)
        | Token::Negative(_)
        | Token::Tag(tag::BIG_POSITIVE | tag::BIG_NEGATIVE) => "int",
        Token::Float(_) => "float",
        Token::Text(_) => "string",
        Token::Bytes(_) => "bytes",
        Token::Array(_) => "list",
        Token::Map(_) => "map",
        Token::Tag(tag::URI) => "uri",
        Token::Tag(tag::SET) => "set",
        Token::Tag(tag::OBJECT) if reader.array()? == BLOB_ITEMS => "blob",
        Token::Tag(tag::OBJECT) => "runnable",
        Token::Tag(other) => {
            return Err(reader.fault(FaultKind::Kind, format!("tag {other} is no value")));
        }
    })
}
