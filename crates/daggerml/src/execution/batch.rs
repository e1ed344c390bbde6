//! Many calls at once, a bounded number at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};

use super::Work;
use super::executor::Executor;
use super::options::{CallOptions, CancelToken, Event, Observer};
use super::process::TICK;
use crate::error::Result;
use crate::id::DagId;

/// What the workers tell the thread that asked.
struct Telling<'t> {
    tell: mpsc::Sender<Event>,
    cancel: &'t CancelToken,
}

impl Observer for Telling<'_> {
    fn event(&self, event: &Event) {
        let _ = self.tell.send(event.clone()); // Nobody may listen any more.
    }

    fn interrupted(&self) -> bool {
        self.cancel.is_canceled()
    }
}

impl Executor {
    /// Runs `works`, at most `parallel` at a time; what came of each, in order.
    ///
    /// `go_on` is asked with what came of each call, on some thread, as soon as it is
    /// there; once it says no, no further call is begun. Those that were not begun
    /// are `None`.
    pub fn run_many(
        &self,
        works: &[Work],
        parallel: usize,
        options: &CallOptions,
        observer: &dyn Observer,
        go_on: &(dyn Fn(usize, &Result<DagId>) -> bool + Sync),
    ) -> Vec<Option<Result<DagId>>> {
        let results: Vec<Mutex<Option<Result<DagId>>>> =
            works.iter().map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let cancel = CancelToken::default();
        let (tell, told) = mpsc::channel();
        let run = |telling: &Telling<'_>| {
            loop {
                let item = next.fetch_add(1, Ordering::SeqCst);
                let (Some(work), Some(place)) = (works.get(item), results.get(item)) else {
                    return;
                };
                let result = self.run_item(item, work, options, telling);
                if !go_on(item, &result) || cancel.is_canceled() {
                    next.store(works.len(), Ordering::SeqCst);
                }
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..parallel.clamp(1, works.len().max(1)) {
                let telling = Telling {
                    tell: tell.clone(),
                    cancel: &cancel,
                };
                scope.spawn(move || run(&telling));
            }
            drop(tell);
            loop {
                match told.recv_timeout(TICK) {
                    Ok(event) => observer.event(&event),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                if observer.interrupted() {
                    cancel.cancel();
                }
            }
        });
        results
            .into_iter()
            .map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect()
    }
}
