//! Garbage collection of a remote: what no ref reaches goes, and small packs become few.
//!
//! It is safe beside pushes and fetches, whatever the clocks say:
//!
//! 1. All blobs are listed, and what the refs reach is marked in this repository, which
//!    fetches what it lacks.
//! 2. Packs without a marked object are left out of a new manifest. Those with much garbage,
//!    and runs of small ones, are written anew, in the same order.
//! 3. The manifest is swapped, with the next generation. A push that began before finds that
//!    its swap fails, and begins again: its packs get other names, since the generation is
//!    part of each.
//! 4. Only then blobs are deleted: those that were listed in step 1 and are not in the new
//!    manifest. No later manifest can name them.
//!
//! A run that dies leaves garbage for the next one. The grace period only saves pushes from
//! beginning again; it is measured by the remote's clock.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::error::{Error, RemoteError, Result};
use crate::id::ObjectId;
use crate::record::{AnyRecord, Kind, Reference, Tombstone, has_blobs};
use crate::repo::Repository;
use crate::store::{ReadObjects, Snapshot, Store};

use super::manifest::{ListInfo, Manifest, RECENT, encode_list};
use super::pack::{PackInfo, TARGET, blob_key, each_object};
use super::session::{Swapped, new_swap};
use super::{FetchOptions, Listener, Phase, Remote, Step, check, send};
use crate::transfer::transport::Key;

/// How often a run begins again when others change the remote meanwhile.
const TRIES: usize = 20;

/// How many small packs there must be in a run for it to be written anew.
const MANY: usize = 8;

/// The folders of blobs that may be garbage.
const FOLDERS: [&str; 2] = ["packs/", "lists/"];

/// What a clock is read with.
const CLOCK: &str = "clock";

/// How to collect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteGcOptions {
    /// How old garbage must be, by the remote's clock.
    pub grace: Duration,
    /// Whether runs of small packs are written anew as few larger ones.
    pub repack: bool,
    /// For how many days a shared result stays that no branch or tag names; as the setting
    /// `remote.NAME.result-days` says if that is not said here, or else 90.
    pub result_days: Option<u64>,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Default for RemoteGcOptions {
    fn default() -> Self {
        Self {
            grace: Duration::from_hours(24),
            repack: true,
            result_days: None,
            dry_run: false,
        }
    }
}

/// What was done, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemoteGcReport {
    /// How many packs there are now.
    pub packs: u64,
    /// How many packs were written anew, with what was alive in others.
    pub rewritten: u64,
    /// How many packs are part of the remote no longer.
    pub dropped: u64,
    /// How many blobs were deleted.
    pub deleted: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// How many blobs are garbage and too young to be deleted.
    pub waiting: u64,
    /// How many shared results and claims of calls there are now.
    pub results: u64,
    /// How many of the deleted blobs were such.
    pub results_deleted: u64,
    /// Whether nothing was changed, because only a report was asked for.
    pub dry_run: bool,
}

/// What is to become of a pack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    /// Keep it, but it is small.
    Small,
    Rewrite,
    Drop,
}

/// A blob, by its key: its bytes, and when it was written.
pub(super) type Blobs = BTreeMap<Key, (u64, Option<i64>)>;

impl Remote {
    /// Removes what no branch or tag of the remote reaches, and shared results that are old.
    /// What of the remote is not in `repository` yet is fetched first.
    pub fn gc(
        &self,
        repository: &Repository,
        options: &RemoteGcOptions,
        listener: &dyn Listener,
    ) -> Result<RemoteGcReport> {
        let state = self.remembered(&repository.snapshot()?)?;
        if self.manifest_or_new(state.as_ref())?.is_none() {
            return self.gc_unpushed(repository, options, listener);
        }
        for _ in 0..TRIES {
            if let Some(report) = self.try_gc(repository, options, listener)? {
                return Ok(report);
            }
        }
        Err(RemoteError::Busy {
            remote: self.address.clone(),
        }
        .into())
    }

