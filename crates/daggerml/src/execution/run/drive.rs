//! Running one call: from the cache, by waiting, or by an adapter.

use std::sync::Arc;
use std::time::Duration;

use super::acquire::{Acquired, Mine};
use super::backoff;
use super::control::{Control, Stop};
use super::executor::Executor;
use super::flight::Role;
use super::integrate::{Ended, Integrated, Made, integrate, record_failure};
use super::invocation::{Done, End, Failure, Invocation};
use super::shared::{Asked, Asking, Held};
use super::turns::Place;
use crate::error::{Error, ExecutionError, Result};
use crate::execution::adapter::ask::Asker;
use crate::execution::bounded;
use crate::execution::call::Work;
use crate::execution::live_log::LiveLog;
use crate::execution::options::{CallOptions, Observer, Progress};
use crate::id::DagId;
use crate::process::StderrLog;
use crate::record::{ExecStatus, Time};
use crate::transfer::create_without;

/// How long a claim that was canceled on request stays, for all who wait to see it.
const SEEN: Duration = Duration::from_millis(250);

/// How long a call that is claimed waits for its turn in a map. Then it gives the claim back,
/// because a call that runs may wait for it.
const PATIENCE: Duration = Duration::from_millis(100);

/// How a claim ended.
enum Driven {
    Done(DagId),
    /// The result of somebody else was taken in.
    Shared(DagId),
    /// Somebody else has it.
    Lost,
}

/// One call on its way through an executor.
struct Run<'r> {
    executor: &'r Executor,
    work: &'r Arc<Work>,
    options: &'r CallOptions,
    adapter: String,
}

impl Executor {
    /// Runs the call that is number `item` of those asked for together.
    pub(crate) fn run_item(
        &self,
        item: usize,
        work: &Arc<Work>,
        options: &CallOptions,
        observer: &dyn Observer,
    ) -> Result<DagId> {
        let made = self.run_placed(item, work, options, observer, None);
        made.unwrap_or_else(|| Err(ExecutionError::Canceled { key: work.key }.into()))
    }

    /// Runs a call that may have a place in a map. `None` when it was not begun because the map
    /// ended before.
    pub(crate) fn run_placed(
        &self,
        item: usize,
        work: &Arc<Work>,
        options: &CallOptions,
        observer: &dyn Observer,
        place: Option<&mut Place>,
    ) -> Option<Result<DagId>> {
        let store = self.repository().store();
        let mut control = Control::new(store, work.key, item, observer, options.timeout);
        control.in_map(place);
        let made = self.run_controlled(work, options, &mut control);
        if made.is_err() && control.was_not_begun() {
            return None;
        }
        match &made {
            Ok(_) => control.tell(0, Progress::Done),
            Err(error) => control.tell(
                0,
                Progress::Failed {
                    reason: error.to_string(),
                },
            ),
        }
        Some(made)
    }

    fn run_controlled(
        &self,
        work: &Arc<Work>,
        options: &CallOptions,
        control: &mut Control<'_>,
    ) -> Result<DagId> {
        let (adapter, _) = self.adapters().find(&work.adapter)?;
        if options.ancestors.contains(&work.key) {
            return Err(ExecutionError::Cycle { key: work.key }.into());
        }
        let run = Run {
            executor: self,
            work,
            options,
            adapter: adapter.to_string(),
        };
        loop {
            match self.inner.flights.join(control) {
                Role::Lead(mut lead) => {
                    let result = run.claim(control);
                    lead.land(&result);
                    return result;
                }
                // A caller that wants a run of its own only waits for its turn.
                Role::Followed(Some(landing)) if options.cache => return Ok(landing?),
                Role::Followed(_) => {}
                Role::Stopped(stop) => return Err(run.stopped(stop, &StderrLog::default())),
            }
        }
    }
}

