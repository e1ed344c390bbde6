//! One round of a fetch: some packs, verified and then written.
//!
//! Of each object the bytes are read as a record and the references compared with what
//! comes before and what the store has. Only then the round is written in the order of its packs, in
//! which references come before referrers. So an object that is in the store is always whole.
//!
//! In memory there are only 16 bytes for each object of a round: its bytes are in a file, and its id is
//! computed again when it is needed.

use crate::cbor::{Reader, Writer};
use crate::error::{Error, RemoteError, Result};
use crate::id::{ID_LEN, ObjectId};
use crate::record::{Kind, Outline, Reference, references_of_checked};
use crate::store::absent::is_absent;
use crate::store::{ReadObjects, Snapshot, Store, Table};

use super::blob::{Blob, IN_MEMORY};
use super::collect::place_of;
use super::pack::{INDEXED, PackInfo, each_object};
use super::receive::{WRITE_LOCK, failed, lock_file, note_key};
use super::{Listener, check};
use crate::large;
use crate::transfer::object;

/// The bytes of packs from which a round is written.
const BYTES: u64 = 64 << 20;

/// How many of these bytes may be in memory.
const BYTES_IN_MEMORY: usize = 8 * IN_MEMORY;

/// The most objects of a round, unless one pack alone has more.
const OBJECTS: u64 = 1 << 19;

/// The most packs of a round.
const PACKS: usize = 1 << 10;

/// The most objects that one transaction puts.
const BATCH: usize = 1 << 15;

/// The most bytes that one transaction puts, unless one object alone has more: LMDB holds them in memory.
const BATCH_BYTES: u64 = 8 << 20;

/// How many references that lead out of the round are looked up at once.
const LOOKED_UP: usize = 1 << 14;

/// The most ids in one note.
const NOTED: usize = 1 << 15;

/// The version of a note.
const NOTE: u64 = 1;

/// How many bits of an id tell where to look.
const BITS: u32 = 16;

/// Another object of the round refers to it.
const REFERRED: u8 = 2;
/// It refers to others than the object before it, which are still to be found.
const UNRESOLVED: u8 = 4;
/// It is a tombstone, whose id is that of what it replaces.
const TOMBSTONE: u8 = 8;

/// An object of a round.
#[derive(Clone, Copy)]
struct Incoming {
    /// The first bytes of its id.
    first: u64,
    /// Which pack of the round, and where in it.
    pack: u16,
    at: u32,
    kind: Kind,
    marks: u8,
}

impl Incoming {
    /// Objects are in this order in the packs.
    fn place(&self) -> (u16, u32) {
        (self.pack, self.at)
    }

    fn is(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }
}

/// Packs that were taken in and not written yet.
#[derive(Default)]
pub(super) struct Round {
    packs: Vec<(PackInfo, Blob)>,
    bytes: u64,
    in_memory: usize,
    objects: Vec<Incoming>,
}

impl Round {
    pub fn is_empty(&self) -> bool {
        self.packs.is_empty()
    }

    /// Returns the ids of its packs.
    pub fn packs(&self) -> impl Iterator<Item = ObjectId> {
        self.packs.iter().map(|(info, _)| info.id)
    }

    /// Returns whether a pack may still be added.
    pub fn has_room(&self, info: &PackInfo) -> bool {
        self.is_empty()
            || self.bytes + info.bytes <= BYTES
                && self.in_memory < BYTES_IN_MEMORY
                && self.objects.len() as u64 + info.objects <= OBJECTS
                && self.packs.len() < PACKS
    }

    /// Adds a pack whose bytes match its name.
    pub fn add(&mut self, info: PackInfo, bytes: Blob) -> Result<()> {
        let pack = u16::try_from(self.packs.len()).unwrap_or(u16::MAX);
        let objects = &mut self.objects;
        let mut before: Option<Reference> = None;
        // Not more than can be true.
        let count = usize::try_from(info.objects).unwrap_or(usize::MAX);
        objects.reserve_exact(count.min(bytes.len() / INDEXED));
        each_object(&bytes, info.index, info.objects, &mut |at, bytes| {
            // Most objects refer to nothing but the one before.
            let (mut marks, mut to_before) = (0, false);
            let outline = Outline::read(bytes, &mut |reference| {
                if before == Some(reference) {
                    to_before = true;
                } else {
                    marks |= UNRESOLVED;
                }
            })?;
            if to_before && let Some(last) = objects.last_mut() {
                last.marks |= REFERRED;
            }
            let id = outline.replaces.unwrap_or_else(|| ObjectId::of(bytes));
            if outline.replaces.is_some() {
                marks |= TOMBSTONE;
            }
            let kind = outline.kind;
            objects.push(Incoming {
                first: id.first_bytes(),
                pack,
                at,
                kind,
                marks,
            });
            before = Some(Reference { kind, id });
            Ok(())
        })?;
        self.bytes += info.bytes;
        self.in_memory += bytes.in_memory();
        self.packs.push((info, bytes));
        Ok(())
    }

