//! What differs between two values, as paths to the parts that do.

use crate::value::{Map, Set, Value};

/// The way into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// To the element of a list at this place.
    Index(usize),
    /// To the value of a map's key.
    Key(Value),
    /// To an item of a set.
    Item,
    /// To a part of a runnable: `uri`, `adapter`, `kwargs` or `sub`.
    Part(&'static str),
}

/// A part of a value that differs. `None` is nothing there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueChange {
    /// The way to it.
    pub path: Vec<PathStep>,
    /// What it was.
    pub before: Option<Value>,
    /// What it is.
    pub after: Option<Value>,
}

/// Returns what differs between `before` and `after`, smallest parts first to last.
///
/// Lists are compared by place once their common start and end are set aside,
/// so that an element put in or taken out is one change.
pub fn value_diff(before: &Value, after: &Value) -> Vec<ValueChange> {
    let mut found = Finder {
        path: Vec::new(),
        changes: Vec::new(),
    };
    found.compare(before, after);
    found.changes
}

struct Finder {
    path: Vec<PathStep>,
    changes: Vec<ValueChange>,
}

impl Finder {
    fn note(&mut self, before: Option<&Value>, after: Option<&Value>) {
        self.changes.push(ValueChange {
            path: self.path.clone(),
            before: before.cloned(),
            after: after.cloned(),
        });
    }

    fn at(&mut self, step: PathStep, before: Option<&Value>, after: Option<&Value>) {
        self.path.push(step);
        match (before, after) {
            (Some(before), Some(after)) => self.compare(before, after),
            _ => self.note(before, after),
        }
        self.path.pop();
    }

    fn compare(&mut self, before: &Value, after: &Value) {
        match (before, after) {
            (before, after) if before == after => {}
            (Value::List(a), Value::List(b)) => self.lists(a, b),
            (Value::Set(a), Value::Set(b)) => self.sets(a, b),
            (Value::Map(a), Value::Map(b)) => self.maps(a, b),
            (Value::Runnable(a), Value::Runnable(b)) => {
                let uri = |uri: &crate::value::Uri| Value::Uri(uri.clone());
                self.at(
                    PathStep::Part("uri"),
                    Some(&uri(&a.uri)),
                    Some(&uri(&b.uri)),
                );
                let text = |text: &str| Value::from(text);
                let (old, new) = (text(&a.adapter), text(&b.adapter));
                self.at(PathStep::Part("adapter"), Some(&old), Some(&new));
                let kwargs = |map: &Map| Value::Map(map.clone());
                let (old, new) = (kwargs(&a.kwargs), kwargs(&b.kwargs));
                self.at(PathStep::Part("kwargs"), Some(&old), Some(&new));
                let (old, new) = (
                    a.sub.clone().map(Value::Runnable),
                    b.sub.clone().map(Value::Runnable),
                );
                if old != new {
                    self.at(PathStep::Part("sub"), old.as_ref(), new.as_ref());
                }
            }
            (before, after) => self.note(Some(before), Some(after)),
        }
    }

    fn lists(&mut self, a: &[Value], b: &[Value]) {
        let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let (a, b) = (
            a.get(start..).unwrap_or_default(),
            b.get(start..).unwrap_or_default(),
        );
        let pairs = a.iter().rev().zip(b.iter().rev());
        let end = pairs.take_while(|(a, b)| a == b).count();
        let (old, new) = (a.len() - end, b.len() - end);
        for at in 0..old.max(new) {
            let before = a.get(at).filter(|_| at < old);
            let after = b.get(at).filter(|_| at < new);
            self.at(PathStep::Index(start + at), before, after);
        }
    }

    fn sets(&mut self, a: &Set, b: &Set) {
        for item in a.as_slice().iter().filter(|item| !b.contains(item)) {
            self.at(PathStep::Item, Some(item), None);
        }
        for item in b.as_slice().iter().filter(|item| !a.contains(item)) {
            self.at(PathStep::Item, None, Some(item));
        }
    }

    fn maps(&mut self, a: &Map, b: &Map) {
        for (key, before) in a.as_slice() {
            self.at(PathStep::Key(key.clone()), Some(before), b.get(key));
        }
        for (key, after) in b.as_slice() {
            if a.get(key).is_none() {
                self.at(PathStep::Key(key.clone()), None, Some(after));
            }
        }
    }
}