    /// Collects garbage where results are shared and nobody has pushed yet.
    fn gc_unpushed(
        &self,
        repository: &Repository,
        options: &RemoteGcOptions,
        listener: &dyn Listener,
    ) -> Result<RemoteGcReport> {
        let mut report = RemoteGcReport {
            dry_run: options.dry_run,
            ..RemoteGcReport::default()
        };
        let shared =
            !self.list("calls/", None)?.is_empty() || !self.list("results/", None)?.is_empty();
        if !shared {
            self.manifest(None)?; // Says that there is nothing.
        }
        let now = if options.dry_run { None } else { self.clock()? };
        self.collect_results(repository, None, now, options, &mut report, listener)?;
        Ok(report)
    }

    fn try_gc(
        &self,
        repository: &Repository,
        options: &RemoteGcOptions,
        listener: &dyn Listener,
    ) -> Result<Option<RemoteGcReport>> {
        self.fetch(repository, &FetchOptions::default(), listener)?;
        let seen = self.manifest(None)?;
        let generation = seen.manifest.generation;
        // What is listed now cannot be of a later generation.
        let blobs = self.blobs(&FOLDERS, listener)?;
        if seen.etag.is_none() && !blobs.is_empty() {
            // Else all of it would be garbage. A first push may have ended between.
            return match self.manifest(None)?.etag {
                Some(_) => Ok(None),
                None => Err(self.lost_refs()?),
            };
        }
        let now = if options.dry_run { None } else { self.clock()? };
        let now = now.max(blobs.values().filter_map(|(_, modified)| *modified).max());
        let packs = self.packs(&seen.manifest, &HashSet::new())?;
        let snapshot = repository.snapshot()?;
        if let Some((commit, _)) = snapshot.shallow()? {
            // What older commits reach is not known here, and would be removed.
            snapshot.object(commit, Kind::Commit)?;
        }
        let Some(live) = Live::mark(&snapshot, &seen.manifest, listener)? else {
            return Ok(None); // Another push came between.
        };
        let fates = self.fates(&packs, &live, options, listener)?;
        let changed = fates
            .iter()
            .any(|fate| matches!(fate, Fate::Rewrite | Fate::Drop));
        let mut report = RemoteGcReport {
            dropped: fates.iter().filter(|fate| **fate == Fate::Drop).count() as u64,
            dry_run: options.dry_run,
            ..RemoteGcReport::default()
        };
        let kept = if changed && !options.dry_run {
            let store = repository.store();
            let purpose = send::Purpose::of_manifest(generation, true);
            let (kept, carried) = send::send(self, store, purpose, listener, &mut |sender| {
                self.rewrite(store, &packs, &fates, &live, sender)
            })?;
            report.rewritten = carried.packs;
            kept
        } else {
            let alive = packs
                .iter()
                .zip(&fates)
                .filter(|(_, fate)| **fate != Fate::Drop);
            alive.map(|(pack, _)| *pack).collect()
        };
        report.packs = kept.len() as u64;
        let mut manifest = seen.manifest.clone();
        if changed {
            self.set_packs(&mut manifest, kept, options)?;
        }
        let named = names(&manifest)?;
        let named: HashSet<_> = named
            .into_iter()
            .chain(self.listed(&manifest, &packs, changed)?)
            .collect();
        let oldest = now.map(|now| {
            now.saturating_sub(i64::try_from(options.grace.as_secs()).unwrap_or(i64::MAX))
        });
        let mut doomed = Vec::new();
        for (key, (bytes, modified)) in &blobs {
            if named.contains(key) {
                continue;
            }
            let old = match (modified, oldest) {
                (Some(modified), Some(oldest)) => *modified <= oldest,
                _ => options.grace.is_zero(),
            };
            if old {
                report.deleted += 1;
                report.bytes += bytes;
                doomed.push(key);
            } else {
                report.waiting += 1;
            }
        }
        if options.dry_run || (!changed && doomed.is_empty()) {
            let live = Some(&live);
            self.collect_results(repository, live, now, options, &mut report, listener)?;
            return Ok(Some(report));
        }
        manifest.generation += 1;
        let swap = new_swap()?;
        manifest.note(swap);
        match self.swap(&manifest, seen.etag.as_ref(), swap)? {
            Swapped::Changed => return Ok(None),
            Swapped::Done(_) => {}
        }
        repository
            .store()
            .write(|txn| send::forget_arrived(&self.name, txn))?;
        for key in doomed {
            check(listener)?;
            self.persistent(|| self.transport.delete(key))?;
        }
        let live = Some(&live);
        self.collect_results(repository, live, now, options, &mut report, listener)?;
        Ok(Some(report))
    }

