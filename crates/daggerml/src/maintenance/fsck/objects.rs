//! Checking objects: bytes, records, references. Several threads share the work.

use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::id::{ObjectId, TypedId};
use crate::record::{
    AnyRecord, BlobList, Dag, Datum, Kind, Node, Part, Record, Reference, Tombstone, bytes_in,
    kind_of,
};
use crate::sorting::sort_by;
use crate::store::lmdb::Version;
use crate::store::{Snapshot, Table};

use super::super::ids::Ids;
use super::super::{Step, Totals};
use super::builtins::Computer;
use super::{Excised, Finding, Options, Report, Subject};

/// What the check of objects found.
#[derive(Default)]
pub(super) struct Found {
    pub objects: Totals,
    pub excised: Vec<Excised>,
    pub findings: Vec<Finding>,
    pub missing: Vec<Missing>,
}

/// A reference to something that is not there.
pub(super) struct Missing {
    /// What refers to it.
    pub from: Reference,
    /// What is not there.
    pub to: Reference,
}

/// The most threads that check: more would not help, since memory is the limit then.
const THREADS: usize = 8;

/// How many objects a thread takes at once.
const SHARE: usize = 512;

pub(super) fn check(
    snapshot: &Snapshot,
    ids: &Ids,
    options: Options,
    progress: &mut dyn FnMut(Step),
) -> Result<Found> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let done = AtomicU64::new(0);
    let total = ids.len() as u64;
    let version = snapshot.pages()?;
    let parts: Vec<Result<Found>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(THREADS))
            .map(|_| {
                scope.spawn(|| {
                    let mut worker = Worker {
                        version,
                        ids,
                        found: Found::default(),
                        dag: None,
                        computer: options.deep.then(|| Computer::new(version, ids)),
                    };
                    loop {
                        let from = next.fetch_add(SHARE, Ordering::Relaxed);
                        if from >= ids.len() {
                            break;
                        }
                        let to = ids.len().min(from + SHARE);
                        let part = ids.stored().get(from..to).unwrap_or_default();
                        let positions = part.iter().map(|position| *position as usize);
                        positions.for_each(|position| worker.position(position));
                        done.fetch_add((to - from) as u64, Ordering::Relaxed);
                    }
                    worker.found
                })
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            progress(Step {
                phase: "checking objects",
                done: done.load(Ordering::Relaxed),
                total: Some(total),
            });
            wait(&workers);
        }
        workers
            .into_iter()
            .map(|worker| {
                worker.join().map_err(|_| {
                    Error::Invalid {
                        message: "a thread that checked objects ended unexpectedly".to_owned(),
                    }
                    .into()
                })
            })
            .collect()
    });
    let mut all = Found::default();
    for part in parts {
        let part = part?;
        part.objects
            .iter()
            .for_each(|(kind, total)| all.objects.add_total(kind, total));
        all.excised.extend(part.excised);
        all.findings.extend(part.findings);
        all.missing.extend(part.missing);
    }
    sort_by(&mut all.excised, |a, b| a.object.cmp(&b.object));
    Ok(all)
}

