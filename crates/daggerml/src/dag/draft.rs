//! Drafts: nodes are staged in memory and flushed in batches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexSet;

use super::encoded::Encoded;
use super::kept::Kept;
use super::recent::Recent;
use super::saved::DraftInfo;
use super::settle::Unsettled;
use super::stage::{Stage, Staged, To, encode};
use super::view::DagView;
use super::{builtin, read};
use crate::error::{Error, Result};
use crate::id::{DagId, DatumId, DraftId, NodeId, ObjectId, TypedId};
use crate::id_set::IdState;
use crate::name::Name;
use crate::record::{Builtin, Datum, Kind, Node, Record, has_blobs};
use crate::repo::Repository;
use crate::store::ReadObjects;
use crate::value::Value;

/// A DAG that is being made.
///
/// It is registered in the store with its first flush; from then on
/// [`Repository::drafts`] lists it and [`Repository::resume`] continues it
/// after a crash. Once it is committed, failed or discarded, every change is
/// [`Error::Closed`]. When another handle resumes it, the next flush or commit
/// of this one is [`Error::Closed`] too, and nothing is mixed up.
pub struct Draft {
    pub(super) repository: Repository,
    pub(super) info: DraftInfo,
    pub(super) nodes: IndexSet<NodeId, IdState>,
    pub(super) names: BTreeMap<Name, u32>,
    pub(super) tags: BTreeSet<Name>,
    pub(super) argv: Option<u32>,
    /// Where the nodes are that are flushed and not in the table of objects yet.
    pub(super) unsettled: Unsettled,
    pub(super) stage: Stage,
    /// In words, how the DAG ended; `None` while it is open.
    pub(super) ended: Option<&'static str>,
    /// The DAG that was last imported from.
    pub(super) source: Option<DagView>,
    pub(super) recent: Recent,
    /// What keeps the parts of blobs, if any were put.
    pub(super) kept: Option<Kept>,
}

impl Draft {
    /// Returns the id that it can be resumed by, once flushed.
    pub fn id(&self) -> DraftId {
        self.info.id
    }

    /// Returns what it is: name, message, when it was begun ...
    pub fn info(&self) -> &DraftInfo {
        &self.info
    }

    /// Returns the name that the DAG will be committed under.
    pub fn name(&self) -> &Name {
        &self.info.name
    }

    /// Returns the repository it belongs to.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Puts `value` as a literal node.
    pub fn put(&mut self, value: Value) -> Result<NodeId> {
        self.check_writable()?;
        let datum = encode(&Datum { value })?;
        let node = Node::Literal {
            datum: TypedId::from_object(datum.0),
        };
        self.add(&node, Some(datum))
    }

