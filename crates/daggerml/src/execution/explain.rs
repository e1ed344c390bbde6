//! Why a call is answered from the cache, or run: what differs from the nearest earlier one.

use std::collections::HashMap;

use super::called::{self, Called, Print};
use super::code_diff;
use super::report::{Attempt, CallState};
use crate::error::{Error, Result};
use crate::id::{DatumId, ExecId};
use crate::record::{CallKey, Dag, Datum, ExecStatus, Node, Time};
use crate::repo::Repository;
use crate::repo::history::{PathStep, value_diff};
use crate::store::{ReadObjects, Snapshot};
use crate::value::{Map, Runnable, Value};

/// The most earlier calls that are compared.
pub const MOST_COMPARED: usize = 10_000;

/// The most differences that are told.
const MOST_DIFFERENCES: usize = 100;

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
    /// The stable name.
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

    /// What follows for the next call, in words.
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

/// A part of a call that differs. `None` is nothing there, or nothing that can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Which part: `code of NAME`, `prepop`, `argument 2` ...
    pub part: String,
    /// The way into it.
    pub path: Vec<PathStep>,
    /// What it was in the earlier call.
    pub before: Option<Value>,
    /// What it is.
    pub after: Option<Value>,
    /// For texts, what differs, as a unified diff.
    pub diff: Option<String>,
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

/// What a call is made of, as far as that is known.
struct Parts {
    name: String,
    runnable: DatumId,
    /// `None` when it was excised.
    value: Option<Value>,
    prints: Vec<Print>,
    args: Option<Vec<Value>>,
    first: Option<Time>,
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
            .map(|value| super::datum_id(value.clone()))
            .collect::<Result<Vec<_>>>()?;
        let mut values = values.into_iter();
        let (Some(Value::Runnable(runnable)), Some((first, rest))) =
            (values.next(), ids.split_first())
        else {
            return Err(Error::Invalid {
                message: "only the call of a runnable can be explained".to_owned(),
            });
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
        if let Some((exec, _)) = super::cache::lookup(snapshot, key)?.and_then(|it| it.answer) {
            found.answer = Some(Attempt::load(snapshot, exec)?);
        }
        let Some(parts) = parts else {
            return Ok(found);
        };
        found.name = Some(parts.name.clone());
        if let Some((key, called)) = nearest(snapshot, key, &parts, &mut found)? {
            let dag = self.attempts(key)?;
            let before = Parts {
                value: value_of(snapshot, called.runnable)?,
                args: args_of(snapshot, dag)?,
                runnable: called.runnable,
                name: called.name,
                prints: called.args,
                first: called.first,
            };
            found.nearest = Some(Nearest {
                key,
                first: called.first.unwrap_or(Time(0)),
                differences: differences(&before, &parts),
            });
        }
        Ok(found)
    }
}

