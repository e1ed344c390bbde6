//! Which objects the other side lacks, with references before referrers.
//!
//! What the other side has is told by the commits of its refs: all that they reach. Commits
//! are compared one by one, trees and DAGs by their ids. A DAG that is new under a name is
//! compared with the one that had the name before, so the nodes that both have are not sent.
//! Objects may be sent that are there already, which does no harm; none is left out.
//!
//! Memory does not grow with the number of objects, but with that of the nodes of one DAG:
//! which nodes and data were visited is remembered for the last ones only.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use crate::error::{RemoteError, Result};
use crate::id::{CommitId, DagId, NodeId, ObjectId, TypedId};
use crate::id_set::IdSet;
use crate::record::{AnyRecord, Commit, Dag, Kind, Reference, Tree};
use crate::repo::ancestry::{exclusive, parents};
use crate::repo::commit::tree_of;
use crate::repo::tree;
use crate::store::{ReadObjects, Snapshot};

use super::pack::first_bytes;
use crate::transfer::object::{decode, read};

/// How many nodes and data are remembered at least.
const REMEMBERED: usize = 1 << 17;

/// Calls `emit` for every object that `wanted` reach and `had` do not, with references
/// before referrers. In a shallow clone it is an error when `remote` may lack what is absent.
pub(super) fn missing(
    snapshot: &Snapshot,
    target: &Target<'_>,
    wanted: &[CommitId],
    had: &[CommitId],
    emit: &mut dyn FnMut(ObjectId, &[u8]) -> Result<()>,
) -> Result<()> {
    let commits = exclusive(snapshot, wanted, had)?;
    let new: HashSet<CommitId> = commits.iter().copied().collect();
    let mut plan = Plan {
        target,
        snapshot,
        emit,
        done: IdSet::default(),
        recent: Recent::default(),
        bases: HashMap::new(),
    };
    // All commits before the new ones are there.
    for commit in &commits {
        let before = parents(snapshot, snapshot.load(*commit)?)?;
        if let Some(absent) = before.absent
            && !is_parent_of(snapshot, absent, had)?
        {
            return Err(RemoteError::Shallow {
                remote: target.address.to_owned(),
                commit: absent,
            }
            .into());
        }
        for parent in before.here {
            if !new.contains(&parent) && plan.done.insert(parent.into()) {
                plan.skip_tree(snapshot.load::<_, Commit>(parent)?.tree.into())?;
            }
        }
    }
    for commit in commits.into_iter().rev() {
        let record: Commit = snapshot.load(commit)?;
        let first = record.parents.first().copied();
        let here = parents(snapshot, record.clone())?.here;
        let before = tree_of(snapshot, first.filter(|first| here.contains(first)))?;
        for (old, new) in tree::diff(snapshot, before, Some(record.tree))?.into_values() {
            if let (Some(old), Some(new)) = (old, new)
                && !plan.done.contains(&new.object())
            {
                plan.bases.insert(new, old);
            }
        }
        plan.visit(commit.into())?;
        plan.bases.clear();
    }
    Ok(())
}

/// Returns whether a commit that is not here is a parent in the history of `had`.
fn is_parent_of(snapshot: &Snapshot, absent: CommitId, had: &[CommitId]) -> Result<bool> {
    for commit in exclusive(snapshot, had, &[])? {
        if snapshot
            .load::<_, Commit>(commit)?
            .parents
            .contains(&absent)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where it is sent to.
pub(super) struct Target<'t> {
    pub name: &'t str,
    pub address: &'t str,
    /// Packs that are there for certain.
    pub packs: &'t HashSet<ObjectId>,
}

struct Plan<'p> {
    target: &'p Target<'p>,
    snapshot: &'p Snapshot,
    emit: &'p mut dyn FnMut(ObjectId, &[u8]) -> Result<()>,
    /// What was sent, or is there, of all kinds but nodes and data.
    done: IdSet<ObjectId>,
    recent: Recent,
    /// For a DAG that is new under a name, the one that had the name before, which is there.
    bases: HashMap<DagId, DagId>,
}

/// An object that is sent after what it refers to.
struct Frame<'p> {
    id: ObjectId,
    bytes: &'p [u8],
    /// What it refers to, unless it is a DAG.
    below: Vec<Reference>,
    next: usize,
    /// The nodes of a DAG, and those of the one that had its name before.
    nodes: Option<(Nodes, Nodes)>,
}

impl Frame<'_> {
    /// Returns the reference number `at`.
    fn below(&self, at: usize) -> Option<Reference> {
        match &self.nodes {
            Some((own, _)) => own.ids.get(at).map(|node| (*node).into()),
            None => self.below.get(at).copied(),
        }
    }
}

