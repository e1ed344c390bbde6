//! Why a call is answered from the cache, or run: what differs from the nearest earlier one.

use std::collections::HashMap;

use super::differences::{Difference, Parts, differences, differing_args, runnable_parts};
use super::{Attempt, CallState};
use crate::error::{Error, Result};
use crate::execution::cache;
use crate::execution::call::datum_id;
use crate::execution::called::{self, Called};
use crate::execution::claim::Claim;
use crate::id::DatumId;
use crate::record::{CallKey, Dag, Datum, ExecStatus, Node, Time};
use crate::repo::Repository;
use crate::store::{ReadObjects, Snapshot};
use crate::value::Value;

/// The most earlier calls that are compared.
pub const MOST_COMPARED: usize = 10_000;

/// The most calls that differ in as few parts, and are compared value by value.
const MOST_READ: usize = 64;

/// Whether a call would be answered from the cache, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would.
    Cached,
    /// It is under way; who asks for it waits.
    Running,
    /// It was, and was invalidated.
    Invalidated,
    /// The function failed in a way that may not come again.
    Transient,
    /// What runs it failed, or its time was over.
    Failed,
    /// It was stopped.
    Canceled,
    /// The DAG that would answer it was excised.
    Excised,
    /// No such call was made.
    New,
}

impl Verdict {
    /// Returns the stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Running => "running",
            Self::Invalidated => "invalidated",
            Self::Transient => "transient",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Excised => "excised",
            Self::New => "new",
        }
    }

    /// Returns what follows for the next call, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Cached => "a hit: it is answered from the cache",
            Self::Running => "it is under way: who calls it waits for that run",
            Self::Invalidated => "a miss: its result was invalidated, so it is run again",
            Self::Transient => {
                "a miss: its error was transient, and such errors are not cached, so it is run again"
            }
            Self::Failed => {
                "a miss: what runs it failed, and such failures are not cached, so it is run again"
            }
            Self::Canceled => "a miss: it was canceled, so it is run again",
            Self::Excised => {
                "neither: the DAG of its result was excised, and to call it is an error until \
                 `dml exec invalidate` lets it be run again"
            }
            Self::New => "a miss: this very call was never made here, so it is run",
        }
    }
}

/// An earlier call of a function of the same name.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// The call.
    pub key: CallKey,
    /// When it was first run to its end.
    pub first: Time,
    /// What differs from it.
    pub differences: Vec<Difference>,
}

/// Why a call is a hit or a miss.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What is known of the call.
    pub call: CallState,
    /// Whether it would be answered from the cache.
    pub verdict: Verdict,
    /// The attempt that answers calls, if it is cached.
    pub answer: Option<Attempt>,
    /// The name of the function; `None` when it is not known what was called.
    pub name: Option<String>,
    /// The nearest call of that name which ended before this one was first run.
    pub nearest: Option<Nearest>,
    /// How many earlier calls of that name were compared.
    pub compared: usize,
    /// Whether there are more, older ones.
    pub limited: bool,
}

impl Repository {
    /// Explains the call `key`, which was made or is under way.
    pub fn explain(&self, key: CallKey) -> Result<Explanation> {
        let snapshot = self.snapshot()?;
        let found = called::find(&snapshot, key)?;
        let parts = match found {
            Some(called) => {
                let args = args_of(&snapshot, self.attempts(key)?)?;
                Some(Parts {
                    value: value_of(&snapshot, called.runnable)?,
                    runnable: called.runnable,
                    name: called.name,
                    prints: called.args,
                    args,
                    first: called.first,
                })
            }
            None => match self.call(key)?.claim {
                Some(claim) => of_claim(&snapshot, &claim)?,
                None => None,
            },
        };
        self.explained(&snapshot, key, parts)
    }

    /// Explains the call of the runnable in the first of `values` with the others, whether
    /// it was ever made or not.
    pub fn explain_call(&self, values: Vec<Value>) -> Result<Explanation> {
        let ids = values
            .iter()
            .map(|value| datum_id(value.clone()))
            .collect::<Result<Vec<_>>>()?;
        let mut values = values.into_iter();
        let (Some(Value::Runnable(runnable)), Some((first, rest))) =
            (values.next(), ids.split_first())
        else {
            return Err(Error::Invalid {
                message: "only the call of a runnable can be explained".to_owned(),
            }
            .into());
        };
        let key = CallKey::new(*first, rest);
        let snapshot = self.snapshot()?;
        let parts = Parts {
            name: called::name_of(&runnable),
            runnable: *first,
            value: Some(Value::Runnable(runnable)),
            prints: rest.iter().map(|id| called::print(*id)).collect(),
            args: Some(values.collect()),
            first: called::find(&snapshot, key)?.and_then(|called| called.first),
        };
        self.explained(&snapshot, key, Some(parts))
    }

