//! Reading the values that a bundle carries, without keeping them.

use std::collections::HashMap;
use std::io::Read;

use crate::error::{Error, Result};
use crate::id::{DatumId, ObjectId, TypedId};
use crate::record::{Datum, Kind, Record};
use crate::store::{ReadObjects, Store};
use crate::value::Value;

use super::apply::{Limits, check_for};
use super::spool::Spool;

/// Returns the values that are the roots of the bundle in `input`, in order.
///
/// The bundle is verified as by [`apply`](super::apply()); what it needs is read from
/// `store`, where nothing is written.
pub fn data(store: &Store, input: &mut dyn Read, limits: &Limits) -> Result<Vec<Value>> {
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
    let mut found = HashMap::new();
    spool.each(|bytes| {
        let datum = Datum::decode(bytes)?;
        found.insert(ObjectId::of(bytes), datum.value);
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
