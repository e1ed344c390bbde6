//! The calls that a call's DAG made in turn.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::id::{DagId, DatumId, ExecId, NodeId};
use crate::record::{CallKey, Dag, Exec, Node, Reference};
use crate::store::{ReadObjects, Snapshot};

use super::cache;

/// The calls that `nodes` and the DAGs of their calls hold, each with what it made.
fn calls(
    objects: &impl ReadObjects,
    nodes: Vec<NodeId>,
) -> Result<HashMap<CallKey, HashSet<DagId>>> {
    let mut found: HashMap<_, HashSet<_>> = HashMap::new();
    let mut seen = HashSet::new();
    let mut waiting = nodes;
    while let Some(node) = waiting.pop() {
        let Node::Call { args, dag, .. } = objects.load(node)? else {
            continue;
        };
        if let Some(key) = key_of(objects, &args)? {
            found.entry(key).or_default().insert(dag);
        }
        if seen.insert(dag) {
            waiting.extend(objects.load::<_, Dag>(dag)?.nodes);
        }
    }
    Ok(found)
}

/// The key of a call node's arguments; `None` when one has no value.
fn key_of(objects: &impl ReadObjects, args: &[NodeId]) -> Result<Option<CallKey>> {
    let data: Option<Vec<DatumId>> = args
        .iter()
        .map(|arg| Ok(objects.load::<_, Node>(*arg)?.datum()))
        .collect::<Result<_>>()?;
    Ok(data.and_then(|data| {
        let (runnable, args) = data.split_first()?;
        Some(CallKey::new(*runnable, args))
    }))
}

/// The exec records in `snapshot` of the calls that `nodes` reach.
pub(super) fn execs(
    snapshot: &Snapshot,
    objects: &impl ReadObjects,
    nodes: Vec<NodeId>,
) -> Result<Vec<Reference>> {
    let mut found = Vec::new();
    for (key, dags) in calls(objects, nodes)? {
        if let Some((exec, dag)) = cache::lookup(snapshot, key)?.and_then(|entry| entry.answer)
            && dags.contains(&dag)
        {
            found.push(exec.into());
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The calls within the call that made `dag` whose error it handed on, outermost first.
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
            if same && let Some(key) = key_of(snapshot, &args)? {
                found.push(key);
                next = Some(dag);
                break;
            }
        }
    }
    Ok(found)
}

/// Checks that each of `execs` is of a call that `dag` reaches.
pub(super) fn check(objects: &impl ReadObjects, dag: &Dag, execs: &[ExecId]) -> Result<()> {
    if execs.is_empty() {
        return Ok(());
    }
    let calls = calls(objects, dag.nodes.clone())?;
    for id in execs {
        let exec: Exec = objects.load(*id)?;
        let sound = exec
            .dag
            .is_some_and(|dag| calls.get(&exec.key).is_some_and(|dags| dags.contains(&dag)));
        if !sound {
            return Err(Error::Invalid {
                message: format!("the exec record {id} is of no call in the result"),
            });
        }
    }
    Ok(())
}
