//! Push: refs move at a remote, after what they need was sent.

use std::collections::HashSet;

use crate::error::{Error, Rejected, RejectedReason, RemoteError, Result};
use crate::id::{CommitId, ObjectId};
use crate::repo::Repository;
use crate::repo::ancestry::is_ancestor;
use crate::repo::branches::{HEADS, TAGS};
use crate::repo::refs::{self, ReadRefs, Target};
use crate::store::{ReadObjects, Snapshot, Table, WriteTxn};

use super::manifest::{Manifest, RECENT, is_ref};
use super::pack::{PackInfo, blob_key};
use super::send::Purpose;
use super::session::{Seen, Swapped, new_swap};
use super::settings::{follow, tracking, upstream_ref};
use super::{Carried, ChangeKind, Listener, RefChange, Remote, check, plan, send};

/// How often a push tries again when others change the remote meanwhile.
const TRIES: usize = 100;

/// When a ref may move to a commit that does not follow the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// Never.
    #[default]
    No,
    /// When it is still where it was when it was last fetched.
    WithLease,
    /// Always.
    Yes,
}

/// A ref that is to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The full name at the remote: `heads/main`, `tags/v1`.
    pub name: String,
    /// Where it is to be, as a revision; `None` deletes it.
    pub source: Option<String>,
    /// Whether it may be forced, whatever the options say.
    pub force: bool,
}

impl Update {
    /// Reads an update: `main`, `main:other`, `REVISION:main`, `:gone` to delete, each with
    /// `+` before it to force it. A name without `heads/` or `tags/` is that of a branch, or
    /// of a tag if there is only a tag of that name here.
    pub fn parse(repository: &Repository, text: &str) -> Result<Self> {
        let (force, text_) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (source, target) = match text_.rsplit_once(':') {
            Some(("", target)) => (None, target),
            Some((source, target)) => (Some(source.to_owned()), target),
            None => (Some(text_.to_owned()), text_),
        };
        let target = refs::without_refs(target);
        let name = if is_ref(target) {
            target.to_owned()
        } else {
            let (branch, tag) = (refs::branch_ref(target)?, refs::tag_ref(target)?);
            let snapshot = repository.snapshot()?;
            let here = |name: &str| Ok::<_, Box<Error>>(snapshot.target(name)?.is_some());
            if !here(&branch)? && here(&tag)? {
                tag
            } else {
                branch
            }
        };
        // `main` means the branch, whatever else has that name.
        let source = match source {
            Some(source) if refs::without_refs(&source) == target => Some(name.clone()),
            source => source,
        };
        Ok(Self {
            name,
            source,
            force,
        })
    }
}

/// What to push.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct PushOptions {
    /// The refs; when there are none and neither `all` nor `tags` is set, the branch that is
    /// checked out, to the branch that it follows or to the one of its name.
    pub updates: Vec<Update>,
    /// All branches, too.
    pub all: bool,
    /// All tags, too.
    pub tags: bool,
    /// When refs may be forced.
    pub force: Force,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Let the branches that are pushed follow those at the remote. One that follows nothing
    /// follows that of its own name anyway.
    pub set_upstream: bool,
}

/// What a push did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushReport {
    /// The refs that were to move, in the order asked for.
    pub changes: Vec<RefChange>,
    /// What was made to be sent.
    pub sent: Carried,
    /// Whether nothing was changed, because only a report was asked for.
    pub dry_run: bool,
}

/// A ref that is to move, looked up.
struct Wanted {
    name: String,
    to: Option<CommitId>,
    force: Force,
    /// The branch here that it is to be where.
    branch: Option<String>,
}

/// What was sent for one generation of the remote.
struct Sent {
    generation: u64,
    packs: Vec<PackInfo>,
    carried: Carried,
}

