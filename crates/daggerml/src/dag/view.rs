//! Finished DAGs, for reading.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::id::{DagId, NodeId};
use crate::record::{Dag, Datum, Node};
use crate::repo::Repository;
use crate::store::ReadObjects;
use crate::value::Value;

/// A finished DAG. It is read once and kept; nodes and values are read when asked for.
#[derive(Clone)]
pub struct DagView {
    repository: Repository,
    id: DagId,
    dag: Arc<Dag>,
}

impl DagView {
    pub(crate) fn new(repository: Repository, id: DagId) -> Result<Self> {
        let dag = Arc::new(repository.snapshot()?.load(id)?);
        Ok(Self {
            repository,
            id,
            dag,
        })
    }

    /// The DAG's id.
    pub fn id(&self) -> DagId {
        self.id
    }

    /// The repository it was read from.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The record.
    pub fn dag(&self) -> &Dag {
        &self.dag
    }

    /// The node that is the DAG's result. A DAG that ended in an error has none.
    pub fn result(&self) -> Result<NodeId> {
        self.dag.result().ok_or_else(|| {
            let message = self.dag.error().map(|error| error.message.clone());
            Error::Invalid {
                message: format!(
                    "this DAG has no result, it ended in an error: {}",
                    message.unwrap_or_default()
                ),
            }
        })
    }

    /// The node of that name.
    pub fn named(&self, name: &str) -> Result<NodeId> {
        self.dag.named(name).ok_or_else(|| Error::NotFound {
            what: "node",
            name: name.to_owned(),
            place: format!("DAG {}", self.id),
        })
    }

    /// The node record `id`.
    pub fn node(&self, id: NodeId) -> Result<Node> {
        self.repository.snapshot()?.load(id)
    }

    /// The value of the node `id`.
    pub fn value(&self, id: NodeId) -> Result<Value> {
        let snapshot = self.repository.snapshot()?;
        let node: Node = snapshot.load(id)?;
        let datum = node.datum().ok_or_else(|| Error::Invalid {
            message: format!("node {id} has no value: the call ended in an error"),
        })?;
        Ok(snapshot.load::<_, Datum>(datum)?.value)
    }
}
