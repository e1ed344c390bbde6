//! Taking packs in: verified, in rounds of bounded size, and safe beside garbage collection.
//!
//! Of each object the bytes are read as a record and the references compared with what
//! comes before and what the store has. Only then the round is written: data, then literals, in
//! order of their ids, as when a draft is settled, so that each page of the store is written
//! once; then all else, with references before referrers. So an object that
//! is in the store is always whole.
//!
//! No ref leads to the objects before the fetch ends, so each round ends with a note that
//! keeps them from being garbage: an entry of the table of drafts, named for a pack, with the
//! ids of the objects that no other of the round refers to. It also says that the pack need
//! not be read again should the fetch be interrupted. While a round is written a lock is
//! held that `gc` waits for before it looks at what is there. Another lock is held by the
//! fetch itself; notes that are there while nobody holds it are of one that died.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::time::Duration;

use crate::cbor::Writer;
use crate::error::{Error, RemoteError, Result};
use crate::id::{ID_LEN, ObjectId};
use crate::record::{AnyRecord, Kind, Node, Reference};
use crate::store::absent::is_absent;
use crate::store::{ReadEntries, ReadObjects, Snapshot, Store, Table, WriteTxn};

use super::pack::{PackInfo, each_object, first_bytes};
use super::{Carried, Listener, Phase, Remote, Step, check};
use crate::transfer::object;

/// What the keys of notes begin with, in the table of drafts.
pub(crate) const NOTES: &[u8] = b"fetched/";

/// The file that a fetch holds a lock on.
const FETCH_LOCK: &str = "fetch.lock";

/// The file that is locked while a round is written.
const WRITE_LOCK: &str = "fetch-write.lock";

/// How long to wait before looking again whether another fetch has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// The bytes of packs from which a round is written.
const ROUND: u64 = 12 << 20;

/// The most objects that one transaction puts; see `dag::settle`.
const BATCH: usize = 1 << 14;

/// The most bytes that one transaction puts, unless one object alone has more.
const BATCH_BYTES: u64 = 8 << 20;

/// When the table holds more than one object for this many new ones, keys are put in random
/// order, so that pages are filled; see `dag::settle`.
const MIXED: u64 = 1000;

/// The version of a note.
const NOTE: u64 = 1;

/// An object of a round.
struct Incoming {
    id: ObjectId,
    /// Which pack of the round, where in it, and how long.
    pack: u32,
    at: u32,
    length: u32,
    kind: Kind,
    /// Whether it is a datum, or a node that refers to nothing but a datum.
    simple: bool,
    /// Whether another object of the round refers to it.
    referred: bool,
}

/// Takes packs in. The lock of the fetch is held until this is dropped.
pub(super) struct Receiving<'r> {
    remote: &'r Remote,
    store: &'r Store,
    /// Packs that this fetch took in, or one that was interrupted.
    pub before: HashSet<ObjectId>,
    round: Round,
    pub carried: Carried,
    _lock: File,
}

#[derive(Default)]
struct Round {
    packs: Vec<(PackInfo, Vec<u8>)>,
    bytes: u64,
    objects: Vec<Incoming>,
}

fn note_key(pack: ObjectId) -> Vec<u8> {
    [NOTES, pack.as_bytes()].concat()
}

/// Removes all notes.
pub(super) fn forget(txn: &mut WriteTxn<'_>) -> Result<()> {
    for key in txn.keys(Table::Drafts, NOTES)? {
        txn.delete(Table::Drafts, &key)?;
    }
    Ok(())
}

