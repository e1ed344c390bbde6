//! A call before it is run: what is called with what.

use std::sync::Arc;

use crate::dag::Draft;
use crate::error::{Error, Result};
use crate::id::{DatumId, NodeId, ObjectId, TypedId};
use crate::record::{CallKey, Datum, Record, Reference};
use crate::store::ReadObjects;
use crate::value::Value;

/// A call in a draft: the ids of what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The runnable's node, then the arguments' nodes.
    pub nodes: Vec<NodeId>,
    /// The call's key.
    pub key: CallKey,
    /// The runnable.
    pub runnable: DatumId,
    /// The arguments.
    pub args: Vec<DatumId>,
}

/// Returns the id of the datum that `value` is.
pub fn datum_id(value: Value) -> Result<DatumId> {
    let bytes = Datum { value }.encode()?;
    Ok(DatumId::from_object(ObjectId::of(&bytes)))
}

/// A call with its data, fit to be run without the DAG.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// The call's key.
    pub key: CallKey,
    /// The name of the adapter, as the runnable has it.
    pub(super) adapter: String,
    pub(super) runnable: DatumId,
    pub(super) args: Vec<DatumId>,
    /// The list of the arguments.
    pub(super) argv: DatumId,
    /// The objects that these ids name, with their bytes: the runnable's first.
    pub(super) objects: Vec<(ObjectId, Arc<[u8]>)>,
}

impl Work {
    /// Returns what the call's bundle is about.
    pub(super) fn roots(&self) -> Vec<Reference> {
        let args = self.args.iter().map(|arg| Reference::from(*arg));
        std::iter::once(self.runnable.into()).chain(args).collect()
    }
}

impl Draft {
    /// Returns the call of the runnable in the first of `nodes` with the others as arguments.
    pub(crate) fn prepare_call(&self, nodes: &[NodeId]) -> Result<Call> {
        let Some(first) = nodes.first() else {
            return Err(Error::Invalid {
                message: "a call needs a runnable".to_owned(),
            }
            .into());
        };
        let found = self.value_type(*first)?;
        if found != "runnable" {
            return Err(Error::Invalid {
                message: format!("only a runnable can be called, not a {found}"),
            }
            .into());
        }
        let mut data = self.data(nodes)?.into_iter();
        let (Some(runnable), args) = (data.next(), data.collect::<Vec<_>>()) else {
            return Err(Error::Invalid {
                message: "a call needs a runnable".to_owned(),
            }
            .into());
        };
        Ok(Call {
            nodes: nodes.to_vec(),
            key: CallKey::new(runnable, &args),
            runnable,
            args,
        })
    }

    /// Returns the data of a call, for it to be run. If it is of the runnable of the call
    /// `before`, they share that.
    pub(crate) fn load_call(&self, call: &Call, before: Option<&Work>) -> Result<Work> {
        load(call, before, &mut |at, id| {
            let node = call.nodes.get(at).copied();
            let objects = match node {
                Some(node) => self.objects_of(node)?,
                None => self.objects()?,
            };
            Ok(objects.object(id.object(), DatumId::KIND)?.into())
        })
    }
}

/// Returns the data of a call, for it to be run. `read` returns the bytes of the runnable (0) and
/// of the arguments.
pub(super) fn load(
    call: &Call,
    before: Option<&Work>,
    read: &mut dyn FnMut(usize, DatumId) -> Result<Arc<[u8]>>,
) -> Result<Work> {
    let mut objects = Vec::with_capacity(call.args.len() + 2);
    let mut keep = |at: usize, id: DatumId| -> Result<Value> {
        let bytes = read(at, id)?;
        let datum = Datum::decode(&bytes)?;
        objects.push((id.object(), bytes));
        Ok(datum.value)
    };
    let mut shared = None;
    let adapter = match before {
        Some(before) if before.runnable == call.runnable => {
            shared = before.objects.first().cloned();
            before.adapter.clone()
        }
        _ => match keep(0, call.runnable)? {
            Value::Runnable(runnable) => runnable.adapter,
            _ => {
                return Err(Error::Invalid {
                    message: "only a runnable can be called".to_owned(),
                }
                .into());
            }
        },
    };
    let args = call.args.iter().zip(1..).map(|(arg, at)| keep(at, *arg));
    let value = Value::List(args.collect::<Result<_>>()?);
    objects.splice(..0, shared);
    let bytes = Datum { value }.encode()?;
    let argv = DatumId::from_object(ObjectId::of(&bytes));
    objects.push((argv.object(), bytes.into()));
    Ok(Work {
        key: call.key,
        adapter,
        runnable: call.runnable,
        args: call.args.clone(),
        argv,
        objects,
    })
}
