//! Asking the adapter of one call, whichever process answers.

use std::sync::Arc;
use std::time::Instant;

use super::pool::Pool;
use super::process::{Process, Trouble};
use super::protocol::{Answer, Request};
use crate::execution::live_log::LiveLog;
use crate::process::StderrLog;
use crate::record::CallKey;

/// The adapter as one call sees it.
pub(crate) struct Asker {
    pub pool: Arc<Pool>,
    key: CallKey,
    /// A fresh process that answered `pending`, for what is asked next.
    kept: Option<Process>,
    /// The number of the warm process that answered `pending`: it may know more of the call.
    before: Option<u64>,
    /// What the processes wrote to standard error for this call.
    pub log: StderrLog,
    /// The same for others, while the run runs.
    live: Option<LiveLog>,
}

impl Asker {
    pub fn new(pool: Arc<Pool>, key: CallKey) -> Self {
        Self {
            pool,
            key,
            kept: None,
            before: None,
            log: StderrLog::default(),
            live: None,
        }
    }

    /// Begins the log of a run: what is written is told to `live` as well.
    pub fn begin(&mut self, live: LiveLog) {
        if let Some(before) = self.live.replace(live) {
            before.end();
        }
    }

    /// Appends a line of our own to the log.
    pub fn note(&mut self, line: &str) {
        let bytes = self.log.push_line(line);
        if let Some(live) = &self.live {
            live.push(&bytes);
        }
    }

    /// Asks, and waits for the answer until `until` unless `stop` says otherwise. A
    /// process that did not answer well is stopped and not asked again.
    pub fn ask<S>(
        &mut self,
        request: &Request<'_>,
        attempt: u64,
        until: Option<Instant>,
        stop: &mut dyn FnMut() -> Option<S>,
    ) -> Result<Answer, Trouble<S>> {
        let mut process = match self.kept.take().and_then(Process::if_usable) {
            Some(process) => process,
            None => self.pool.take(self.before, stop)?,
        };
        if let Some(live) = self.live.clone() {
            process.tell_log(Some(Box::new(move |bytes| live.push(bytes))));
        }
        let number = process.number;
        let (key, waiting) = (self.key, self.pool.waiting());
        let line = |id| request.line(id, key, attempt, waiting);
        let answer = process.ask(line, until, stop);
        if answer.is_err() {
            self.log.append(&process.stop());
            self.pool.gone(number);
            return answer;
        }
        self.log.append(&process.take_log());
        if self.pool.is_warm() {
            self.before = matches!(answer, Ok(Answer::Pending { .. })).then_some(number);
            process.tell_log(None); // From now on it works for others.
            self.pool.give_back(process);
        } else if matches!(answer, Ok(Answer::Pending { .. })) {
            self.kept = Some(process);
        } else {
            process.tell_log(None);
            process.retire();
        }
        answer
    }

    /// Returns the log so far; the next attempt has its own.
    pub fn take_log(&mut self) -> StderrLog {
        std::mem::take(&mut self.log)
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if let Some(process) = self.kept.take() {
            process.tell_log(None);
            process.retire();
        }
        if let Some(live) = self.live.take() {
            live.end();
        }
    }
}
