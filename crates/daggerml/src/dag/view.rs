//! Finished DAGs, for reading.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::encoded::Encoded;
use super::read;
use crate::error::{Error, Result};
use crate::id::{DagId, DatumId, NodeId};
use crate::id_set::IdSet;
use crate::name::Name;
use crate::record::{Dag, Datum, ErrorInfo, Kind, Node};
use crate::repo::Repository;
use crate::store::{Absent, ReadObjects, Snapshot};
use crate::value::Value;

/// A finished DAG. It is read once and kept; nodes and values are read when asked for.
#[derive(Clone)]
pub struct DagView {
    repository: Repository,
    id: DagId,
    inner: Arc<Inner>,
}

struct Inner {
    dag: Dag,
    /// The nodes as a set, made when first asked for.
    set: OnceLock<IdSet<NodeId>>,
    /// The node whose datum was asked for last. Callers often ask for the type of a node, and
    /// then for its value.
    latest: Mutex<Option<(NodeId, DatumId)>>,
}

impl DagView {
    pub(crate) fn new(repository: Repository, id: DagId) -> Result<Self> {
        let snapshot = repository.snapshot()?;
        Self::at(repository, &snapshot, id)
    }

    /// Returns the DAG `id` of a repository, as `snapshot` has it.
    pub(crate) fn at(repository: Repository, snapshot: &Snapshot, id: DagId) -> Result<Self> {
        let inner = Inner {
            dag: snapshot.load(id)?,
            set: OnceLock::new(),
            latest: Mutex::new(None),
        };
        Ok(Self {
            repository,
            id,
            inner: Arc::new(inner),
        })
    }

    /// Returns the DAG's id.
    pub fn id(&self) -> DagId {
        self.id
    }

    /// Returns the repository it was read from.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Returns the record.
    pub fn dag(&self) -> &Dag {
        &self.inner.dag
    }

    /// Returns the nodes, in the order they were made.
    pub fn nodes(&self) -> &[NodeId] {
        &self.dag().nodes
    }

    /// Returns the number of nodes.
    pub fn len(&self) -> usize {
        self.nodes().len()
    }

    /// Returns whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes().is_empty()
    }

    /// Returns whether `node` is in the DAG.
    pub fn contains(&self, node: NodeId) -> bool {
        let set = || self.nodes().iter().copied().collect();
        self.inner.set.get_or_init(set).contains(&node)
    }

    /// Returns the node that is the DAG's result. A DAG that ended in an error has none:
    /// [`Error::Failed`].
    pub fn result(&self) -> Result<NodeId> {
        if let Some(node) = self.dag().result() {
            return Ok(node);
        }
        Err(match self.error() {
            Some(info) => Error::Failed {
                dag: self.id,
                node: None,
                info: Box::new(info.clone()),
                transient: self.dag().is_transient(),
            }
            .into(),
            None => Error::Invalid {
                message: format!("DAG {} has no result", self.id),
            }
            .into(),
        })
    }

    /// Returns the error that the DAG ended in.
    pub fn error(&self) -> Option<&ErrorInfo> {
        self.dag().error()
    }

    /// Returns the node that holds the arguments, in the DAG of a call.
    pub fn argv(&self) -> Option<NodeId> {
        self.dag().argv_node()
    }

    /// Returns the labels.
    pub fn tags(&self) -> &BTreeSet<Name> {
        &self.dag().tags
    }

    /// Returns the names, in order, with their nodes.
    pub fn names(&self) -> impl Iterator<Item = (&Name, NodeId)> {
        let dag = self.dag();
        dag.names
            .iter()
            .filter_map(|(name, &position)| Some((name, dag.node_at(position)?)))
    }

    /// Returns the node of that name.
    pub fn named(&self, name: &str) -> Result<NodeId> {
        let name = Name::new(name)?;
        self.dag().named(name.as_str()).ok_or_else(|| {
            Error::NotFound {
                what: "node",
                name: name.to_string(),
                place: format!("DAG {}", self.id),
            }
            .into()
        })
    }

    /// Returns the node record `id`.
    pub fn node(&self, id: NodeId) -> Result<Node> {
        self.repository.snapshot()?.load(id)
    }

    /// Returns the value of the node `id`.
    pub fn value(&self, id: NodeId) -> Result<Value> {
        let snapshot = self.repository.snapshot()?;
        let datum = self.datum(&snapshot, id)?;
        Ok(snapshot.load::<_, Datum>(datum)?.value)
    }

    /// Returns a copy of the value of the node `id`, as it is stored.
    pub fn encoded(&self, id: NodeId) -> Result<Encoded<'static>> {
        let snapshot = self.repository.snapshot()?;
        read::encoded(&snapshot, self.datum(&snapshot, id)?)
    }

    /// Calls `read` with the value of the node `id`, where it is stored.
    pub fn read<T>(&self, id: NodeId, read: impl FnOnce(&Encoded<'_>) -> T) -> Result<T> {
        let snapshot = self.repository.snapshot()?;
        let datum = self.datum(&snapshot, id)?;
        let bytes = snapshot.object(datum.into(), Kind::Datum)?;
        Ok(read(&Encoded::stored(datum, bytes)))
    }

    /// Returns the type of the value of the node `id`, as in [`Value::type_name`].
    pub fn value_type(&self, id: NodeId) -> Result<&'static str> {
        let snapshot = self.repository.snapshot()?;
        read::datum_type(&snapshot, self.datum(&snapshot, id)?)
    }

    /// Returns where the value of the node `id` stays that a filter left at a remote; `None` when
    /// it is here. Nothing is fetched.
    pub fn promised(&self, id: NodeId) -> Result<Option<Absent>> {
        let snapshot = self.repository.snapshot()?;
        let Some(datum) = snapshot.load::<_, Node>(id)?.datum() else {
            return Ok(None);
        };
        if snapshot.has_object(datum.into())? {
            return Ok(None);
        }
        snapshot.absent(datum.into())
    }

    fn datum(&self, snapshot: &Snapshot, id: NodeId) -> Result<DatumId> {
        let latest = || {
            let latest = self.inner.latest.lock();
            latest.unwrap_or_else(PoisonError::into_inner)
        };
        let known = latest().filter(|(node, _)| *node == id);
        if let Some((_, datum)) = known {
            return Ok(datum);
        }
        let datum = read::datum(snapshot, id)?;
        *latest() = Some((id, datum));
        Ok(datum)
    }
}
