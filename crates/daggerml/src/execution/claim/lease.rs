//! Renewing claims, on a thread of the executor.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::error::Result;
use crate::execution::claim::{self, OwnerId};
use crate::record::CallKey;
use crate::store::Store;

/// The claims of one executor.
pub(crate) struct Lease {
    shared: Arc<Shared>,
}

struct Shared {
    held: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    keys: HashSet<CallKey>,
    running: bool,
    over: bool,
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                held: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Renews the claim of `key` from now on. `tidy` is run at every renewal.
    pub fn hold(
        &self,
        key: CallKey,
        store: &Store,
        owner: &OwnerId,
        every: Duration,
        tidy: Box<dyn Fn() + Send>,
    ) -> std::io::Result<()> {
        let mut held = self.shared.held();
        held.keys.insert(key);
        if held.running {
            return Ok(());
        }
        let shared = Arc::downgrade(&self.shared);
        let (store, owner) = (store.clone(), owner.clone());
        let holding = Box::new(move || run(&shared, &store, &owner, every, &tidy));
        crate::threads::start("dml-lease", holding)?;
        held.running = true;
        Ok(())
    }

    pub fn let_go(&self, key: CallKey) {
        self.shared.held().keys.remove(&key);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shared.held().over = true;
        self.shared.changed.notify_all();
    }
}

fn run(shared: &Weak<Shared>, store: &Store, owner: &OwnerId, every: Duration, tidy: &dyn Fn()) {
    while let Some(shared) = shared.upgrade() {
        let (held, _) = shared
            .changed
            .wait_timeout_while(shared.held(), every, |held| !held.over)
            .unwrap_or_else(PoisonError::into_inner);
        if held.over {
            return;
        }
        let keys: Vec<_> = held.keys.iter().copied().collect();
        drop(held);
        // When it fails, for example because the disk is full, the next time may do.
        let _ = renew(store, owner, &keys);
        tidy();
    }
}

/// Raises the beat of those claims that are still `owner`'s.
pub(crate) fn renew(store: &Store, owner: &OwnerId, keys: &[CallKey]) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    store.write(|txn| {
        for key in keys {
            if let Some(mut claim) = claim::owned(txn, *key, owner)? {
                claim.beat = claim.beat.wrapping_add(1);
                claim.put(txn, *key)?;
            }
        }
        Ok(())
    })
}
