//! Fetch: what moved at a remote comes here, and the tracking refs say where it is.

use std::collections::{BTreeMap, HashSet, VecDeque};

use crate::error::{Error, RemoteError, Result};
use crate::id::{CommitId, ObjectId};
use crate::record::Reference;
use crate::repo::Repository;
use crate::repo::ancestry::is_ancestor;
use crate::repo::branches::{HEADS, TAGS};
use crate::repo::refs::{self, ReadRefs, Target};
use crate::store::{ReadObjects, Snapshot, Table, absent};

use super::manifest::Manifest;
use super::pack::{Index, PackInfo, TARGET};
use super::partial::{Depth, Wanted};
use super::promised::Filter;
use super::receive::{self, Receiving};
use super::round::present;
use super::session::Seen;
use super::settings::tracking;
use super::{Carried, ChangeKind, Listener, RefChange, Remote, check};
use crate::transfer::transport::Got;

/// How many packs are asked for ahead of the one that is taken in.
const AHEAD: usize = 6;

/// The most bytes of them, unless one pack alone has more: they are in memory until they are there.
const AHEAD_BYTES: u64 = TARGET as u64;

/// How often a fetch begins again when packs are removed under its hands.
const TRIES: usize = 5;

/// What to fetch.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Whether tags come along. One that is here at another commit is left as it is.
    pub tags: bool,
    /// Whether tracking refs of branches that are gone there are removed.
    pub prune: bool,
    /// Only say what would change.
    pub dry_run: bool,
    /// How much history comes along.
    pub depth: Depth,
    /// Which values come along, from now on; `None` is as before. With [`Filter::None`], those
    /// that were left at the remote come too.
    pub filter: Option<Filter>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            tags: true,
            prune: false,
            dry_run: false,
            depth: Depth::Keep,
            filter: None,
        }
    }
}

/// What a fetch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchReport {
    /// The refs here that changed, or would: tracking refs and tags.
    pub changes: Vec<RefChange>,
    /// What was taken in.
    pub received: Carried,
    /// The full name of the branch there that a clone checks out.
    pub head: Option<String>,
    /// Whether nothing was changed, because only a report was asked for.
    pub dry_run: bool,
}

/// What a fetch is to take in.
struct Scope {
    /// Whether only a part of what is there: commits and values are read one by one.
    part: bool,
    /// The branches whose history ends; tags come only with their commits.
    shallow: bool,
    depth: Depth,
    filter: Filter,
}

impl Scope {
    fn of(snapshot: &Snapshot, options: &FetchOptions, set: Filter) -> Result<Self> {
        let shallow = snapshot.shallow()?.is_some();
        let filter = options.filter.unwrap_or(set);
        let depth = match options.depth {
            Depth::Full if !shallow => Depth::Keep,
            depth => depth,
        };
        let ends = matches!(depth, Depth::Last(_));
        Ok(Self {
            part: ends || shallow && depth == Depth::Keep || filter != Filter::None,
            shallow: ends || shallow && depth == Depth::Keep,
            depth,
            filter,
        })
    }

    /// Returns the commits that are to be here.
    fn tips(&self, manifest: &Manifest) -> Vec<CommitId> {
        let refs = manifest.refs.iter();
        let refs = refs.filter(|(name, _)| !self.shallow || name.starts_with(HEADS));
        refs.map(|(_, commit)| *commit).collect()
    }
}

