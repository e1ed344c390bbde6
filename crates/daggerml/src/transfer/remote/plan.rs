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

use crate::error::{Error, RemoteError, Result};
use crate::id::{CommitId, DagId, ObjectId, TypedId};
use crate::id_set::IdSet;
use crate::large;
use crate::record::{Commit, Dag, Kind, NodeIds, Reference, Tree, has_blobs, kind_of};
use crate::repo::ancestry::{exclusive, parents};
use crate::repo::commit::tree_of;
use crate::repo::tree;
use crate::store::{ReadObjects, Snapshot};

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
    let mut plan = Plan::new(snapshot, target, emit);
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

/// Calls `emit` for every object that `roots` reach, with references before referrers. Nothing
/// of them is at the remote at `address`.
pub(super) fn reached(
    snapshot: &Snapshot,
    address: &str,
    roots: &[Reference],
    emit: &mut dyn FnMut(ObjectId, &[u8]) -> Result<()>,
) -> Result<()> {
    let target = Target {
        name: "",
        address,
        packs: &HashSet::new(),
    };
    let mut plan = Plan::new(snapshot, &target, emit);
    roots.iter().try_for_each(|root| plan.visit(*root))
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
    nodes: Option<(Nodes<'p>, Nodes<'p>)>,
}

impl Frame<'_> {
    /// Returns the reference number `at`.
    fn below(&self, at: usize) -> Option<Reference> {
        match &self.nodes {
            Some((own, _)) => own.ids.get(at).map(Reference::from),
            None => self.below.get(at).copied(),
        }
    }
}

impl<'p> Plan<'p> {
    fn new(
        snapshot: &'p Snapshot,
        target: &'p Target<'p>,
        emit: &'p mut dyn FnMut(ObjectId, &[u8]) -> Result<()>,
    ) -> Self {
        Self {
            target,
            snapshot,
            emit,
            done: IdSet::default(),
            recent: Recent::default(),
            bases: HashMap::new(),
        }
    }

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
        // Nothing is looked up where no filter was ever used.
        let absent = self.snapshot.absent(id)?;
        let is_there = absent.is_some_and(|absent| {
            absent.remote == self.target.name && self.target.packs.contains(&absent.pack)
        });
        Ok(is_there && !self.snapshot.has_object(id)?)
    }

    fn enter(&mut self, reference: Reference, way: &mut Vec<Frame<'p>>) -> Result<()> {
        let Reference { kind, id } = reference;
        match kind {
            Kind::Datum => {
                if !self.recent.insert(id) || self.is_there(id)? {
                    return Ok(());
                }
                let bytes = read(self.snapshot, reference)?;
                if !has_blobs(bytes) {
                    (self.emit)(id, bytes)?;
                    if bytes.len() >= large::LARGE {
                        self.snapshot.let_go(bytes);
                    }
                    return Ok(());
                }
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
        let mut below = Vec::new();
        let is_dag = kind == Kind::Dag && kind_of(bytes).is_ok_and(|found| found == kind);
        let nodes = if is_dag {
            let base = match self.bases.get(&DagId::from_object(id)) {
                Some(base) => {
                    let base = Reference::from(*base);
                    Nodes::new(base, self.snapshot.object(base.id, base.kind)?)?
                }
                None => Nodes::default(),
            };
            Some((Nodes::new(reference, bytes)?, base))
        } else {
            decode(reference, bytes)?.references(&mut |reference| below.push(reference));
            None
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
struct Nodes<'p> {
    ids: NodeIds<'p>,
    /// The first bytes of each id with its position, in order; made when it is first needed.
    order: OnceCell<Vec<(u64, u32)>>,
}

impl<'p> Nodes<'p> {
    fn new(Reference { kind, id }: Reference, bytes: &'p [u8]) -> Result<Self> {
        let ids = Dag::check(bytes).map_err(|fault| Error::ObjectInvalid { kind, id, fault })?;
        Ok(Self {
            ids,
            order: OnceCell::new(),
        })
    }

    fn position(&self, id: ObjectId) -> Option<u32> {
        if self.ids.len() == 0 {
            return None;
        }
        let order = self.order.get_or_init(|| self.ids.sorted());
        let first = id.first_bytes();
        let from = order.partition_point(|(other, _)| *other < first);
        let mut same = order
            .iter()
            .skip(from)
            .take_while(|(other, _)| *other == first);
        let is_it = |at: &u32| {
            let node = self.ids.get(*at as usize);
            node.is_some_and(|node| node.object() == id)
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
