//! Marking: everything that the roots reach.

use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::record::{Kind, Record, Tombstone, kind_of, references};
use crate::store::Snapshot;

use super::super::ids::{Ids, Marks};
use super::super::{STRIDE, Step, roots};

/// A datum up to this length is hashed as every other object is.
const SHORT: usize = 4096;

/// The first bytes of every datum: an array of three, its kind, its version.
const DATUM: [u8; 3] = [0x83, 0x01, 0x01];

pub(super) struct Marker {
    pub ids: Ids,
    pub marks: Marks,
    /// Marked, and not looked into yet.
    waiting: Vec<ObjectId>,
}

impl Marker {
    pub fn new(ids: Ids) -> Self {
        Self {
            marks: Marks::new(ids.len()),
            ids,
            waiting: Vec::new(),
        }
    }

    /// Marks what the roots of `snapshot` reach.
    pub fn mark(&mut self, snapshot: &Snapshot, progress: &mut dyn FnMut(Step)) -> Result<()> {
        roots::all(snapshot, &mut |id| self.visit(id))?;
        let total = self.ids.len() as u64;
        let mut done = 0;
        while let Some(id) = self.waiting.pop() {
            if let Some(position) = self.ids.find(id) {
                let (id, bytes) = self.ids.object(snapshot, position)?;
                self.look_into(id, bytes)?;
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
        Ok(())
    }

    /// Marks `id`, if it is one of the ids and not marked yet.
    pub fn visit(&mut self, id: ObjectId) {
        if let Some(position) = self.ids.find(id)
            && self.marks.insert(position)
        {
            self.waiting.push(id);
        }
    }

    /// The next object that was marked and not looked into.
    pub fn next(&mut self) -> Option<ObjectId> {
        self.waiting.pop()
    }

    /// Marks what the object refers to. Its bytes must be those of its id: damage
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
        references(bytes, &mut |id| self.visit(id)).map_err(|fault| Error::ObjectInvalid {
            kind: kind_of(bytes).unwrap_or(Kind::Datum),
            id,
            fault,
        })
    }
}
