//! What is running, what was run, and why a call is run again.

mod code_diff;
pub(crate) mod differences;
pub(crate) mod explain;
pub(crate) mod log_part;

use crate::error::{Error, IdError, Result};
use crate::execution::cache::{self, Entry};
use crate::execution::claim::owner::is_dead;
use crate::execution::claim::{self, Claim};
use crate::execution::nested;
use crate::execution::run::acquire::request_cancel;
use crate::id::{DagId, ExecId, MIN_PREFIX};
use crate::record::{CallKey, Dag, Datum, Exec, ExecStatus, Time};
use crate::repo::Repository;
use crate::sorting::sort_by;
use crate::store::{ReadObjects, Snapshot, Table};
use crate::value::Value;

/// One attempt at a call, with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The id of its record.
    pub id: ExecId,
    /// Its record.
    pub exec: Exec,
    /// Whether its function failed in a way that may not come again, so that it answers
    /// no calls.
    pub transient: bool,
}

impl Attempt {
    pub(crate) fn load(snapshot: &Snapshot, id: ExecId) -> Result<Self> {
        let exec: Exec = snapshot.load(id)?;
        let transient = match (exec.status, exec.dag) {
            (ExecStatus::Error, Some(dag)) => match snapshot.load::<_, Dag>(dag) {
                Ok(dag) => dag.is_transient(),
                Err(error) if matches!(*error, Error::Excised { .. }) => false,
                Err(error) => return Err(error),
            },
            _ => false,
        };
        Ok(Self {
            id,
            exec,
            transient,
        })
    }
}

/// What is known of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallState {
    /// The call.
    pub key: CallKey,
    /// The claim, while it is under way.
    pub claim: Option<Claim>,
    /// Whether the owner of the claim is dead, so that the next caller takes it over.
    pub dead: bool,
    /// The newest attempt that ended.
    pub newest: Option<Attempt>,
    /// The DAG that answers calls.
    pub answer: Option<DagId>,
}

/// Which calls to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those under way.
    pub running: bool,
}

fn since(state: &CallState) -> Option<Time> {
    state.claim.as_ref().map(|claim| claim.since)
}

fn finished(state: &CallState) -> Option<Time> {
    state.newest.as_ref().map(|newest| newest.exec.finished)
}

impl Repository {
    /// Returns the calls that are known: those under way, then the others, newest first.
    pub fn calls(&self, filter: Filter) -> Result<Vec<CallState>> {
        let snapshot = self.snapshot()?;
        let mut found = Vec::new();
        let mut running = std::collections::HashSet::new();
        for (key, claim) in claim::list(&snapshot)? {
            running.insert(key);
            found.push(self.call_state(&snapshot, key, Some(claim))?);
        }
        sort_by(&mut found, |a, b| since(a).cmp(&since(b)));
        if filter.running {
            return Ok(found);
        }
        let mut ended = Vec::new();
        for entry in snapshot.scan(Table::Calls, &[])? {
            let (key, _) = entry?;
            let Ok(key) = key.try_into() else { continue };
            let key = CallKey::from_bytes(key);
            if !running.contains(&key) {
                ended.push(self.call_state(&snapshot, key, None)?);
            }
        }
        sort_by(&mut ended, |a, b| finished(b).cmp(&finished(a)));
        found.extend(ended);
        Ok(found)
    }

    /// Returns what is known of the call `key`.
    pub fn call(&self, key: CallKey) -> Result<CallState> {
        let snapshot = self.snapshot()?;
        let claim = claim::find(&snapshot, key)?;
        self.call_state(&snapshot, key, claim)
    }

    fn call_state(
        &self,
        snapshot: &Snapshot,
        key: CallKey,
        claim: Option<Claim>,
    ) -> Result<CallState> {
        let entry = cache::lookup(snapshot, key)?;
        let newest = entry.map(|Entry { newest, .. }| Attempt::load(snapshot, newest));
        Ok(CallState {
            key,
            dead: match &claim {
                Some(claim) => is_dead(self.store().folder(), &claim.owner)?,
                None => false,
            },
            claim,
            newest: newest.transpose()?,
            answer: entry.and_then(|entry| entry.answer).map(|(_, dag)| dag),
        })
    }

    /// Returns the call that `text` stands for: its key, or the first digits of it.
    pub fn find_call(&self, text: &str) -> Result<CallKey> {
        let digits = text.to_ascii_lowercase();
        if digits.len() > 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(IdError::Digit {
                text: text.to_owned(),
            }
            .into());
        }
        if digits.len() < MIN_PREFIX {
            return Err(IdError::Length {
                text: text.to_owned(),
            }
            .into());
        }
        let snapshot = self.snapshot()?;
        let mut found = std::collections::BTreeSet::new();
        for table in [Table::Calls, Table::Claims] {
            for entry in snapshot.scan(table, &prefix(&digits))? {
                let (key, _) = entry?;
                if let Ok(key) = key.try_into() {
                    let key = CallKey::from_bytes(key);
                    if key.to_string().starts_with(&digits) {
                        found.insert(key);
                    }
                }
            }
        }
        let mut all = found.iter();
        match (all.next(), all.next()) {
            (Some(key), None) => Ok(*key),
            (None, _) => Err(Error::NotFound {
                what: "call",
                name: text.to_owned(),
                place: self.root().display().to_string(),
            }
            .into()),
            _ => Err(Error::AmbiguousId {
                prefix: text.to_owned(),
                candidates: found.iter().take(10).map(ToString::to_string).collect(),
            }
            .into()),
        }
    }

    /// Returns the attempts at the call `key` that ended, newest first.
    pub fn attempts(&self, key: CallKey) -> Result<Vec<Attempt>> {
        let snapshot = self.snapshot()?;
        let mut next = cache::lookup(&snapshot, key)?.map(|entry| entry.newest);
        let mut found = Vec::new();
        while let Some(id) = next {
            let attempt = Attempt::load(&snapshot, id)?;
            next = attempt.exec.previous;
            found.push(attempt);
        }
        Ok(found)
    }

    /// Returns the calls within the call that made `dag` whose error it handed on, outermost
    /// first: to run it again alone would end in the same error.
    pub fn failed_within(&self, dag: DagId) -> Result<Vec<CallKey>> {
        nested::failed(&self.snapshot()?, dag)
    }

    /// Returns what the adapter wrote to standard error in an attempt.
    pub fn log_of(&self, exec: &Exec) -> Result<Vec<u8>> {
        let Some(log) = exec.log else {
            return Ok(Vec::new());
        };
        match self.snapshot()?.load::<_, Datum>(log)?.value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(Error::Invalid {
                message: format!("the log {log} is not bytes but a {}", other.type_name()),
            }
            .into()),
        }
    }

    /// Lets the call `key` be run again. Returns whether it was cached.
    ///
    /// What remotes share of it that results are offered to is invalidated, too. When one of
    /// them fails, that is an error, though the call is invalidated here; to do it again is
    /// fine.
    pub fn invalidate_call(&self, key: CallKey) -> Result<bool> {
        let here = self.store().write(|txn| cache::invalidate(txn, key))?;
        let there = self.invalidate_shared(key)?;
        Ok(here || !there.is_empty())
    }

    /// Asks whoever runs the call `key` to stop. Returns whether it is under way.
    pub fn cancel_call(&self, key: CallKey) -> Result<bool> {
        request_cancel(self.store(), key)
    }
}

/// Returns the whole bytes that these digits begin with.
fn prefix(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| match pair {
            [high, low] => Some(crate::id::hex_digit(*high)? << 4 | crate::id::hex_digit(*low)?),
            _ => None,
        })
        .collect()
}
