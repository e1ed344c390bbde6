//! Telling Python of calls while they are run, and of what is carried.

use std::sync::{Mutex, MutexGuard, PoisonError};

use daggerml::Error;
use daggerml::execution::{Event, Observer, Progress};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrRaise;

/// Tells Python what happens, and runs its signal handlers.
pub(crate) struct Listener {
    on_event: Option<Py<PyAny>>,
    raised: Mutex<Option<PyErr>>,
}

impl Listener {
    /// Makes a listener that tells `on_event`, or only looks for signals.
    pub fn new(on_event: Option<Py<PyAny>>) -> Self {
        Self {
            on_event,
            raised: Mutex::default(),
        }
    }

    fn raised(&self) -> MutexGuard<'_, Option<PyErr>> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, py: Python<'_>, event: &Event) -> PyResult<()> {
        let Some(on_event) = &self.on_event else {
            return Ok(());
        };
        let told = PyDict::new(py);
        told.set_item("state", event.progress.as_str())?;
        told.set_item("item", event.item)?;
        told.set_item("key", event.key.to_string())?;
        told.set_item("attempt", event.attempt)?;
        match &event.progress {
            Progress::Retrying { reason, after } => {
                told.set_item("reason", reason)?;
                told.set_item("after", after.as_secs_f64())?;
            }
            Progress::Notice { reason } | Progress::Failed { reason } => {
                told.set_item("reason", reason)?;
            }
            _ => {}
        }
        on_event.call1(py, (told,)).map(drop)
    }

    /// Tells what `fill` puts into a dict.
    pub fn told(&self, fill: impl Fn(&Bound<'_, PyDict>) -> PyResult<()>) {
        let Some(on_event) = &self.on_event else {
            return;
        };
        let tell = |py: Python<'_>| {
            let told = PyDict::new(py);
            fill(&told)?;
            on_event.call1(py, (told,)).map(drop)
        };
        if let Err(raised) = Python::attach(tell) {
            self.raised().get_or_insert(raised);
        }
    }

    /// Notes what was raised elsewhere, unless something was before.
    pub fn raise(&self, raised: PyErr) {
        self.raised().get_or_insert(raised);
    }

    /// Returns whether something was raised, or a signal's handler raises now.
    pub fn is_interrupted(&self) -> bool {
        if self.raised().is_some() {
            return true;
        }
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method alone is not general enough over lifetimes"
        )]
        let checked = Python::attach(|py| py.check_signals());
        match checked {
            Ok(()) => false,
            Err(raised) => {
                self.raised().get_or_insert(raised);
                true
            }
        }
    }

    /// Returns what was raised, else `result`.
    pub fn or_raised<T>(&self, py: Python<'_>, result: Result<T, Box<Error>>) -> PyResult<T> {
        match self.raised().take() {
            Some(raised) => Err(raised),
            None => result.or_raise(py),
        }
    }
}

impl Observer for Listener {
    fn event(&self, event: &Event) {
        if self.on_event.is_some()
            && let Err(raised) = Python::attach(|py| self.tell(py, event))
        {
            self.raised().get_or_insert(raised);
        }
    }

    fn interrupted(&self) -> bool {
        self.is_interrupted()
    }
}
