//! Making packs and sending several at once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::channel::{self, Receiver, handover};
use crate::error::{Error, RemoteError, Result};
use crate::id::ObjectId;
use crate::store::{ReadEntries, Store, Table, WriteTxn};

use super::blob::Blob;
use super::pack::{self, PACKS, PackInfo, PackWriter, TARGET, blob_key};
use super::{Carried, Listener, Phase, Remote, Step, check};

/// How many packs are sent at once.
const AT_ONCE: usize = 2;

/// How many objects are packed between two looks at the listener.
const STRIDE: u64 = 4096;

/// What packs are made for.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    /// The folder of their blobs.
    pub folder: &'static str,
    /// The generation of the remote.
    pub generation: u64,
    /// Whether their objects were in other packs before.
    pub rewritten: bool,
}

impl Purpose {
    /// Returns the purpose of packs that a manifest of this generation is to name.
    pub fn of_manifest(generation: u64, rewritten: bool) -> Self {
        Self {
            folder: PACKS,
            generation,
            rewritten,
        }
    }

    /// Returns whether packs that arrived are noted, for the next try.
    fn is_noted(self) -> bool {
        self.folder == PACKS
    }
}

/// Packs on their way to a remote.
pub(super) struct Sender<'s> {
    store: &'s Store,
    purpose: Purpose,
    pack: PackWriter,
    /// The packs that were made, in order.
    made: Vec<PackInfo>,
    carried: Carried,
    queue: channel::Sender<(PackInfo, Blob)>,
    listener: &'s dyn Listener,
    /// The first failure of a thread that sends.
    failed: &'s Mutex<Option<Box<Error>>>,
    /// How many packs arrived before, when an earlier push was interrupted.
    skipped: &'s HashSet<ObjectId>,
}

/// What notes of an interrupted push are kept under.
fn note_prefix(remote: &str) -> String {
    format!("pushed/{remote}/")
}

/// Returns the packs that an interrupted push sent, in this generation of the remote: none of
/// them can have been removed.
fn arrived(remote: &Remote, store: &Store, generation: u64) -> Result<HashSet<ObjectId>> {
    let prefix = note_prefix(&remote.name);
    let snapshot = store.snapshot()?;
    let mut found = HashSet::new();
    for entry in snapshot.scan(Table::Meta, prefix.as_bytes())? {
        let (key, value) = entry?;
        let id = key.get(prefix.len()..).and_then(|id| id.try_into().ok());
        if let Some(id) = id
            && value.strip_prefix(&generation.to_be_bytes()) == Some(remote.address.as_bytes())
        {
            found.insert(ObjectId::from_bytes(id));
        }
    }
    Ok(found)
}

/// Removes the notes of an interrupted push.
pub(super) fn forget_arrived(remote: &str, txn: &mut WriteTxn<'_>) -> Result<()> {
    let prefix = note_prefix(remote);
    for key in txn.entry_keys(Table::Meta, prefix.as_bytes())? {
        txn.delete(Table::Meta, &key)?;
    }
    Ok(())
}

/// Sends the packs that `fill` makes. Returns them in order when all of them are there.
///
/// The store keeps notes of full packs that arrived, for the next try should this one be
/// interrupted.
pub(super) fn send(
    remote: &Remote,
    store: &Store,
    purpose: Purpose,
    listener: &dyn Listener,
    fill: &mut dyn FnMut(&mut Sender<'_>) -> Result<()>,
) -> Result<(Vec<PackInfo>, Carried)> {
    let skipped = if purpose.is_noted() {
        arrived(remote, store, purpose.generation)?
    } else {
        HashSet::new()
    };
    let (queue, queued) = handover::<(PackInfo, Blob)>();
    let queued = Mutex::new(queued);
    let failed = Mutex::new(None);
    let sent = std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| work(remote, store, purpose, &queued, &failed));
        }
        let mut sender = Sender {
            store,
            purpose,
            pack: PackWriter::new(purpose.generation),
            made: Vec::new(),
            carried: Carried::default(),
            queue,
            listener,
            failed: &failed,
            skipped: &skipped,
        };
        fill(&mut sender)?;
        sender.end_pack()?;
        Ok((sender.made, sender.carried))
        // The queue ends here, and so do the threads.
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    sent
}

/// Sends packs until there are no more.
fn work(
    remote: &Remote,
    store: &Store,
    purpose: Purpose,
    queued: &Mutex<Receiver<(PackInfo, Blob)>>,
    failed: &Mutex<Option<Box<Error>>>,
) {
    loop {
        let next = queued.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((info, bytes)) = next else {
            return;
        };
        let has_failed = failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        if has_failed {
            continue; // The one that makes packs must not wait for ever.
        }
        let sent = blob_key(purpose.folder, info.id)
            .and_then(|key| remote.put(&key, &bytes))
            .and_then(|_| {
                // One that is small is as quickly sent again.
                if bytes.len() < TARGET / 2 || !purpose.is_noted() {
                    return Ok(());
                }
                let key = [note_prefix(&remote.name).as_bytes(), info.id.as_bytes()].concat();
                let generation = purpose.generation;
                let note = [&generation.to_be_bytes()[..], remote.address.as_bytes()].concat();
                store.write(|txn| txn.put(Table::Meta, &key, &note))
            });
        if let Err(error) = sent {
            failed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(error);
        }
    }
}

impl Sender<'_> {
    /// Adds an object.
    pub fn add(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        self.carried.objects += 1;
        if bytes.len() > TARGET {
            self.end_pack()?;
            let (info, bytes) = pack::of_one(self.store, self.purpose, id, bytes)?;
            return self.hand_over(info, bytes);
        }
        if !self.pack.has_room(bytes.len()) {
            self.end_pack()?;
        }
        self.pack.add(id, bytes);
        if self.carried.objects.is_multiple_of(STRIDE) {
            self.tell()?;
        }
        Ok(())
    }

    /// Takes over a pack that is at the remote.
    pub fn keep(&mut self, info: PackInfo) -> Result<()> {
        self.end_pack()?;
        self.made.push(info);
        Ok(())
    }

    fn tell(&self) -> Result<()> {
        self.listener.step(&Step {
            phase: Phase::Sending,
            objects: self.carried.objects,
            bytes: self.carried.bytes,
            total: None,
        });
        check(self.listener)
    }

    fn end_pack(&mut self) -> Result<()> {
        if self.pack.objects() == 0 {
            return Ok(());
        }
        let next = PackWriter::new(self.purpose.generation);
        let pack = std::mem::replace(&mut self.pack, next);
        let (info, bytes) = pack.finish(self.purpose.rewritten);
        self.hand_over(info, Blob::new(bytes, self.store)?)
    }

    /// Lets a pack be sent, unless it arrived before.
    fn hand_over(&mut self, info: PackInfo, bytes: Blob) -> Result<()> {
        self.made.push(info);
        self.carried.packs += 1;
        self.carried.bytes += info.bytes;
        if !self.skipped.contains(&info.id) {
            let has_failed = self
                .failed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some();
            if has_failed || self.queue.send((info, bytes)).is_err() {
                return Err(RemoteError::Interrupted.into()); // The failure is told instead.
            }
        }
        self.tell()
    }
}