    /// Checks what the objects refer to, and writes them.
    pub fn write(mut self, store: &Store, remote: &str, listener: &dyn Listener) -> Result<()> {
        // What comes twice is found where it comes first.
        self.sort(false);
        let lock = lock_file(store, WRITE_LOCK)?;
        lock.lock().map_err(failed(store, WRITE_LOCK))?;
        let snapshot = store.snapshot()?;
        self.check(&mut Outside::new(&snapshot, remote))?;
        drop(snapshot);
        // Whatever is in the store is whole, also when this process is killed.
        self.sort(true);
        self.put(store, listener)?;
        self.note(store)
    }

    /// Puts the objects in the order of their ids, or that of their places.
    fn sort(&mut self, by_place: bool) {
        self.objects.sort_unstable_by_key(|object| {
            let first = if by_place { 0 } else { object.first };
            (first, object.place())
        });
    }

    fn bytes(&self, object: &Incoming) -> &[u8] {
        let pack = self.packs.get(usize::from(object.pack));
        let from = pack.and_then(|(_, bytes)| bytes.get(object.at as usize..));
        from.and_then(|from| Reader::new(from).bytes().ok())
            .unwrap_or_default()
    }

    fn id(&self, object: &Incoming) -> ObjectId {
        let bytes = self.bytes(object);
        if object.is(TOMBSTONE) {
            return place_of(bytes);
        }
        ObjectId::of(bytes)
    }

    /// Checks what the objects refer to, which are in order of their ids.
    fn check(&mut self, outside: &mut Outside<'_>) -> Result<()> {
        let starts = starts(&self.objects);
        for number in 0..self.objects.len() {
            let Some(object) = self.objects.get(number).copied() else {
                break;
            };
            if !object.is(UNRESOLVED) {
                continue;
            }
            let mut wrong = None;
            let mut referred = Vec::new();
            references_of_checked(self.bytes(&object), &mut |reference| {
                let Some((at, found)) = self.find(&starts, reference.id) else {
                    outside.add(reference);
                    return;
                };
                if !found.is(REFERRED) {
                    referred.push(at);
                }
                if found.kind != reference.kind {
                    wrong = Some(reference);
                }
                // What comes later too must be here from before.
                if found.place() >= object.place() {
                    outside.add(reference);
                }
            })?;
            if let Some(reference) = wrong {
                let info = self.packs.get(usize::from(object.pack));
                let key = info.map(|(info, _)| info.key()).transpose()?;
                return Err(RemoteError::Damaged {
                    remote: outside.remote.to_owned(),
                    key: key.map(|key| key.to_string()).unwrap_or_default(),
                    detail: format!(
                        "the {} {} refers to {reference}, which is of another kind",
                        object.kind,
                        self.id(&object)
                    ),
                }
                .into());
            }
            for at in referred {
                if let Some(found) = self.objects.get_mut(at) {
                    found.marks |= REFERRED;
                }
            }
            outside.take_failure()?;
        }
        outside.look_up();
        outside.take_failure()
    }

    /// Returns the object `id` and its number, of objects that are in order of their ids.
    fn find(&self, starts: &[u32], id: ObjectId) -> Option<(usize, Incoming)> {
        let first = id.first_bytes();
        let slot = slot(first);
        let from = *starts.get(slot)? as usize;
        let to = *starts.get(slot + 1)? as usize;
        let near = self.objects.get(from..to)?;
        let at = near.partition_point(|object| object.first < first);
        let same = near.iter().enumerate().skip(at);
        let mut same = same.take_while(|(_, object)| object.first == first);
        let (at, found) = same.find(|(_, object)| self.id(object) == id)?;
        Some((from + at, *found))
    }