    /// Applies `op` to the nodes `args` of this DAG, and puts the result as a node.
    pub fn builtin(&mut self, op: Builtin, args: &[NodeId]) -> Result<NodeId> {
        self.check_writable()?;
        let values = args
            .iter()
            .map(|node| self.argument(*node))
            .collect::<Result<Vec<_>>>()?;
        let value = builtin::apply(op, &values.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
        let datum = Datum { value };
        let encoded = encode(&datum)?;
        let id = TypedId::from_object(encoded.0);
        self.recent
            .insert(id, Arc::new(datum.value), encoded.1.len());
        let node = Node::Builtin {
            op,
            args: args.to_vec(),
            datum: id,
        };
        self.add(&node, Some(encoded))
    }

    /// Imports a node of the finished DAG `dag`: `node`, or the result when that is `None`.
    pub fn import(&mut self, dag: DagId, node: Option<NodeId>) -> Result<NodeId> {
        self.check_writable()?;
        let view = match self.source.take() {
            Some(view) if view.id() == dag => view,
            _ => self.repository.view(dag)?,
        };
        let node = match node {
            Some(node) if view.contains(node) => node,
            Some(node) => {
                return Err(Error::NotFound {
                    what: "node",
                    name: node.to_string(),
                    place: format!("DAG {dag}"),
                }
                .into());
            }
            None => view.result()?,
        };
        let datum = read::datum(&self.objects()?, node)?;
        self.source = Some(view);
        self.stage.refer(dag);
        self.stage.refer(node);
        self.stage.refer(datum);
        self.add(&Node::Import { dag, node, datum }, None)
    }

    /// Records a call that made `dag`: `args` are the runnable's node and the
    /// arguments' nodes.
    pub fn record_call(&mut self, args: &[NodeId], dag: DagId) -> Result<NodeId> {
        self.check_writable()?;
        args.iter()
            .try_for_each(|node| self.position(*node).map(drop))?;
        if args.is_empty() {
            return Err(Error::Invalid {
                message: "a call needs a runnable".to_owned(),
            }
            .into());
        }
        let view = self.repository.view(dag)?;
        let datum = match view.dag().result() {
            Some(result) => Some(read::datum(&self.objects()?, result)?),
            None => None,
        };
        self.stage.refer(dag);
        if let Some(datum) = datum {
            self.stage.refer(datum);
        }
        let node = Node::Call {
            args: args.to_vec(),
            dag,
            datum,
        };
        self.add(&node, None)
    }

    /// Gives `node` a name, taking it from the node that had it.
    pub fn set_name(&mut self, name: &str, node: NodeId) -> Result<()> {
        self.check_writable()?;
        let position = self.position(node)?;
        let name = Name::new(name)?;
        self.stage.changes.names.push((name.clone(), position));
        self.names.insert(name, position);
        self.flush_when_full()
    }

    /// Labels the DAG.
    pub fn add_tag(&mut self, tag: &str) -> Result<()> {
        self.check_writable()?;
        let tag = Name::new(tag)?;
        if self.tags.insert(tag.clone()) {
            self.stage.changes.tags.push(tag);
        }
        Ok(())
    }

    /// Returns the node of that name.
    pub fn named(&self, name: &str) -> Result<NodeId> {
        let name = Name::new(name)?;
        let found = self.names.get(&name).copied();
        found
            .and_then(|position| self.node_at(position))
            .ok_or_else(|| {
                Error::NotFound {
                    what: "node",
                    name: name.to_string(),
                    place: format!("the draft {:?}", self.info.name.as_str()),
                }
                .into()
            })
    }

    /// Returns the names, in order, with their nodes.
    pub fn names(&self) -> impl Iterator<Item = (&Name, NodeId)> {
        self.names
            .iter()
            .filter_map(|(name, &position)| Some((name, self.node_at(position)?)))
    }

    /// Returns the nodes, in the order they were made.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().copied()
    }

    /// Returns whether `node` is in the DAG.
    pub fn contains(&self, node: NodeId) -> bool {
        self.nodes.contains(&node)
    }

    /// Returns the labels.
    pub fn tags(&self) -> &BTreeSet<Name> {
        &self.tags
    }

    /// Returns the node that holds the arguments, in the DAG of a call.
    pub fn argv(&self) -> Option<NodeId> {
        self.argv.and_then(|position| self.node_at(position))
    }

    /// Returns the number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the value of the node `id`.
    pub fn value(&self, id: NodeId) -> Result<Value> {
        read::value(&self.objects_of(id)?, id)
    }

