//! Making a bundle.

use std::collections::HashSet;
use std::io::Write;

use crate::cbor::Writer;
use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::record::{Kind, Record, Reference, Tombstone};
use crate::store::ReadObjects;
use crate::store::absent::is_absent;

use super::{BUNDLE, MAGIC, VERSION};
use crate::transfer::object::{self, read};

/// What was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// How many objects.
    pub objects: u64,
    /// How many bytes the bundle has.
    pub bytes: u64,
}

/// Packs `roots` and everything they reach into a bundle written to `output`.
///
/// What `exclude` reaches is left out: the bundle is partial, and can only be applied
/// where that is. Ids in `exclude` that are not there are ignored.
pub fn create(
    objects: &impl ReadObjects,
    roots: &[Reference],
    exclude: &[ObjectId],
    output: &mut dyn Write,
) -> Result<Created> {
    let excluded = reach(objects, exclude)?;
    create_without(objects, roots, &|id| excluded.contains(&id), output)
}

/// Packs `roots` and what they reach into a bundle written to `output`, less what
/// `without` holds of and what only that reaches.
pub fn create_without(
    objects: &impl ReadObjects,
    roots: &[Reference],
    without: &dyn Fn(ObjectId) -> bool,
    output: &mut dyn Write,
) -> Result<Created> {
    let plan = Plan::make(objects, roots, without)?;
    let mut output = Output {
        to: output,
        hasher: blake3::Hasher::new(),
        bytes: 0,
    };
    output.write(&MAGIC)?;
    let mut writer = Writer::new();
    writer.array(4);
    writer.uint(VERSION);
    write_references(&mut writer, roots);
    write_references(&mut writer, &plan.needs);
    writer.uint(plan.order.len() as u64);
    output.write(&writer.into_bytes())?;
    for reference in &plan.order {
        let bytes = read(objects, *reference)?;
        let mut head = Writer::new();
        head.head(crate::cbor::major::BYTES, bytes.len() as u64);
        output.write(&head.into_bytes())?;
        output.write(bytes)?;
    }
    let hash = *output.hasher.finalize().as_bytes();
    output.write(&hash)?;
    output.to.flush().map_err(failed)?;
    Ok(Created {
        objects: plan.order.len() as u64,
        bytes: output.bytes,
    })
}

fn failed(source: std::io::Error) -> Box<Error> {
    Error::Io {
        action: "write",
        path: BUNDLE.into(),
        source,
    }
    .into()
}

struct Output<'o> {
    to: &'o mut dyn Write,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.to.write_all(bytes).map_err(failed)
    }
}

fn write_references(writer: &mut Writer, references: &[Reference]) {
    writer.array(references.len());
    for reference in references {
        writer.array(2);
        writer.uint(reference.kind.code());
        writer.id(reference.id);
    }
}

/// Returns the references of an object, in the order of its record.
fn references(objects: &impl ReadObjects, reference: Reference) -> Result<Vec<Reference>> {
    let mut found = Vec::new();
    let bytes = read(objects, reference)?;
    object::references(reference, bytes, &mut |reference| found.push(reference))?;
    Ok(found)
}

fn is_absent_here(objects: &impl ReadObjects, reference: Reference) -> Result<bool> {
    Ok(!objects.has_object(reference.id)? && is_absent(objects, reference)?)
}

/// Returns everything that `ids` reach.
fn reach(objects: &impl ReadObjects, ids: &[ObjectId]) -> Result<HashSet<ObjectId>> {
    let mut seen = HashSet::new();
    let mut waiting = Vec::new();
    for &id in ids {
        if let Some(bytes) = objects.raw_object(id)? {
            let kind = crate::record::kind_of(bytes)?;
            let kind = match Tombstone::decode(bytes) {
                Ok(tombstone) if kind == Kind::Tombstone => tombstone.kind,
                _ => kind,
            };
            waiting.push(Reference { kind, id });
        }
    }
    while let Some(reference) = waiting.pop() {
        // What a shallow or filtered clone leaves out is known by its id only.
        if seen.insert(reference.id) && !is_absent_here(objects, reference)? {
            waiting.extend(references(objects, reference)?);
        }
    }
    Ok(seen)
}

/// What goes into a bundle.
#[derive(Default)]
struct Plan {
    /// The objects, each after those that it refers to.
    order: Vec<Reference>,
    /// What was left out, as far as it is referred to from inside.
    needs: Vec<Reference>,
}

impl Plan {
    fn make(
        objects: &impl ReadObjects,
        roots: &[Reference],
        excluded: &dyn Fn(ObjectId) -> bool,
    ) -> Result<Self> {
        let mut plan = Self::default();
        let mut seen = HashSet::new();
        // The way down: an object, and those of its references still to be visited,
        // the next one last.
        let mut way: Vec<(Reference, Vec<Reference>)> = Vec::new();
        for &root in roots {
            plan.enter(objects, root, excluded, &mut seen, &mut way)?;
            while let Some((reference, left)) = way.last_mut() {
                if let Some(next) = left.pop() {
                    plan.enter(objects, next, excluded, &mut seen, &mut way)?;
                } else {
                    plan.order.push(*reference);
                    way.pop();
                }
            }
        }
        crate::sorting::sort_by(&mut plan.needs, Ord::cmp);
        Ok(plan)
    }

    fn enter(
        &mut self,
        objects: &impl ReadObjects,
        reference: Reference,
        excluded: &dyn Fn(ObjectId) -> bool,
        seen: &mut HashSet<ObjectId>,
        way: &mut Vec<(Reference, Vec<Reference>)>,
    ) -> Result<()> {
        if !seen.insert(reference.id) {
            return Ok(());
        }
        if excluded(reference.id) {
            self.needs.push(reference);
            return Ok(());
        }
        let mut below = references(objects, reference)?;
        below.reverse();
        way.push((reference, below));
        Ok(())
    }
}
