//! The result of a call as others get it: taking one in, and making one of what is here.

use std::io::{self, Write};

use super::integrate::check;
use super::shared::Asking;
use crate::error::{Error, Result};
use crate::execution::call::Work;
use crate::execution::claim;
use crate::execution::{cache, called, nested};
use crate::id::{DagId, ExecId, ObjectId, TypedId};
use crate::record::{Dag, Datum, Exec, ExecStatus, Kind, Record, Reference};
use crate::repo::Repository;
use crate::store::{Absent, ReadObjects, Snapshot, Store, WriteTxn};
use crate::transfer::remote::{LARGEST_RESULT, SharedCall};
use crate::transfer::{Limits, apply, create};
use crate::value::Value;

/// What became of a result at a remote.
pub(super) enum Taken {
    /// Its DAG was taken in.
    Yes(DagId),
    /// It was invalidated here.
    Unwanted,
    Unsound,
}

/// Returns whether an error is that of a bundle and not of the store.
pub(super) fn is_of_bundle(error: &Error) -> bool {
    matches!(
        error,
        Error::BundleInvalid { .. }
            | Error::BundleUnsupported { .. }
            | Error::Invalid { .. }
            | Error::ObjectNotFound { .. }
            | Error::Fault(_)
    )
}

/// Takes in the result of a call from a remote and ends the claim, all or nothing.
pub(super) fn take(
    store: &Store,
    asking: &Asking<'_>,
    bundle: &[u8],
    result: &SharedCall,
    remote: &str,
) -> Result<Taken> {
    let work = asking.work;
    let mut unwanted = false;
    let limits = Limits {
        object: LARGEST_RESULT as u64,
        objects: LARGEST_RESULT as u64,
        bytes: LARGEST_RESULT as u64,
    };
    let applied = apply(store, &mut &*bundle, &limits, |txn, roots| {
        unwanted = false;
        if claim::owned(txn, work.key, asking.owner)?.is_none() {
            unwanted = true;
            return Err(refused("the claim is another's"));
        }
        let (dag, exec, rest) = parts(roots)?;
        let mut of_call = vec![dag.into()];
        of_call.extend(rest);
        let (record, nested) = check(txn, work, &of_call, dag)?;
        let made: Exec = txn.load(exec)?;
        if made.key != work.key || made.dag != Some(dag) || made.status != ExecStatus::Ok {
            return Err(refused("its exec record is of another call"));
        }
        if record.error().is_some() {
            return Err(refused("it is an error"));
        }
        if is_invalidated(txn, work, dag)? {
            unwanted = true;
            return Err(refused("it was invalidated here"));
        }
        cache::adopt(txn, exec)?;
        for (exec, data) in nested {
            if let Some((key, ended)) = cache::adopt(txn, exec)?
                && let Some((runnable, args)) = data.split_first()
            {
                called::note(txn, key, *runnable, args, Some(ended))?;
            }
        }
        called::note(
            txn,
            work.key,
            work.runnable,
            &work.args,
            Some(made.finished),
        )?;
        let log = format!(
            "daggerml: taken from the remote {remote}, where {} offered it at {}\n",
            result.who, result.when.0
        );
        let log = txn.save(&Datum {
            value: Value::Bytes(log.into_bytes()),
        })?;
        let mark = Exec {
            log: Some(log),
            ..made
        };
        cache::append(txn, mark, false)?;
        claim::remove(txn, work.key)?;
        Ok(dag)
    });
    match applied {
        Ok((_, dag)) => Ok(Taken::Yes(dag)),
        Err(_) if unwanted => Ok(Taken::Unwanted),
        Err(error) => Err(error),
    }
}

fn refused(message: &str) -> Box<Error> {
    Error::Invalid {
        message: message.to_owned(),
    }
    .into()
}

/// Returns the DAG, the exec record of the call, and those of nested calls.
fn parts(roots: &[Reference]) -> Result<(DagId, ExecId, &[Reference])> {
    match roots {
        [dag, exec, rest @ ..] if dag.kind == Kind::Dag && exec.kind == Kind::Exec => Ok((
            DagId::from_object(dag.id),
            ExecId::from_object(exec.id),
            rest,
        )),
        _ => Err(refused("the bundle is not that of a result")),
    }
}

/// Returns whether this very result was invalidated here.
fn is_invalidated(txn: &WriteTxn<'_>, work: &Work, dag: DagId) -> Result<bool> {
    let Some(entry) = cache::lookup_in(txn, work.key)? else {
        return Ok(false);
    };
    if entry.answer.is_some() {
        return Ok(false);
    }
    Ok(txn.load::<_, Exec>(entry.newest)?.dag == Some(dag))
}

/// Returns the bundle of a result, unless it is too large or an error, which may be of this
/// machine.
pub(super) fn pack(repository: &Repository, work: &Work, dag: DagId) -> Result<Option<Vec<u8>>> {
    let snapshot = repository.snapshot()?;
    let record: Dag = snapshot.load(dag)?;
    let answer = cache::lookup(&snapshot, work.key)?.and_then(|entry| entry.answer);
    let Some((exec, _)) = answer.filter(|(_, made)| *made == dag) else {
        return Ok(None);
    };
    if record.error().is_some() {
        return Ok(None);
    }
    // Attempts before it, and its log, are of no use to others.
    let own = Exec {
        previous: None,
        log: None,
        ..snapshot.load::<_, Exec>(exec)?
    };
    let bytes = own.encode()?;
    let exec = ExecId::from_object(ObjectId::of(&bytes));
    let mut roots = vec![dag.into(), exec.into()];
    let nested = nested::execs(&snapshot, &snapshot, record.nodes)?;
    roots.extend(
        nested
            .into_iter()
            .filter(|root| *root != Reference::from(exec)),
    );
    let mut output = Bounded(Vec::new());
    let objects = With {
        snapshot: &snapshot,
        id: exec.into(),
        bytes,
    };
    match create(&objects, &roots, &[], &mut output) {
        Err(error) => match *error {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => Ok(None),
            error => Err(error.into()),
        },
        Ok(_) => Ok(Some(output.0)),
    }
}

/// A snapshot and one more object.
struct With<'w> {
    snapshot: &'w Snapshot,
    id: ObjectId,
    bytes: Vec<u8>,
}

impl ReadObjects for With<'_> {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        if id == self.id {
            return Ok(Some(&self.bytes));
        }
        self.snapshot.raw_object(id)
    }

    fn absent(&self, id: ObjectId) -> Result<Option<Absent>> {
        self.snapshot.absent(id)
    }

    fn bring(&self, id: ObjectId, kind: Kind) -> Result<&[u8]> {
        self.snapshot.bring(id, kind)
    }
}

/// Memory that takes as much as a shared result may have.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST_RESULT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
