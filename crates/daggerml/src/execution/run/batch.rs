//! Many calls at once, a bounded number at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, PoisonError};

use super::executor::{Executor, NextStep, Prepared};
use crate::channel::{Sender, channel};
use crate::error::Result;
use crate::execution::adapter::process::TICK;
use crate::execution::options::{CallOptions, CancelToken, Event, Observer};
use crate::id::DagId;

/// What the workers tell the thread that asked.
struct Telling<'t> {
    tell: Sender<Event>,
    cancel: &'t CancelToken,
}

impl Observer for Telling<'_> {
    fn event(&self, event: &Event) {
        let _ = self.tell.send(event.clone()); // Fails when nobody listens any more.
    }

    fn interrupted(&self) -> bool {
        self.cancel.is_canceled()
    }
}

impl Executor {
    /// Runs `calls`, at most `parallel` at a time, and returns the DAG of each in order.
    ///
    /// No further call is begun after one that could not be run or, with
    /// `stop_on_error`, whose function failed. Those that were not begun are `None`.
    pub fn run_many(
        &self,
        calls: &[Prepared],
        parallel: usize,
        stop_on_error: bool,
        options: &CallOptions,
        observer: &dyn Observer,
    ) -> Vec<Option<Result<DagId>>> {
        let results: Vec<Mutex<Option<Result<DagId>>>> =
            calls.iter().map(|_| Mutex::new(None)).collect();
        let put = |item: usize, result| {
            if let Some(place) = results.get(item) {
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            }
        };
        let mut works = Vec::new();
        for (item, call) in calls.iter().enumerate() {
            match &call.step {
                NextStep::Answer(dag) => {
                    observer.event(&call.answered(item));
                    put(item, Ok(*dag));
                }
                NextStep::Run(work) => works.push((item, work)),
            }
        }
        let next = AtomicUsize::new(0);
        let cancel = CancelToken::default();
        let (tell, told) = channel();
        let run = |telling: &Telling<'_>| {
            while let Some((item, work)) = works.get(next.fetch_add(1, Ordering::SeqCst)) {
                let result = self.run_item(*item, work, options, telling);
                if !self.goes_on(&result, stop_on_error) || cancel.is_canceled() {
                    next.store(works.len(), Ordering::SeqCst);
                }
                put(*item, result);
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

    /// Returns whether further calls are begun after one with this result.
    fn goes_on(&self, result: &Result<DagId>, stop_on_error: bool) -> bool {
        match result {
            Ok(made) if stop_on_error => {
                let view = self.repository().view(*made);
                view.is_ok_and(|view| view.error().is_none())
            }
            result => result.is_ok(),
        }
    }
}