impl Remote {
    /// Moves refs at the remote, all of those asked for or none. What they need is sent before.
    /// A remote is made where there is nothing.
    ///
    /// When a ref may not move, nothing is changed, and the error is
    /// [`RemoteError::Rejected`].
    pub fn push(
        &self,
        repository: &Repository,
        options: &PushOptions,
        listener: &dyn Listener,
    ) -> Result<PushReport> {
        let snapshot = repository.snapshot()?;
        let wanted = self.wanted(repository, &snapshot, options)?;
        let state = self.remembered(&snapshot)?;
        let mut sent: Option<Sent> = None;
        let mut seen = self.manifest_or_new(state.as_ref())?;
        for _ in 0..TRIES {
            check(listener)?;
            let now = match seen.take() {
                Some(now) => now,
                None if options.dry_run => Seen {
                    etag: None,
                    manifest: Manifest::default(),
                    unchanged: false,
                },
                None => self.make()?,
            };
            let changes = self.judge(&snapshot, &now.manifest, &wanted)?;
            let moved = changes
                .iter()
                .any(|change| change.kind != ChangeKind::Unchanged);
            if options.dry_run || !moved {
                let sent = sent.map(|sent| sent.carried).unwrap_or_default();
                let report = PushReport {
                    changes,
                    sent,
                    dry_run: options.dry_run,
                };
                if !options.dry_run {
                    repository
                        .store()
                        .write(|txn| self.track(txn, &report.changes, &wanted, options))?;
                }
                return Ok(report);
            }
            let generation = now.manifest.generation;
            let ready = match sent.take() {
                // After a garbage collection there, what was sent may be gone, and so may
                // what this relied on.
                Some(ready) if ready.generation == generation => ready,
                _ => self.send_missing(repository, &snapshot, &now.manifest, &changes, listener)?,
            };
            let mut manifest = now.manifest;
            apply(&mut manifest, &changes, &ready.packs, repository)?;
            let swap = new_swap()?;
            manifest.note(swap);
            let before = manifest.packs.clone();
            let list = manifest.shorten();
            if let Some(list) = &list {
                self.put(&blob_key("lists", ObjectId::of(list))?, list)?;
            }
            if let Swapped::Done(etag) = self.swap(&manifest, now.etag.as_ref(), swap)? {
                let store = repository.store();
                store.write(|txn| {
                    self.track(txn, &changes, &wanted, options)?;
                    if let Some(etag) = &etag {
                        let state = self.remembered(txn)?;
                        let mut known = state.map(|state| state.known).unwrap_or_default();
                        known.extend(ready.packs.iter().map(|pack| pack.id));
                        // A list is known when all packs are that went into it.
                        if let Some(list) = &list
                            && before
                                .iter()
                                .take(RECENT)
                                .all(|pack| known.contains(&pack.id))
                        {
                            known.insert(ObjectId::of(list));
                        }
                        self.remember(txn, etag, &manifest, known)?;
                    }
                    send::forget_arrived(&self.name, txn)
                })?;
                return Ok(PushReport {
                    changes,
                    sent: ready.carried,
                    dry_run: false,
                });
            }
            sent = Some(ready);
            seen = self.manifest_or_new(None)?;
        }
        Err(RemoteError::Busy {
            remote: self.address.clone(),
        }
        .into())
    }

    /// Returns the refs that are to move.
    fn wanted(
        &self,
        repository: &Repository,
        snapshot: &Snapshot,
        options: &PushOptions,
    ) -> Result<Vec<Wanted>> {
        let mut updates = options.updates.clone();
        let spaces = [(options.all, HEADS), (options.tags, TAGS)];
        for (_, space) in spaces.into_iter().filter(|(all, _)| *all) {
            updates.extend(snapshot.ref_names(space)?.into_iter().map(|name| Update {
                source: Some(name.clone()),
                name,
                force: false,
            }));
        }
        if options.updates.is_empty() && !options.all && !options.tags {
            let Some(current) = snapshot.current_branch()? else {
                return Err(Error::Invalid {
                    message: "no branch is checked out; name what to push".to_owned(),
                }
                .into());
            };
            let short = current.strip_prefix(HEADS).unwrap_or(&current);
            if snapshot.target(&current)?.is_none() {
                return Err(Error::Invalid {
                    message: format!("the branch {short:?} has no commit yet to push"),
                }
                .into());
            }
            let upstream = repository.upstream(short)?;
            let upstream = upstream.filter(|upstream| upstream.remote == self.name);
            updates.push(Update {
                name: upstream.map_or(current.clone(), |upstream| {
                    format!("{HEADS}{}", upstream.branch)
                }),
                source: Some(current),
                force: false,
            });
        }
        let mut found: Vec<Wanted> = Vec::new();
        for update in updates {
            if !is_ref(&update.name) {
                return Err(Error::Invalid {
                    message: format!("{:?} is not the name of a branch or tag", update.name),
                }
                .into());
            }
            let to = match &update.source {
                Some(source) => Some(repository.commit_at(source)?),
                None => None,
            };
            let force = if update.force {
                Force::Yes
            } else {
                options.force
            };
            match found.iter().find(|other| other.name == update.name) {
                Some(other) if other.to == to => continue,
                Some(_) => {
                    return Err(Error::Invalid {
                        message: format!("{:?} cannot move to two commits at once", update.name),
                    }
                    .into());
                }
                None => {}
            }
            let branch = update
                .source
                .as_deref()
                .map(|source| source.strip_prefix(HEADS).unwrap_or(source).to_owned());
            let is_here = |branch: &String| match refs::branch_ref(branch) {
                Ok(full_name) => matches!(snapshot.target(&full_name), Ok(Some(_))),
                Err(_) => false,
            };
            found.push(Wanted {
                name: update.name,
                to,
                force,
                branch: branch.filter(is_here),
            });
        }
        Ok(found)
    }

