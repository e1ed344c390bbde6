//! Results that are shared by way of remotes: asked for before a call is run, and offered
//! after.
//!
//! Of all who share results, the one who claims the call at the remote runs it, and the
//! others wait for the result. When a remote fails, calls are run here as if there were none:
//! sharing saves time and decides nothing.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::backoff;
use super::control::{Control, Stop};
use super::executor::Executor;
use super::held::HeldClaim;
use super::shared_result::{Offered, Taken, Taking, is_of_result, pack};
use super::sharer::Sharer;
use super::watch::{Watch, Watched};
use crate::error::{Error, Result};
use crate::execution::call::Work;
use crate::execution::claim::OwnerId;
use crate::execution::options::Progress;
use crate::id::DagId;
use crate::record::{CallKey, Time};
use crate::repo::Repository;
use crate::transfer::remote::{
    Claiming, Over, RemoteClaim, SeenCall, SharedCall, SharedState, is_unsound,
};
use crate::transfer::transport::Etag;

/// How long a claim at a remote lasts, in leases of claims here: to renew it costs a request.
const LEASES: u32 = 2;

/// After how many looks at the same claim the remote is asked how old it is.
const AGE_ASKED: u32 = 4;

/// The remotes that results are shared with; opened before the first call is run.
#[derive(Default)]
pub(crate) struct Shared(Vec<Arc<Sharer>>);

/// A call whose claim here is ours, on its way to an answer of a remote.
pub(crate) struct Asking<'a> {
    pub work: &'a Work,
    /// Whose the claim here is.
    pub owner: &'a OwnerId,
    /// From whom that claim was taken over.
    pub before: Option<&'a OwnerId>,
    /// Whether an adapter works on it already.
    pub pending: bool,
}

/// What came of asking.
pub(crate) enum Asked {
    /// The DAG of a result, which was taken in.
    Answered(DagId),
    /// Nothing: the call is to be run, under this claim if there is one.
    Nothing(Held),
    Stopped(Stop),
}

/// A claim at a remote, if there is one.
#[derive(Default)]
pub(crate) struct Held(Option<HeldClaim>);

impl Executor {
    /// Asks the remotes for a result of a call, and takes it in. Then the claim has ended.
    /// Else the call is claimed at a remote, where that is possible.
    pub(crate) fn ask_remotes(
        &self,
        asking: &Asking<'_>,
        control: &mut Control<'_>,
    ) -> Result<Asked> {
        let shared = self.shared()?;
        let usable = || shared.0.iter().filter(|one| one.read && !one.rests());
        // Who waits at one remote and holds a claim at another could wait for ever: claims are
        // at the first remote alone, and it is asked last.
        let claiming = usable().find(|one| one.claims());
        if !asking.pending {
            for sharer in
                usable().filter(|one| claiming.is_none_or(|first| !Arc::ptr_eq(one, first)))
            {
                match self.look(sharer, asking, control)? {
                    Asked::Nothing(_) => {}
                    asked => return Ok(asked),
                }
            }
        }
        match claiming {
            Some(sharer) => self.claim_there(sharer, asking, control),
            None => Ok(Asked::Nothing(Held::default())),
        }
    }

    /// Asks one remote for a result, without a claim.
    fn look(
        &self,
        sharer: &Arc<Sharer>,
        asking: &Asking<'_>,
        control: &mut Control<'_>,
    ) -> Result<Asked> {
        let key = asking.work.key;
        let nothing = || Ok(Asked::Nothing(Held::default()));
        loop {
            let seen = sharer.ask(control, move |remote| remote.shared_call(key, None));
            let (etag, call) = match seen {
                Ok(Some(SeenCall::There(etag, call))) => (etag, call),
                Ok(_) => return nothing(),
                Err(stop) => return Ok(Asked::Stopped(stop)),
            };
            let SharedState::Claimed(claim) = &call.state else {
                return match self.take(sharer, asking, &call, control)? {
                    Taken::Yes(dag) => Ok(Asked::Answered(dag)),
                    Taken::Stopped(stop) => Ok(Asked::Stopped(stop)),
                    Taken::Unwanted | Taken::Unsound => nothing(),
                };
            };
            if !sharer.waits() {
                return nothing();
            }
            match wait_there(sharer, key, etag, claim, control) {
                Waited::Gone(None) => {}
                Waited::Gone(Some(_)) | Waited::Failed => return nothing(),
                Waited::Stopped(stop) => return Ok(Asked::Stopped(stop)),
            }
        }
    }

