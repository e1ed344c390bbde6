//! A claim at a remote while it is ours.

use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::sharer::Sharer;
use crate::channel::{Receiver, Sender, channel};
use crate::error::Result;
use crate::record::CallKey;
use crate::transfer::remote::{Remote, SharedCall, SharedState};
use crate::transfer::transport::Etag;

/// How long it is waited for that a claim is given up. When that takes longer it goes on in
/// the background; and if the process ends before, the claim ends by its lease.
const PARTING: Duration = Duration::from_secs(2);

/// A claim at a remote. It is renewed until this is dropped, and then given up, unless a result
/// took its place.
pub(super) struct HeldClaim {
    pub sharer: Arc<Sharer>,
    claim: Arc<Claim>,
    /// Closed to end the renewals.
    stop: Option<Sender<()>>,
    /// Closed when they ended.
    ended: Receiver<()>,
}

/// A claim, for the thread that renews it and the one that ends it.
struct Claim {
    key: CallKey,
    written: Mutex<Written>,
}

struct Written {
    call: SharedCall,
    /// Its mark; `None` when it has ended, or is another's.
    etag: Option<Etag>,
}

impl HeldClaim {
    /// Holds a claim that was just made.
    pub fn new(
        sharer: &Arc<Sharer>,
        key: CallKey,
        call: SharedCall,
        etag: Etag,
        lease: Duration,
    ) -> Self {
        let claim = Arc::new(Claim {
            key,
            written: Mutex::new(Written {
                call,
                etag: Some(etag),
            }),
        });
        let (stop, stopped) = channel::<()>();
        let (end, ended) = channel::<()>();
        let (asked, kept) = (Arc::clone(sharer), Arc::clone(&claim));
        let keep = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(lease / 3) {
                kept.renew(&asked.remote);
            }
            kept.release(&asked.remote);
            drop(end);
        };
        // Without a thread it is not renewed, and ends by itself.
        let _ = crate::threads::start("dml-claim", Box::new(keep));
        Self {
            sharer: Arc::clone(sharer),
            claim,
            stop: Some(stop),
            ended,
        }
    }

    /// Returns what offers a result in the place of the claim.
    pub fn offer(&self) -> impl FnOnce(&Remote, &SharedCall) -> Result<bool> + use<> {
        let claim = Arc::clone(&self.claim);
        move |remote, result| {
            let mut written = claim.written();
            let taken = remote.offer_result(claim.key, result, written.etag.clone())?;
            written.etag = None;
            Ok(taken)
        }
    }
}

impl Drop for HeldClaim {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.ended.recv_timeout(PARTING);
    }
}

impl Claim {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self, remote: &Remote) {
        let mut written = self.written();
        let Some(etag) = written.etag.clone() else {
            return;
        };
        if let SharedState::Claimed(claim) = &mut written.call.state {
            claim.beat += 1;
        }
        // When it fails, the next time may do.
        if let Ok(etag) = remote.renew_claim(self.key, &written.call, &etag) {
            written.etag = etag;
        }
    }

    fn release(&self, remote: &Remote) {
        let mut written = self.written();
        if let Some(etag) = written.etag.take() {
            // When it fails, the claim ends by its lease.
            let _ = remote.release_claim(self.key, &written.call, &etag);
        }
    }
}