    /// Returns what would become of the refs, or the error that some may not move.
    fn judge(
        &self,
        snapshot: &Snapshot,
        manifest: &Manifest,
        wanted: &[Wanted],
    ) -> Result<Vec<RefChange>> {
        let mut changes = Vec::new();
        let mut rejected = Vec::new();
        for Wanted {
            name, to, force, ..
        } in wanted
        {
            let before = manifest.refs.get(name).copied();
            let kind = match (before, *to) {
                (before, to) if before == to => ChangeKind::Unchanged,
                (None, _) => ChangeKind::Created,
                (Some(before), to) => {
                    let follows = match to {
                        Some(to) => {
                            !name.starts_with(TAGS)
                                && snapshot.has_object(before.into())?
                                && is_ancestor(snapshot, before, to)?
                        }
                        None => false,
                    };
                    let reason = match force {
                        _ if follows => None,
                        Force::Yes => None,
                        // Only to delete what is known needs no force.
                        Force::No if to.is_none() => None,
                        Force::No if name.starts_with(TAGS) => Some(RejectedReason::TagExists),
                        Force::No => Some(RejectedReason::Behind),
                        Force::WithLease => {
                            let known = name
                                .strip_prefix(HEADS)
                                .map(|branch| snapshot.target(&tracking(&self.name, branch)));
                            let known = known.transpose()?.flatten();
                            (known != Some(Target::Commit(before))).then_some(RejectedReason::Moved)
                        }
                    };
                    if let Some(reason) = reason {
                        let name = name.clone();
                        rejected.push(Rejected { name, reason });
                        continue;
                    }
                    match to {
                        None => ChangeKind::Deleted,
                        Some(_) if follows => ChangeKind::FastForward,
                        Some(_) => ChangeKind::Forced,
                    }
                }
            };
            changes.push(RefChange {
                name: name.clone(),
                before,
                after: *to,
                kind,
            });
        }
        if rejected.is_empty() {
            return Ok(changes);
        }
        Err(RemoteError::Rejected {
            remote: self.address.clone(),
            refs: rejected,
        }
        .into())
    }

    /// Sends what the remote lacks.
    fn send_missing(
        &self,
        repository: &Repository,
        snapshot: &Snapshot,
        manifest: &Manifest,
        changes: &[RefChange],
        listener: &dyn Listener,
    ) -> Result<Sent> {
        let wanted: Vec<_> = changes.iter().filter_map(|change| change.after).collect();
        let mut had = Vec::new();
        for commit in manifest.refs.values() {
            if snapshot.has_object((*commit).into())? {
                had.push(*commit);
            }
        }
        // Garbage collection that removes one of these packs raises the generation; then all
        // is made anew.
        let packs = manifest.packs.iter().map(|pack| pack.id).collect();
        let target = plan::Target {
            name: &self.name,
            address: &self.address,
            packs: &packs,
        };
        let generation = manifest.generation;
        let purpose = Purpose::of_manifest(generation, false);
        let (packs, carried) =
            send::send(self, repository.store(), purpose, listener, &mut |sender| {
                plan::missing(snapshot, &target, &wanted, &had, &mut |id, bytes| {
                    sender.add(id, bytes)
                })
            })?;
        Ok(Sent {
            generation,
            packs,
            carried,
        })
    }

    /// Notes here where the refs are there.
    fn track(
        &self,
        txn: &mut WriteTxn<'_>,
        changes: &[RefChange],
        wanted: &[Wanted],
        options: &PushOptions,
    ) -> Result<()> {
        for (change, wanted) in changes.iter().zip(wanted) {
            let Some(branch) = change.name.strip_prefix(HEADS) else {
                continue;
            };
            let full_name = tracking(&self.name, branch);
            match change.after {
                Some(commit) => {
                    // Others may have removed it here since the push began.
                    let before = txn.target(&full_name)?;
                    let target = Target::Commit(commit);
                    if before.as_ref() != Some(&target) && txn.has_object(commit.into())? {
                        refs::set(txn, &full_name, &target)?;
                    }
                    if let Some(own) = &wanted.branch {
                        let key = upstream_ref(own)?;
                        let first = own == branch && txn.target(&key)?.is_none();
                        if options.set_upstream || first {
                            follow(txn, &key, &self.name, branch)?;
                        }
                    }
                }
                None => {
                    txn.delete(Table::Refs, full_name.as_bytes())?;
                }
            }
        }
        Ok(())
    }
}

/// The branch that a clone checks out when nothing tells of another.
const MAIN: &str = crate::repo::FIRST_BRANCH;

/// Changes the manifest as the push will.
fn apply(
    manifest: &mut Manifest,
    changes: &[RefChange],
    packs: &[PackInfo],
    repository: &Repository,
) -> Result<()> {
    for change in changes {
        match change.after {
            Some(commit) => manifest.refs.insert(change.name.clone(), commit),
            None => manifest.refs.remove(&change.name),
        };
    }
    let there: HashSet<_> = manifest.packs.iter().map(|pack| pack.id).collect();
    let new = packs.iter().filter(|pack| !there.contains(&pack.id));
    manifest.packs.extend(new);
    let head = manifest.head.as_ref();
    if head.is_none_or(|head| !manifest.refs.contains_key(head)) {
        let current = repository.snapshot()?.current_branch()?;
        let branches = manifest.refs.keys().filter(|name| name.starts_with(HEADS));
        manifest.head = branches
            .max_by_key(|name| (current.as_ref() == Some(*name), name.as_str() == MAIN))
            .cloned();
    }
    Ok(())
}
