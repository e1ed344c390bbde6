//! The cache of calls: the entries of the table `calls`.

use crate::cbor::{Reader, Writer};
use crate::error::{ExecutionError, Fault, FaultKind, Result};
use crate::id::{DagId, ExecId};
use crate::record::{CallKey, Dag, Exec, ExecStatus, Time};
use crate::store::{ReadObjects, Snapshot, Table, WriteTxn};

/// The version of an entry.
const VERSION: u64 = 1;

/// What the cache knows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The newest attempt.
    pub newest: ExecId,
    /// The attempt that answers calls, and its DAG.
    pub answer: Option<(ExecId, DagId)>,
}

impl Entry {
    fn encode(self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(4);
        writer.uint(VERSION);
        writer.id(self.newest);
        writer.optional_id(self.answer.map(|(exec, _)| exec));
        writer.optional_id(self.answer.map(|(_, dag)| dag));
        writer.into_bytes()
    }

    /// Returns the entry in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let reader = &mut Reader::new(bytes);
        reader.array_of(4)?;
        match reader.uint()? {
            VERSION => {}
            other => return Err(reader.fault(FaultKind::Header, format!("cache entry {other}"))),
        }
        let newest = reader.id()?;
        let answer = match (reader.optional_id()?, reader.optional_id()?) {
            (Some(exec), Some(dag)) => Some((exec, dag)),
            (None, None) => None,
            _ => return Err(reader.fault(FaultKind::Payload, "an attempt without its DAG")),
        };
        reader.finish()?;
        Ok(Self { newest, answer })
    }

    pub(super) fn read(key: CallKey, bytes: Option<&[u8]>) -> Result<Option<Self>> {
        bytes
            .map(|bytes| {
                Self::decode(bytes).map_err(|fault| {
                    ExecutionError::StateInvalid {
                        what: "cache entry",
                        key,
                        detail: fault.to_string(),
                    }
                    .into()
                })
            })
            .transpose()
    }
}

/// Returns what the cache knows of the call `key`.
pub fn lookup(snapshot: &Snapshot, key: CallKey) -> Result<Option<Entry>> {
    Entry::read(key, snapshot.get(Table::Calls, key.as_bytes())?)
}

/// Returns the DAG of the newest attempt at the call `key`, if that is another than
/// `before` and failed transiently.
pub(super) fn failed_since(
    snapshot: &Snapshot,
    key: CallKey,
    before: Option<ExecId>,
) -> Result<Option<DagId>> {
    let Some(newest) = lookup(snapshot, key)?.map(|entry| entry.newest) else {
        return Ok(None);
    };
    if Some(newest) == before {
        return Ok(None);
    }
    let Some(dag) = snapshot.load::<_, Exec>(newest)?.dag else {
        return Ok(None);
    };
    let transient = snapshot.load::<_, Dag>(dag)?.is_transient();
    Ok(transient.then_some(dag))
}

/// Returns what the cache knows of the call `key`, in a write transaction.
pub(super) fn lookup_in(txn: &WriteTxn<'_>, key: CallKey) -> Result<Option<Entry>> {
    Entry::read(key, txn.get(Table::Calls, key.as_bytes())?)
}

/// Appends an attempt, and lets it answer calls if it made a DAG, unless its error is
/// `transient`. `exec.previous` is set here.
pub(super) fn append(txn: &mut WriteTxn<'_>, mut exec: Exec, transient: bool) -> Result<ExecId> {
    let before = lookup_in(txn, exec.key)?;
    exec.previous = before.map(|entry| entry.newest);
    let id = txn.save(&exec)?;
    let answer = match (exec.status, exec.dag) {
        (ExecStatus::Ok | ExecStatus::Error, Some(dag)) if !transient => Some((id, dag)),
        _ => before.and_then(|entry| entry.answer),
    };
    put(txn, exec.key, Entry { newest: id, answer })?;
    Ok(id)
}

/// Takes over an attempt that was made elsewhere, unless the call is cached here or the
/// attempt cannot answer calls. The call and when it ended, if it was taken over.
pub(super) fn adopt(txn: &mut WriteTxn<'_>, id: ExecId) -> Result<Option<(CallKey, Time)>> {
    let exec: Exec = txn.load(id)?;
    let before = lookup_in(txn, exec.key)?;
    if before.is_some_and(|entry| entry.answer.is_some()) {
        return Ok(None);
    }
    let Some(dag) = exec.dag else {
        return Ok(None);
    };
    if txn.load::<_, Dag>(dag)?.is_transient() {
        return Ok(None);
    }
    let (key, finished) = (exec.key, exec.finished);
    // Attempts that were made here before must stay reachable.
    let id = match before {
        Some(entry) if exec.previous != Some(entry.newest) => txn.save(&Exec {
            previous: Some(entry.newest),
            ..exec
        })?,
        _ => id,
    };
    let answer = Some((id, dag));
    put(txn, key, Entry { newest: id, answer })?;
    Ok(Some((key, finished)))
}

/// Lets the call `key` be run again. Returns whether it was cached.
pub(super) fn invalidate(txn: &mut WriteTxn<'_>, key: CallKey) -> Result<bool> {
    let Some(entry) = lookup_in(txn, key)? else {
        return Ok(false);
    };
    if entry.answer.is_none() {
        return Ok(false);
    }
    let answer = None;
    put(txn, key, Entry { answer, ..entry })?;
    Ok(true)
}

fn put(txn: &mut WriteTxn<'_>, key: CallKey, entry: Entry) -> Result<()> {
    txn.put(Table::Calls, key.as_bytes(), &entry.encode())
}
