//! Taking the result of a call in.

use crate::error::{Error, Result};
use crate::id::{DagId, DatumId, ExecId, TypedId};
use crate::record::{Dag, Datum, ErrorInfo, Exec, ExecStatus, Kind, Node, Reference, Time};
use crate::store::{ReadObjects, Store, WriteTxn};
use crate::transfer::{Limits, apply};
use crate::value::Value;

use crate::execution::cache;
use crate::execution::call::Work;
use crate::execution::called;
use crate::execution::claim::{self, Claim, OwnerId};
use crate::execution::nested;
use crate::process::StderrLog;

/// How an attempt ended.
pub(crate) struct Ended<'e> {
    pub adapter: &'e str,
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

/// Takes in the bundle of a result, appends the attempt and ends the claim, all in
/// one transaction or not at all. After a transient failure the claim goes on if `again`
/// says so.
pub(crate) fn integrate(
    store: &Store,
    owner: &OwnerId,
    work: &Work,
    bundle: &[u8],
    dag: DagId,
    ended: &Ended<'_>,
    again: &mut dyn FnMut() -> bool,
) -> Result<Integrated> {
    let mut lost = false;
    let taken = apply(store, &mut &*bundle, &Limits::default(), |txn, roots| {
        let Some(claim) = claim::owned(txn, work.key, owner)? else {
            lost = true;
            return Err(Error::Conflict {
                message: "the claim is another's".to_owned(),
            }
            .into());
        };
        let (record, execs) = check(txn, work, roots, dag)?;
        let made = match record.error() {
            Some(error) if record.is_transient() => Integrated::Transient {
                reason: in_a_line(error),
                again: again(),
            },
            None | Some(_) => Integrated::Yes,
        };
        append_made(txn, work, ended, (&record, dag), &made)?;
        for (exec, data) in execs {
            if let Some((key, ended)) = cache::adopt(txn, exec)?
                && let Some((runnable, args)) = data.split_first()
            {
                called::note(txn, key, *runnable, args, Some(ended))?;
            }
        }
        end_claim(
            txn,
            work,
            claim,
            matches!(made, Integrated::Transient { again: true, .. }),
        )?;
        Ok(made)
    });
    match taken {
        Ok((_, made)) => Ok(made),
        Err(_) if lost => Ok(Integrated::Lost),
        Err(error) if is_ours(&error) => Err(error),
        Err(error) => Ok(Integrated::Refused {
            transient: matches!(*error, Error::ObjectNotFound { .. }),
            detail: format!("its result is unsound: {error}"),
        }),
    }
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
    ended: &Ended<'_>,
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
    ended: &Ended<'_>,
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
        adapter: ended.adapter.to_owned(),
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
    ended: &Ended<'_>,
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
