//! Taking in a part of what a remote has: no history beyond a number of commits, and no values
//! that a filter leaves there.
//!
//! Commits are followed from the refs backwards, as far as is wanted; then all that they refer
//! to is read, from the top down. What was read waits in a file until it can be written as
//! packs are: with references before referrers. What stays away is noted first
//! (see `store::absent`), so that whatever is in the store is whole, or known not to be.
//!
//! In memory are about 50 bytes for each object that is taken in, and 20 for each object of the
//! packs that were looked into.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::num::NonZeroU32;

use crate::error::{Error, Result};
use crate::id::{CommitId, ObjectId, TypedId};
use crate::id_set::{IdSet, IdState};
use crate::record::{AnyRecord, Commit, Kind, Reference};
use crate::repo::Repository;
use crate::store::{Absent, ReadObjects, Snapshot, Store, absent};
use crate::transfer::object::{self, decode};

use super::blob::Blob;
use super::manifest::Manifest;
use super::pack::PackWriter;
use super::promised::Filter;
use super::receive::Receiving;
use super::seek::Seeker;
use super::{Listener, Phase, Remote, Step, check};

/// How many objects are looked for at once.
const CHUNK: usize = 1 << 14;

/// How many bytes before a commit are read with it: its parents are often among them.
const BEFORE: u64 = 64 << 10;

/// The most bytes of the file's end that are in memory.
const BUFFER: usize = 1 << 20;

/// How many entries one transaction puts.
const BATCH: usize = 1 << 14;

/// How much history a fetch brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// All that is new, and nothing before what a shallow clone begins with.
    #[default]
    Keep,
    /// This many commits from the end of each branch, at least.
    Last(NonZeroU32),
    /// All history.
    Full,
}

/// What is wanted of a remote.
pub(super) struct Wanted<'w> {
    pub manifest: &'w Manifest,
    /// The packs that are searched last.
    pub known: &'w HashSet<ObjectId>,
    /// The commits that are to be here.
    pub tips: &'w [CommitId],
    /// How far back.
    pub depth: Depth,
    /// Which values.
    pub filter: Filter,
}

/// Objects that wait to be written, in a file.
struct Waiting<'w> {
    store: &'w Store,
    file: File,
    /// How many bytes are in the file; the rest is in `buffer`.
    written: u64,
    buffer: Vec<u8>,
    /// Where each is, how long, and whether it was written to the store.
    places: HashMap<ObjectId, (u64, u32, bool), IdState>,
}

