//! Taking packs in: in rounds of bounded size, which are verified and written, and safe beside garbage collection.
//!
//! No ref leads to the objects before the fetch ends, so each round ends with a note that
//! keeps them from being garbage: entries of the table of drafts, named for a pack, with the
//! ids of the objects that no other of the round refers to. One for each pack says that it need
//! not be read again should the fetch be interrupted. While a round is written a lock is
//! held that `gc` waits for before it looks at what is there. Another lock is held by the
//! fetch itself; notes that are there while nobody holds it are of one that died.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::id::ObjectId;
use crate::store::{ReadEntries, Store, Table, WriteTxn};

use super::blob::Blob;
use super::pack::PackInfo;
use super::round::Round;
use super::{Carried, Listener, Phase, Remote, Step, check};

/// What the keys of notes begin with, in the table of drafts.
pub(crate) const NOTES: &[u8] = b"fetched/";

/// The file that a fetch holds a lock on.
const FETCH_LOCK: &str = "fetch.lock";

/// The file that is locked while a round is written.
pub(super) const WRITE_LOCK: &str = "fetch-write.lock";

/// How long to wait before looking again whether another fetch has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes packs in. The lock of the fetch is held until this is dropped.
pub(super) struct Receiving<'r> {
    remote: &'r Remote,
    pub store: &'r Store,
    /// Packs that this fetch took in, or one that was interrupted.
    pub before: HashSet<ObjectId>,
    round: Round,
    pub carried: Carried,
    lock: File,
}

pub(super) fn note_key(pack: ObjectId) -> Vec<u8> {
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

/// Keeps fetches from beginning; `None` when one is under way.
pub(crate) fn unless_fetching(store: &Store) -> Result<Option<Held>> {
    let fetch = lock_file(store, FETCH_LOCK)?;
    Ok(fetch.try_lock().is_ok().then(|| Held(fetch)))
}

pub(super) fn lock_file(store: &Store, name: &str) -> Result<File> {
    store.folder().lock_file(name)
}

pub(super) fn failed(
    store: &Store,
    name: &str,
) -> impl FnOnce(std::io::Error) -> Box<Error> + use<> {
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
            lock,
        })
    }

    /// Takes in a pack whose bytes match its name.
    pub fn take(&mut self, info: PackInfo, bytes: Blob, listener: &dyn Listener) -> Result<()> {
        if !self.round.has_room(&info) {
            self.write(listener)?;
        }
        self.round.add(info, bytes).map_err(|error| match &*error {
            Error::Fault(fault) => match info.key() {
                Ok(key) => self.remote.faulty(&key, fault),
                Err(error) => error,
            },
            _ => error,
        })?;
        self.carried.packs += 1;
        self.carried.objects += info.objects;
        self.carried.bytes += info.bytes;
        listener.step(&Step {
            phase: Phase::Receiving,
            objects: self.carried.objects,
            bytes: self.carried.bytes,
            total: None,
        });
        check(listener)
    }

    /// Ends, but for the lock: while it is held, what was taken in is kept.
    pub fn into_lock(self) -> File {
        self.lock
    }

    /// Gives up what was not written yet, to take all packs in again.
    pub fn restart(&mut self) {
        self.round = Round::default();
        self.before.clear();
    }

    /// Writes what was taken in and not written yet.
    pub fn write(&mut self, listener: &dyn Listener) -> Result<()> {
        let round = std::mem::take(&mut self.round);
        if round.is_empty() {
            return Ok(());
        }
        self.before.extend(round.packs());
        round.write(self.store, &self.remote.address, listener)
    }
}
