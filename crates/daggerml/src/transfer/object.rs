//! Objects as they are carried: an excised one is its tombstone.

use crate::error::{Error, Result};
use crate::record::{AnyRecord, Kind, Record, Reference, Tombstone, is_bytes, kind_of};
use crate::store::ReadObjects;

/// Returns the bytes of an object; those of its tombstone when it was excised.
pub(super) fn read(objects: &impl ReadObjects, Reference { kind, id }: Reference) -> Result<&[u8]> {
    match objects.object(id, kind) {
        Err(error) if matches!(*error, Error::Excised { .. }) => objects
            .raw_object(id)?
            .ok_or_else(|| Error::ObjectNotFound { kind, id }.into()),
        read => read,
    }
}

/// Returns the record in `bytes`: one of the reference's kind, or the tombstone of one.
pub(super) fn decode(Reference { kind, id }: Reference, bytes: &[u8]) -> Result<AnyRecord> {
    let record =
        AnyRecord::decode(bytes).map_err(|fault| Error::ObjectInvalid { kind, id, fault })?;
    let found = match &record {
        AnyRecord::Tombstone(Tombstone { kind, .. }) => *kind,
        record => record.kind(),
    };
    if found != kind {
        return Err(Error::Invalid {
            message: format!("object {id} is a {found}, not a {kind}"),
        }
        .into());
    }
    Ok(record)
}

/// Calls `visit` for every record that the one in `bytes` refers to, which must be what the reference
/// says. Chunks of blobs are not copied for it.
pub(super) fn references(
    reference: Reference,
    bytes: &[u8],
    visit: &mut dyn FnMut(Reference),
) -> Result<()> {
    if reference.kind != Kind::Datum || !is_bytes(bytes) {
        decode(reference, bytes)?.references(visit);
    }
    Ok(())
}

/// Returns the kind of object that these bytes are, or that their tombstone stands for.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind> {
    match kind_of(bytes)? {
        Kind::Tombstone => Ok(Tombstone::decode(bytes)?.kind),
        kind => Ok(kind),
    }
}
