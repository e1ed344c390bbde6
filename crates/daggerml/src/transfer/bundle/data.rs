//! Reading the values that a bundle carries, without keeping them but for blobs.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use crate::error::{Error, Result};
use crate::id::{DatumId, ObjectId, TypedId};
use crate::record::{Datum, Kind, Record, has_blobs, kind_of};
use crate::store::{ReadObjects, Store};
use crate::value::Value;

use super::apply::{Limits, check_for};
use super::spool::Spool;

/// Returns the values that are the roots of the bundle in `input`, in order. Each object that blobs in
/// them consist of is handed to `part`.
///
/// The bundle is verified as by [`apply`](super::apply()); what it needs is read from
/// `store`, where this writes nothing.
pub fn data(
    store: &Store,
    input: &mut dyn Read,
    limits: &Limits,
    part: &mut dyn FnMut((ObjectId, Vec<u8>)) -> Result<()>,
) -> Result<Vec<Value>> {
    let snapshot = store.snapshot()?;
    let mut spool = Spool::new(store);
    let roots = check_for(&snapshot, input, limits, &mut spool)?
        .header
        .roots;
    if let Some(root) = roots.iter().find(|root| root.kind != Kind::Datum) {
        return Err(Error::Invalid {
            message: format!(
                "the bundle's roots must be data, and one is a {}",
                root.kind
            ),
        }
        .into());
    }
    let mut has_parts = false;
    spool.each(|bytes| {
        has_parts |= kind_of(bytes)? == Kind::Blob;
        Ok(())
    })?;
    let wanted: HashSet<_> = roots.iter().map(|root| root.id).collect();
    let mut found = HashMap::new();
    spool.each(|bytes| {
        let id = ObjectId::of(bytes);
        if has_parts && !has_blobs(bytes) {
            part((id, bytes.to_vec()))?;
        }
        if wanted.contains(&id) {
            found.insert(id, Datum::decode(bytes)?.value);
        }
        Ok(())
    })?;
    let values = roots.into_iter().map(|root| match found.get(&root.id) {
        Some(value) => Ok(Value::clone(value)),
        None => Ok(snapshot
            .load::<_, Datum>(DatumId::from_object(root.id))?
            .value),
    });
    values.collect()
}
