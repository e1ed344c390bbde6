//! Results that are shared by way of remotes: asked for before a call is run, and offered
//! after.
//!
//! A remote that does not answer in time, or fails, is not asked again for a while. Then
//! calls are run here as if there were no remote: sharing saves time and decides nothing.

use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::control::{Control, Stop};
use super::executor::Executor;
use super::integrate::check;
use crate::error::{Error, Result};
use crate::execution::adapter::process::TICK;
use crate::execution::call::Work;
use crate::execution::claim::{self, OwnerId};
use crate::execution::{cache, called, nested};
use crate::id::{DagId, ExecId, ObjectId, TypedId};
use crate::record::{Dag, Datum, Exec, ExecStatus, Kind, Record, Reference, Time};
use crate::repo::Repository;
use crate::store::{ReadObjects, Snapshot, Store, WriteTxn};
use crate::transfer::remote::{LARGEST_RESULT, Remote, SharedResult};
use crate::transfer::{Limits, apply, create};
use crate::value::Value;

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a remote that failed is not asked.
const REST: Duration = Duration::from_mins(1);

/// The remotes that results are shared with.
#[derive(Default)]
pub(crate) struct Shared {
    remotes: Vec<Arc<Sharer>>,
}

struct Sharer {
    remote: Remote,
    read: bool,
    write: bool,
    /// When it failed.
    failed: Mutex<Option<Instant>>,
}

impl Sharer {
    fn rests(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|since| since.elapsed() < REST)
    }

    fn fails(&self) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// What came of asking.
pub(crate) enum Asked {
    /// The DAG of a result, which was taken in.
    Answered(DagId),
    /// Nothing: the call is to be run.
    Nothing,
    Stopped(Stop),
}

impl Shared {
    /// Opens the remotes that the settings of a repository say. One that cannot be opened is
    /// left out.
    pub fn of(repository: &Repository) -> Result<Self> {
        let mut remotes = Vec::new();
        for sharing in repository.sharing()? {
            if sharing.trusted
                && let Ok(remote) = Remote::open(repository, &sharing.remote)
            {
                remotes.push(Arc::new(Sharer {
                    remote,
                    read: sharing.read,
                    write: sharing.write,
                    failed: Mutex::default(),
                }));
            }
        }
        Ok(Self { remotes })
    }

    /// Runs `ask` in a thread of its own and waits for it, but not too long. A failure is
    /// noted, and nothing comes of it.
    fn within<T: Send + 'static>(
        sharer: &Arc<Sharer>,
        control: &mut Control<'_>,
        ask: impl FnOnce(&Remote) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>, Stop> {
        let (tell, told) = mpsc::channel();
        let asked = Arc::clone(sharer);
        std::thread::spawn(move || {
            let _ = tell.send(ask(&asked.remote)); // Fails when nobody waits any more.
        });
        let begun = Instant::now();
        while begun.elapsed() < LIMIT {
            match told.recv_timeout(TICK) {
                Ok(Ok(answer)) => return Ok(Some(answer)),
                Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(stop) = control.stop() {
                return Err(stop);
            }
        }
        sharer.fails();
        Ok(None)
    }
}

impl Executor {
    /// Asks the remotes for a result of `work`, whose claim is `owner`'s, and takes it in. Then
    /// the claim has ended.
    pub(crate) fn ask_remotes(
        &self,
        work: &Work,
        owner: &OwnerId,
        control: &mut Control<'_>,
    ) -> Result<Asked> {
        let shared = self.shared()?;
        let key = work.key;
        for sharer in shared.remotes.iter().filter(|one| one.read && !one.rests()) {
            let found = Shared::within(sharer, control, move |remote| remote.find_result(key));
            let found = match found {
                Ok(found) => found.flatten(),
                Err(stop) => return Ok(Asked::Stopped(stop)),
            };
            let Some(result) = found else {
                continue;
            };
            let Some(bundle) = &result.bundle else {
                continue;
            };
            let store = self.repository().store();
            match take(store, owner, work, bundle, &result, sharer.remote.name()) {
                Ok(Some(dag)) => return Ok(Asked::Answered(dag)),
                Ok(None) => {}
                // What is wrong with it does not matter: the call is run.
                Err(error) if is_of_bundle(&error) => sharer.fails(),
                Err(error) => return Err(error),
            }
        }
        Ok(Asked::Nothing)
    }

    /// Offers the result of `work` to the remotes.
    pub(crate) fn offer_to_remotes(
        &self,
        work: &Work,
        dag: DagId,
        control: &mut Control<'_>,
    ) -> Result<()> {
        let shared = self.shared()?;
        let key = work.key;
        let mut writers = shared
            .remotes
            .iter()
            .filter(|one| one.write && !one.rests());
        let Some(first) = writers.next() else {
            return Ok(());
        };
        let Some(bundle) = pack(self.repository(), work, dag)? else {
            return Ok(());
        };
        let result = Arc::new(SharedResult {
            who: self.repository().author()?,
            when: Time::now(),
            bundle: Some(bundle),
        });
        for sharer in std::iter::once(first).chain(writers) {
            let result = Arc::clone(&result);
            let offered = Shared::within(sharer, control, move |remote| {
                remote.offer_result(key, &result)
            });
            if offered.is_err() {
                break; // The result is here all the same.
            }
        }
        Ok(())
    }

    fn shared(&self) -> Result<Arc<Shared>> {
        let mut place = self
            .inner
            .shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = &*place {
            return Ok(Arc::clone(shared));
        }
        let shared = Arc::new(Shared::of(self.repository())?);
        *place = Some(Arc::clone(&shared));
        Ok(shared)
    }
}

impl Repository {
    /// Invalidates what the remotes that results are offered to share of the call `key`.
    /// Returns the names of those that shared something.
    pub fn invalidate_shared(&self, key: crate::record::CallKey) -> Result<Vec<String>> {
        let who = self.author()?;
        let mut done = Vec::new();
        for sharer in Shared::of(self)?.remotes {
            if sharer.write && sharer.remote.invalidate_result(key, &who)? {
                done.push(sharer.remote.name().to_owned());
            }
        }
        Ok(done)
    }
}

/// Returns whether an error is that of a bundle and not of the store.
fn is_of_bundle(error: &Error) -> bool {
    matches!(
        error,
        Error::BundleInvalid { .. }
            | Error::BundleUnsupported { .. }
            | Error::Invalid { .. }
            | Error::ObjectNotFound { .. }
            | Error::Fault(_)
    )
}

/// Takes in the result of a call from a remote and ends the claim, all or nothing. Returns
/// its DAG; `None` when it is not to be taken.
fn take(
    store: &Store,
    owner: &OwnerId,
    work: &Work,
    bundle: &[u8],
    result: &SharedResult,
    remote: &str,
) -> Result<Option<DagId>> {
    let mut taken = None;
    let limits = Limits {
        object: LARGEST_RESULT as u64,
        objects: LARGEST_RESULT as u64,
        bytes: LARGEST_RESULT as u64,
    };
    let applied = apply(store, &mut &*bundle, &limits, |txn, roots| {
        taken = None;
        if claim::owned(txn, work.key, owner)?.is_none() {
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
        if record.error().is_some() || is_invalidated(txn, work, dag)? {
            return Err(refused("it does not answer calls"));
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
        taken = Some(dag);
        Ok(())
    });
    match applied {
        Ok(_) => Ok(taken),
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
fn pack(repository: &Repository, work: &Work, dag: DagId) -> Result<Option<Vec<u8>>> {
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