/// Waits until it is time to tell progress again, or the workers are done.
fn wait(workers: &[std::thread::ScopedJoinHandle<'_, Found>]) {
    for _ in 0..50 {
        if workers
            .iter()
            .all(std::thread::ScopedJoinHandle::is_finished)
        {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

struct Worker<'v> {
    version: &'v Version,
    ids: &'v Ids,
    found: Found,
    /// The DAG last looked into, with its nodes sorted: many imports in a row are often from one DAG.
    dag: Option<(ObjectId, Dag, Vec<ObjectId>)>,
    /// Does builtin operations again, if that is wanted.
    computer: Option<Computer<'v>>,
}

impl Worker<'_> {
    /// Checks the object at `position`. Damaged ones are noted when all that refers to them was seen.
    fn position(&mut self, position: usize) {
        if self.ids.is_damaged(position) {
            return;
        }
        match self.ids.unverified(self.version, position) {
            Ok((Some(id), bytes)) => self.object(id, bytes),
            Ok((None, bytes)) => self.record(ObjectId::of(bytes), bytes),
            Err(damage) => {
                let id = ObjectId::from_bytes([0; 32]);
                self.find(None, id, damage.to_string());
            }
        }
    }

    fn find(&mut self, kind: Option<Kind>, id: ObjectId, detail: impl Into<String>) {
        self.found.findings.push(Finding {
            subject: Subject::Object(kind, id),
            detail: detail.into(),
            referrers: Vec::new(),
            lost: Vec::new(),
        });
    }

    fn object(&mut self, id: ObjectId, bytes: &[u8]) {
        let kind = kind_of(bytes).ok();
        if ObjectId::of(bytes) != id {
            match Tombstone::decode(bytes) {
                Ok(tombstone) if tombstone.object == id => self.found.excised.push(Excised {
                    object: Reference {
                        kind: tombstone.kind,
                        id,
                    },
                    reason: tombstone.reason,
                }),
                _ => self.find(kind, id, "its bytes do not match its id"),
            }
            return;
        }
        self.record(id, bytes);
    }

    /// Checks an object whose bytes match its id.
    fn record(&mut self, id: ObjectId, bytes: &[u8]) {
        let record = match AnyRecord::decode(bytes) {
            Ok(record) => record,
            Err(fault) => return self.find(kind_of(bytes).ok(), id, fault.to_string()),
        };
        let from = Reference {
            kind: record.kind(),
            id,
        };
        let mut wrong = Vec::new();
        let missing = self.found.missing.len();
        record.references(&mut |to| match self.ids.find(to.id) {
            None => self.found.missing.push(Missing { from, to }),
            Some(position) => wrong.extend(self.of_another_kind(position, to)),
        });
        let whole = wrong.is_empty() && self.found.missing.len() == missing;
        if whole {
            wrong.extend(match &record {
                AnyRecord::Node(node) => self.node(node),
                AnyRecord::Blob(list) => list.each().find_map(|part| self.part(part)),
                AnyRecord::Datum(datum) => self.blobs(datum),
                _ => None,
            });
        }
        if whole && wrong.is_empty() {
            self.found.objects.add(record.kind(), bytes.len());
        }
        for detail in wrong {
            self.find(Some(record.kind()), id, detail);
        }
    }

    /// Returns what is wrong with a reference to the object at `position`.
    fn of_another_kind(&self, position: usize, to: Reference) -> Option<String> {
        match self.ids.kind(position) {
            Some(found) if found != to.kind => Some(format!(
                "refers to {} {}, which is a {found}",
                to.kind, to.id
            )),
            _ => None,
        }
    }

    /// Returns what is wrong with the size of a part of a blob.
    fn part(
        &self,
        Part {
            reference, size, ..
        }: Part,
    ) -> Option<String> {
        let found = if reference.kind == Kind::Blob {
            self.load::<BlobList>(reference.id)?.size
        } else {
            let (_, bytes) = self
                .ids
                .object_in(self.version, self.ids.find(reference.id)?)
                .ok()?;
            bytes_in(bytes)?
        };
        (found != size).then(|| format!("its part {} has {found} bytes, not {size}", reference.id))
    }

    /// Returns what is wrong with the sizes of the blobs in a value.
    fn blobs(&self, datum: &Datum) -> Option<String> {
        let mut wrong = None;
        datum.value.blobs(&mut |blob| {
            let size = self
                .load::<BlobList>(blob.id.object())
                .map(|list| list.size);
            if size.is_some_and(|size| size != blob.size) {
                wrong = Some(format!(
                    "{} bytes are announced of blob {}",
                    blob.size, blob.id
                ));
            }
        });
        wrong
    }

    /// Returns what is wrong with the value of a node, by what it was made from.
    fn node(&mut self, node: &Node) -> Option<String> {
        match node {
            Node::Import { dag, node, datum } => {
                let nodes = self.dag(dag.object())?.2.binary_search(&node.object());
                if nodes.is_err() {
                    return Some(format!("imports node {node}, which is not in DAG {dag}"));
                }
                let imported: Node = self.load(node.object())?;
                (imported.datum() != Some(*datum))
                    .then(|| format!("its value is not that of node {node}, which it imports"))
            }
            Node::Call { dag, datum, .. } => {
                let result = self.dag(dag.object())?.1.result();
                let value = match result {
                    Some(result) => self.load::<Node>(result.object())?.datum(),
                    None => None,
                };
                (value != *datum)
                    .then(|| format!("its value is not the result of DAG {dag}, which it called"))
            }
            Node::Builtin { op, args, datum } => {
                let computer = self.computer.as_mut()?;
                computer.check(*op, args, *datum)
            }
            Node::Literal { .. } | Node::Argv { .. } => None,
        }
    }

    /// Returns the DAG, and its nodes in order; none when it cannot be read, which is noted
    /// where it is.
    fn dag(&mut self, id: ObjectId) -> Option<&(ObjectId, Dag, Vec<ObjectId>)> {
        if self.dag.as_ref().is_none_or(|(last, ..)| *last != id) {
            let dag: Dag = self.load(id)?;
            let mut nodes: Vec<ObjectId> = dag.nodes.iter().map(|node| node.object()).collect();
            sort_by(&mut nodes, Ord::cmp);
            self.dag = Some((id, dag, nodes));
        }
        self.dag.as_ref()
    }

    fn load<R: Record>(&self, id: ObjectId) -> Option<R> {
        let (_, bytes) = self.ids.object_in(self.version, self.ids.find(id)?).ok()?;
        R::decode(bytes).ok()
    }
}

/// Notes the objects whose bytes are damaged: by the id that something was found to know them by, or
/// by its first digits. All that may refer to them must have been looked up.
pub(super) fn damaged(snapshot: &Snapshot, ids: &Ids, report: &mut Report) {
    for (position, prefix, name) in ids.damaged() {
        let bytes = ids
            .object(snapshot, position)
            .map_or(&[][..], |(_, bytes)| bytes);
        let subject = match name {
            Some(id) => Subject::Object(kind_of(bytes).ok(), id),
            None => Subject::Entry(Table::Objects, format!("{prefix:012x}")),
        };
        report.find(subject, "its bytes do not match its id");
    }
}

/// Returns the bytes of `id`, if they are sound.
pub(super) fn sound<'s>(
    snapshot: &'s Snapshot,
    ids: &Ids,
    id: ObjectId,
) -> Result<Option<&'s [u8]>> {
    let Some(position) = ids.find(id) else {
        return Ok(None);
    };
    let found = ids.object_in(snapshot.pages()?, position);
    let bytes = found.map_or(&[][..], |(_, bytes)| bytes); // Noted when the ids were read.
    Ok((ObjectId::of(bytes) == id).then_some(bytes))
}