    /// Lists the blobs in folders.
    pub(super) fn blobs(&self, folders: &[&str], listener: &dyn Listener) -> Result<Blobs> {
        let mut found = Blobs::new();
        for folder in folders {
            let mut last: Option<Key> = None;
            loop {
                check(listener)?;
                let page = self.list(folder, last.as_ref().map(Key::as_str))?;
                let Some(end) = page.last() else {
                    break;
                };
                if last.as_ref().is_some_and(|last| *last >= end.key) {
                    return Err(self.damaged(&end.key, "the list does not go on"));
                }
                last = Some(end.key.clone());
                let ours = page
                    .into_iter()
                    .filter(|entry| entry.key.as_str().starts_with(*folder));
                found.extend(ours.map(|entry| (entry.key, (entry.bytes, entry.modified))));
            }
        }
        Ok(found)
    }

    /// Returns what the remote's clock says, if that can be found out.
    pub(super) fn clock(&self) -> Result<Option<i64>> {
        let key = blob_key(CLOCK, ObjectId::of(&new_swap()?))?;
        self.put(&key, b"what time is it")?;
        let seen = self.list(key.as_str(), None)?;
        self.persistent(|| self.transport.delete(&key))?;
        Ok(seen
            .first()
            .filter(|entry| entry.key == key)
            .and_then(|entry| entry.modified))
    }

    /// Decides about each pack.
    fn fates(
        &self,
        packs: &[PackInfo],
        live: &Live,
        options: &RemoteGcOptions,
        listener: &dyn Listener,
    ) -> Result<Vec<Fate>> {
        let mut fates = Vec::new();
        for (number, pack) in packs.iter().enumerate() {
            check(listener)?;
            listener.step(&Step {
                phase: Phase::Checking,
                objects: number as u64,
                bytes: 0,
                total: None,
            });
            let index = self.index(pack)?;
            let mut bytes = 0;
            index.sizes(pack.index, &mut |first, size| {
                if live.has_first(first) {
                    bytes += size;
                }
            });
            fates.push(if bytes == 0 {
                Fate::Drop
            } else if bytes < pack.index / 2 {
                Fate::Rewrite
            } else if options.repack && pack.bytes < TARGET as u64 / 2 {
                Fate::Small
            } else {
                Fate::Keep
            });
        }
        // A run of packs that are small, or are written anyway, becomes few.
        let mut from = 0;
        while from < fates.len() {
            let run = fates.iter().skip(from);
            let run = run.take_while(|fate| **fate != Fate::Keep).count();
            let small = fates.iter().skip(from).take(run);
            let many = small.clone().filter(|fate| **fate == Fate::Small).count() >= MANY;
            for fate in fates.iter_mut().skip(from).take(run) {
                if *fate == Fate::Small {
                    *fate = if many { Fate::Rewrite } else { Fate::Keep };
                }
            }
            from += run + 1;
        }
        Ok(fates)
    }

