//! Values as they are stored.

use crate::error::Error;
use crate::id::DatumId;
use crate::record::{Datum, Kind};
use crate::value::{Builder, Stopped};

/// The stored bytes of a value, checked against their id and not decoded yet. A
/// [`Builder`] makes what the caller wants from them directly, without a
/// [`crate::value::Value`] in between. It holds neither the store nor a DAG.
pub struct Encoded {
    id: DatumId,
    bytes: Vec<u8>,
}

impl Encoded {
    pub(super) fn new(id: DatumId, bytes: Vec<u8>) -> Self {
        Self { id, bytes }
    }

    /// Tells `builder` the value.
    pub fn build<'v, B>(&'v self, builder: &mut B) -> Result<(), B::Error>
    where
        B: Builder<'v, Error: From<Box<Error>>>,
    {
        Datum::build(&self.bytes, builder).map_err(|stopped| match stopped {
            Stopped::Source(fault) => B::Error::from(Box::new(Error::ObjectInvalid {
                kind: Kind::Datum,
                id: self.id.into(),
                fault,
            })),
            Stopped::Builder(error) => error,
        })
    }
}