/// What keeps rounds from being written while it is held.
pub(crate) struct Held(#[expect(dead_code, reason = "the lock ends with it")] File);

/// Waits until no round is being written, and keeps it so. Notes of a fetch that died are
/// removed: what it took in is garbage.
pub(crate) fn before_gc(store: &Store) -> Result<Held> {
    let held = lock_file(store, WRITE_LOCK)?;
    held.lock().map_err(failed(store, WRITE_LOCK))?;
    let fetch = lock_file(store, FETCH_LOCK)?;
    let has_notes = store
        .snapshot()?
        .keys(Table::Drafts, NOTES)?
        .next()
        .is_some();
    if has_notes && fetch.try_lock().is_ok() {
        store.write(forget)?;
    }
    Ok(Held(held))
}

fn lock_file(store: &Store, name: &str) -> Result<File> {
    store.folder().lock_file(name)
}

fn failed(store: &Store, name: &str) -> impl FnOnce(std::io::Error) -> Box<Error> + use<> {
    let path = store.path().join(name);
    move |source| {
        Error::Io {
            action: "lock",
            path,
            source,
        }
        .into()
    }
}

impl<'r> Receiving<'r> {
    /// Waits until no other process fetches into the repository.
    pub fn begin(remote: &'r Remote, store: &'r Store, listener: &dyn Listener) -> Result<Self> {
        let lock = lock_file(store, FETCH_LOCK)?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => {
                    return Err(failed(store, FETCH_LOCK)(source));
                }
            }
            listener.step(&Step::default());
            check(listener)?;
            std::thread::sleep(PAUSE);
        }
        let keys = store.snapshot()?.entry_keys(Table::Drafts, NOTES)?;
        let ids = keys
            .iter()
            .filter_map(|key| key.get(NOTES.len()..)?.try_into().ok());
        let before = ids.map(ObjectId::from_bytes).collect();
        Ok(Self {
            remote,
            store,
            before,
            round: Round::default(),
            carried: Carried::default(),
            _lock: lock,
        })
    }

    /// Takes in a pack whose bytes match its name.
    pub fn take(&mut self, info: PackInfo, bytes: Vec<u8>, listener: &dyn Listener) -> Result<()> {
        if self.round.bytes > 0 && self.round.bytes + info.bytes > ROUND {
            self.write()?;
        }
        let pack = u32::try_from(self.round.packs.len()).unwrap_or(u32::MAX);
        let objects = &mut self.round.objects;
        let damaged = |error: Box<Error>| match &*error {
            Error::Fault(fault) => match info.key() {
                Ok(key) => self.remote.faulty(&key, fault),
                Err(error) => error,
            },
            _ => error,
        };
        each_object(&bytes, info.index, info.objects, &mut |at, object| {
            objects.push(Incoming::read(pack, at, object)?);
            Ok(())
        })
        .map_err(damaged)?;
        self.carried.packs += 1;
        self.carried.objects += info.objects;
        self.carried.bytes += info.bytes;
        self.round.bytes += info.bytes;
        self.round.packs.push((info, bytes));
        listener.step(&Step {
            phase: Phase::Receiving,
            objects: self.carried.objects,
            bytes: self.carried.bytes,
            total: None,
        });
        check(listener)
    }

    /// Gives up what was not written yet, to take all packs in again.
    pub fn restart(&mut self) {
        self.round = Round::default();
        self.before.clear();
    }

    /// Writes what was taken in and not written yet.
    pub fn write(&mut self) -> Result<()> {
        let round = std::mem::take(&mut self.round);
        if round.packs.is_empty() {
            return Ok(());
        }
        self.before
            .extend(round.packs.iter().map(|(info, _)| info.id));
        round.write(self.store, &self.remote.address)
    }
}

impl Incoming {
    /// Reads the object at the place `at` of a pack, whatever it is.
    fn read(pack: u32, at: u32, bytes: &[u8]) -> Result<Self> {
        let record = AnyRecord::decode(bytes)?;
        let (id, kind) = match &record {
            AnyRecord::Tombstone(tombstone) => (tombstone.object, tombstone.kind),
            record => (ObjectId::of(bytes), record.kind()),
        };
        let simple = match &record {
            AnyRecord::Datum(_) => true,
            AnyRecord::Node(node) => matches!(node, Node::Literal { .. } | Node::Argv { .. }),
            _ => false,
        };
        Ok(Self {
            id,
            pack,
            at,
            length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            kind,
            simple,
            referred: false,
        })
    }
}

/// The objects of a round in order of their ids, to be found quickly: ids are hashes, so
/// their first bytes say nearly where they are.
struct Sorted {
    order: Vec<u32>,
    starts: Vec<u32>,
}

/// How many bits of an id tell where to look.
const BITS: u32 = 16;