    /// Claims a call at a remote, or waits there for the result of somebody else.
    fn claim_there(
        &self,
        sharer: &Arc<Sharer>,
        asking: &Asking<'_>,
        control: &mut Control<'_>,
    ) -> Result<Asked> {
        let key = asking.work.key;
        let nothing = || Ok(Asked::Nothing(Held::default()));
        let call = SharedCall {
            who: self.repository().author()?,
            when: Time::now(),
            state: SharedState::Claimed(RemoteClaim {
                token: asking.owner.to_bytes(),
                beat: 0,
                lease: self.lease_there(),
            }),
        };
        let mut over = Over {
            etag: None,
            token: asking.before.map(OwnerId::to_bytes),
        };
        loop {
            let (claimer, lease) = (Arc::clone(sharer), self.lease_there());
            let (mine, there) = (call.clone(), over.clone());
            let claimed = sharer.ask(control, move |remote| {
                let claiming = remote.claim_call(key, &mine, &there)?;
                // Made here, so that it is given up when nobody waits for it any more.
                Ok(match claiming {
                    Claiming::Mine(etag) => Ok(HeldClaim::new(&claimer, key, mine, etag, lease)),
                    other => Err(other),
                })
            });
            let (etag, claim) = match claimed {
                Err(stop) => return Ok(Asked::Stopped(stop)),
                Ok(None | Some(Err(Claiming::Mine(_)))) => return nothing(),
                Ok(Some(Ok(held))) => return Ok(Asked::Nothing(Held(Some(held)))),
                Ok(Some(Err(_))) if asking.pending => return nothing(),
                Ok(Some(Err(Claiming::Busy(etag, claim)))) => (etag, claim),
                Ok(Some(Err(Claiming::Made(etag, call)))) => {
                    match self.take(sharer, asking, &call, control)? {
                        Taken::Yes(dag) => return Ok(Asked::Answered(dag)),
                        Taken::Stopped(stop) => return Ok(Asked::Stopped(stop)),
                        // The next result takes its place.
                        Taken::Unsound if over.etag.as_ref() != Some(&etag) => {
                            over.etag = Some(etag);
                            continue;
                        }
                        Taken::Unsound | Taken::Unwanted => return nothing(),
                    }
                }
            };
            match wait_there(sharer, key, etag, &claim, control) {
                Waited::Gone(etag) => over.etag = etag,
                Waited::Failed => return nothing(),
                Waited::Stopped(stop) => return Ok(Asked::Stopped(stop)),
            }
        }
    }

    /// Takes in the result of a call from a remote and ends the claim here.
    fn take(
        &self,
        sharer: &Arc<Sharer>,
        asking: &Asking<'_>,
        call: &SharedCall,
        control: &mut Control<'_>,
    ) -> Result<Taken> {
        let store = self.repository().store();
        let taking = Taking {
            store,
            asking,
            result: call,
            remote: sharer.remote.name(),
        };
        let taken = match &call.state {
            SharedState::Made(bundle) => taking.bundle(bundle),
            SharedState::Packed(packed) => {
                let (store, wanted) = (store.clone(), packed.clone());
                let received = sharer.carry(control, true, move |remote, listener| {
                    match remote.receive_result(&store, &wanted, listener) {
                        // The remote is fine, the result is not.
                        Err(error) if matches!(&*error, Error::Remote(error) if is_unsound(error)) => {
                            Ok(Err(error))
                        }
                        received => received.map(Ok),
                    }
                });
                match received {
                    Err(stop) => return Ok(Taken::Stopped(stop)),
                    Ok(None) => return Ok(Taken::Unwanted),
                    Ok(Some(Err(error))) => Err(error),
                    Ok(Some(Ok(received))) => taking.received(&packed.roots, &received),
                }
            }
            SharedState::Claimed(_) | SharedState::Nothing => return Ok(Taken::Unwanted),
        };
        match taken {
            Err(error) if is_of_result(&error) => {
                // What is wrong with it does not matter: the call is run.
                let name = sharer.remote.name();
                control.notice(format!(
                    "the result at the remote {name} is unsound: {error}"
                ));
                Ok(Taken::Unsound)
            }
            taken => taken,
        }
    }

