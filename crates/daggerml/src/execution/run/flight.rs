//! Callers of one process who want the same call share one run of it.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::control::{Control, Stop};
use crate::error::{Error, ExecutionError, Result};
use crate::execution::adapter::process::TICK;
use crate::execution::options::Progress;
use crate::id::DagId;
use crate::record::CallKey;

/// The result of a run, for the callers that waited for it. `None` is a result that is of
/// no use to them, so each goes on by itself.
pub(crate) type Landing = Option<Result<DagId, ExecutionError>>;

/// The runs under way.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<CallKey, Arc<Flight>>>);

#[derive(Default)]
struct Flight {
    landed: Mutex<Option<Landing>>,
    changed: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right and duty to run a call.
pub(crate) struct Lead<'f> {
    flights: &'f Flights,
    key: CallKey,
    flight: Arc<Flight>,
    landing: Landing,
}

/// What a caller that wants a call does.
pub(crate) enum Role<'f> {
    /// Runs it.
    Lead(Lead<'f>),
    /// Waited for the one who did.
    Followed(Landing),
    /// Must stop.
    Stopped(Stop),
}

impl Flights {
    /// Runs or waits for the call of `control`.
    pub fn join(&self, control: &mut Control<'_>) -> Role<'_> {
        let key = control.key;
        let flight = {
            let mut flights = lock(&self.0);
            if let Some(flight) = flights.get(&key) {
                Arc::clone(flight)
            } else {
                let flight = Arc::new(Flight::default());
                flights.insert(key, Arc::clone(&flight));
                return Role::Lead(Lead {
                    flights: self,
                    key,
                    flight,
                    landing: None,
                });
            }
        };
        control.tell(0, Progress::Waiting);
        loop {
            let mut landed = lock(&flight.landed);
            if landed.is_none() {
                landed = flight
                    .changed
                    .wait_timeout(landed, TICK)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            if let Some(landing) = &*landed {
                return Role::Followed(landing.clone());
            }
            // It may run Python's signal handlers, which may make the same call.
            drop(landed);
            if let Some(stop) = control.stop() {
                return Role::Stopped(stop);
            }
        }
    }
}

impl Lead<'_> {
    /// Shares the result of the run, if it is of use to others.
    pub fn land(&mut self, result: &Result<DagId>) {
        self.landing = match result {
            Ok(dag) => Some(Ok(*dag)),
            Err(error) => match &**error {
                // These concern only the caller that ran it.
                Error::Execution(
                    ExecutionError::Timeout { .. }
                    | ExecutionError::Canceled { .. }
                    | ExecutionError::Cycle { .. },
                ) => None,
                Error::Execution(error) => Some(Err(error.clone())),
                _ => None,
            },
        };
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        lock(&self.flights.0).remove(&self.key);
        *lock(&self.flight.landed) = Some(self.landing.take());
        self.flight.changed.notify_all();
    }
}