impl Remote {
    /// Brings the tracking refs up to date. What they need is taken in before, verified.
    pub fn fetch(
        &self,
        repository: &Repository,
        options: &FetchOptions,
        listener: &dyn Listener,
    ) -> Result<FetchReport> {
        let state = self.remembered(&repository.snapshot()?)?;
        let mut seen = self.manifest(state.as_ref())?;
        let mut report = FetchReport {
            head: seen.manifest.head.clone(),
            dry_run: options.dry_run,
            ..FetchReport::default()
        };
        let snapshot = repository.snapshot()?;
        let scope = Scope::of(&snapshot, options, repository.remote_filter(&self.name)?)?;
        let same = seen.unchanged
            && scope.depth == Depth::Keep
            && options.filter.is_none()
            && all_here(&snapshot, &scope.tips(&seen.manifest))?;
        if options.dry_run || same {
            report.changes = self.changes(&snapshot, &seen.manifest, options, &scope)?;
            let kept = |change: &RefChange| change.kind == ChangeKind::Kept;
            if options.dry_run || report.changes.iter().all(kept) {
                return Ok(report);
            }
        }
        drop(snapshot);
        let store = repository.store();
        if let Some(filter) = options.filter {
            repository.set_filter(&self.name, filter)?;
        }
        let mut receiving = Receiving::begin(self, store, listener)?;
        for tried in 1.. {
            let known = state.as_ref().map(|state| &state.known);
            let taken = if scope.part {
                self.take_tips(repository, &seen, known, &scope, &mut receiving, listener)
            } else {
                let known = known.filter(|_| scope.depth == Depth::Keep);
                self.take_packs(repository, &seen, known, &scope, &mut receiving, listener)
            };
            match taken {
                Ok(()) => break,
                // A garbage collection there may have replaced the packs.
                Err(error)
                    if tried < TRIES
                        && matches!(*error, Error::Remote(RemoteError::Damaged { .. })) =>
                {
                    let again = self.manifest(None)?;
                    if again.etag == seen.etag {
                        return Err(error);
                    }
                    seen = again;
                }
                Err(error) => return Err(error),
            }
        }
        report.received = receiving.carried;
        if options.filter == Some(Filter::None) {
            let (objects, bytes) = self.bring_all(repository, listener)?;
            report.received.objects += objects;
            report.received.bytes += bytes;
        }
        report.head.clone_from(&seen.manifest.head);
        let lists = seen.manifest.lists.iter().map(|list| list.id);
        let packs = seen.manifest.packs.iter().map(|pack| pack.id);
        let known: HashSet<_> = lists.chain(packs).collect();
        report.changes = store.write(|txn| {
            let changes = self.changes(txn, &seen.manifest, options, &scope)?;
            for change in &changes {
                match change.after {
                    _ if change.kind == ChangeKind::Kept => {}
                    Some(commit) => refs::set(txn, &change.name, &Target::Commit(commit))?,
                    None => {
                        txn.delete(Table::Refs, change.name.as_bytes())?;
                    }
                }
            }
            if let Some(etag) = &seen.etag {
                self.remember(txn, etag, &seen.manifest, known.clone())?;
            }
            absent::settle(txn)?;
            receive::forget(txn)?;
            Ok(changes)
        })?;
        Ok(report)
    }

    /// Takes in what the branches of a manifest need of what is wanted.
    fn take_tips(
        &self,
        repository: &Repository,
        seen: &Seen,
        known: Option<&HashSet<ObjectId>>,
        scope: &Scope,
        receiving: &mut Receiving<'_>,
        listener: &dyn Listener,
    ) -> Result<()> {
        let nothing = HashSet::new();
        let wanted = Wanted {
            manifest: &seen.manifest,
            known: known.unwrap_or(&nothing),
            tips: &scope.tips(&seen.manifest),
            depth: scope.depth,
            filter: scope.filter,
        };
        for tried in 1.. {
            match self.take_part(repository, &wanted, receiving, listener) {
                // What was here may have been removed as garbage since.
                Err(error)
                    if tried < TRIES
                        && matches!(*error, Error::Remote(RemoteError::Incomplete { .. })) =>
                {
                    receiving.restart();
                }
                taken => return taken,
            }
        }
        Ok(())
    }

    /// Takes in what the refs of a manifest need.
    fn take_packs(
        &self,
        repository: &Repository,
        seen: &Seen,
        known: Option<&HashSet<ObjectId>>,
        scope: &Scope,
        receiving: &mut Receiving<'_>,
        listener: &dyn Listener,
    ) -> Result<()> {
        let (manifest, tips) = (&seen.manifest, scope.tips(&seen.manifest));
        if scope.depth == Depth::Keep && all_here(&repository.snapshot()?, &tips)? {
            return Ok(());
        }
        let nothing = HashSet::new();
        let had = known.is_some();
        let known = known.unwrap_or(&nothing);
        let mut packs = self.packs(manifest, known)?;
        packs.retain(|pack| !known.contains(&pack.id) && !receiving.before.contains(&pack.id));
        if had {
            let snapshot = repository.snapshot()?;
            let mut lacking = Vec::new();
            for pack in packs {
                if !pack.rewritten || !self.seems_here(&snapshot, &pack)? {
                    lacking.push(pack);
                }
            }
            packs = lacking;
        }
        let taken = self.take_all(&packs, receiving, listener);
        let whole = taken.and_then(|()| self.check_here(&repository.snapshot()?, &tips));
        match whole {
            // What was here may have been removed as garbage since.
            Err(error) if matches!(*error, Error::Remote(RemoteError::Incomplete { .. })) => {
                receiving.restart();
                let all = self.packs(manifest, &nothing)?;
                self.take_all(&all, receiving, listener)?;
                self.check_here(&repository.snapshot()?, &tips)
            }
            whole => whole,
        }
    }

    /// Checks that commits are here, which refs are about to be set to.
    fn check_here(&self, snapshot: &Snapshot, tips: &[CommitId]) -> Result<()> {
        for commit in tips {
            let reference = Reference::from(*commit);
            if !snapshot.has_object(reference.id)? {
                return Err(RemoteError::Incomplete {
                    remote: self.address.clone(),
                    reference,
                }
                .into());
            }
            present(snapshot, reference, &self.address)?;
        }
        Ok(())
    }

