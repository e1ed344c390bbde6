//! Getting the right to run a call: the claim of its key.

use std::sync::Arc;
use std::time::Instant;

use super::backoff;
use super::control::{Control, Stop};
use super::executor::Executor;
use crate::error::Result;
use crate::execution::cache;
use crate::execution::call::Work;
use crate::execution::claim::owner::is_dead;
use crate::execution::claim::{self, Claim, OwnerId, State};
use crate::execution::options::{CallOptions, Progress};
use crate::id::DagId;
use crate::record::Time;
use crate::store::{Table, WriteTxn};

/// How trying to get a claim ended.
pub(crate) enum Acquired<'e> {
    /// The call has an answer, so no claim is needed.
    Answered(DagId),
    /// The claim is ours.
    Mine(Mine<'e>),
    /// The caller must stop.
    Stopped(Stop),
}

/// A claim of ours. It is removed when this is dropped, unless it has ended.
pub(crate) struct Mine<'e> {
    executor: &'e Executor,
    work: &'e Arc<Work>,
    pub owner: OwnerId,
    pub attempt: u64,
    /// The token, when it was pending.
    pub token: Option<String>,
    /// From whom the claim was taken over.
    pub before: Option<OwnerId>,
    ended: bool,
}

impl Mine<'_> {
    /// Notes that the claim has ended, or is another's.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    /// Writes that the adapter works on it. Returns whether the claim is still ours.
    pub fn pending(&mut self, token: &str) -> Result<bool> {
        if self.token.as_deref() == Some(token) {
            return Ok(true);
        }
        let key = self.work.key;
        let (owner, state) = (self.owner.clone(), State::Pending(token.to_owned()));
        let ours = self.executor.write(move |txn| {
            let Some(mut claim) = claim::owned(txn, key, &owner)? else {
                return Ok(false);
            };
            claim.state = state.clone();
            claim.put(txn, key)?;
            Ok(true)
        })?;
        self.token = Some(token.to_owned());
        Ok(ours)
    }
}

impl Drop for Mine<'_> {
    fn drop(&mut self) {
        self.executor.inner.lease.let_go(self.work.key);
        if !self.ended {
            // If this fails, others take the claim over once this process has ended.
            let (key, owner) = (self.work.key, self.owner.clone());
            let _ = self.executor.write(move |txn| {
                if claim::owned(txn, key, &owner)?.is_some() {
                    claim::remove(txn, key)?;
                }
                Ok(())
            });
        }
    }
}

/// What a waiting caller saw of a claim. When it stays the same, the owner does not work.
#[derive(Clone, PartialEq, Eq)]
struct Sign(OwnerId, u64, u64);

impl Sign {
    fn of(claim: &Claim) -> Self {
        Self(claim.owner.clone(), claim.attempt, claim.beat)
    }
}

/// What a transaction found.
enum Tried {
    Answered(DagId),
    /// The claim, and from whom it was taken over.
    Got(Box<Claim>, Option<OwnerId>),
    Busy,
}

