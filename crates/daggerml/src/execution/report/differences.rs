//! What differs between two calls, part by part.

use super::code_diff;
use crate::execution::called::Print;
use crate::history::{PathStep, value_diff};
use crate::id::DatumId;
use crate::record::Time;
use crate::value::{Map, Runnable, Value};

/// The most differences that are told.
const MOST_DIFFERENCES: usize = 100;

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

/// What a call is made of, as far as that is known.
pub(crate) struct Parts {
    pub name: String,
    pub runnable: DatumId,
    /// `None` when it was excised.
    pub value: Option<Value>,
    pub prints: Vec<Print>,
    pub args: Option<Vec<Value>>,
    pub first: Option<Time>,
}

/// In how many arguments two calls differ.
pub(crate) fn differing_args(a: &[Print], b: &[Print]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count() + a.len().abs_diff(b.len())
}

/// In how many parts two runnables differ.
pub(crate) fn runnable_parts(a: &Runnable, b: &Runnable) -> usize {
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

/// Returns what differs between two calls.
pub(crate) fn differences(before: &Parts, after: &Parts) -> Vec<Difference> {
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

/// Returns what people call a setting of a runnable.
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