    fn explained(
        &self,
        snapshot: &Snapshot,
        key: CallKey,
        parts: Option<Parts>,
    ) -> Result<Explanation> {
        let call = self.call(key)?;
        let mut found = Explanation {
            verdict: verdict(snapshot, &call)?,
            answer: None,
            name: None,
            nearest: None,
            compared: 0,
            limited: false,
            call,
        };
        if let Some((exec, _)) = cache::lookup(snapshot, key)?.and_then(|it| it.answer) {
            found.answer = Some(Attempt::load(snapshot, exec)?);
        }
        let Some(parts) = parts else {
            return Ok(found);
        };
        found.name = Some(parts.name.clone());
        let mut least = None;
        for (key, called) in candidates(snapshot, key, &parts, &mut found)? {
            let first = called.first.unwrap_or(Time(0));
            let before = Parts {
                value: value_of(snapshot, called.runnable)?,
                args: args_of(snapshot, self.attempts(key)?)?,
                runnable: called.runnable,
                name: called.name,
                prints: called.args,
                first: called.first,
            };
            let differences = differences(&before, &parts);
            // What cannot be read is not taken for similar.
            let unread = before.value.is_none() || before.args.is_none();
            let score = (unread, differences.len());
            if least.is_none_or(|least| score < least) {
                least = Some(score);
                found.nearest = Some(Nearest {
                    key,
                    first,
                    differences,
                });
            }
        }
        Ok(found)
    }
}

fn verdict(snapshot: &Snapshot, call: &CallState) -> Result<Verdict> {
    if let Some(dag) = call.answer {
        return match snapshot.load::<_, Dag>(dag) {
            Ok(_) => Ok(Verdict::Cached),
            Err(error) if matches!(*error, Error::Excised { .. }) => Ok(Verdict::Excised),
            Err(error) => Err(error),
        };
    }
    if call.claim.is_some() && !call.dead {
        return Ok(Verdict::Running);
    }
    Ok(match &call.newest {
        None => Verdict::New,
        Some(newest) if newest.transient => Verdict::Transient,
        Some(newest) => match (newest.exec.status, newest.exec.dag) {
            (_, Some(_)) => Verdict::Invalidated,
            (ExecStatus::Canceled, None) => Verdict::Canceled,
            (_, None) => Verdict::Failed,
        },
    })
}

/// Whether an object was excised or is not there any more.
fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Excised { .. } | Error::ObjectNotFound { .. })
}

/// Returns the value of a datum; `None` when it was excised or is not there any more.
fn value_of(snapshot: &Snapshot, id: DatumId) -> Result<Option<Value>> {
    match snapshot.load::<_, Datum>(id) {
        Ok(datum) => Ok(Some(datum.value)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the arguments of a call, from the DAG of an attempt at it.
fn args_of(snapshot: &Snapshot, attempts: Vec<Attempt>) -> Result<Option<Vec<Value>>> {
    for dag in attempts.into_iter().filter_map(|made| made.exec.dag) {
        let read = || -> Result<Option<Value>> {
            let Some(node) = snapshot.load::<_, Dag>(dag)?.argv_node() else {
                return Ok(None);
            };
            match snapshot.load::<_, Node>(node)?.datum() {
                Some(datum) => value_of(snapshot, datum),
                None => Ok(None),
            }
        };
        match read() {
            Ok(Some(Value::List(args))) => return Ok(Some(args)),
            Ok(_) => {}
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Returns what is called by a claim, which has all of it.
fn of_claim(snapshot: &Snapshot, claim: &Claim) -> Result<Option<Parts>> {
    let Some(Value::Runnable(runnable)) = value_of(snapshot, claim.runnable)? else {
        return Ok(None);
    };
    let args = claim.args.iter().map(|arg| value_of(snapshot, *arg));
    Ok(Some(Parts {
        name: called::name_of(&runnable),
        runnable: claim.runnable,
        value: Some(Value::Runnable(runnable)),
        prints: claim.args.iter().map(|id| called::print(*id)).collect(),
        args: args.collect::<Result<_>>()?,
        first: None,
    }))
}

/// Returns the earlier calls that differ in the fewest parts, the newest first.
fn candidates(
    snapshot: &Snapshot,
    key: CallKey,
    parts: &Parts,
    told: &mut Explanation,
) -> Result<Vec<(CallKey, Called)>> {
    let mut runnables: HashMap<DatumId, usize> = HashMap::from([(parts.runnable, 0)]);
    let mut least = usize::MAX;
    let mut found = Vec::new();
    called::each(snapshot, &parts.name, &mut |other, called| {
        if other == key || parts.first.is_some_and(|own| called.first >= Some(own)) {
            return Ok(true);
        }
        if told.compared == MOST_COMPARED {
            told.limited = true;
            return Ok(false);
        }
        told.compared += 1;
        let differing = if let Some(known) = runnables.get(&called.runnable) {
            *known
        } else {
            let found = match (&parts.value, value_of(snapshot, called.runnable)?) {
                (Some(Value::Runnable(own)), Some(Value::Runnable(other))) => {
                    runnable_parts(own, &other)
                }
                _ => 1,
            };
            *runnables.entry(called.runnable).or_insert(found)
        };
        let score = differing + differing_args(&parts.prints, &called.args);
        if score < least {
            least = score;
            found.clear();
        }
        if score == least && found.len() < MOST_READ {
            found.push((other, called));
        }
        // No other call can differ in fewer parts, and these are enough to read.
        Ok(least > 1 || found.len() < MOST_READ)
    })?;
    Ok(found)
}