    /// Takes in packs in their order; the next ones are asked for meanwhile.
    fn take_all(
        &self,
        packs: &[PackInfo],
        receiving: &mut Receiving<'_>,
        listener: &dyn Listener,
    ) -> Result<()> {
        let store = receiving.store;
        std::thread::scope(|scope| {
            let mut asked: VecDeque<(&PackInfo, _)> = VecDeque::new();
            let mut next = packs.iter().peekable();
            loop {
                let mut bytes: u64 = asked.iter().map(|(info, _)| info.bytes).sum();
                while let Some(info) = next.next_if(|info| {
                    asked.is_empty() || asked.len() < AHEAD && bytes + info.bytes <= AHEAD_BYTES
                }) {
                    bytes += info.bytes;
                    asked.push_back((info, scope.spawn(move || self.pack(info, store))));
                }
                let Some((info, answer)) = asked.pop_front() else {
                    break;
                };
                check(listener)?;
                let bytes = answer.join().map_err(|_| Error::Invalid {
                    message: "a thread that reads from the remote ended unexpectedly".to_owned(),
                })??;
                receiving.take(*info, bytes, listener)?;
            }
            receiving.write(listener)
        })
    }

    /// Returns whether all objects of a pack seem to be here, by its index.
    fn seems_here(&self, snapshot: &Snapshot, pack: &PackInfo) -> Result<bool> {
        let index = self.index(pack)?;
        for first in index.firsts() {
            let prefix = first.to_be_bytes();
            if snapshot.objects(&prefix)?.next().is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the index of a pack.
    pub(super) fn index(&self, pack: &PackInfo) -> Result<Index> {
        let key = pack.key()?;
        let range = pack.index..pack.bytes;
        let length = pack.bytes - pack.index;
        let got = if self.transport.describe()?.ranges {
            self.get(&key, Some(&range), None, length)?
        } else {
            self.get(&key, None, None, pack.bytes)?
        };
        let Got::Found { bytes, .. } = got else {
            return Err(self.damaged(&key, "it is not there"));
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let from = bytes.len().saturating_sub(length);
        Index::parse(bytes.get(from..).unwrap_or_default(), pack.objects)
            .map_err(|fault| self.faulty(&key, &fault))
    }

    /// Returns the refs here that are to change.
    fn changes(
        &self,
        here: &(impl ReadRefs + ReadObjects),
        manifest: &Manifest,
        options: &FetchOptions,
        scope: &Scope,
    ) -> Result<Vec<RefChange>> {
        let mut changes = Vec::new();
        let mut wanted: BTreeMap<String, CommitId> = BTreeMap::new();
        for (name, commit) in &manifest.refs {
            if let Some(branch) = name.strip_prefix(HEADS) {
                wanted.insert(tracking(&self.name, branch), *commit);
            } else if options.tags
                && name.starts_with(TAGS)
                && (!scope.shallow || here.has_object((*commit).into())?)
            {
                wanted.insert(name.clone(), *commit);
            }
        }
        for (name, commit) in &wanted {
            let before = match here.target(name)? {
                Some(Target::Commit(before)) => Some(before),
                _ => None,
            };
            let kind = match before {
                Some(before) if before == *commit => continue,
                None => ChangeKind::Created,
                Some(_) if name.starts_with(TAGS) => ChangeKind::Kept,
                Some(before) => {
                    let both =
                        here.has_object(before.into())? && here.has_object((*commit).into())?;
                    match both {
                        true if is_ancestor(here, before, *commit)? => ChangeKind::FastForward,
                        true => ChangeKind::Forced,
                        false => ChangeKind::Moved,
                    }
                }
            };
            changes.push(RefChange {
                name: name.clone(),
                before,
                after: if kind == ChangeKind::Kept {
                    before
                } else {
                    Some(*commit)
                },
                kind,
            });
        }
        if options.prune {
            for name in here.ref_names(&tracking(&self.name, ""))? {
                if !wanted.contains_key(&name)
                    && let Some(Target::Commit(before)) = here.target(&name)?
                {
                    changes.push(RefChange {
                        name,
                        before: Some(before),
                        after: None,
                        kind: ChangeKind::Deleted,
                    });
                }
            }
        }
        Ok(changes)
    }
}

/// Returns whether commits are here, and so all that is wanted of what they reach.
fn all_here(objects: &impl ReadObjects, commits: &[CommitId]) -> Result<bool> {
    for commit in commits {
        if !objects.has_object(ObjectId::from(*commit))? {
            return Ok(false);
        }
    }
    Ok(true)
}
