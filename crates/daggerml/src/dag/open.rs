//! Open DAGs: nodes are staged in memory and written with the commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::error::{Error, Result};
use crate::id::{CommitId, DagId, NodeId, ObjectId, TypedId};
use crate::name::Name;
use crate::record::{Commit, Dag, Datum, ErrorInfo, Node, Outcome, Record, Time, Tree};
use crate::repo::refs::{self, ReadRefs};
use crate::repo::{Repository, tree};
use crate::store::ReadObjects;
use crate::value::Value;

/// A DAG that is being made.
pub struct OpenDag {
    repository: Repository,
    name: Name,
    message: String,
    nodes: Vec<NodeId>,
    positions: HashMap<NodeId, u32>,
    names: BTreeMap<Name, u32>,
    tags: BTreeSet<Name>,
    /// Objects not in the store yet.
    staged: HashMap<ObjectId, Vec<u8>>,
}

/// A committed DAG and the commit that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The DAG.
    pub dag: DagId,
    /// The commit.
    pub commit: CommitId,
}

impl OpenDag {
    pub(crate) fn begin(repository: Repository, name: Name, message: &str) -> Self {
        Self {
            repository,
            name,
            message: message.to_owned(),
            nodes: Vec::new(),
            positions: HashMap::new(),
            names: BTreeMap::new(),
            tags: BTreeSet::new(),
            staged: HashMap::new(),
        }
    }

    /// The name that the DAG will be committed under.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The repository it belongs to.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Puts `value` as a literal node.
    pub fn put(&mut self, value: Value) -> Result<NodeId> {
        let datum = self.stage(&Datum { value })?;
        self.add(&Node::Literal { datum })
    }

    /// Gives `node` a name, taking it from the node that had it.
    pub fn set_name(&mut self, name: &str, node: NodeId) -> Result<()> {
        let position = self.position(node)?;
        self.names.insert(Name::new(name)?, position);
        Ok(())
    }

    /// The node of that name.
    pub fn named(&self, name: &str) -> Result<NodeId> {
        let found = self.names.get(name).copied();
        found
            .and_then(|position| self.nodes.get(usize::try_from(position).ok()?).copied())
            .ok_or_else(|| Error::NotFound {
                what: "node",
                name: name.to_owned(),
                place: format!("the open DAG {:?}", self.name.as_str()),
            })
    }

    /// The names, in order, with their nodes.
    pub fn names(&self) -> impl Iterator<Item = (&Name, NodeId)> {
        self.names.iter().filter_map(|(name, &position)| {
            let node = self.nodes.get(usize::try_from(position).ok()?)?;
            Some((name, *node))
        })
    }

    /// The value of the node `id`.
    pub fn value(&self, id: NodeId) -> Result<Value> {
        let node: Node = self.read(id)?;
        let datum = node.datum().ok_or_else(|| Error::Invalid {
            message: format!("node {id} has no value: the call ended in an error"),
        })?;
        Ok(self.read::<_, Datum>(datum)?.value)
    }

    /// The node record `id`.
    pub fn node(&self, id: NodeId) -> Result<Node> {
        self.read(id)
    }

    /// Ends the DAG with `node` as its result and commits it.
    pub fn commit(&mut self, node: NodeId) -> Result<Committed> {
        let position = self.position(node)?;
        self.finish(Outcome::Result(position))
    }

    /// Ends the DAG with an error and commits it.
    pub fn fail(&mut self, error: ErrorInfo) -> Result<Committed> {
        self.finish(Outcome::Error(error))
    }

    fn finish(&mut self, outcome: Outcome) -> Result<Committed> {
        let dag = self.stage(&Dag {
            nodes: self.nodes.clone(),
            names: self.names.clone(),
            argv: None,
            outcome,
            tags: self.tags.clone(),
        })?;
        let changes = BTreeMap::from([(self.name.clone(), Some(dag))]);
        let commit = self.repository.store().write(|txn| {
            for (id, bytes) in &self.staged {
                txn.put_object(*id, bytes)?;
            }
            let parent = txn.head()?;
            let before = match parent {
                Some(parent) => txn.load::<_, Commit>(parent)?.tree,
                None => txn.save(&Tree::empty())?,
            };
            let tree = tree::update(txn, before, &changes)?;
            let commit = txn.save(&Commit {
                tree,
                parents: parent.into_iter().collect(),
                author: author(),
                message: self.message.clone(),
                time: Time::now(),
            })?;
            refs::advance(txn, commit)?;
            Ok(commit)
        })?;
        self.staged.clear();
        Ok(Committed { dag, commit })
    }

    fn position(&self, node: NodeId) -> Result<u32> {
        self.positions
            .get(&node)
            .copied()
            .ok_or_else(|| Error::Invalid {
                message: format!("node {node} is not in this DAG; import it first"),
            })
    }

    fn add(&mut self, node: &Node) -> Result<NodeId> {
        let id = self.stage(node)?;
        if !self.positions.contains_key(&id) {
            let position = u32::try_from(self.nodes.len()).map_err(|_| Error::Invalid {
                message: "a DAG has at most 4,294,967,295 nodes".to_owned(),
            })?;
            self.nodes.push(id);
            self.positions.insert(id, position);
        }
        Ok(id)
    }

    fn stage<R: Record>(&mut self, record: &R) -> Result<R::Id> {
        let bytes = record.encode()?;
        let id = ObjectId::of(&bytes);
        self.staged.entry(id).or_insert(bytes);
        Ok(R::Id::from_object(id))
    }

    fn read<I: TypedId, R: Record<Id = I>>(&self, id: I) -> Result<R> {
        match self.staged.get(&id.object()) {
            Some(bytes) => Ok(R::decode(bytes)?),
            None => self.repository.snapshot()?.load(id),
        }
    }
}

fn author() -> String {
    ["DML_AUTHOR", "USER", "USERNAME"]
        .into_iter()
        .find_map(|variable| std::env::var(variable).ok())
        .unwrap_or_else(|| "unknown".to_owned())
}
