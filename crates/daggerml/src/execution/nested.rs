//! The calls that a call's DAG made in turn.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::id::{DagId, DatumId, ExecId, NodeId};
use crate::record::{CallKey, Dag, Exec, Node, Reference};
use crate::store::{ReadObjects, Snapshot};

use super::cache;

/// Calls by their keys: what each is made of, and the DAGs that it made.
type Calls = HashMap<CallKey, (Vec<DatumId>, HashSet<DagId>)>;

/// An exec record, and what its call is made of.
pub(super) type Made = (ExecId, Vec<DatumId>);

/// Returns the calls that `nodes` and the DAGs of their calls hold, each with what it made.
fn calls(objects: &impl ReadObjects, nodes: Vec<NodeId>) -> Result<Calls> {
    let mut found = Calls::new();
    let mut seen = HashSet::new();
    let mut waiting = nodes;
    while let Some(node) = waiting.pop() {
        let Node::Call { args, dag, .. } = objects.load(node)? else {
            continue;
        };
        if let Some((key, data)) = key_of(objects, &args)? {
            found
                .entry(key)
                .or_insert((data, HashSet::new()))
                .1
                .insert(dag);
        }
        if seen.insert(dag) {
            waiting.extend(objects.load::<_, Dag>(dag)?.nodes);
        }
    }
    Ok(found)
}

/// Returns the key and the data of a call node's arguments; `None` when one has no value.
fn key_of(objects: &impl ReadObjects, args: &[NodeId]) -> Result<Option<(CallKey, Vec<DatumId>)>> {
    let data: Option<Vec<DatumId>> = args
        .iter()
        .map(|arg| Ok(objects.load::<_, Node>(*arg)?.datum()))
        .collect::<Result<_>>()?;
    Ok(data.and_then(|data| {
        let (runnable, args) = data.split_first()?;
        let key = CallKey::new(*runnable, args);
        Some((key, data))
    }))
}

/// Returns the exec records in `snapshot` of the calls that `nodes` reach.
pub(super) fn execs(
    snapshot: &Snapshot,
    objects: &impl ReadObjects,
    nodes: Vec<NodeId>,
) -> Result<Vec<Reference>> {
    let mut found = Vec::new();
    for (key, (_, dags)) in calls(objects, nodes)? {
        if let Some((exec, dag)) = cache::lookup(snapshot, key)?.and_then(|entry| entry.answer)
            && dags.contains(&dag)
        {
            found.push(exec.into());
        }
    }
    crate::sorting::sort_by(&mut found, Ord::cmp);
    Ok(found)
}

/// Returns the calls within the call that made `dag` whose error it handed on, outermost first.
pub(super) fn failed(snapshot: &Snapshot, dag: DagId) -> Result<Vec<CallKey>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(dag);
    while let Some(id) = next.take().filter(|id| seen.insert(*id)) {
        let record: Dag = snapshot.load(id)?;
        let Some(error) = record.error() else {
            break;
        };
        for node in record.nodes.iter().rev() {
            let Node::Call {
                args,
                dag,
                datum: None,
            } = snapshot.load(*node)?
            else {
                continue;
            };
            let same = snapshot.load::<_, Dag>(dag)?.error().is_some_and(|inner| {
                (&inner.origin, &inner.kind, &inner.message)
                    == (&error.origin, &error.kind, &error.message)
            });
            if same && let Some((key, _)) = key_of(snapshot, &args)? {
                found.push(key);
                next = Some(dag);
                break;
            }
        }
    }
    Ok(found)
}

/// Checks that each of `execs` is of a call that `dag` reaches; each with what that is made of.
pub(super) fn check(objects: &impl ReadObjects, dag: &Dag, execs: &[ExecId]) -> Result<Vec<Made>> {
    let mut found = Vec::new();
    if execs.is_empty() {
        return Ok(found);
    }
    let calls = calls(objects, dag.nodes.clone())?;
    for id in execs {
        let exec: Exec = objects.load(*id)?;
        match (exec.dag, calls.get(&exec.key)) {
            (Some(dag), Some((data, dags))) if dags.contains(&dag) => {
                found.push((*id, data.clone()));
            }
            _ => {
                return Err(Error::Invalid {
                    message: format!("the exec record {id} is of no call in the result"),
                }
                .into());
            }
        }
    }
    Ok(found)
}