impl<'w> Waiting<'w> {
    fn new(store: &'w Store) -> Result<Self> {
        Ok(Self {
            store,
            file: store.folder().spool("fetch")?,
            written: 0,
            buffer: Vec::new(),
            places: HashMap::default(),
        })
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(io::Error) -> Error + use<> {
        let path = self.store.path().to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    fn add(&mut self, id: ObjectId, bytes: &[u8]) -> Result<()> {
        let at = self.written + self.buffer.len() as u64;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.places.insert(id, (at, length, false));
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let failed = self.failed("write a temporary file in");
        let end = self.file.seek(SeekFrom::Start(self.written));
        let done = end.and_then(|_| self.file.write_all(&self.buffer));
        done.map_err(failed)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Returns the bytes at a place.
    fn get(&mut self, at: u64, length: u32) -> Result<Vec<u8>> {
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        let failed = self.failed("read a temporary file in");
        let mut bytes = vec![0; length as usize];
        let sought = self.file.seek(SeekFrom::Start(at));
        let read = sought.and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(failed)?;
        Ok(bytes)
    }

    /// Writes what was read, the oldest commit first.
    fn write(
        &mut self,
        commits: &[CommitId],
        generation: u64,
        receiving: &mut Receiving<'_>,
        listener: &dyn Listener,
    ) -> Result<()> {
        let mut pack = PackWriter::new(generation);
        let mut way: Vec<Frame> = Vec::new();
        for commit in commits.iter().rev() {
            self.enter((*commit).into(), &mut way)?;
            while let Some(frame) = way.last_mut() {
                if let Some(next) = frame.below.get(frame.next).copied() {
                    frame.next += 1;
                    self.enter(next, &mut way)?;
                    continue;
                }
                let Some(Frame { id, bytes, .. }) = way.pop() else {
                    break;
                };
                if !pack.has_room(bytes.len()) {
                    let full = std::mem::replace(&mut pack, PackWriter::new(generation));
                    let (info, bytes) = full.finish(false);
                    receiving.take(info, Blob::new(bytes, self.store)?, listener)?;
                }
                pack.add(id, &bytes);
            }
        }
        if pack.objects() > 0 {
            let (info, bytes) = pack.finish(false);
            receiving.take(info, Blob::new(bytes, self.store)?, listener)?;
        }
        receiving.write(listener)
    }

    /// Begins with an object, unless it does not wait or was begun.
    fn enter(&mut self, reference: Reference, way: &mut Vec<Frame>) -> Result<()> {
        let Some((at, length, begun)) = self.places.get_mut(&reference.id) else {
            return Ok(());
        };
        if std::mem::replace(begun, true) {
            return Ok(());
        }
        let (at, length) = (*at, *length);
        let bytes = self.get(at, length)?;
        let mut below = Vec::new();
        object::references(reference, &bytes, &mut |reference| below.push(reference))?;
        way.push(Frame {
            id: reference.id,
            bytes,
            below,
            next: 0,
        });
        Ok(())
    }
}

/// An object that is written after what it refers to.
struct Frame {
    id: ObjectId,
    bytes: Vec<u8>,
    below: Vec<Reference>,
    next: usize,
}

/// A part of a remote that is being taken in.
struct Part<'p> {
    remote: &'p Remote,
    snapshot: Snapshot,
    seeker: Seeker<'p>,
    waiting: Waiting<'p>,
    filter: Filter,
    /// What stays away.
    left: Vec<(ObjectId, Absent)>,
    listener: &'p dyn Listener,
}

impl Remote {
    /// Takes in what is wanted.
    pub(super) fn take_part(
        &self,
        repository: &Repository,
        wanted: &Wanted<'_>,
        receiving: &mut Receiving<'_>,
        listener: &dyn Listener,
    ) -> Result<()> {
        let manifest = wanted.manifest;
        let store = repository.store();
        let mut part = Part {
            remote: self,
            snapshot: repository.snapshot()?,
            seeker: Seeker::new(self, manifest, wanted.known)?,
            waiting: Waiting::new(store)?,
            filter: wanted.filter,
            left: Vec::new(),
            listener,
        };
        let commits = part.commits(wanted.tips, wanted.depth)?;
        part.objects(&commits)?;
        let Part {
            seeker,
            mut waiting,
            left,
            ..
        } = part;
        for some in left.chunks(BATCH) {
            store.write(|txn| {
                some.iter()
                    .try_for_each(|(id, left)| absent::put(txn, *id, left))
            })?;
        }
        waiting.write(&commits, manifest.generation, receiving, listener)?;
        // What was carried is what came from the remote.
        receiving.carried.packs = seeker.packs();
        receiving.carried.bytes = seeker.bytes;
        Ok(())
    }
}

impl Part<'_> {
    fn tell(&self) -> Result<()> {
        self.listener.step(&Step {
            phase: Phase::Receiving,
            objects: self.waiting.places.len() as u64,
            bytes: self.seeker.bytes,
            total: None,
        });
        check(self.listener)
    }

    /// Reads the commits that are wanted and not here. Returns them, the newest first.
    fn commits(&mut self, tips: &[CommitId], depth: Depth) -> Result<Vec<CommitId>> {
        let mut read = Vec::new();
        let mut met: IdSet<CommitId> = tips.iter().copied().collect();
        let mut level: Vec<CommitId> = met.iter().copied().collect();
        let mut ends = Vec::new();
        let mut left = match depth {
            Depth::Last(count) => count.get(),
            Depth::Keep | Depth::Full => u32::MAX,
        };
        while !level.is_empty() {
            self.tell()?;
            left = left.saturating_sub(1);
            let (here, away): (Vec<_>, Vec<_>) = {
                let snapshot = &self.snapshot;
                let mut here = Vec::new();
                let mut away = Vec::new();
                for commit in level.drain(..) {
                    if snapshot.has_object(commit.into())? {
                        here.push(commit);
                    } else {
                        away.push(Reference::from(commit));
                    }
                }
                (here, away)
            };
            let mut parents = Vec::new();
            // Behind what is here all is as it was, unless more is wanted. Where history ends
            // that no ref there has any more, the remote may lack the rest.
            if depth != Depth::Keep {
                for commit in here {
                    match self.snapshot.load::<_, Commit>(commit) {
                        Err(error) if matches!(*error, Error::Excised { .. }) => {}
                        commit => parents.extend(commit?.parents),
                    }
                }
            }
            let places = self.seeker.locate(&away)?;
            let away: Vec<_> = places.into_iter().zip(away).collect();
            let waiting = &mut self.waiting;
            self.seeker
                .read(&away, BEFORE, &mut |reference, bytes, record| {
                    if let AnyRecord::Commit(commit) = record {
                        parents.extend(&commit.parents);
                    }
                    read.push(CommitId::from_object(reference.id));
                    waiting.add(reference.id, bytes)
                })?;
            for parent in parents {
                let is_end = left == 0
                    || depth == Depth::Keep && {
                        let id = parent.into();
                        !self.snapshot.has_object(id)? && self.snapshot.absent(id)?.is_some()
                    };
                if is_end {
                    ends.push(parent);
                } else if met.insert(parent) {
                    level.push(parent);
                }
            }
        }
        for end in ends {
            let id = end.object();
            if !met.contains(&end) && !self.snapshot.has_object(id)? {
                let left = Absent {
                    kind: Kind::Commit,
                    remote: self.remote.name.clone(),
                    bytes: 0,
                    pack: id,
                    at: 0,
                };
                self.left.push((id, left));
            }
        }
        Ok(read)
    }

    /// Reads all that the commits refer to and that is not here.
    fn objects(&mut self, commits: &[CommitId]) -> Result<()> {
        let mut trees = Vec::new();
        for commit in commits {
            self.below((*commit).into(), &mut trees)?;
        }
        let mut stack = vec![trees];
        while let Some(mut some) = stack.pop() {
            let rest = some.split_off(some.len().min(CHUNK));
            if !rest.is_empty() {
                stack.push(rest);
            }
            some.sort_unstable();
            some.dedup();
            let mut wanted = Vec::new();
            for reference in some {
                let id = reference.id;
                if !self.waiting.places.contains_key(&id) && !self.snapshot.has_object(id)? {
                    wanted.push(reference);
                }
            }
            self.tell()?;
            let places = self.seeker.locate(&wanted)?;
            let mut wanted: Vec<_> = places.into_iter().zip(wanted).collect();
            wanted.retain(|(place, reference)| {
                // What leads to other objects comes: else nobody would know here what to keep there.
                let is_leaf = reference.kind == Kind::Datum && !place.has_blobs;
                let stays = is_leaf && place.bytes() > self.filter.most();
                if stays {
                    let left = Absent {
                        kind: reference.kind,
                        remote: self.remote.name.clone(),
                        bytes: place.bytes(),
                        pack: self.seeker.pack_of(place),
                        at: place.at,
                    };
                    self.left.push((reference.id, left));
                }
                !stays
            });
            let mut below = Vec::new();
            let waiting = &mut self.waiting;
            self.seeker
                .read(&wanted, 0, &mut |reference, bytes, record| {
                    record.references(&mut |reference| below.push(reference));
                    waiting.add(reference.id, bytes)
                })?;
            if !below.is_empty() {
                stack.push(below);
            }
        }
        Ok(())
    }

    /// Adds what an object that waits refers to, but for commits.
    fn below(&mut self, reference: Reference, below: &mut Vec<Reference>) -> Result<()> {
        if let Some((at, length, _)) = self.waiting.places.get(&reference.id).copied() {
            let bytes = self.waiting.get(at, length)?;
            decode(reference, &bytes)?.references(&mut |reference| {
                if reference.kind != Kind::Commit {
                    below.push(reference);
                }
            });
        }
        Ok(())
    }
}