impl<'p> Plan<'p> {
    /// Notes that a tree and all in it are there.
    fn skip_tree(&mut self, root: ObjectId) -> Result<()> {
        let mut waiting = vec![root];
        while let Some(id) = waiting.pop() {
            if !self.done.insert(id) {
                continue;
            }
            match self.snapshot.load(TypedId::from_object(id))? {
                Tree::Leaf(entries) => {
                    self.done
                        .extend(entries.iter().map(|(_, dag)| dag.object()));
                }
                Tree::Branch { children, .. } => {
                    waiting.extend(children.iter().flatten().map(|child| child.object()));
                }
            }
        }
        Ok(())
    }

    /// Sends what `root` reaches, and then itself.
    fn visit(&mut self, root: Reference) -> Result<()> {
        let mut way = Vec::new();
        self.enter(root, &mut way)?;
        while let Some(frame) = way.last_mut() {
            let Some(next) = frame.below(frame.next) else {
                let (id, bytes) = (frame.id, frame.bytes);
                way.pop();
                (self.emit)(id, bytes)?;
                continue;
            };
            frame.next += 1;
            // The nodes of a DAG are visited one by one, each after those that it was made
            // of. So those were sent, though that may be long ago.
            let of_dag = frame.nodes.is_some();
            let dag = way.iter().rev().find_map(|frame| {
                let (own, base) = frame.nodes.as_ref()?;
                Some((own, base, frame.next))
            });
            let skipped = next.kind == Kind::Node
                && dag.is_some_and(|(own, base, reached)| {
                    let is_before = || {
                        own.position(next.id)
                            .is_some_and(|at| at as usize + 1 < reached)
                    };
                    base.position(next.id).is_some() || (!of_dag && is_before())
                });
            if !skipped {
                self.enter(next, &mut way)?;
            }
        }
        Ok(())
    }

    /// Returns whether a value that a filter left at a remote is at this one.
    fn is_there(&self, id: ObjectId) -> Result<bool> {
        if self.snapshot.has_object(id)? {
            return Ok(false);
        }
        let absent = self.snapshot.absent(id)?;
        Ok(absent.is_some_and(|absent| {
            absent.remote == self.target.name && self.target.packs.contains(&absent.pack)
        }))
    }

    fn enter(&mut self, reference: Reference, way: &mut Vec<Frame<'p>>) -> Result<()> {
        let Reference { kind, id } = reference;
        match kind {
            Kind::Datum => {
                if self.recent.insert(id) && !self.is_there(id)? {
                    (self.emit)(id, read(self.snapshot, reference)?)?;
                }
                return Ok(());
            }
            Kind::Node => {
                if !self.recent.insert(id) {
                    return Ok(());
                }
            }
            _ => {
                if !self.done.insert(id) {
                    return Ok(());
                }
            }
        }
        let bytes = read(self.snapshot, reference)?;
        let record = decode(reference, bytes)?;
        let mut below = Vec::new();
        let nodes = match record {
            AnyRecord::Dag(dag) => {
                let own = Nodes::new(dag.nodes);
                let base = match self.bases.get(&DagId::from_object(id)) {
                    Some(base) => Nodes::new(self.snapshot.load::<_, Dag>(*base)?.nodes),
                    None => Nodes::default(),
                };
                Some((own, base))
            }
            record => {
                record.references(&mut |reference| below.push(reference));
                None
            }
        };
        way.push(Frame {
            id,
            bytes,
            below,
            next: 0,
            nodes,
        });
        Ok(())
    }
}

/// The nodes of a DAG, to be found by their ids.
#[derive(Default)]
struct Nodes {
    ids: Vec<NodeId>,
    /// The first bytes of each id with its position, in order; made when it is first needed.
    order: OnceCell<Vec<(u64, u32)>>,
}

impl Nodes {
    fn new(ids: Vec<NodeId>) -> Self {
        Self {
            ids,
            order: OnceCell::new(),
        }
    }

    fn position(&self, id: ObjectId) -> Option<u32> {
        if self.ids.is_empty() {
            return None;
        }
        let order = self.order.get_or_init(|| {
            let firsts = self.ids.iter().map(|node| first_bytes(node.object()));
            let mut order: Vec<(u64, u32)> = firsts.zip(0..).collect();
            order.sort_unstable();
            order
        });
        let first = first_bytes(id);
        let from = order.partition_point(|(other, _)| *other < first);
        let mut same = order
            .iter()
            .skip(from)
            .take_while(|(other, _)| *other == first);
        let is_it = |at: &u32| {
            self.ids
                .get(*at as usize)
                .is_some_and(|node| node.object() == id)
        };
        same.find_map(|(_, at)| is_it(at).then_some(*at))
    }
}

/// Ids that were met lately.
#[derive(Default)]
struct Recent {
    new: IdSet<ObjectId>,
    old: IdSet<ObjectId>,
}

impl Recent {
    /// Adds an id. Returns whether it was not there.
    fn insert(&mut self, id: ObjectId) -> bool {
        if self.old.contains(&id) || !self.new.insert(id) {
            return false;
        }
        if self.new.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.new);
        }
        true
    }
}
