//! One attempt at a call: invoke, then poll for as long as it is pending.

use std::path::Path;
use std::time::{Duration, Instant};

use super::acquire::Mine;
use super::control::{Control, Stop};
use crate::error::Result;
use crate::execution::adapter::ask::{Asker, Limit};
use crate::execution::adapter::process::Trouble;
use crate::execution::adapter::protocol::{Answer, Request};
use crate::execution::options::{CallOptions, Progress};
use crate::id::DagId;

/// How long an answer to `poll` may take ...
const POLL: Duration = Duration::from_mins(1);

/// ... and one to `cancel`.
const CANCEL: Duration = Duration::from_secs(10);

/// How long to wait before a poll when the adapter does not say.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The shortest and the longest wait that an adapter can ask for.
const WAITS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_mins(1));

/// How an attempt ended.
pub(crate) enum End {
    /// With a result, not verified yet.
    Done(Done),
    /// Without one.
    Failed(Failure),
    /// Stopped.
    Stopped(Stop),
}

/// What an adapter answered at the end of a call.
pub(crate) struct Done {
    pub bundle: Vec<u8>,
    pub dag: DagId,
    /// How long to wait at least before it is tried again, if it failed transiently.
    pub retry_after: Option<Duration>,
    /// Whether a call within was tried again already, so that it need not be.
    pub retried: bool,
}

/// What went wrong with an adapter.
pub(crate) struct Failure {
    pub detail: String,
    /// Whether trying again can help.
    pub transient: bool,
    /// Whether the adapter still works on it, and is to be polled again.
    pub pending: bool,
    /// Whether the adapter knows nothing of the call any more, since it was started anew.
    pub forgotten: bool,
}

impl Failure {
    fn end(detail: impl Into<String>, transient: bool) -> End {
        End::Failed(Self {
            detail: detail.into(),
            transient,
            pending: false,
            forgotten: false,
        })
    }
}

/// What an attempt needs to know.
pub(crate) struct Invocation<'a> {
    /// The call's bundle.
    pub bundle: &'a [u8],
    pub options: &'a CallOptions,
    /// The repository, if the adapter shares it.
    pub repository: Option<&'a Path>,
}

impl Invocation<'_> {
    /// Asks until the adapter is done, fails or must be stopped. The claim's token
    /// says whether it was invoked before.
    pub fn run(
        &self,
        mine: &mut Mine<'_>,
        asker: &mut Asker,
        control: &mut Control<'_>,
    ) -> Result<End> {
        let mut wait = Some(Duration::ZERO);
        loop {
            let token = mine.token.clone();
            let asked = match &token {
                None => {
                    control.tell(mine.attempt, Progress::Invoked);
                    self.invoke(mine.attempt, asker, control)
                }
                Some(token) => {
                    control.tell(mine.attempt, Progress::Pending);
                    let pause = wait.take().unwrap_or(RETRY_AFTER);
                    if let Some(stop) = control.sleep(pause) {
                        cancel(token, mine.attempt, asker, stop);
                        return Ok(End::Stopped(stop));
                    }
                    // Many calls may be polled by one process.
                    let limit = Limit::Answer(POLL);
                    asker.ask(&Request::Poll(token), mine.attempt, limit, &mut || {
                        control.stop()
                    })
                }
            };
            match asked {
                Ok(Answer::Pending { token, retry_after }) => {
                    if !mine.pending(&token)? {
                        return Ok(End::Stopped(Stop::Lost));
                    }
                    wait = retry_after.map(|time| time.clamp(WAITS.0, WAITS.1));
                }
                Ok(answer) => return Ok(ended(answer, mine, asker)),
                Err(Trouble::Stopped(stop)) => {
                    if let Some(token) = &token {
                        cancel(token, mine.attempt, asker, stop);
                    }
                    return Ok(End::Stopped(stop));
                }
                Err(Trouble::NotStarted(detail) | Trouble::Garbage(detail)) => {
                    return Ok(Failure::end(detail, false));
                }
                // Only invoking has the call's own limit.
                Err(Trouble::Late) if token.is_none() => return Ok(End::Stopped(Stop::Timeout)),
                Err(trouble) => {
                    let detail = match trouble {
                        Trouble::Crashed(detail) => detail,
                        _ => format!("it did not answer a poll within {} s", POLL.as_secs()),
                    };
                    return Ok(End::Failed(Failure {
                        detail,
                        transient: true,
                        pending: token.is_some(),
                        forgotten: false,
                    }));
                }
            }
        }
    }

    fn invoke(
        &self,
        attempt: u64,
        asker: &mut Asker,
        control: &mut Control<'_>,
    ) -> Result<Answer, Trouble<Stop>> {
        let request = Request::Invoke {
            bundle: self.bundle,
            ancestors: &self.options.ancestors,
            timeout: control.left(),
            repository: self.repository,
        };
        let limit = Limit::At(control.deadline);
        asker.ask(&request, attempt, limit, &mut || control.stop())
    }
}

/// Returns what an answer that is not `pending` means.
fn ended(answer: Answer, mine: &mut Mine<'_>, asker: &mut Asker) -> End {
    match answer {
        Answer::Done {
            bundle,
            dag,
            log,
            retry_after,
            retried,
        } => {
            asker.log.push(log.as_bytes());
            End::Done(Done {
                bundle,
                dag,
                retry_after,
                retried,
            })
        }
        Answer::Error {
            kind,
            message,
            transient,
            log,
        } => {
            asker.log.push(log.as_bytes());
            let forgotten = mine.token.take().is_some() && kind == "unknown_token";
            End::Failed(Failure {
                detail: format!("{kind}: {message}"),
                transient: transient || forgotten,
                pending: false,
                forgotten,
            })
        }
        Answer::Canceled | Answer::Pending { .. } => {
            mine.token = None;
            Failure::end("it canceled the call by itself", false)
        }
    }
}

/// Stops what the adapter works on, unless somebody else has the claim now.
fn cancel(token: &str, attempt: u64, asker: &mut Asker, stop: Stop) {
    if stop == Stop::Lost {
        return;
    }
    let limit = Limit::At(Instant::now().checked_add(CANCEL));
    // Whatever it answers, nothing more can be done.
    let _ = asker.ask(
        &Request::Cancel(token),
        attempt,
        limit,
        &mut || None::<Stop>,
    );
}
