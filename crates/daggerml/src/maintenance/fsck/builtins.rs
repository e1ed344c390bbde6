//! Doing builtin operations again: is a node's value what its operation makes?

use std::sync::Arc;

use crate::dag::{Recent, apply};
use crate::id::{DatumId, NodeId, ObjectId, TypedId};
use crate::record::{Builtin, Datum, Node, Record};
use crate::store::lmdb::Version;
use crate::value::Value;

use super::super::ids::Ids;

/// Does operations on what the store holds.
pub(super) struct Computer<'v> {
    version: &'v Version,
    ids: &'v Ids,
    recent: Recent,
}

impl<'v> Computer<'v> {
    pub fn new(version: &'v Version, ids: &'v Ids) -> Self {
        Self {
            version,
            ids,
            recent: Recent::default(),
        }
    }

    /// Returns what is wrong with `datum` as the value of `op` done to `args`. Arguments that
    /// cannot be read are noted where they are.
    pub fn check(&mut self, op: Builtin, args: &[NodeId], datum: DatumId) -> Option<String> {
        let values: Vec<Arc<Value>> = args
            .iter()
            .map(|node| self.value(*node))
            .collect::<Option<_>>()?;
        let values: Vec<&Value> = values.iter().map(AsRef::as_ref).collect();
        let computed = apply(op, &values).and_then(|value| Ok(Datum { value }.encode()?));
        match computed {
            Ok(bytes) if ObjectId::of(&bytes) == datum.object() => None,
            Ok(bytes) => Some(format!(
                "its value is {datum}, but {} makes {}",
                op.as_str(),
                ObjectId::of(&bytes)
            )),
            Err(error) => Some(format!("its value cannot be: {error}")),
        }
    }

    fn value(&mut self, node: NodeId) -> Option<Arc<Value>> {
        let id = self.load::<Node>(node.object())?.0.datum()?;
        if let Some(value) = self.recent.get(id) {
            return Some(value);
        }
        let (datum, bytes) = self.load::<Datum>(id.object())?;
        let value = Arc::new(datum.value);
        self.recent.insert(id, Arc::clone(&value), bytes);
        Some(value)
    }

    /// Returns the record `id` and its length, if it is sound.
    fn load<R: Record>(&self, id: ObjectId) -> Option<(R, usize)> {
        let (_, bytes) = self.ids.object_in(self.version, self.ids.find(id)?).ok()?;
        if ObjectId::of(bytes) != id {
            return None;
        }
        Some((R::decode(bytes).ok()?, bytes.len()))
    }
}
