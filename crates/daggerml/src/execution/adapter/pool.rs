//! The processes of one adapter: fresh ones, or a few that stay warm.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::process::{Process, TICK, Trouble};
use super::registry::AdapterCommand;

/// How long a warm process may idle.
const IDLE: Duration = Duration::from_mins(1);

pub(crate) struct Pool {
    pub command: AdapterCommand,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// Waiting for a request; the one used last is last.
    idle: Vec<Process>,
    /// How many there are, idle or not.
    alive: usize,
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

    /// Returns a process to ask: an idle one or, as far as allowed, a new one.
    pub fn take<S>(&self, stop: &mut dyn FnMut() -> Option<S>) -> Result<Process, Trouble<S>> {
        if self.is_warm() {
            let mut state = self.state();
            loop {
                if let Some(process) = state.idle.pop() {
                    if let Some(process) = process.if_usable() {
                        return Ok(process);
                    }
                    state.alive = state.alive.saturating_sub(1);
                    continue;
                }
                if state.alive < self.command.processes {
                    state.alive += 1;
                    break;
                }
                // It may run Python's signal handlers, which may make a call themselves.
                drop(state);
                if let Some(stopped) = stop() {
                    return Err(Trouble::Stopped(stopped));
                }
                state = self.state();
                if !state.idle.is_empty() || state.alive < self.command.processes {
                    continue;
                }
                state = self
                    .freed
                    .wait_timeout(state, TICK)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
        }
        Process::start(&self.command).map_err(|error| {
            self.gone();
            let program = self.command.program.display();
            Trouble::NotStarted(format!("{program} cannot be started: {error}"))
        })
    }

    /// Takes back a process that can be asked again.
    pub fn give_back(&self, process: Process) {
        self.state().idle.push(process);
        self.freed.notify_one();
    }

    /// Notes that a process that was taken will not come back.
    pub fn gone(&self) {
        if self.is_warm() {
            let mut state = self.state();
            state.alive = state.alive.saturating_sub(1);
            drop(state);
            self.freed.notify_one();
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
        state.alive = state.alive.saturating_sub(old.len());
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
