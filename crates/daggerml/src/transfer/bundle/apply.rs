//! Taking a bundle in.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::record::{AnyRecord, Kind, Record, Reference, Tombstone};
use crate::store::{ReadObjects, Snapshot, Store, WriteTxn};

use super::input::{Header, Input};
use super::spool::Spool;
use crate::transfer::object;

/// What a bundle may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one object.
    pub object: u64,
    /// The most objects.
    pub objects: u64,
    /// The most bytes of all objects.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            object: 1 << 30,
            objects: 1 << 32,
            bytes: 1 << 40,
        }
    }
}

/// What was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The bundle's roots.
    pub roots: Vec<Reference>,
    /// How many objects it has.
    pub objects: u64,
    /// How many of them were not there before.
    pub new: u64,
    /// How many bytes they have in all.
    pub bytes: u64,
}

/// Takes the bundle in `input` into `store`.
///
/// All of it is verified first: every object's hash and record, that what it refers
/// to comes before it or is in the store, the roots, the hash over all. Then the
/// objects are written and `then` is run, in one transaction; it can set a ref to
/// a root, before which nothing keeps the objects. When anything fails, nothing is
/// changed.
pub fn apply<T>(
    store: &Store,
    input: &mut dyn Read,
    limits: &Limits,
    mut then: impl FnMut(&mut WriteTxn<'_>, &[Reference]) -> Result<T>,
) -> Result<(Applied, T)> {
    let mut verified = Verified::read(store, input, limits)?;
    store.write(|txn| {
        let applied = verified.put(txn)?;
        let out = then(txn, &applied.roots)?;
        Ok((applied, out))
    })
}

/// A bundle that was verified, and can be written.
pub(crate) struct Verified {
    checked: Checked,
    spool: Spool,
}

impl Verified {
    /// Verifies a bundle whose needs are in `store`. Nothing is written.
    pub fn read(store: &Store, input: &mut dyn Read, limits: &Limits) -> Result<Self> {
        let mut spool = Spool::new(store);
        let checked = check_for(&store.snapshot()?, input, limits, &mut spool)?;
        Ok(Self { checked, spool })
    }

    /// Returns whether the first root ended in an error, if it is a DAG and in the bundle.
    pub fn failed(&self) -> Option<bool> {
        self.checked.failed
    }

    /// Writes the objects, if what they need is still there.
    pub fn put(&mut self, txn: &mut WriteTxn<'_>) -> Result<Applied> {
        let Self { checked, spool } = self;
        for reference in &checked.outside {
            present(txn, *reference)?;
        }
        let mut new = 0;
        spool.each(|bytes| {
            let id = place_of(bytes);
            new += u64::from(!txn.has_object(id)?);
            txn.put_object(id, bytes)
        })?;
        Ok(Applied {
            roots: checked.header.roots.clone(),
            objects: checked.header.objects,
            new,
            bytes: checked.bytes,
        })
    }
}

/// Returns the id that these bytes are stored under: a tombstone's is that of what it replaces.
fn place_of(bytes: &[u8]) -> ObjectId {
    Tombstone::decode(bytes).map_or_else(|_| ObjectId::of(bytes), |tombstone| tombstone.object)
}

pub(super) struct Checked {
    pub header: Header,
    /// What the bundle refers to and does not have.
    outside: HashSet<Reference>,
    bytes: u64,
    /// Whether the first root ended in an error, if it is a DAG and in the bundle.
    failed: Option<bool>,
}

/// Verifies a bundle, whose needs are in a store, and keeps its objects in `spool`.
pub(super) fn check_for(
    snapshot: &Snapshot,
    input: &mut dyn Read,
    limits: &Limits,
    spool: &mut Spool,
) -> Result<Checked> {
    let present = |reference| present(snapshot, reference);
    check(&present, input, limits, &mut |bytes| spool.put(bytes))
}

/// Verifies a full bundle whose objects have at most `most` bytes, shows each object and
/// returns the roots. Nothing is kept.
pub(crate) fn verify(
    input: &mut dyn Read,
    most: u64,
    show: &mut dyn FnMut(&[u8]),
) -> Result<Vec<Reference>> {
    let limits = Limits {
        object: most,
        objects: most,
        bytes: most,
    };
    let absent = |Reference { kind, id }| Err(Error::ObjectNotFound { kind, id }.into());
    let checked = check(&absent, input, &limits, &mut |bytes| {
        show(bytes);
        Ok(())
    })?;
    Ok(checked.header.roots)
}

/// Returns the first root of the bundle that begins with these bytes.
pub(crate) fn first_root(mut bytes: &[u8]) -> Result<Reference> {
    Input::new(&mut bytes).first_root()
}

fn check(
    present: &dyn Fn(Reference) -> Result<()>,
    input: &mut dyn Read,
    limits: &Limits,
    keep: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<Checked> {
    let mut input = Input::new(input);
    let header = input.header()?;
    if header.objects > limits.objects {
        return Err(input.wrong(format!(
            "it has {} objects; {} are allowed",
            header.objects, limits.objects
        )));
    }
    let mut outside = HashSet::new();
    for need in &header.needs {
        present(*need)?;
    }
    let mut inside: HashMap<ObjectId, Kind> = HashMap::new();
    // Objects that nothing later refers to; in the end only the roots.
    let mut tops = HashSet::new();
    let mut total = 0;
    let mut failed = None;
    for _ in 0..header.objects {
        let bytes = input.bytes(limits.object)?;
        total += bytes.len() as u64;
        if total > limits.bytes {
            let detail = format!("it has more than the {} bytes allowed", limits.bytes);
            return Err(input.wrong(detail));
        }
        let record = AnyRecord::decode(&bytes).map_err(|fault| input.wrong(fault.to_string()))?;
        let (id, kind) = match &record {
            AnyRecord::Tombstone(tombstone) => (tombstone.object, tombstone.kind),
            record => (ObjectId::of(&bytes), record.kind()),
        };
        if let AnyRecord::Dag(dag) = &record
            && header.roots.first().is_some_and(|root| root.id == id)
        {
            failed = Some(dag.error().is_some());
        }
        let mut wrong = None;
        record.references(&mut |reference| {
            tops.remove(&reference.id);
            match inside.get(&reference.id) {
                Some(found) if *found == reference.kind => {}
                Some(found) => wrong = Some(format!("{id} refers to the {found} {reference}")),
                None => {
                    outside.insert(reference);
                }
            }
        });
        if let Some(detail) = wrong {
            return Err(input.wrong(detail));
        }
        if inside.insert(id, kind).is_some() {
            return Err(input.wrong(format!("object {id} comes twice")));
        }
        tops.insert(id);
        keep(&bytes)?;
    }
    for root in &header.roots {
        tops.remove(&root.id);
        match inside.get(&root.id) {
            Some(found) if *found == root.kind => {}
            Some(found) => return Err(input.wrong(format!("the root {root} is a {found}"))),
            None => {
                outside.insert(*root);
            }
        }
    }
    if let Some(late) = outside
        .iter()
        .find(|reference| inside.contains_key(&reference.id))
    {
        return Err(input.wrong(format!("{late} comes after what refers to it")));
    }
    if let Some(top) = tops.iter().min() {
        return Err(input.wrong(format!("no root reaches object {top}")));
    }
    input.end()?;
    for reference in &outside {
        present(*reference)?;
    }
    Ok(Checked {
        header,
        outside,
        bytes: total,
        failed,
    })
}

/// Checks that an object is in the store.
fn present(objects: &impl ReadObjects, Reference { kind, id }: Reference) -> Result<()> {
    let bytes = objects
        .raw_object(id)?
        .ok_or(Error::ObjectNotFound { kind, id })?;
    let found = object::kind(bytes)?;
    if found == kind {
        return Ok(());
    }
    Err(Error::Invalid {
        message: format!("the bundle needs a {kind} {id}, which here is a {found}"),
    }
    .into())
}
