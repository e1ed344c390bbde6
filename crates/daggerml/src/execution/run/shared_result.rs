//! The result of a call as others get it: taking one in, and making one of what is here.

use std::cell::Cell;
use std::io::{self, Write};

use super::control::Stop;
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
use crate::transfer::bundle::{BUNDLE, Limits, apply, create};
use crate::transfer::remote::{LARGEST_RESULT, ReceivedResult, SharedCall, is_unsound};
use crate::value::Value;

/// How many reads of objects a bundle may take: each object of it takes two. For each there
/// are a hundred bytes in memory while it is made.
const MOST_READS: u32 = 1 << 18;

/// What became of a result at a remote.
pub(super) enum Taken {
    /// Its DAG was taken in.
    Yes(DagId),
    /// It was invalidated here.
    Unwanted,
    Unsound,
    Stopped(Stop),
}

/// Returns whether an error is that of a result and not of the store.
pub(super) fn is_of_result(error: &Error) -> bool {
    if let Error::Remote(error) = error {
        return is_unsound(error);
    }
    matches!(
        error,
        Error::BundleInvalid { .. }
            | Error::BundleUnsupported { .. }
            | Error::Invalid { .. }
            | Error::ObjectNotFound { .. }
            | Error::Fault(_)
    )
}

/// A result that is being taken in.
pub(super) struct Taking<'t> {
    pub store: &'t Store,
    pub asking: &'t Asking<'t>,
    /// What the remote says of it.
    pub result: &'t SharedCall,
    /// The name of the remote.
    pub remote: &'t str,
}

impl Taking<'_> {
    /// Takes in the result in a bundle and ends the claim, all or nothing.
    pub fn bundle(&self, bundle: &[u8]) -> Result<Taken> {
        let limits = Limits {
            object: LARGEST_RESULT as u64,
            objects: LARGEST_RESULT as u64,
            bytes: LARGEST_RESULT as u64,
        };
        let mut unwanted = false;
        let applied = apply(self.store, &mut &*bundle, &limits, |txn, roots| {
            self.adopt(txn, roots, &mut unwanted)
        });
        taken(applied.map(|(_, dag)| dag), unwanted)
    }

    /// Takes a result whose objects are in the store, and ends the claim, all or nothing.
    pub fn received(&self, roots: &[Reference], received: &ReceivedResult) -> Result<Taken> {
        let mut unwanted = false;
        let adopted = self.store.write(|txn| {
            let dag = self.adopt(txn, roots, &mut unwanted)?;
            received.settle(txn)?;
            Ok(dag)
        });
        taken(adopted, unwanted)
    }

    /// Makes what the roots are the result of the call, and ends the claim. When it fails, it says
    /// whether the result is not wanted.
    fn adopt(
        &self,
        txn: &mut WriteTxn<'_>,
        roots: &[Reference],
        unwanted: &mut bool,
    ) -> Result<DagId> {
        let work = self.asking.work;
        *unwanted = false;
        if claim::owned(txn, work.key, self.asking.owner)?.is_none() {
            *unwanted = true;
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
            *unwanted = true;
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
            "daggerml: taken from the remote {}, where {} offered it at {}\n",
            self.remote,
            self.result.who,
            self.result.when.in_words()
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
    }
}

fn taken(adopted: Result<DagId>, unwanted: bool) -> Result<Taken> {
    match adopted {
        Ok(dag) => Ok(Taken::Yes(dag)),
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

/// A result as others get it.
pub(super) enum Offered {
    /// In a bundle.
    Bundle(Vec<u8>),
    /// By its roots, and with the exec record, which is not in the store: it is too large for a bundle.
    Large(Vec<Reference>, ObjectId, Vec<u8>),
}

/// Returns the result of a call for others, unless it is an error, which may be of this
/// machine.
pub(super) fn pack(repository: &Repository, work: &Work, dag: DagId) -> Result<Option<Offered>> {
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
        reads: Cell::new(0),
    };
    match create(&objects, &roots, &[], &mut output) {
        Err(error) => match *error {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => {
                Ok(Some(Offered::Large(roots, exec.into(), objects.bytes)))
            }
            error => Err(error.into()),
        },
        Ok(_) => Ok(Some(Offered::Bundle(output.0))),
    }
}

/// A snapshot and one more object.
struct With<'w> {
    snapshot: &'w Snapshot,
    id: ObjectId,
    bytes: Vec<u8>,
    /// How often objects were read.
    reads: Cell<u32>,
}

impl ReadObjects for With<'_> {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        let reads = self.reads.get();
        if reads == MOST_READS {
            return Err(Error::Io {
                action: "make",
                path: BUNDLE.into(),
                source: io::ErrorKind::FileTooLarge.into(),
            }
            .into());
        }
        self.reads.set(reads + 1);
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