fn verdict(snapshot: &Snapshot, call: &CallState) -> Result<Verdict> {
    if let Some(dag) = call.answer {
        return match snapshot.load::<_, Dag>(dag) {
            Ok(_) => Ok(Verdict::Cached),
            Err(Error::Excised { .. }) => Ok(Verdict::Excised),
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

/// The value of a datum; `None` when it was excised or is not there any more.
fn value_of(snapshot: &Snapshot, id: DatumId) -> Result<Option<Value>> {
    match snapshot.load::<_, Datum>(id) {
        Ok(datum) => Ok(Some(datum.value)),
        Err(Error::Excised { .. } | Error::ObjectNotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The arguments of a call, from the DAG of an attempt at it.
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
            Ok(_) | Err(Error::Excised { .. } | Error::ObjectNotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// What is called by a claim, which has all of it.
fn of_claim(snapshot: &Snapshot, claim: &super::claim::Claim) -> Result<Option<Parts>> {
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

/// The earlier call that differs in the fewest parts, of several the newest.
fn nearest(
    snapshot: &Snapshot,
    key: CallKey,
    parts: &Parts,
    told: &mut Explanation,
) -> Result<Option<(CallKey, Called)>> {
    let mut runnables: HashMap<DatumId, usize> = HashMap::from([(parts.runnable, 0)]);
    let mut best: Option<(usize, CallKey, Called)> = None;
    called::each(snapshot, &parts.name, &mut |other, called| {
        if other == key || parts.first.is_some_and(|own| called.first >= Some(own)) {
            return Ok(true);
        }
        if told.compared == MOST_COMPARED {
            told.limited = true;
            return Ok(false);
        }
        told.compared += 1;
        let differing = match runnables.get(&called.runnable) {
            Some(known) => *known,
            None => {
                let found = match (&parts.value, value_of(snapshot, called.runnable)?) {
                    (Some(Value::Runnable(own)), Some(Value::Runnable(other))) => {
                        runnable_parts(own, &other)
                    }
                    _ => 1,
                };
                *runnables.entry(called.runnable).or_insert(found)
            }
        };
        let score = differing + differing_args(&parts.prints, &called.args);
        if best.as_ref().is_none_or(|(least, ..)| score < *least) {
            best = Some((score, other, called));
        }
        // Nothing can be nearer.
        Ok(score > 1)
    })?;
    Ok(best.map(|(_, key, called)| (key, called)))
}

fn differing_args(a: &[Print], b: &[Print]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count() + a.len().abs_diff(b.len())
}

/// In how many parts two runnables differ.
fn runnable_parts(a: &Runnable, b: &Runnable) -> usize {
    let differ = |a: &Map, b: &Map| {
        let entries = a.as_slice().iter();
        entries
            .filter(|(key, value)| b.get(key) != Some(value))
            .count()
    };
    let only = b.kwargs.as_slice().iter();
    let only = only.filter(|(key, _)| a.kwargs.get(key).is_none()).count();
    usize::from(a.uri != b.uri)
        + usize::from(a.adapter != b.adapter)
        + differ(&a.kwargs, &b.kwargs)
        + only
        + match (&a.sub, &b.sub) {
            (Some(a), Some(b)) => runnable_parts(a, b),
            (a, b) => usize::from(a.is_some() != b.is_some()),
        }
}

fn differences(before: &Parts, after: &Parts) -> Vec<Difference> {
    let mut found = Vec::new();
    if before.runnable != after.runnable {
        match (&before.value, &after.value) {
            (Some(Value::Runnable(a)), Some(Value::Runnable(b))) => {
                runnables("", a, b, &mut found);
            }
            _ => found.push(unreadable("runnable".to_owned())),
        }
    }
    let count = before.prints.len().max(after.prints.len());
    for at in 0..count {
        if before.prints.get(at) == after.prints.get(at) {
            continue;
        }
        let part = format!("argument {}", at + 1);
        let (old, new) = (arg(before, at), arg(after, at));
        match (old, new) {
            (Some(old), Some(new)) => values(&part, old, new, &mut found),
            (None, None) => found.push(unreadable(part)),
            (old, new) => found.push(Difference {
                before: old.cloned(),
                after: new.cloned(),
                ..unreadable(part)
            }),
        }
    }
    found.truncate(MOST_DIFFERENCES);
    found
}

fn arg(parts: &Parts, at: usize) -> Option<&Value> {
    parts.args.as_ref()?.get(at)
}

fn unreadable(part: String) -> Difference {
    Difference {
        part,
        path: Vec::new(),
        before: None,
        after: None,
        diff: None,
    }
}

/// The differences of two runnables, whose parts are told after `of`.
fn runnables(of: &str, a: &Runnable, b: &Runnable, found: &mut Vec<Difference>) {
    let part = |name: &str| format!("{of}{name}");
    let text = |text: &str| Value::from(text);
    if a.uri != b.uri {
        let (a, b) = (Value::Uri(a.uri.clone()), Value::Uri(b.uri.clone()));
        values(&part("kind (uri)"), &a, &b, found);
    }
    values(
        &part("adapter"),
        &text(&a.adapter),
        &text(&b.adapter),
        found,
    );
    let mut keys: Vec<_> = b.kwargs.as_slice().iter().map(|(key, _)| key).collect();
    let old = a.kwargs.as_slice().iter().map(|(key, _)| key);
    keys.extend(old.filter(|key| b.kwargs.get(key).is_none()));
    for key in keys {
        let name = match key {
            Value::String(name) => name.as_str(),
            _ => "?",
        };
        match (a.kwargs.get(key), b.kwargs.get(key)) {
            (Some(Value::String(a)), Some(Value::String(b))) if name == "source" && a != b => {
                for (definition, diff) in code_diff::by_definition(a, b) {
                    let what = match definition.as_str() {
                        "" => part("code outside of functions"),
                        name => part(&format!("code of {name}")),
                    };
                    found.push(Difference {
                        diff: Some(diff),
                        ..unreadable(what)
                    });
                }
            }
            (Some(a), Some(b)) => values(&part(friendly(name)), a, b, found),
            (a, b) => found.push(Difference {
                before: a.cloned(),
                after: b.cloned(),
                ..unreadable(part(friendly(name)))
            }),
        }
    }
    match (&a.sub, &b.sub) {
        (Some(a), Some(b)) => runnables(&part("inner runnable: "), a, b, found),
        (None, None) => {}
        (a, b) => found.push(Difference {
            before: a.clone().map(Value::Runnable),
            after: b.clone().map(Value::Runnable),
            ..unreadable(part("inner runnable"))
        }),
    }
}

/// What people call a setting of a runnable.
fn friendly(kwarg: &str) -> &str {
    match kwarg {
        "function" => "function name",
        "argv" => "command line",
        other => other,
    }
}

/// The differences of two values of a part.
fn values(part: &str, a: &Value, b: &Value, found: &mut Vec<Difference>) {
    for change in value_diff(a, b) {
        let mut diff = None;
        if let (Some(Value::String(a)), Some(Value::String(b))) = (&change.before, &change.after)
            && (a.contains('\n') || b.contains('\n'))
        {
            diff = Some(code_diff::unified(a, b));
        }
        found.push(Difference {
            part: part.to_owned(),
            path: change.path,
            before: change.before,
            after: change.after,
            diff,
        });
    }
}

impl Explanation {
    /// The exec record that answers calls, or the newest.
    pub fn exec(&self) -> Option<ExecId> {
        let attempt = self.answer.as_ref().or(self.call.newest.as_ref());
        attempt.map(|attempt| attempt.id)
    }
}
