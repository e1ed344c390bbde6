//! Taking the result of a call in.

use std::sync::Arc;

use super::executor::Executor;
use crate::error::{Error, Result};
use crate::id::{DagId, DatumId, ExecId, TypedId};
use crate::record::{Dag, Datum, ErrorInfo, Exec, ExecStatus, Kind, Node, Reference, Time};
use crate::store::{ReadObjects, Store, WriteTxn};
use crate::transfer::{Limits, Verified};
use crate::value::Value;

use crate::execution::cache;
use crate::execution::call::Work;
use crate::execution::called;
use crate::execution::claim::{self, Claim, OwnerId};
use crate::execution::nested;
use crate::process::StderrLog;

/// How an attempt ended.
pub(crate) struct Ended {
    pub adapter: String,
    pub started: Time,
    pub log: StderrLog,
}

/// How integrating a result ended.
#[derive(Debug)]
pub(crate) enum Integrated {
    /// It is the call's answer now.
    Yes,
    /// The function failed in a way that may not come again: the attempt was appended, and
    /// answers no calls.
    Transient {
        reason: String,
        /// Whether the claim goes on with the next attempt.
        again: bool,
    },
    /// The claim is another's; nothing was kept.
    Lost,
    /// The bundle is not the result of this call; nothing was kept.
    Refused {
        detail: String,
        /// Whether it may go well next time: something it needs is gone.
        transient: bool,
    },
}

/// What a call of ours made, and how.
pub(crate) struct Made {
    pub owner: OwnerId,
    pub work: Arc<Work>,
    pub dag: DagId,
    pub ended: Ended,
    /// Whether it is tried again after a transient failure, if there is budget.
    pub retries: bool,
}

/// Takes in the bundle of a result, appends the attempt and ends the claim, all in
/// one transaction or not at all. After a transient failure the claim goes on if it is to be
/// tried again.
///
/// `succeeded` is called as soon as it is known that the function made a result.
pub(crate) fn integrate(
    executor: &Executor,
    made: Made,
    bundle: &[u8],
    succeeded: &mut dyn FnMut(),
) -> Result<Integrated> {
    let store = executor.repository().store();
    let taken =
        Verified::read(store, &mut &*bundle, &Limits::default()).and_then(|mut verified| {
            if verified.failed() == Some(false) {
                succeeded();
            }
            let inner = Arc::clone(&executor.inner);
            let mut allowed = None; // Asked once, though a transaction may be done again.
            executor.write(move |txn| {
                let again =
                    &mut || made.retries && *allowed.get_or_insert_with(|| inner.budget.retry());
                take_in(txn, &made, &mut verified, again)
            })
        });
    match taken {
        Ok(taken) => Ok(taken),
        Err(error) if is_ours(&error) => Err(error),
        Err(error) => Ok(Integrated::Refused {
            transient: matches!(*error, Error::ObjectNotFound { .. }),
            detail: format!("its result is unsound: {error}"),
        }),
    }
}

fn take_in(
    txn: &mut WriteTxn<'_>,
    made: &Made,
    verified: &mut Verified,
    again: &mut dyn FnMut() -> bool,
) -> Result<Integrated> {
    let (work, dag) = (&*made.work, made.dag);
    let Some(claim) = claim::owned(txn, work.key, &made.owner)? else {
        return Ok(Integrated::Lost);
    };
    let applied = verified.put(txn)?;
    let (record, execs) = check(txn, work, &applied.roots, dag)?;
    let taken = match record.error() {
        Some(error) if record.is_transient() => Integrated::Transient {
            reason: in_a_line(error),
            again: again(),
        },
        None | Some(_) => Integrated::Yes,
    };
    append_made(txn, work, &made.ended, (&record, dag), &taken)?;
    for (exec, data) in execs {
        if let Some((key, ended)) = cache::adopt(txn, exec)?
            && let Some((runnable, args)) = data.split_first()
        {
            called::note(txn, key, *runnable, args, Some(ended))?;
        }
    }
    let goes_on = matches!(taken, Integrated::Transient { again: true, .. });
    end_claim(txn, work, claim, goes_on)?;
    Ok(taken)
}

/// Returns whether an error is the store's and not the bundle's.
fn is_ours(error: &Error) -> bool {
    matches!(
        error,
        Error::Io { .. }
            | Error::Database { .. }
            | Error::StoreDamaged { .. }
            | Error::StoreUnsupported { .. }
            | Error::ReadOnly { .. }
            | Error::Closed { .. }
            | Error::Execution(_)
    )
}

