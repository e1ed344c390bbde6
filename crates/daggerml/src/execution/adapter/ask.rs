//! Asking the adapter of one call, whichever process answers.

use std::sync::Arc;
use std::time::Instant;

use super::pool::Pool;
use super::process::{Process, Trouble};
use super::protocol::{Answer, Request};
use crate::process::StderrLog;
use crate::record::CallKey;

/// The adapter as one call sees it.
pub(crate) struct Asker {
    pub pool: Arc<Pool>,
    key: CallKey,
    /// A fresh process that answered `pending`, for what is asked next.
    kept: Option<Process>,
    /// What the processes wrote to standard error for this call.
    pub log: StderrLog,
}

impl Asker {
    pub fn new(pool: Arc<Pool>, key: CallKey) -> Self {
        Self {
            pool,
            key,
            kept: None,
            log: StderrLog::default(),
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
            None => self.pool.take(stop)?,
        };
        let key = self.key;
        let answer = process.ask(|id| request.line(id, key, attempt), until, stop);
        if answer.is_err() {
            self.log.push(&process.stop().to_bytes());
            self.pool.gone();
            return answer;
        }
        self.log.push(&process.take_log().to_bytes());
        if self.pool.is_warm() {
            self.pool.give_back(process);
        } else if matches!(answer, Ok(Answer::Pending { .. })) {
            self.kept = Some(process);
        } else {
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
            process.retire();
        }
    }
}