    /// Returns the value of the node `id`, as it is stored.
    pub fn encoded(&self, id: NodeId) -> Result<Encoded<'static>> {
        let objects = self.objects_of(id)?;
        read::encoded(&objects, read::datum(&objects, id)?)
    }

    /// Returns the type of the value of the node `id`, as in [`Value::type_name`].
    pub fn value_type(&self, id: NodeId) -> Result<&'static str> {
        read::value_type(&self.objects_of(id)?, id)
    }

    /// Returns the node record `id`.
    pub fn node(&self, id: NodeId) -> Result<Node> {
        self.objects_of(id)?.load(id)
    }

    /// Returns the data of `nodes`, which must be in this DAG.
    pub(crate) fn data(&self, nodes: &[NodeId]) -> Result<Vec<DatumId>> {
        nodes
            .iter()
            .map(|node| {
                self.position(*node)?;
                read::datum(&self.objects_of(*node)?, *node)
            })
            .collect()
    }

    fn node_at(&self, position: u32) -> Option<NodeId> {
        self.nodes
            .get_index(usize::try_from(position).ok()?)
            .copied()
    }

    pub(crate) fn position(&self, node: NodeId) -> Result<u32> {
        self.nodes
            .get_index_of(&node)
            .and_then(|position| u32::try_from(position).ok())
            .ok_or_else(|| {
                Error::Invalid {
                    message: format!("node {node} is not in this DAG; import it first"),
                }
                .into()
            })
    }

    /// Returns the value of the node `id` as an argument of a builtin.
    fn argument(&mut self, id: NodeId) -> Result<Arc<Value>> {
        self.position(id)?;
        let objects = self.objects_of(id)?;
        let datum = read::datum(&objects, id)?;
        if let Some(value) = self.recent.get(datum) {
            return Ok(value);
        }
        let bytes = objects.object(datum.object(), DatumId::KIND)?.len();
        let value = Arc::new(objects.load::<_, Datum>(datum)?.value);
        drop(objects);
        self.recent.insert(datum, Arc::clone(&value), bytes);
        Ok(value)
    }

    /// Adds a node, and the datum that is its value unless that is stored already.
    pub(super) fn add(&mut self, node: &Node, datum: Option<Staged>) -> Result<NodeId> {
        let value = node.datum().map(TypedId::object);
        let node = encode(node)?;
        let id = NodeId::from_object(node.0);
        if let Some((id, bytes)) = &datum
            && has_blobs(bytes)
        {
            self.refer_to_blobs(*id, bytes)?;
        }
        if self.nodes.contains(&id) {
            return Ok(id);
        }
        if u32::try_from(self.nodes.len()).is_err() {
            return Err(Error::Invalid {
                message: "a DAG has at most 4,294,967,296 nodes".to_owned(),
            }
            .into());
        }
        self.stage.add(node, value, datum);
        self.nodes.insert(id);
        self.flush_when_full()?;
        Ok(id)
    }

    /// Notes that a node refers to the blobs in its value, which must be here.
    fn refer_to_blobs(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        let kind = Kind::Datum;
        let datum =
            Datum::decode(bytes).map_err(|fault| Error::ObjectInvalid { kind, id, fault })?;
        let objects = self.objects()?;
        let mut blobs = Vec::new();
        datum.references(&mut |blob| blobs.push(blob));
        for blob in &blobs {
            objects.object(blob.id, blob.kind)?;
        }
        drop(objects);
        blobs.into_iter().for_each(|blob| self.stage.refer(blob));
        Ok(())
    }

    fn flush_when_full(&mut self) -> Result<()> {
        // The DAG of a call is never flushed: it must leave nothing behind when its process ends.
        if self.stage.is_full() && !self.info.call {
            self.write_index(To::Log)?;
        }
        Ok(())
    }

    /// Checks that the DAG has not ended.
    pub(super) fn check_open(&self) -> Result<()> {
        match self.ended {
            None => Ok(()),
            Some(how) => Err(Error::Closed {
                message: format!(
                    "the DAG {:?} was {how}; begin a new one to go on",
                    self.info.name.as_str()
                ),
            }
            .into()),
        }
    }

    /// Checks that the DAG may be changed.
    pub(super) fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        if self.info.frozen {
            return Err(Error::Invalid {
                message: format!(
                    "the DAG {:?} is frozen; unfreeze it to change it",
                    self.info.name.as_str()
                ),
            }
            .into());
        }
        Ok(())
    }
}
