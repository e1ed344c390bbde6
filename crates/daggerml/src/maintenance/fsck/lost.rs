//! What is lost with what is damaged.

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::id::{CommitId, ObjectId, TypedId};
use crate::name::Name;
use crate::record::{AnyRecord, Commit, Kind, Record, Reference, Tree};
use crate::repo::refs::Target;
use crate::store::{Snapshot, Table};

use super::super::ids::Ids;
use super::objects::sound;
use super::{Lost, Report, Subject};

/// The most referrers, and the most lost things, that a finding lists.
const MOST: usize = 20;
/// The most findings for which the losses are worked out.
const FINDINGS: usize = 1000;

/// Calls `visit` with every ref that is set to a commit.
pub(super) fn heads(snapshot: &Snapshot, visit: &mut dyn FnMut(&str, CommitId)) {
    let Ok(entries) = snapshot.scan(Table::Refs, &[]) else {
        return;
    };
    for (key, value) in entries.flatten() {
        let name = String::from_utf8_lossy(key);
        if let Ok(Target::Commit(id)) = Target::parse(&name, value) {
            visit(&name, id);
        }
    }
}

/// Adds to each finding what refers to it, and which names are lost.
pub(super) fn name(snapshot: &Snapshot, ids: &Ids, report: &mut Report) -> Result<()> {
    let referrers = Referrers::read(snapshot, ids);
    let names = names(snapshot, ids)?;
    for finding in report.findings.iter_mut().take(FINDINGS) {
        let Subject::Object(_, id) = finding.subject else {
            continue;
        };
        finding.referrers = referrers.of(id).take(MOST).collect();
        finding.lost = lost(&referrers, &names, id);
    }
    Ok(())
}

/// All references, by what they refer to.
pub(super) struct Referrers(Vec<(ObjectId, Reference)>);

impl Referrers {
    pub(super) fn read(snapshot: &Snapshot, ids: &Ids) -> Self {
        let mut all = Vec::new();
        for position in 0..ids.len() {
            let Ok((id, bytes)) = ids.object(snapshot, position) else {
                continue;
            };
            let Ok(record) = AnyRecord::decode(bytes) else {
                continue;
            };
            let from = Reference {
                kind: record.kind(),
                id,
            };
            record.references(&mut |to| all.push((to.id, from)));
        }
        crate::sorting::sort_by(&mut all, Ord::cmp);
        all.dedup();
        Self(all)
    }

    pub(super) fn of(&self, id: ObjectId) -> impl Iterator<Item = Reference> {
        let start = self.0.partition_point(|(to, _)| *to < id);
        self.0
            .iter()
            .skip(start)
            .take_while(move |(to, _)| *to == id)
            .map(|(_, from)| *from)
    }
}

/// Returns the names that DAGs have at the refs.
fn names(snapshot: &Snapshot, ids: &Ids) -> Result<HashMap<ObjectId, Vec<(String, Name)>>> {
    let mut refs = Vec::new();
    heads(snapshot, &mut |name, id| refs.push((name.to_owned(), id)));
    let mut names: HashMap<ObjectId, Vec<(String, Name)>> = HashMap::new();
    for (reference, head) in refs {
        let Some(Ok(commit)) = sound(snapshot, ids, head.object())?.map(Commit::decode) else {
            continue;
        };
        let mut waiting = vec![commit.tree];
        while let Some(id) = waiting.pop() {
            match sound(snapshot, ids, id.object())?.map(Tree::decode) {
                Some(Ok(Tree::Leaf(entries))) => {
                    for (name, dag) in entries {
                        let at = names.entry(dag.object()).or_default();
                        at.push((reference.clone(), name));
                    }
                }
                Some(Ok(Tree::Branch { children, .. })) => {
                    waiting.extend(children.iter().flatten());
                }
                _ => {}
            }
        }
    }
    Ok(names)
}

/// Returns what is lost with object `id`: the named DAGs that need it, and the commits whose
/// trees are incomplete without it.
fn lost(
    referrers: &Referrers,
    names: &HashMap<ObjectId, Vec<(String, Name)>>,
    id: ObjectId,
) -> Vec<Lost> {
    let mut seen = HashSet::from([id]);
    let mut waiting = vec![id];
    let mut lost = Vec::new();
    while let Some(id) = waiting.pop() {
        for (reference, name) in names.get(&id).into_iter().flatten() {
            lost.push(Lost::Dag {
                reference: reference.clone(),
                name: name.clone(),
            });
        }
        let named = names.contains_key(&id);
        for from in referrers.of(id) {
            if from.kind == Kind::Commit {
                lost.push(Lost::Commit(CommitId::from_object(from.id)));
                continue; // The commits after it have trees of their own.
            }
            // A DAG is lost by its names, not with the whole tree that lists it.
            if !(named && from.kind == Kind::Tree) && seen.insert(from.id) {
                waiting.push(from.id);
            }
        }
        if lost.len() >= MOST {
            break;
        }
    }
    crate::sorting::sort_by(&mut lost, Ord::cmp);
    lost.dedup();
    lost.truncate(MOST);
    lost
}
