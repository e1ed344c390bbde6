//! Many calls at once, a bounded number at a time.

use std::collections::VecDeque;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Instant;

use super::executor::{Executor, NextStep, Prepared};
use super::turns::{MOST_AHEAD, Turns};
use crate::channel::{Sender, channel};
use crate::error::{Error, Result};
use crate::execution::adapter::process::TICK;
use crate::execution::call::Work;
use crate::execution::options::{CallOptions, CancelToken, Event, Observer};
use crate::id::DagId;

/// What the workers tell the thread that asked.
enum Told {
    Event(Event),
    /// How the call ended that is number so many.
    Ended(usize, Result<DagId>),
    /// Few calls are left that wait for a worker.
    Few,
}

struct Telling<'t> {
    tell: Sender<Told>,
    cancel: &'t CancelToken,
}

impl Telling<'_> {
    fn told(&self, told: Told) {
        let _ = self.tell.send(told); // Fails when nobody listens any more.
    }
}

impl Observer for Telling<'_> {
    fn event(&self, event: &Event) {
        self.told(Told::Event(event.clone()));
    }

    fn interrupted(&self) -> bool {
        self.cancel.is_canceled()
    }
}

/// The calls that are ready and wait for a worker; clones are the same line. There are always
/// few: a map of many items needs no memory for the data of all of them.
#[derive(Clone)]
struct Waiting {
    shared: Arc<(Mutex<Line>, Condvar)>,
    /// How many there should be.
    room: usize,
}

#[derive(Default)]
struct Line {
    calls: VecDeque<(usize, Arc<Work>)>,
    /// Whether no more come.
    over: bool,
}

impl Waiting {
    fn new(room: usize) -> Self {
        let shared = Arc::default();
        Self { shared, room }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the first call, and what `look` tells of it.
    fn first<T>(&self, look: impl FnOnce(&Work) -> T) -> Option<(usize, T)> {
        let line = self.line();
        let (item, work) = line.calls.front()?;
        Some((*item, look(work)))
    }

    /// Waits for the next call. `None` when there are no more.
    fn next(&self, telling: &Telling<'_>) -> Option<(usize, Arc<Work>)> {
        let empty = |line: &mut Line| line.calls.is_empty() && !line.over;
        let mut line = self
            .shared
            .1
            .wait_while(self.line(), empty)
            .unwrap_or_else(PoisonError::into_inner);
        let next = line.calls.pop_front();
        if line.calls.len() == self.room / 2 && !line.over {
            telling.told(Told::Few);
        }
        next
    }

    fn push(&self, item: usize, work: Arc<Work>) {
        self.line().calls.push_back((item, work));
        self.shared.1.notify_one();
    }

    fn has_room(&self) -> bool {
        let line = self.line();
        !line.over && line.calls.len() < self.room
    }

    /// Lets those that are there be the last.
    fn end(&self) {
        self.line().over = true;
        self.shared.1.notify_all();
    }
}

/// The calls of a map as the thread that asked for them sees it.
struct Feed<'f> {
    calls: &'f mut dyn ExactSizeIterator<Item = Result<Prepared>>,
    observer: &'f dyn Observer,
    waiting: Waiting,
    /// How each call ended; `None` while it has not.
    results: Vec<Option<Result<DagId>>>,
    /// The number of the next call.
    next: usize,
    looked: Instant,
}

impl Feed<'_> {
    /// Makes calls ready for as long as there is room for them. Returns whether the map may go on.
    fn fill(&mut self) -> bool {
        while self.waiting.has_room() {
            if self.looked.elapsed() >= TICK {
                self.looked = Instant::now();
                if self.observer.interrupted() {
                    return false;
                }
            }
            let Some(call) = self.calls.next() else {
                self.waiting.end();
                break;
            };
            let item = self.next;
            self.next += 1;
            match call {
                Ok(call) => match &call.step {
                    NextStep::Answer(dag) => {
                        self.observer.event(&call.answered(item));
                        self.put(item, Ok(*dag));
                    }
                    NextStep::Run(work) => self.waiting.push(item, Arc::clone(work)),
                },
                Err(error) => {
                    self.put(item, Err(error));
                    return false;
                }
            }
        }
        true
    }

    fn put(&mut self, item: usize, result: Result<DagId>) {
        if let Some(place) = self.results.get_mut(item) {
            *place = Some(result);
        }
    }
}

impl Executor {
    /// Runs `calls`, at most `parallel` at a time, and returns the DAG of each in order.
    ///
    /// Each is taken from the iterator, on this thread, shortly before its turn. With
    /// `stop_on_error`, no further call is begun after one that fails; those are `None`. After a
    /// failure that is not the function's own, none is begun in any case.
    pub fn run_many(
        &self,
        calls: &mut dyn ExactSizeIterator<Item = Result<Prepared>>,
        parallel: usize,
        stop_on_error: bool,
        options: &CallOptions,
        observer: &dyn Observer,
    ) -> Vec<Option<Result<DagId>>> {
        let count = calls.len();
        let mut feed = Feed {
            calls,
            observer,
            waiting: Waiting::new(parallel.min(count).saturating_add(MOST_AHEAD)),
            results: std::iter::repeat_with(|| None).take(count).collect(),
            next: 0,
            looked: Instant::now(),
        };
        if !feed.fill() {
            return feed.results;
        }
        let Some((first, most)) = feed.waiting.first(|work| self.at_once(work, parallel)) else {
            return feed.results;
        };
        let waiting = feed.waiting.clone();
        let turns = Arc::new(Turns::new(most));
        let cancel = CancelToken::default();
        let (tell, told) = channel();
        let run = |telling: &Telling<'_>| {
            while let Some(mut place) = turns.place() {
                let Some((item, work)) = waiting.next(telling) else {
                    break;
                };
                let made = self.run_placed(item, &work, options, telling, Some(&mut place));
                let Some(result) = made else {
                    continue; // It was not begun.
                };
                if !self.goes_on(&result, stop_on_error) || cancel.is_canceled() {
                    turns.end();
                    waiting.end();
                }
                telling.told(Told::Ended(item, result));
            }
        };
        let run = &run;
        std::thread::scope(|scope| {
            let threads = most.saturating_add(MOST_AHEAD).min(count - first);
            for number in 0..threads {
                let telling = Telling {
                    tell: tell.clone(),
                    cancel: &cancel,
                };
                let begun = Builder::new().spawn_scoped(scope, move || run(&telling));
                if let Err(source) = begun {
                    // Those that there are do the work.
                    if number == 0 {
                        feed.put(first, Err(self.no_thread(source)));
                    }
                    break;
                }
            }
            drop(tell);
            loop {
                let goes_on = match told.recv_timeout(TICK) {
                    Ok(Told::Event(event)) => {
                        observer.event(&event);
                        true
                    }
                    Ok(Told::Ended(item, result)) => {
                        feed.put(item, result);
                        true
                    }
                    Ok(Told::Few) => feed.fill(),
                    Err(RecvTimeoutError::Timeout) => true,
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                let interrupted = observer.interrupted();
                if interrupted {
                    cancel.cancel();
                }
                if interrupted || !goes_on {
                    turns.end();
                    waiting.end();
                }
            }
        });
        feed.results
    }

    fn no_thread(&self, source: std::io::Error) -> Box<Error> {
        Error::Io {
            action: "start a thread for",
            path: self.repository().store().path().to_owned(),
            source,
        }
        .into()
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
