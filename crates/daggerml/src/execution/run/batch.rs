//! Many calls at once, a bounded number at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use super::executor::{Executor, NextStep, Prepared};
use super::turns::{MOST_AHEAD, Turns};
use crate::channel::{Sender, channel};
use crate::error::Result;
use crate::execution::adapter::process::TICK;
use crate::execution::call::Work;
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
        let most = works
            .first()
            .map_or(1, |(_, work)| self.at_once(work, parallel));
        let turns = Arc::new(Turns::new(most));
        let next = AtomicUsize::new(0);
        let cancel = CancelToken::default();
        let (tell, told) = channel();
        let run = |telling: &Telling<'_>| {
            while let Some(mut place) = turns.place() {
                let Some((item, work)) = works.get(next.fetch_add(1, Ordering::SeqCst)) else {
                    break;
                };
                let made = self.run_placed(*item, work, options, telling, Some(&mut place));
                let Some(result) = made else {
                    continue; // It was not begun.
                };
                if !self.goes_on(&result, stop_on_error) || cancel.is_canceled() {
                    turns.end();
                }
                put(*item, result);
            }
        };
        let run = &run;
        std::thread::scope(|scope| {
            let threads = most.saturating_add(MOST_AHEAD).min(works.len());
            for number in 0..threads {
                let telling = Telling {
                    tell: tell.clone(),
                    cancel: &cancel,
                };
                let begun = Builder::new().spawn_scoped(scope, move || run(&telling));
                if begun.is_err() {
                    // Those that there are do the work; without any, this one does.
                    if number == 0 {
                        let tell = tell.clone();
                        run(&Telling {
                            tell,
                            cancel: &cancel,
                        });
                    }
                    break;
                }
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
                    turns.end();
                }
            }
        });
        results
            .into_iter()
            .map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect()
    }

    /// Returns how many calls like `work` run at once: not more than there are processes for,
    /// so that none waits for one with its claim held.
    fn at_once(&self, work: &Work, parallel: usize) -> usize {
        let processes = match self.adapters().find(&work.adapter) {
            Ok((_, command)) if command.shares_repository && command.processes > 0 => {
                command.processes
            }
            _ => usize::MAX,
        };
        parallel.min(processes).max(1)
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
