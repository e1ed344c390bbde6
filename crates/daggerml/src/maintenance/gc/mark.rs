//! Marking: everything that the roots reach.

use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::record::{AnyRecord, Exec, Kind, Record, Tombstone, kind_of, references};
use crate::store::absent::is_absent;
use crate::store::{Snapshot, Table};

use super::super::ids::{Ids, Marks, start};
use super::super::{STRIDE, Step, roots};

/// How many references are gathered before they are looked up. Looked up in order, they
/// are found in memory from front to back, which is several times as fast as one by one.
pub(super) const CROWD: usize = 1 << 16;

/// A datum up to this length is hashed as every other object is.
const SHORT: usize = 4096;

/// The first bytes of a datum without blobs: an array of three, its kind, its version.
const DATUM: [u8; 3] = [0x83, 0x01, 0x01];

pub(super) struct Marker {
    pub ids: Ids,
    pub marks: Marks,
    /// Referred to, and not looked up yet; and whether it is a datum.
    wanted: Vec<(u128, bool)>,
    /// Positions that are marked and not looked into yet, the next one last.
    waiting: Vec<usize>,
}

impl Marker {
    pub fn new(ids: Ids) -> Self {
        Self {
            marks: Self::of_damaged(&ids),
            ids,
            wanted: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Returns the marks of what is damaged, which is kept: what it is is not known.
    fn of_damaged(ids: &Ids) -> Marks {
        let mut marks = Marks::new(ids.len());
        for (position, ..) in ids.damaged() {
            marks.insert(position);
        }
        marks
    }

    /// Marks what the roots of `snapshot` reach.
    pub fn mark(&mut self, snapshot: &Snapshot, progress: &mut dyn FnMut(Step)) -> Result<()> {
        let mut missing = None;
        roots::all(snapshot, &mut |table, id| {
            // A ref has nothing but its commit. Other entries hold what is in a log and
            // not in the table of objects, and bytes that only look like an id.
            if table == Table::Refs && self.ids.find(id).is_none() {
                missing = Some(id);
            }
            self.want(id, false);
        })?;
        if let Some(id) = missing {
            return Err(incomplete(snapshot, "a ref", Kind::Commit, id));
        }
        self.look_up();
        let version = snapshot.pages()?;
        let total = self.ids.len() as u64;
        let mut done = 0;
        let mut whole = true;
        loop {
            if self.waiting.is_empty() || self.wanted.len() > CROWD {
                whole &= self.look_up();
            }
            let Some(position) = self.waiting.pop() else {
                break;
            };
            let found = self.ids.unverified(version, position);
            let (id, bytes) = found.map_err(|damage| snapshot.damaged(&damage))?;
            match id {
                Some(id) => self.look_into(id, bytes)?,
                None => self.follow(|| ObjectId::of(bytes), bytes)?,
            }
            done += 1;
            if done % STRIDE == 0 {
                progress(Step {
                    phase: "marking",
                    done,
                    total: Some(total),
                });
            }
        }
        if whole {
            return Ok(());
        }
        self.check_whole(snapshot)
    }

    /// Checks that no marked object refers to one that is missing. What a missing object
    /// refers to is not known, so it would be removed. Records of a draft that is just
    /// being settled may wait for each other, but not for another DAG.
    fn check_whole(&self, snapshot: &Snapshot) -> Result<()> {
        for position in (0..self.ids.len()).filter(|at| self.marks.has(*at)) {
            let kind = self.ids.kind(position);
            if self.ids.is_leaf(position) || matches!(kind, None | Some(Kind::Tombstone)) {
                continue;
            }
            let (id, bytes) = self.ids.object(snapshot, position)?;
            let Ok(record) = AnyRecord::decode(bytes) else {
                continue; // The place of a tombstone.
            };
            let node = record.kind() == Kind::Node;
            let mut missing = Vec::new();
            record.references(&mut |to| {
                if !(node && to.kind != Kind::Dag) && self.ids.find(to.id).is_none() {
                    missing.push(to);
                }
            });
            for to in missing {
                if !is_absent(snapshot, to)? {
                    let from = format!("{} {id}", record.kind());
                    return Err(incomplete(snapshot, &from, to.kind, to.id));
                }
            }
        }
        Ok(())
    }

    /// Notes that `id` is to be marked. A datum need not be looked into, unless it has blobs.
    pub fn want(&mut self, id: ObjectId, datum: bool) {
        self.wanted.push((start(id.as_bytes()), datum));
    }

    /// Returns the next position that was marked and not looked into. What is wanted and not
    /// there is passed over: it may have been written after the ids were read.
    pub fn next(&mut self) -> Option<usize> {
        if self.waiting.is_empty() || self.wanted.len() > CROWD {
            self.look_up();
        }
        self.waiting.pop()
    }

    /// Marks what is wanted. Returns whether all of it is there.
    fn look_up(&mut self) -> bool {
        let (marks, waiting) = (&mut self.marks, &mut self.waiting);
        let ids = &self.ids;
        ids.find_all(&mut self.wanted, &mut |position, datum| {
            // What is damaged is marked already, and looking into it tells so.
            let is_damaged = ids.is_damaged(position);
            let is_leaf = datum && (is_damaged || ids.is_leaf(position));
            if (marks.insert(position) || is_damaged) && !is_leaf {
                waiting.push(position);
            }
        })
    }

    /// Looks for what the object refers to. Its bytes must match its id; otherwise, because of
    /// the damage, what it refers to would be taken for garbage.
    pub fn look_into(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        // Such a datum refers to nothing, and hashing a long one would take long.
        if bytes.len() > SHORT && bytes.starts_with(&DATUM) {
            return Ok(());
        }
        if ObjectId::of(bytes) != id {
            return match Tombstone::decode(bytes) {
                Ok(tombstone) if tombstone.object == id => Ok(()),
                _ => Err(Error::HashMismatch {
                    kind: kind_of(bytes).unwrap_or(Kind::Datum),
                    id,
                }
                .into()),
            };
        }
        self.follow(|| id, bytes)
    }

    /// Notes what the object refers to, whose bytes match its id.
    fn follow(&mut self, id: impl FnOnce() -> ObjectId, bytes: &[u8]) -> Result<()> {
        let kind = kind_of(bytes).unwrap_or(Kind::Datum);
        let read = if kind == Kind::Exec {
            // The key of its call looks like a reference.
            Exec::decode(bytes).map(|exec| {
                exec.references(&mut |to| self.want(to.id, to.kind == Kind::Datum));
            })
        } else {
            references(bytes, &mut |id, datum| self.want(id, datum))
        };
        read.map_err(|fault| {
            let id = id();
            Error::ObjectInvalid { kind, id, fault }.into()
        })
    }
}

/// `from` refers to something that is not there.
fn incomplete(snapshot: &Snapshot, from: &str, kind: Kind, id: ObjectId) -> Box<Error> {
    snapshot.damaged(&format_args!(
        "{from} refers to {kind} {id}, which is not there; `dml fsck` tells what is lost"
    ))
}