impl Executor {
    /// Waits for the claim of `work`, or for somebody else to run it.
    pub(crate) fn acquire<'e>(
        &'e self,
        work: &'e Arc<Work>,
        adapter: &str,
        options: &CallOptions,
        control: &mut Control<'_>,
    ) -> Result<Acquired<'e>> {
        let store = self.repository().store();
        let mut looks = 0;
        let mut last: Option<(Sign, Instant)> = None;
        let mut to_stop = false;
        // The newest attempt when this first waited for somebody's claim.
        let mut waited_since = None;
        loop {
            let snapshot = store.snapshot()?;
            if options.cache
                && let Some((_, dag)) = cache::lookup(&snapshot, work.key)?.and_then(|e| e.answer)
            {
                return Ok(Acquired::Answered(dag));
            }
            let found = claim::find(&snapshot, work.key)?;
            match (&found, waited_since) {
                (Some(_), None) => {
                    let entry = cache::lookup(&snapshot, work.key)?;
                    waited_since = Some(entry.map(|entry| entry.newest));
                }
                // All callers that waited get this failure, instead of each trying the call again.
                (None, Some(before)) if options.cache => {
                    if let Some(dag) = cache::failed_since(&snapshot, work.key, before)? {
                        return Ok(Acquired::Answered(dag));
                    }
                }
                _ => {}
            }
            drop(snapshot);
            let over = match &found {
                None if to_stop => return Ok(Acquired::Stopped(Stop::Requested)),
                None => None,
                Some(claim) => {
                    to_stop |= claim.cancel;
                    let sign = Sign::of(claim);
                    let since = match last.take() {
                        Some((before, since)) if before == sign => since,
                        _ => Instant::now(),
                    };
                    let hangs = since.elapsed() >= self.inner.options.lease;
                    let over = hangs || is_dead(store.folder(), &claim.owner)?;
                    last = Some((sign, since));
                    over.then(|| Sign::of(claim))
                }
            };
            if found.is_none() || over.is_some() {
                match self.try_claim(work, adapter, options, over)? {
                    Tried::Answered(dag) => return Ok(Acquired::Answered(dag)),
                    Tried::Got(claim, before) => {
                        return self.mine(work, *claim, before).map(Acquired::Mine);
                    }
                    Tried::Busy => {}
                }
            } else if looks == 0 {
                control.tell(0, Progress::Waiting);
            }
            if let Some(stop) = control.sleep(backoff::look(looks)) {
                return Ok(Acquired::Stopped(stop));
            }
            looks = looks.saturating_add(1);
        }
    }

    fn mine<'e>(
        &'e self,
        work: &'e Arc<Work>,
        claim: Claim,
        before: Option<OwnerId>,
    ) -> Result<Mine<'e>> {
        let mine = Mine {
            executor: self,
            work,
            owner: claim.owner,
            attempt: claim.attempt,
            token: match claim.state {
                State::Pending(token) => Some(token),
                _ => None,
            },
            before,
            ended: false,
        };
        self.hold(work.key)?;
        Ok(mine)
    }

    /// Claims the call if there is no claim, or only the one in `over`.
    fn try_claim(
        &self,
        work: &Arc<Work>,
        adapter: &str,
        options: &CallOptions,
        over: Option<Sign>,
    ) -> Result<Tried> {
        let owner = self.owner()?;
        let (work, adapter, cached) = (Arc::clone(work), adapter.to_owned(), options.cache);
        self.write(move |txn| {
            if cached
                && let Some((_, dag)) = cache::lookup_in(txn, work.key)?.and_then(|e| e.answer)
            {
                return Ok(Tried::Answered(dag));
            }
            let mut claim = Claim {
                owner: owner.id.clone(),
                attempt: 1,
                beat: 0,
                state: State::Running,
                adapter: adapter.clone(),
                runnable: work.runnable,
                args: work.args.clone(),
                argv: work.argv,
                since: Time::now(),
                host: host(),
                pid: u64::from(std::process::id()),
                cancel: false,
            };
            let mut before = None;
            match claim::find_in(txn, work.key)? {
                None => {}
                Some(old) if over.as_ref().is_some_and(|over| *over == Sign::of(&old)) => {
                    before = Some(old.owner);
                    claim.cancel = old.cancel;
                    match old.state {
                        State::Pending(_) => {
                            (claim.attempt, claim.state) = (old.attempt, old.state);
                        }
                        _ => claim.attempt = old.attempt + 1,
                    }
                }
                Some(_) => return Ok(Tried::Busy),
            }
            store_data(txn, &work)?;
            claim.put(txn, work.key)?;
            Ok(Tried::Got(Box::new(claim), before))
        })
    }
}

fn store_data(txn: &mut WriteTxn<'_>, work: &Work) -> Result<()> {
    work.objects
        .iter()
        .try_for_each(|(id, bytes)| txn.put_object(*id, bytes))
}

/// Returns the machine's name, for people.
fn host() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

/// Asks the owner of the claim of `key` to stop. Returns whether there is a claim. That of a
/// dead owner is removed.
pub(crate) fn request_cancel(
    store: &crate::store::Store,
    key: crate::record::CallKey,
) -> Result<bool> {
    let Some(found) = claim::find(&store.snapshot()?, key)? else {
        return Ok(false);
    };
    let dead = is_dead(store.folder(), &found.owner)?;
    store.write(|txn| {
        let Some(mut claim) = claim::find_in(txn, key)? else {
            return Ok(false);
        };
        if dead && claim.owner == found.owner {
            return txn.delete(Table::Claims, key.as_bytes());
        }
        claim.cancel = true;
        claim.put(txn, key)?;
        Ok(true)
    })
}
