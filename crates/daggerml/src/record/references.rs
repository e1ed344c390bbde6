//! A quick look for references: for garbage collection, which needs nothing else.

use crate::cbor::Token;
use crate::error::Fault;
use crate::id::{ID_LEN, ObjectId};

use super::{Kind, open};

/// Calls `visit` for every id that the record in `bytes` may refer to: all byte
/// strings of an id's length. It is much quicker than decoding. It never misses a
/// reference, but may find others (the key of a call, bytes in an error's stack),
/// so it is good for keeping objects and no good for finding damage.
pub(crate) fn references(bytes: &[u8], visit: &mut dyn FnMut(ObjectId)) -> Result<(), Fault> {
    let (mut reader, kind, mut items) = open(bytes)?;
    // A value refers to nothing, and neither does a tombstone.
    if matches!(kind, Kind::Datum | Kind::Tombstone) {
        return Ok(());
    }
    while items > 0 {
        items -= 1;
        match reader.token()? {
            Token::Bytes(bytes) if bytes.len() == ID_LEN => {
                if let Ok(id) = bytes.try_into() {
                    visit(ObjectId::from_bytes(id));
                }
            }
            Token::Array(length) => items = items.saturating_add(length),
            Token::Map(length) => items = items.saturating_add(length.saturating_mul(2)),
            Token::Tag(_) => items += 1,
            _ => {}
        }
    }
    reader.finish()
}
