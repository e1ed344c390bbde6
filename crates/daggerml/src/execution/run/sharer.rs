//! The remotes that results are shared with, and how they are asked.
//!
//! A remote that does not answer in time, or fails, is not asked again for a while.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::control::{Control, Stop};
use crate::channel::channel;
use crate::error::{Error, RemoteError, Result};
use crate::execution::adapter::process::TICK;
use crate::repo::Repository;
use crate::transfer::remote::{Listener, Remote, Step};

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(10);

/// How long it is waited for that a large result goes on.
const LIMIT_BETWEEN: Duration = Duration::from_mins(1);

/// How long a remote that failed is not asked.
const REST: Duration = Duration::from_mins(1);

/// How far something is that is carried.
#[derive(Default)]
struct Going {
    steps: AtomicU64,
    /// Whether nobody waits for it any more.
    unwanted: AtomicBool,
}

impl Listener for Going {
    fn step(&self, _: &Step) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn interrupted(&self) -> bool {
        self.unwanted.load(Ordering::Relaxed)
    }
}

/// A remote that results are shared with.
pub(super) struct Sharer {
    pub remote: Remote,
    pub read: bool,
    write: bool,
    claims: bool,
    /// Whether it was found that it cannot be written to.
    read_only: AtomicBool,
    /// When it failed.
    failed: Mutex<Option<Instant>>,
}

impl Sharer {
    /// Opens the remotes that the settings of a repository say. One that cannot be opened is
    /// left out.
    pub fn all(repository: &Repository) -> Result<Vec<Arc<Self>>> {
        let mut all = Vec::new();
        for sharing in repository.sharing()? {
            if sharing.trusted
                && let Ok(remote) = Remote::open(repository, &sharing.remote)
            {
                all.push(Arc::new(Self {
                    remote,
                    read: sharing.read,
                    write: sharing.write,
                    claims: sharing.claims,
                    read_only: AtomicBool::new(false),
                    failed: Mutex::default(),
                }));
            }
        }
        Ok(all)
    }

    pub fn writes(&self) -> bool {
        self.write && !self.read_only.load(Ordering::Relaxed)
    }

    /// Returns whether calls are claimed there.
    pub fn claims(&self) -> bool {
        self.claims && self.read && self.writes()
    }

    /// Returns whether a call is waited for that somebody else claimed there.
    pub fn waits(&self) -> bool {
        self.claims
    }

    /// Returns whether it is left alone for now, since it failed a moment ago.
    pub fn rests(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|since| since.elapsed() < REST)
    }

    /// Leaves it alone for a while, and says so.
    pub fn fails(&self, control: &mut Control<'_>, why: &str) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        control.notice(format!(
            "the remote {} is left alone for {} s, and calls are run here: {why}",
            self.remote.name(),
            REST.as_secs()
        ));
    }

    /// Runs `ask` in a thread of its own and waits for it, but not too long. A failure is
    /// noted, and nothing comes of it.
    pub fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        control: &mut Control<'_>,
        ask: impl FnOnce(&Remote) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>, Stop> {
        self.wait(control, LIMIT, &Arc::default(), ask)
    }

    /// Does the same with what takes many requests if it `is_large`: then it may take long, as long as
    /// it goes on.
    pub fn carry<T: Send + 'static>(
        self: &Arc<Self>,
        control: &mut Control<'_>,
        is_large: bool,
        carry: impl FnOnce(&Remote, &dyn Listener) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>, Stop> {
        let going = Arc::<Going>::default();
        let listener = Arc::clone(&going);
        let limit = if is_large { LIMIT_BETWEEN } else { LIMIT };
        let carried = self.wait(control, limit, &going, move |remote| {
            carry(remote, &*listener)
        });
        going.unwanted.store(true, Ordering::Relaxed);
        carried
    }

    fn wait<T: Send + 'static>(
        self: &Arc<Self>,
        control: &mut Control<'_>,
        limit: Duration,
        going: &Arc<Going>,
        ask: impl FnOnce(&Remote) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>, Stop> {
        let (tell, told) = channel();
        let asked = Arc::clone(self);
        let run = move || {
            let _ = tell.send(ask(&asked.remote)); // Fails when nobody waits any more.
        };
        // Without a thread `tell` is gone, which is seen below.
        let _ = crate::threads::start("dml-share", Box::new(run));
        let (mut since, mut steps) = (Instant::now(), 0);
        while since.elapsed() < limit {
            let now = going.steps.load(Ordering::Relaxed);
            if now != steps {
                (since, steps) = (Instant::now(), now);
            }
            match told.recv_timeout(TICK) {
                Ok(Ok(answer)) => return Ok(Some(answer)),
                Ok(Err(error)) => {
                    self.noted(control, &error);
                    return Ok(None);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.fails(control, "it could not be asked");
                    return Ok(None);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(stop) = control.stop() {
                return Err(stop);
            }
        }
        let why = format!("it did not answer within {} s", limit.as_secs());
        self.fails(control, &why);
        Ok(None)
    }

    fn noted(&self, control: &mut Control<'_>, error: &Error) {
        let refused = matches!(
            error,
            Error::Remote(RemoteError::Denied { verb, .. }) if *verb != "get"
        );
        if !refused {
            return self.fails(control, &error.to_string());
        }
        self.read_only.store(true, Ordering::Relaxed);
        control.notice(format!("results are not offered: {error}"));
    }
}