impl Run<'_> {
    fn key(&self) -> crate::record::CallKey {
        self.work.key
    }

    /// Gets the claim, or the answer of who had it.
    fn claim(&self, control: &mut Control<'_>) -> Result<DagId> {
        self.executor.inner.budget.call();
        loop {
            let (work, options) = (self.work, self.options);
            match self
                .executor
                .acquire(work, &self.adapter, options, control)?
            {
                Acquired::Answered(dag) => return Ok(dag),
                Acquired::Stopped(stop) => return Err(self.stopped(stop, &StderrLog::default())),
                Acquired::Mine(mut mine) => {
                    if !control.take_turn(PATIENCE) {
                        drop(mine);
                        if let Some(stop) = control.wait_for_turn() {
                            return Err(self.stopped(stop, &StderrLog::default()));
                        }
                        continue;
                    }
                    control.tell(mine.attempt, Progress::Claimed);
                    control.claimed(Some(mine.owner.clone()));
                    let mut held = Held::default();
                    let driven = self.ask_or_drive(&mut mine, &mut held, control);
                    control.claimed(None);
                    match driven? {
                        Driven::Shared(dag) => return Ok(dag),
                        Driven::Done(dag) => {
                            // Nobody waits for the claim any more.
                            self.executor.offer_to_remotes(work, dag, &held, control)?;
                            return Ok(dag);
                        }
                        Driven::Lost => {}
                    }
                }
            }
        }
    }

    /// Takes over a result that is shared, or runs the call.
    fn ask_or_drive(
        &self,
        mine: &mut Mine<'_>,
        held: &mut Held,
        control: &mut Control<'_>,
    ) -> Result<Driven> {
        if self.options.cache {
            let asking = Asking {
                work: self.work,
                owner: &mine.owner,
                before: mine.before.as_ref(),
                pending: mine.token.is_some(),
            };
            match self.executor.ask_remotes(&asking, control)? {
                Asked::Answered(dag) => {
                    mine.ended();
                    return Ok(Driven::Shared(dag));
                }
                Asked::Stopped(stop) => return self.stopped_between(mine, stop),
                Asked::Nothing(claim) => *held = claim,
            }
        }
        self.drive(mine, control)
    }

    /// Runs attempts until one ends the claim.
    fn drive(&self, mine: &mut Mine<'_>, control: &mut Control<'_>) -> Result<Driven> {
        let (_, pool) = self.executor.pool(&self.work.adapter)?;
        let partial = pool.command.shares_repository;
        let bundle = self.bundle(partial)?;
        let attempt = Invocation {
            bundle: &bundle,
            options: self.options,
            repository: partial.then(|| self.executor.repository().root()),
        };
        let mut asker = Asker::new(pool, self.key());
        let mut failures = 0;
        let mut run = None;
        loop {
            control.go_on(PATIENCE);
            // A run that is still pending goes on.
            let started = *run.get_or_insert_with(|| self.begin(mine, &mut asker));
            for notice in control.take_notices() {
                asker.note(&format!("daggerml: {notice}"));
            }
            let end = attempt.run(mine, &mut asker, control)?;
            let end = match end {
                End::Done(done) => {
                    let dag = done.dag;
                    let (taken, after) =
                        self.take_in(mine, &asker.log, started, &done, failures, control)?;
                    match taken {
                        Integrated::Yes | Integrated::Transient { again: false, .. } => {
                            mine.ended();
                            return Ok(Driven::Done(dag));
                        }
                        Integrated::Transient { reason, .. } => {
                            asker.take_log();
                            run = None;
                            mine.token = None;
                            failures += 1;
                            control.tell(mine.attempt, Progress::Retrying { reason, after });
                            mine.attempt += 1;
                            if let Some(stop) = control.sleep(after) {
                                return self.stopped_between(mine, stop);
                            }
                            continue;
                        }
                        Integrated::Lost => End::Stopped(Stop::Lost),
                        Integrated::Refused { detail, transient } => {
                            mine.token = None;
                            End::Failed(Failure {
                                detail,
                                transient,
                                pending: false,
                                forgotten: false,
                            })
                        }
                    }
                }
                end => end,
            };
            let failure = match end {
                End::Failed(failure) => failure,
                End::Stopped(Stop::Lost) | End::Done(_) => {
                    mine.ended();
                    return Ok(Driven::Lost);
                }
                End::Stopped(stop) => {
                    let error = self.stopped(stop, &asker.log);
                    let status = match stop {
                        Stop::Timeout => ExecStatus::Error,
                        _ => ExecStatus::Canceled,
                    };
                    if stop == Stop::Requested {
                        std::thread::sleep(SEEN);
                    }
                    let log = asker.take_log();
                    self.failed(mine, started, log, &error.to_string(), status, false)?;
                    return Err(error);
                }
            };
            // An adapter that is started anew forgets all calls of a map at once.
            let again = failure.transient
                && failures < self.options.retries
                && (failure.forgotten || self.executor.inner.budget.retry());
            if !again {
                let error = self.adapter_failed(&failure.detail, &asker.log);
                let (log, status) = (asker.take_log(), ExecStatus::Error);
                self.failed(mine, started, log, &failure.detail, status, false)?;
                return Err(error);
            }
            if !failure.pending {
                run = None;
                let (log, status) = (asker.take_log(), ExecStatus::Error);
                if !self.failed(mine, started, log, &failure.detail, status, true)? {
                    return Ok(Driven::Lost);
                }
            }
            let after = backoff::retry(failures, None);
            failures += 1;
            let reason = failure.detail;
            control.tell(mine.attempt, Progress::Retrying { reason, after });
            mine.attempt += u64::from(!failure.pending);
            if let Some(stop) = control.sleep(after) {
                return self.stopped_between(mine, stop);
            }
        }
    }

    /// Begins the log of an attempt that starts now. Returns when that is.
    fn begin(&self, mine: &Mine<'_>, asker: &mut Asker) -> Time {
        let started = Time::now();
        let store = self.executor.repository().store();
        let (key, owner) = (self.key(), &mine.owner);
        asker.begin(LiveLog::new(store, owner, mine.attempt, key, started));
        started
    }

    /// Takes in what an attempt made; and how long to wait if it is to be tried again.
    fn take_in(
        &self,
        mine: &Mine<'_>,
        log: &StderrLog,
        started: Time,
        done: &Done,
        failures: u32,
        control: &mut Control<'_>,
    ) -> Result<(Integrated, Duration)> {
        let after = backoff::retry(failures, done.retry_after);
        let left = control.left();
        let retries = !done.retried
            && failures < self.options.retries
            && left.is_none_or(|left| left > after);
        let taken = integrate(
            self.executor,
            Made {
                owner: mine.owner.clone(),
                work: Arc::clone(self.work),
                dag: done.dag,
                ended: self.ended(started, log),
                retries,
            },
            &done.bundle,
            // After an error no further call of a map may begin, so that keeps its turn.
            &mut || control.end_turn(),
        )?;
        Ok((taken, after))
    }

    /// Ends the claim of a call that was stopped between two attempts.
    fn stopped_between(&self, mine: &mut Mine<'_>, stop: Stop) -> Result<Driven> {
        if stop == Stop::Lost {
            mine.ended();
            return Ok(Driven::Lost);
        }
        Err(self.stopped(stop, &StderrLog::default()))
    }

    /// Returns the call's bundle: partial for an adapter that shares the repository, where the
    /// claim has stored everything.
    fn bundle(&self, partial: bool) -> Result<Vec<u8>> {
        let roots = self.work.roots();
        let snapshot = self.executor.repository().snapshot()?;
        bounded::bundle("the call", |output| {
            create_without(&snapshot, &roots, &|_| partial, output).map(drop)
        })
    }

    fn ended(&self, started: Time, log: &StderrLog) -> Ended {
        Ended {
            adapter: self.adapter.clone(),
            started,
            log: log.clone(),
        }
    }

    /// Appends an attempt that made nothing. Returns whether the claim was still ours.
    fn failed(
        &self,
        mine: &mut Mine<'_>,
        started: Time,
        mut log: StderrLog,
        detail: &str,
        status: ExecStatus,
        again: bool,
    ) -> Result<bool> {
        let first = detail.lines().next().unwrap_or_default();
        log.push_line(&format!("daggerml: {first}"));
        let ended = self.ended(started, &log);
        let store = self.executor.repository().store();
        let ours = record_failure(store, &mine.owner, self.work, &ended, status, again)?;
        if !again || !ours {
            mine.ended();
        }
        mine.token = None;
        Ok(ours)
    }

    fn adapter_failed(&self, detail: &str, log: &StderrLog) -> Box<Error> {
        ExecutionError::AdapterFailed {
            adapter: self.adapter.clone(),
            key: self.key(),
            detail: detail.to_owned(),
            log: log.end(),
        }
        .into()
    }

    fn stopped(&self, stop: Stop, log: &StderrLog) -> Box<Error> {
        let key = self.key();
        match stop {
            Stop::Timeout => ExecutionError::Timeout {
                key,
                limit: self.options.timeout.unwrap_or_default(),
                log: log.end(),
            },
            Stop::Canceled | Stop::Requested | Stop::Lost => ExecutionError::Canceled { key },
        }
        .into()
    }
}
