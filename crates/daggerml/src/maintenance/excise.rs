//! Excision: an object's bytes go, and a tombstone stays in its place.

use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::record::{Kind, Record, Time, Tombstone, kind_of};
use crate::store::{ReadObjects, Store};

/// What was excised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excision {
    /// The object.
    pub id: ObjectId,
    /// The kind it was.
    pub kind: Kind,
    /// How many bytes it had.
    pub bytes: u64,
    /// Whether it had been excised before; then nothing changed.
    pub already: bool,
}

/// Replaces the object `id` by a tombstone that says `reason`. Everything that
/// refers to it stays as it is; reading it gives [`Error::Excised`].
///
/// An object whose bytes are damaged can be excised too. The bytes are overwritten
/// when their pages are used again, and may be in copies of the file until then.
pub fn excise(store: &Store, id: ObjectId, reason: &str) -> Result<Excision> {
    store.write(|txn| {
        let bytes = txn.raw_object(id)?.ok_or(Error::NotFound {
            what: "object",
            name: id.to_string(),
            place: String::new(),
        })?;
        let length = bytes.len() as u64;
        if ObjectId::of(bytes) != id
            && let Ok(tombstone) = Tombstone::decode(bytes)
            && tombstone.object == id
        {
            return Ok(Excision {
                id,
                kind: tombstone.kind,
                bytes: 0,
                already: true,
            });
        }
        let kind = kind_of(bytes).unwrap_or(Kind::Datum);
        let tombstone = Tombstone {
            object: id,
            kind,
            reason: reason.to_owned(),
            time: Time::now(),
        };
        txn.replace_object(id, &tombstone.encode()?)?;
        Ok(Excision {
            id,
            kind,
            bytes: length,
            already: false,
        })
    })
}