    /// Puts the objects into the store, a bounded number in each transaction.
    fn put(&self, store: &Store, listener: &dyn Listener) -> Result<()> {
        let mut objects = self
            .objects
            .iter()
            .map(|object| (object, self.bytes(object)))
            .peekable();
        let mut some: Vec<(ObjectId, &[u8])> = Vec::new();
        while objects.peek().is_some() {
            check(listener)?;
            some.clear();
            let mut bytes = 0;
            while some.len() < BATCH
                && let Some((object, next)) = objects
                    .next_if(|(_, next)| bytes == 0 || bytes + next.len() as u64 <= BATCH_BYTES)
            {
                bytes += next.len() as u64;
                some.push((self.id(object), next));
            }
            if bytes > BATCH_BYTES {
                large::give_back();
            }
            store.write(|txn| {
                some.iter()
                    .try_for_each(|(id, bytes)| txn.put_object(*id, bytes))
            })?;
        }
        Ok(())
    }

    /// Notes which objects are to be kept, and then that the packs are here.
    fn note(&self, store: &Store) -> Result<()> {
        let mut tops = self
            .objects
            .iter()
            .filter(|object| !object.is(REFERRED))
            .peekable();
        let last = self.packs.last().map(|(info, _)| note_key(info.id));
        let mut number = 0_u32;
        while tops.peek().is_some() {
            // No key of a pack is as long, so such a note does not say that a pack is here.
            let key = [last.as_deref().unwrap_or_default(), &number.to_be_bytes()].concat();
            let note = encode_note(tops.by_ref().take(NOTED).map(|object| self.id(object)));
            store.write(|txn| txn.put(Table::Drafts, &key, &note))?;
            number += 1;
        }
        let note = encode_note(std::iter::empty());
        store.write(|txn| {
            self.packs()
                .try_for_each(|pack| txn.put(Table::Drafts, &note_key(pack), &note))
        })
    }
}

fn encode_note(ids: impl Iterator<Item = ObjectId>) -> Vec<u8> {
    let ids: Vec<_> = ids.collect();
    let mut writer = Writer::new();
    writer.array(2);
    writer.uint(NOTE);
    writer.array(ids.len());
    ids.into_iter().for_each(|id| writer.id(id));
    let note = writer.into_bytes();
    debug_assert_ne!(note.len(), ID_LEN, "such an entry would be an id");
    note
}

fn slot(first: u64) -> usize {
    usize::try_from(first >> (64 - BITS)).unwrap_or_default()
}

/// Returns where the objects of each slot begin, and the end of the last. Ids are hashes, so
/// their first bytes say nearly where they are.
fn starts(objects: &[Incoming]) -> Vec<u32> {
    let mut starts = vec![0_u32; (1 << BITS) + 1];
    for object in objects {
        if let Some(count) = starts.get_mut(slot(object.first) + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    starts
}

/// References that lead out of a round, looked up in the store many at a time: in order,
/// they are found from front to back.
struct Outside<'o> {
    snapshot: &'o Snapshot,
    remote: &'o str,
    waiting: Vec<Reference>,
    failure: Option<Box<Error>>,
}

impl<'o> Outside<'o> {
    fn new(snapshot: &'o Snapshot, remote: &'o str) -> Self {
        Self {
            snapshot,
            remote,
            waiting: Vec::new(),
            failure: None,
        }
    }

    fn add(&mut self, reference: Reference) {
        self.waiting.push(reference);
        if self.waiting.len() >= LOOKED_UP {
            self.look_up();
        }
    }

    fn look_up(&mut self) {
        self.waiting.sort_unstable();
        self.waiting.dedup();
        for reference in self.waiting.drain(..) {
            if let Err(error) = present(self.snapshot, reference, self.remote) {
                self.failure.get_or_insert(error);
            }
        }
    }

    fn take_failure(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

/// Checks that an object is in the store, or absent from it on purpose.
pub(super) fn present(snapshot: &Snapshot, reference: Reference, remote: &str) -> Result<()> {
    let missing = || RemoteError::Incomplete {
        remote: remote.to_owned(),
        reference,
    };
    let Some(bytes) = snapshot.raw_object(reference.id)? else {
        if is_absent(snapshot, reference)? {
            return Ok(());
        }
        return Err(missing().into());
    };
    if object::kind(bytes)? == reference.kind {
        return Ok(());
    }
    Err(missing().into())
}