    /// Offers the result of `work` to the remotes, and ends the claim there.
    pub(crate) fn offer_to_remotes(
        &self,
        work: &Work,
        dag: DagId,
        held: &Held,
        control: &mut Control<'_>,
    ) -> Result<()> {
        let shared = self.shared()?;
        let key = work.key;
        let mut writers = shared.0.iter().filter(|one| one.writes() && !one.rests());
        let Some(first) = writers.next() else {
            return Ok(());
        };
        let Some(offered) = pack(self.repository(), work, dag)? else {
            return Ok(());
        };
        let who = self.repository().author()?;
        let offered = Arc::new(offered);
        for sharer in std::iter::once(first).chain(writers) {
            let (repository, offered, who) =
                (self.repository().clone(), Arc::clone(&offered), who.clone());
            let here = held
                .0
                .as_ref()
                .filter(|held| Arc::ptr_eq(&held.sharer, sharer));
            let claimed = here.map(HeldClaim::offer);
            let is_large = matches!(*offered, Offered::Large(..));
            let taken = sharer.carry(control, is_large, move |remote, listener| {
                let state = match &*offered {
                    Offered::Bundle(bundle) => SharedState::Made(bundle.clone()),
                    Offered::Large(roots, exec, bytes) => {
                        let exec = (*exec, bytes.as_slice());
                        let packed = remote.send_result(&repository, roots, exec, listener)?;
                        SharedState::Packed(packed)
                    }
                };
                let result = SharedCall {
                    who,
                    when: Time::now(),
                    state,
                };
                match claimed {
                    Some(offer) => offer(remote, &result),
                    None => remote.offer_result(key, &result, None),
                }
            });
            if taken.is_err() {
                break; // The result is here all the same.
            }
        }
        Ok(())
    }

    fn lease_there(&self) -> Duration {
        self.inner.options.lease * LEASES
    }

    fn shared(&self) -> Result<Arc<Shared>> {
        let mut place = self
            .inner
            .shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = &*place {
            return Ok(Arc::clone(shared));
        }
        let shared = Arc::new(Shared(Sharer::all(self.repository())?));
        *place = Some(Arc::clone(&shared));
        Ok(shared)
    }
}

/// Waits until a claim of somebody else ends, or is as old as its lease.
fn wait_there(
    sharer: &Arc<Sharer>,
    key: CallKey,
    etag: Etag,
    claim: &RemoteClaim,
    control: &mut Control<'_>,
) -> Waited {
    control.tell(0, Progress::Waiting);
    let mut watch = Watch::new(etag, claim, Instant::now());
    let mut looks = 0;
    loop {
        if let Some(stop) = control.sleep(backoff::look_there(looks)) {
            return Waited::Stopped(stop);
        }
        let known = watch.etag.clone();
        let seen = sharer.ask(control, move |remote| remote.shared_call(key, Some(&known)));
        let watched = match seen {
            Err(stop) => return Waited::Stopped(stop),
            Ok(None) => return Waited::Failed,
            Ok(Some(seen)) => watch.see(seen, Instant::now()),
        };
        match watched {
            Watched::Unchanged => {}
            Watched::Renewed => continue,
            Watched::Gone => return Waited::Gone(None),
        }
        if watch.is_over(Instant::now()) {
            return Waited::Gone(Some(watch.etag));
        }
        looks += 1;
        // That takes a few requests, one of which writes.
        if looks == AGE_ASKED && sharer.writes() {
            let known = watch.etag.clone();
            match sharer.ask(control, move |remote| remote.claim_age(key, &known)) {
                Err(stop) => return Waited::Stopped(stop),
                Ok(None) => return Waited::Failed,
                Ok(Some(None)) => {}
                Ok(Some(Some(age))) => watch.is_aged(age, Instant::now()),
            }
        }
    }
}

/// How waiting for somebody else's claim ended.
enum Waited {
    /// It is gone, or may be replaced if this is its mark.
    Gone(Option<Etag>),
    /// The remote failed.
    Failed,
    Stopped(Stop),
}

impl Repository {
    /// Invalidates what the remotes that results are offered to share of the call `key`.
    /// Returns the names of those that shared something.
    pub fn invalidate_shared(&self, key: CallKey) -> Result<Vec<String>> {
        let who = self.author()?;
        let mut done = Vec::new();
        for sharer in Sharer::all(self)? {
            if sharer.writes() && sharer.remote.invalidate_result(key, &who)? {
                done.push(sharer.remote.name().to_owned());
            }
        }
        Ok(done)
    }
}
