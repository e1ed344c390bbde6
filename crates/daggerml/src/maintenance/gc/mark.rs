//! Marking: everything that the roots reach.

use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::record::{Kind, Record, Tombstone, kind_of, references};
use crate::store::Snapshot;

use super::super::ids::{Ids, Marks, start};
use super::super::{STRIDE, Step, roots};

/// How many references are gathered before they are looked up: in order, memory is
/// read from front to back, several times as quick as one by one.
pub(super) const CROWD: usize = 1 << 16;

/// A datum up to this length is hashed as every other object is.
const SHORT: usize = 4096;

/// The first bytes of every datum: an array of three, its kind, its version.
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
            marks: Marks::new(ids.len()),
            ids,
            wanted: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Marks what the roots of `snapshot` reach.
    pub fn mark(&mut self, snapshot: &Snapshot, progress: &mut dyn FnMut(Step)) -> Result<()> {
        roots::all(snapshot, &mut |id| self.want(id, false))?;
        let total = self.ids.len() as u64;
        let mut done = 0;
        while let Some(position) = self.next() {
            let (id, bytes) = self.ids.object(snapshot, position)?;
            self.look_into(id, bytes)?;
            done += 1;
            if done % STRIDE == 0 {
                progress(Step {
                    phase: "marking",
                    done,
                    total: Some(total),
                });
            }
        }
        Ok(())
    }

    /// Notes that `id` is to be marked. A datum need not be looked into.
    pub fn want(&mut self, id: ObjectId, datum: bool) {
        self.wanted.push((start(id.as_bytes()), datum));
    }

    /// The next position that was marked and not looked into.
    pub fn next(&mut self) -> Option<usize> {
        if self.waiting.is_empty() || self.wanted.len() > CROWD {
            let (marks, waiting) = (&mut self.marks, &mut self.waiting);
            self.ids.find_all(&mut self.wanted, &mut |position, datum| {
                if marks.insert(position) && !datum {
                    waiting.push(position);
                }
            });
        }
        self.waiting.pop()
    }

    /// Looks for what the object refers to. Its bytes must be those of its id: damage
    /// would make garbage of what it refers to.
    pub fn look_into(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        // A long datum refers to nothing, and hashing it would take long.
        if bytes.len() > SHORT && bytes.starts_with(&DATUM) {
            return Ok(());
        }
        if ObjectId::of(bytes) != id {
            return match Tombstone::decode(bytes) {
                Ok(tombstone) if tombstone.object == id => Ok(()),
                _ => Err(Error::HashMismatch {
                    kind: kind_of(bytes).unwrap_or(Kind::Datum),
                    id,
                }),
            };
        }
        references(bytes, &mut |id, datum| self.want(id, datum)).map_err(|fault| {
            Error::ObjectInvalid {
                kind: kind_of(bytes).unwrap_or(Kind::Datum),
                id,
                fault,
            }
        })
    }
}
