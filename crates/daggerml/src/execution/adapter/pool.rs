//! The processes of one adapter: fresh ones, or a few that stay warm.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::process::{Process, TICK, Trouble};
use super::registry::AdapterCommand;

/// How long a warm process may idle.
const IDLE: Duration = Duration::from_mins(1);

/// How long a poll waits for the process that knows of the call, before any other is asked.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Pool {
    pub command: AdapterCommand,
    state: Mutex<State>,
    freed: Condvar,
}

impl State {
    fn forget(&mut self, number: u64) {
        self.alive.retain(|alive| *alive != number);
    }

    /// Takes the idle process with that number, or the one used last.
    fn take_idle(&mut self, number: Option<u64>) -> Option<Process> {
        match number {
            None => self.idle.pop(),
            Some(number) => {
                let at = self.idle.iter().position(|idle| idle.number == number)?;
                Some(self.idle.remove(at))
            }
        }
    }
}

#[derive(Default)]
struct State {
    /// Waiting for a request; the one used last is last.
    idle: Vec<Process>,
    /// The numbers of those that there are, idle or not.
    alive: Vec<u64>,
    /// The number of the newest one.
    newest: u64,
    /// How many requests wait for one.
    waiting: usize,
}

impl Pool {
    pub fn new(command: AdapterCommand) -> Self {
        Self {
            command,
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Returns whether processes are kept between calls.
    pub fn is_warm(&self) -> bool {
        self.command.processes > 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a process to ask: an idle one or, as far as allowed, a new one. The one with
    /// the number `before`, if it still runs, is waited for a while.
    pub fn take<S>(
        &self,
        before: Option<u64>,
        stop: &mut dyn FnMut() -> Option<S>,
    ) -> Result<Process, Trouble<S>> {
        let mut made = 0;
        if self.is_warm() {
            let begun = Instant::now();
            let mut state = self.state();
            loop {
                let before = before
                    .filter(|number| state.alive.contains(number) && begun.elapsed() < PATIENCE);
                if let Some(process) = state.take_idle(before) {
                    let number = process.number;
                    if let Some(process) = process.if_usable() {
                        return Ok(process);
                    }
                    state.forget(number);
                    continue;
                }
                if before.is_none() && state.alive.len() < self.command.processes {
                    state.newest += 1;
                    made = state.newest;
                    state.alive.push(made);
                    break;
                }
                // It may run Python's signal handlers, which may make a call themselves.
                drop(state);
                if let Some(stopped) = stop() {
                    return Err(Trouble::Stopped(stopped));
                }
                state = self.state();
                let free = before.is_none() && state.alive.len() < self.command.processes;
                let idle = match before {
                    None => !state.idle.is_empty(),
                    Some(number) => state.idle.iter().any(|idle| idle.number == number),
                };
                if free || idle {
                    continue;
                }
                state.waiting += 1;
                state = self
                    .freed
                    .wait_timeout(state, TICK)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
                state.waiting -= 1;
            }
        }
        Process::start(&self.command, made).map_err(|error| {
            self.gone(made);
            let program = self.command.program.display();
            Trouble::NotStarted(format!("{program} cannot be started: {error}"))
        })
    }

    /// Returns how many requests wait for a process.
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// Takes back a process that can be asked again.
    pub fn give_back(&self, process: Process) {
        self.state().idle.push(process);
        self.tell();
    }

    /// Notes that a process that was taken will not come back.
    pub fn gone(&self, number: u64) {
        if self.is_warm() {
            self.state().forget(number);
            self.tell();
        }
    }

    /// Tells those who wait that a process came back, or that there may be a new one.
    fn tell(&self) {
        if self.command.processes == 1 {
            self.freed.notify_one(); // All wait for the same.
        } else {
            self.freed.notify_all();
        }
    }

    /// Lets processes end that have idled for long.
    pub fn tidy(&self) {
        let now = Instant::now();
        let mut state = self.state();
        let (old, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut state.idle)
            .into_iter()
            .partition(|process| now.saturating_duration_since(process.idle) > IDLE);
        state.idle = kept;
        old.iter().for_each(|process| state.forget(process.number));
        drop(state);
        old.into_iter().for_each(Process::retire);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let state = std::mem::take(&mut *self.state());
        state.idle.into_iter().for_each(Process::retire);
    }
}