    /// Writes what is alive of the packs that are not kept.
    fn rewrite(
        &self,
        store: &Store,
        packs: &[PackInfo],
        fates: &[Fate],
        live: &Live,
        sender: &mut send::Sender<'_>,
    ) -> Result<()> {
        let mut done = HashSet::new();
        for (pack, fate) in packs.iter().zip(fates) {
            match fate {
                Fate::Drop => {}
                Fate::Keep | Fate::Small => sender.keep(*pack)?,
                Fate::Rewrite => {
                    let bytes = self.pack(pack, store)?;
                    each_object(&bytes, pack.index, pack.objects, &mut |_, object| {
                        let id = place_of(object);
                        if live.has(id) && done.insert(start(id)) {
                            sender.add(id, object)?;
                        }
                        Ok(())
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Puts packs into a manifest, the oldest into lists.
    fn set_packs(
        &self,
        manifest: &mut Manifest,
        mut packs: Vec<PackInfo>,
        options: &RemoteGcOptions,
    ) -> Result<()> {
        manifest.lists.clear();
        while packs.len() > RECENT {
            let rest = packs.split_off(RECENT);
            let bytes = encode_list(manifest.generation, &packs);
            let id = ObjectId::of(&bytes);
            if !options.dry_run {
                self.put(&blob_key("lists", id)?, &bytes)?;
            }
            manifest.lists.push(ListInfo {
                id,
                packs: packs.len() as u64,
            });
            packs = rest;
        }
        manifest.packs = packs;
        Ok(())
    }

    /// Returns the names of the packs that the lists of a manifest name.
    fn listed(&self, manifest: &Manifest, before: &[PackInfo], changed: bool) -> Result<Vec<Key>> {
        if !changed {
            return before.iter().map(PackInfo::key).collect();
        }
        let packs = self.packs(manifest, &HashSet::new())?;
        packs.iter().map(PackInfo::key).collect()
    }
}

/// Returns the names of the blobs that a manifest itself names.
fn names(manifest: &Manifest) -> Result<Vec<Key>> {
    let lists = manifest.lists.iter().map(|list| blob_key("lists", list.id));
    lists
        .chain(manifest.packs.iter().map(PackInfo::key))
        .collect()
}

/// Returns the id that these bytes are kept under.
pub(super) fn place_of(bytes: &[u8]) -> ObjectId {
    crate::record::Record::decode(bytes)
        .map_or_else(|_| ObjectId::of(bytes), |Tombstone { object, .. }| object)
}

/// Returns the first half of an id, which nobody can make to be that of another.
pub(super) fn start(id: ObjectId) -> u128 {
    u128::from_be_bytes(id.as_bytes().first_chunk().copied().unwrap_or_default())
}

/// What the refs of a remote reach.
pub(super) struct Live {
    starts: HashSet<u128>,
    firsts: Vec<u64>,
}

impl Live {
    /// Marks what the refs of a manifest reach; `None` when a commit of them is not here.
    fn mark(
        snapshot: &Snapshot,
        manifest: &Manifest,
        listener: &dyn Listener,
    ) -> Result<Option<Self>> {
        let mut starts = HashSet::new();
        let mut waiting: Vec<Reference> = Vec::new();
        for commit in manifest.refs.values() {
            if !snapshot.has_object((*commit).into())? {
                return Ok(None);
            }
            waiting.push((*commit).into());
        }
        while let Some(Reference { kind, id }) = waiting.pop() {
            if !starts.insert(start(id)) {
                continue;
            }
            // A value that is at the remote alone has no blobs.
            if kind == Kind::Datum && !snapshot.raw_object(id)?.is_some_and(has_blobs) {
                continue;
            }
            if starts.len() % (1 << 14) == 0 {
                check(listener)?;
            }
            let bytes = match snapshot.object(id, kind) {
                Err(error) if matches!(*error, Error::Excised { .. }) => continue,
                read => read?,
            };
            let record = AnyRecord::decode(bytes).map_err(|fault| Error::ObjectInvalid {
                kind,
                id,
                fault,
            })?;
            record.references(&mut |reference| waiting.push(reference));
        }
        let mut firsts: Vec<_> = starts.iter().map(|start| first_half(*start)).collect();
        firsts.sort_unstable();
        Ok(Some(Self { starts, firsts }))
    }

    pub(super) fn has(&self, id: ObjectId) -> bool {
        self.starts.contains(&start(id))
    }

    /// Returns whether an object whose id begins like this may be alive.
    fn has_first(&self, first: u64) -> bool {
        self.firsts.binary_search(&first).is_ok()
    }
}

fn first_half(start: u128) -> u64 {
    (start >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_id_agree() {
        let id = ObjectId::of(b"x");
        assert_eq!(first_half(start(id)), id.first_bytes());
    }
}
