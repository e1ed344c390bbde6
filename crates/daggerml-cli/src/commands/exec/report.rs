//! Calls and attempts, as every command shows them.

use daggerml::execution::claim::Claim;
use daggerml::execution::{Attempt, CallState};
use serde::Serialize;

use crate::ui::Moment;

/// A call.
#[derive(Serialize)]
pub struct CallReport {
    pub key: String,
    /// The DAG that answers calls, while it is cached.
    pub dag: Option<String>,
    pub running: Option<RunningReport>,
    /// The newest attempt that ended.
    pub newest: Option<AttemptReport>,
}

/// A call under way.
#[derive(Serialize)]
pub struct RunningReport {
    pub state: String,
    pub attempt: u64,
    pub adapter: String,
    pub since: Moment,
    pub host: String,
    pub pid: u64,
    /// Whether its owner is dead, so that the next caller takes it over.
    pub dead: bool,
    /// Whether it was asked to stop.
    pub cancel: bool,
}

/// An attempt that ended.
#[derive(Serialize)]
pub struct AttemptReport {
    pub exec: String,
    pub status: String,
    pub dag: Option<String>,
    pub adapter: String,
    pub started: Moment,
    pub finished: Moment,
    /// Whether there is a log.
    pub log: bool,
    /// Whether the function failed in a way that may not come again: it answers no calls.
    pub transient: bool,
}

impl CallReport {
    pub fn new(call: &CallState) -> Self {
        let running = |claim: &Claim| RunningReport {
            state: claim.state.as_str().to_owned(),
            attempt: claim.attempt,
            adapter: claim.adapter.clone(),
            since: Moment(claim.since),
            host: claim.host.clone(),
            pid: claim.pid,
            dead: call.dead,
            cancel: claim.cancel,
        };
        Self {
            key: call.key.to_string(),
            dag: call.answer.map(|dag| dag.to_string()),
            running: call.claim.as_ref().map(running),
            newest: call.newest.as_ref().map(AttemptReport::new),
        }
    }

    /// Returns how the call is, in a word or two.
    pub fn state(&self) -> String {
        let word = match (&self.running, &self.newest) {
            (Some(RunningReport { dead: true, .. }), _) => "interrupted",
            (Some(RunningReport { cancel: true, .. }), _) => "canceling",
            (Some(running), _) => return running.state.clone(),
            (None, Some(newest)) if newest.is_invalidated() && self.dag.is_none() => "invalidated",

            (None, Some(newest)) => return newest.outcome().to_owned(),
            (None, None) => "unknown",
        };
        word.to_owned()
    }
}

impl AttemptReport {
    pub fn new(made: &Attempt) -> Self {
        Self {
            exec: made.id.to_string(),
            status: made.exec.status.as_str().to_owned(),
            dag: made.exec.dag.map(|dag| dag.to_string()),
            adapter: made.exec.adapter.clone(),
            started: Moment(made.exec.started),
            finished: Moment(made.exec.finished),
            log: made.exec.log.is_some(),
            transient: made.transient,
        }
    }

    /// Returns whether it would answer calls, were it not invalidated.
    fn is_invalidated(&self) -> bool {
        self.dag.is_some() && !self.transient
    }

    /// Returns how it ended: an attempt without a DAG is the adapter's failure.
    pub fn outcome(&self) -> &str {
        match (self.status.as_str(), &self.dag) {
            ("error", None) => "adapter failed",
            ("error", Some(_)) if self.transient => "transient error",
            (status, _) => status,
        }
    }

    /// Returns how long it took, in seconds.
    pub fn took(&self) -> String {
        let micros = self.finished.0.0.saturating_sub(self.started.0.0).max(0);
        let (seconds, millis) = (micros / 1_000_000, micros % 1_000_000 / 1000);
        format!("{seconds}.{millis:03} s")
    }
}