fn wrong(message: impl Into<String>) -> Box<Error> {
    Error::Invalid {
        message: message.into(),
    }
    .into()
}

/// Checks that the roots are a result of this call, and exec records of its calls.
pub(super) fn check(
    objects: &impl ReadObjects,
    work: &Work,
    roots: &[Reference],
    dag: DagId,
) -> Result<(Dag, Vec<nested::Made>)> {
    let Some((first, rest)) = roots.split_first() else {
        return Err(wrong("the bundle has no roots"));
    };
    if *first != Reference::from(dag) {
        return Err(wrong(format!("the first root is not the DAG {dag}")));
    }
    let record: Dag = objects.load(dag)?;
    let argv = match record.argv_node() {
        Some(node) => objects.load::<_, Node>(node)?,
        None => return Err(wrong("the DAG has no arguments")),
    };
    if argv != (Node::Argv { datum: work.argv }) {
        return Err(wrong("the DAG has other arguments than the call"));
    }
    let mut execs = Vec::new();
    for root in rest {
        if root.kind != Kind::Exec {
            return Err(wrong(format!("the root {root} is a {}", root.kind)));
        }
        execs.push(ExecId::from_object(root.id));
    }
    let execs = nested::check(objects, &record, &execs)?;
    Ok((record, execs))
}

/// Returns the first line of an error, shortened.
fn in_a_line(error: &ErrorInfo) -> String {
    const LONGEST: usize = 200;
    let first = error.message.lines().next().unwrap_or_default();
    let mut line = format!("{}: {first}", error.kind);
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push_str("...");
    }
    line
}

/// Appends the attempt that made `dag`.
fn append_made(
    txn: &mut WriteTxn<'_>,
    work: &Work,
    ended: &Ended,
    (record, dag): (&Dag, DagId),
    made: &Integrated,
) -> Result<()> {
    let status = match record.error() {
        None => ExecStatus::Ok,
        Some(_) => ExecStatus::Error,
    };
    let mut log = ended.log.clone();
    if let Integrated::Transient { reason, .. } = made {
        log.push_line(&format!("daggerml: a transient failure: {reason}"));
    }
    let transient = matches!(made, Integrated::Transient { .. });
    append(txn, work, ended, &log, status, Some(dag), transient)
}

/// Ends the claim of a call, or lets it go on with the next attempt.
fn end_claim(txn: &mut WriteTxn<'_>, work: &Work, mut claim: Claim, again: bool) -> Result<()> {
    if !again {
        return claim::remove(txn, work.key).map(drop);
    }
    claim.attempt += 1;
    claim.state = claim::State::Claimed;
    claim.put(txn, work.key)
}

/// Appends an attempt that made `dag` or nothing.
fn append(
    txn: &mut WriteTxn<'_>,
    work: &Work,
    ended: &Ended,
    log: &StderrLog,
    status: ExecStatus,
    dag: Option<DagId>,
    transient: bool,
) -> Result<()> {
    let log = match log.to_bytes() {
        bytes if bytes.is_empty() => None,
        bytes => {
            let value = Value::Bytes(bytes);
            let id: DatumId = txn.save(&Datum { value })?;
            Some(id)
        }
    };
    let exec = Exec {
        key: work.key,
        status,
        dag,
        adapter: ended.adapter.clone(),
        started: ended.started,
        finished: Time::now(),
        log,
        previous: None,
    };
    let ended = (dag.is_some() && !transient).then_some(exec.finished);
    called::note(txn, work.key, work.runnable, &work.args, ended)?;
    cache::append(txn, exec, transient).map(drop)
}

/// Appends an attempt that made nothing. The claim ends, or goes on with the next
/// attempt if `again`. Whether the claim was still `owner`'s.
pub(crate) fn record_failure(
    store: &Store,
    owner: &OwnerId,
    work: &Work,
    ended: &Ended,
    status: ExecStatus,
    again: bool,
) -> Result<bool> {
    store.write(|txn| {
        let Some(claim) = claim::owned(txn, work.key, owner)? else {
            return Ok(false);
        };
        append(txn, work, ended, &ended.log, status, None, false)?;
        end_claim(txn, work, claim, again)?;
        Ok(true)
    })
}
