//! Asking the adapter of one call, whichever process answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pool::Pool;
use super::process::{Process, Trouble};
use super::protocol::{Answer, Request};
use crate::execution::live_log::LiveLog;
use crate::process::StderrLog;
use crate::record::CallKey;

/// How long an answer is waited for.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    /// Until then, also while others are asked; `None` is for ever.
    At(Option<Instant>),
    /// For so long from when a process is asked. Others may be asked before, for any time.
    Answer(Duration),
}

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

    /// Asks, and waits for the answer as long as `limit` says, unless `stop` says otherwise. A
    /// process that did not answer well is stopped and not asked again. One that could not
    /// be asked in time is not to blame: it may work for others.
    pub fn ask<S>(
        &mut self,
        request: &Request<'_>,
        attempt: u64,
        limit: Limit,
        stop: &mut dyn FnMut() -> Option<S>,
    ) -> Result<Answer, Trouble<S>> {
        let mut process = match self.kept.take().and_then(Process::if_usable) {
            Some(process) => process,
            None => self.pool.take(self.before, stop)?,
        };
        let now = Instant::now();
        let until = match limit {
            Limit::At(until) => until,
            Limit::Answer(time) => now.checked_add(time),
        };
        if until.is_some_and(|until| until <= now) {
            if self.pool.is_warm() {
                self.pool.give_back(process);
            } else {
                process.retire();
            }
            return Err(Trouble::Late);
        }
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::execution::adapter::registry::AdapterCommand;

    #[test]
    fn a_process_that_could_not_be_asked_in_time_works_for_others() {
        let mut command = AdapterCommand::new("sh");
        let answer = r#"read -r line; echo '{"id":1,"state":"pending","token":"t"}'; cat"#;
        command.args = vec!["-c".into(), answer.into()];
        command.processes = 1;
        let pool = Arc::new(Pool::new(command));
        let mut asker = Asker::new(Arc::clone(&pool), CallKey::from_bytes([0; 32]));
        let mut ask = |limit| asker.ask(&Request::Poll("t"), 1, limit, &mut || None::<()>);
        let late = ask(Limit::At(Some(Instant::now())));
        assert!(matches!(late, Err(Trouble::Late)));
        let answered = ask(Limit::Answer(Duration::from_mins(1)));
        assert!(matches!(answered, Ok(Answer::Pending { .. })));
        let process = pool.take(None, &mut || None::<()>);
        assert!(process.is_ok_and(|process| process.number == 1));
    }
}