impl Sorted {
    fn new(objects: &[Incoming]) -> Self {
        let mut order: Vec<u32> = (0..).take(objects.len()).collect();
        let id = |at: &u32| objects.get(*at as usize).map(|object| object.id);
        // What comes twice is found where it comes first.
        order.sort_unstable_by_key(|at| (id(at), *at));
        let mut starts = vec![0_u32; (1 << BITS) + 1];
        for at in &order {
            if let Some(id) = id(at)
                && let Some(count) = starts.get_mut(slot(id) + 1)
            {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { order, starts }
    }

    /// Returns the number of the object `id`.
    fn find(&self, objects: &[Incoming], id: ObjectId) -> Option<u32> {
        let from = *self.starts.get(slot(id))? as usize;
        let to = *self.starts.get(slot(id) + 1)? as usize;
        let mut place = self.order.get(from..to)?.iter();
        place
            .find(|at| {
                objects
                    .get(**at as usize)
                    .is_some_and(|object| object.id == id)
            })
            .copied()
    }
}

fn slot(id: ObjectId) -> usize {
    usize::try_from(first_bytes(id) >> (64 - BITS)).unwrap_or_default()
}

impl Round {
    fn bytes(&self, object: &Incoming) -> &[u8] {
        let pack = self.packs.get(object.pack as usize);
        let from = pack.and_then(|(_, bytes)| bytes.get(object.at as usize..));
        from.and_then(|from| crate::cbor::Reader::new(from).bytes().ok())
            .unwrap_or_default()
    }

    fn write(mut self, store: &Store, remote: &str) -> Result<()> {
        let sorted = Sorted::new(&self.objects);
        let lock = lock_file(store, WRITE_LOCK)?;
        lock.lock().map_err(failed(store, WRITE_LOCK))?;
        let snapshot = store.snapshot()?;
        self.check(&sorted, &mut Outside::new(&snapshot, remote))?;
        let mixed = snapshot.count(Table::Objects)? > self.objects.len() as u64 / MIXED;
        drop(snapshot);
        let number = |at: &u32| self.objects.get(*at as usize);
        // Data first: whatever is in the store is whole, also when this process is killed.
        for datum in [true, false] {
            let simple = sorted
                .order
                .iter()
                .filter_map(number)
                .filter(|object| object.simple && (object.kind == Kind::Datum) == datum);
            self.put(store, simple, mixed)?;
        }
        let rest = self.objects.iter().filter(|object| !object.simple);
        self.put(store, rest, false)?;
        store.write(|txn| self.note(txn))
    }

    /// Puts objects, a bounded number in each transaction.
    fn put<'o>(
        &self,
        store: &Store,
        objects: impl Iterator<Item = &'o Incoming>,
        mixed: bool,
    ) -> Result<()> {
        let mut objects = objects.peekable();
        let mut batch: Vec<&Incoming> = Vec::new();
        while objects.peek().is_some() {
            batch.clear();
            let mut bytes = 0;
            while batch.len() < BATCH
                && let Some(next) = objects
                    .next_if(|next| bytes == 0 || bytes + u64::from(next.length) <= BATCH_BYTES)
            {
                bytes += u64::from(next.length);
                batch.push(next);
            }
            if mixed {
                batch
                    .sort_unstable_by_key(|object| object.id.as_bytes().last_chunk::<8>().copied());
            }
            store.write(|txn| {
                batch
                    .iter()
                    .try_for_each(|object| txn.put_object(object.id, self.bytes(object)))
            })?;
        }
        Ok(())
    }

    /// Checks what the objects refer to.
    fn check(&mut self, sorted: &Sorted, outside: &mut Outside<'_>) -> Result<()> {
        let mut referred = vec![false; self.objects.len()];
        let mut wrong = None;
        for (number, object) in self.objects.iter().enumerate() {
            if object.kind == Kind::Datum {
                continue;
            }
            let record = AnyRecord::decode(self.bytes(object))?;
            record.references(&mut |reference| {
                // Most often it is the object before.
                let before = number.checked_sub(1).filter(|at| {
                    self.objects
                        .get(*at)
                        .is_some_and(|before| before.id == reference.id)
                });
                let found = before.or_else(|| {
                    let found = sorted.find(&self.objects, reference.id)?;
                    usize::try_from(found).ok()
                });
                let Some(at) = found else {
                    outside.add(reference);
                    return;
                };
                if let Some(place) = referred.get_mut(at) {
                    *place = true;
                }
                let kind = self.objects.get(at).map(|object| object.kind);
                if kind != Some(reference.kind) {
                    wrong = Some((number, reference));
                }
                // What comes later too must be here from before.
                if at >= number {
                    outside.add(reference);
                }
            });
            if wrong.is_some() {
                break;
            }
            outside.take_failure()?;
        }
        if let Some((number, reference)) = wrong {
            let detail = match self.objects.get(number) {
                Some(object) => format!(
                    "the {} {} refers to {reference}, which is of another kind",
                    object.kind, object.id
                ),
                None => String::new(),
            };
            let pack = self
                .objects
                .get(number)
                .map_or(0, |object| object.pack as usize);
            let key = self
                .packs
                .get(pack)
                .map(|(info, _)| info.key())
                .transpose()?;
            return Err(RemoteError::Damaged {
                remote: outside.remote.to_owned(),
                key: key.map(|key| key.to_string()).unwrap_or_default(),
                detail,
            }
            .into());
        }
        for (object, referred) in self.objects.iter_mut().zip(referred) {
            object.referred = referred;
        }
        outside.look_up();
        outside.take_failure()
    }

    /// Notes that the packs are here, and which objects are to be kept.
    fn note(&self, txn: &mut WriteTxn<'_>) -> Result<()> {
        let tops: Vec<_> = self
            .objects
            .iter()
            .filter(|object| !object.referred)
            .collect();
        let mut tops = tops.chunks(BATCH);
        let last = self.packs.len().saturating_sub(1);
        for (number, (info, _)) in self.packs.iter().enumerate() {
            let mut writer = Writer::new();
            let mine: Vec<&&Incoming> = if number == last {
                tops.by_ref().flatten().collect()
            } else {
                tops.next().into_iter().flatten().collect()
            };
            writer.array(2);
            writer.uint(NOTE);
            writer.array(mine.len());
            mine.iter().for_each(|object| writer.id(object.id));
            let note = writer.into_bytes();
            debug_assert_ne!(note.len(), ID_LEN, "such an entry would be an id");
            txn.put(Table::Drafts, &note_key(info.id), &note)?;
        }
        Ok(())
    }
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
        if self.waiting.len() >= BATCH {
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
