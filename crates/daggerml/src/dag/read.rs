//! Reading nodes and values, the same for open and finished DAGs.

use super::encoded::Encoded;
use crate::error::{Error, Result};
use crate::id::{DatumId, NodeId};
use crate::record::{Dag, Datum, Kind, Node};
use crate::store::ReadObjects;
use crate::value::Value;

/// Returns the value of the node `id`.
pub(super) fn value(objects: &impl ReadObjects, id: NodeId) -> Result<Value> {
    let datum = datum(objects, id)?;
    Ok(objects.load::<_, Datum>(datum)?.value)
}

/// Returns the type of the value of the node `id`, without decoding all of it.
pub(super) fn value_type(objects: &impl ReadObjects, id: NodeId) -> Result<&'static str> {
    datum_type(objects, datum(objects, id)?)
}

/// From how many bytes on a datum is large: to hash it takes longer than all else that it takes
/// to tell its type.
const LARGE: usize = 1 << 16;

/// Returns the type of the value of the datum `id`. A large one is not compared with its id for
/// that: whoever reads the value does so.
pub(super) fn datum_type(objects: &impl ReadObjects, id: DatumId) -> Result<&'static str> {
    let (kind, id) = (Kind::Datum, id.into());
    if let Some(bytes) = objects.likely_object(id)?
        && bytes.len() >= LARGE
        && let Ok(name) = Datum::type_in(bytes)
    {
        return Ok(name);
    }
    Datum::type_in(objects.object(id, kind)?)
        .map_err(|fault| Error::ObjectInvalid { kind, id, fault }.into())
}

/// Returns a copy of the value of the datum `id`, as it is stored.
pub(super) fn encoded(objects: &impl ReadObjects, id: DatumId) -> Result<Encoded<'static>> {
    let bytes = objects.object(id.into(), Kind::Datum)?;
    Ok(Encoded::copied(id, bytes))
}

/// Returns the datum of the node `id`; for a failed call the error that it ended in.
pub(super) fn datum(objects: &impl ReadObjects, id: NodeId) -> Result<DatumId> {
    let node: Node = objects.load(id)?;
    match (node.datum(), node) {
        (Some(datum), _) => Ok(datum),
        (None, Node::Call { dag, .. }) => {
            let record = objects.load::<_, Dag>(dag)?;
            let transient = record.is_transient();
            Err(match record.error().cloned() {
                Some(info) => Error::Failed {
                    dag,
                    node: Some(id),
                    info: Box::new(info),
                    transient,
                }
                .into(),
                None => valueless(id),
            })
        }
        (None, _) => Err(valueless(id)),
    }
}

fn valueless(id: NodeId) -> Box<Error> {
    Error::Invalid {
        message: format!("node {id} has no value"),
    }
    .into()
}
