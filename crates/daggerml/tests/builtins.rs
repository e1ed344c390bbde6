//! The builtin operations do what Python does, and say what is wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use daggerml::Error;
use daggerml::dag::apply;
use daggerml::error::{BuiltinError, ErrorKind};
use daggerml::record::Builtin;
use daggerml::value::{Int, Map, Set, Value};

fn list(items: &[i64]) -> Value {
    Value::List(items.iter().map(|&item| item.into()).collect())
}

fn set(items: &[i64]) -> Value {
    Value::Set(Set::new(items.iter().map(|&item| item.into()).collect()).unwrap())
}

fn map(entries: &[(&str, i64)]) -> Value {
    let entries = entries
        .iter()
        .map(|&(key, value)| (key.into(), value.into()));
    Value::Map(Map::new(entries.collect()).unwrap())
}

fn done(op: Builtin, args: &[Value]) -> Value {
    apply(op, &args.iter().collect::<Vec<_>>()).unwrap()
}

fn fault(op: Builtin, args: &[Value]) -> Box<Error> {
    apply(op, &args.iter().collect::<Vec<_>>()).unwrap_err()
}

type Bound = Option<i64>;
const N: Bound = None;

/// `[0, 1, 2, 3, 4][start:stop:step]`, as CPython 3.11 has it.
const SLICES: &[(Bound, Bound, Bound, &[i64])] = &[
    (N, N, N, &[0, 1, 2, 3, 4]),
    (N, N, Some(-3), &[4, 1]),
    (N, Some(-6), Some(-1), &[4, 3, 2, 1, 0]),
    (N, Some(-1), Some(2), &[0, 2]),
    (N, Some(2), Some(1), &[0, 1]),
    (N, Some(8), N, &[0, 1, 2, 3, 4]),
    (N, Some(8), Some(-3), &[]),
    (Some(-7), N, Some(-1), &[]),
    (Some(-7), Some(-6), Some(2), &[]),
    (Some(-7), Some(-1), Some(1), &[0, 1, 2, 3]),
    (Some(-7), Some(2), N, &[0, 1]),
    (Some(-7), Some(2), Some(-3), &[]),
    (Some(-7), Some(8), Some(-1), &[]),
    (Some(-2), N, Some(2), &[3]),
    (Some(-2), Some(-6), Some(1), &[]),
    (Some(-2), Some(-1), N, &[3]),
    (Some(-2), Some(-1), Some(-3), &[]),
    (Some(-2), Some(2), Some(-1), &[3]),
    (Some(-2), Some(8), Some(2), &[3]),
    (Some(0), N, Some(1), &[0, 1, 2, 3, 4]),
    (Some(0), Some(-6), N, &[]),
    (Some(0), Some(-6), Some(-3), &[0]),
    (Some(0), Some(-1), Some(-1), &[]),
    (Some(0), Some(2), Some(2), &[0]),
    (Some(0), Some(8), Some(1), &[0, 1, 2, 3, 4]),
    (Some(3), N, N, &[3, 4]),
    (Some(3), N, Some(-3), &[3, 0]),
    (Some(3), Some(-6), Some(-1), &[3, 2, 1, 0]),
    (Some(3), Some(-1), Some(2), &[3]),
    (Some(3), Some(2), Some(1), &[]),
    (Some(3), Some(8), N, &[3, 4]),
    (Some(3), Some(8), Some(-3), &[]),
    (Some(9), N, Some(-1), &[4, 3, 2, 1, 0]),
    (Some(9), Some(-6), Some(2), &[]),
    (Some(9), Some(-1), Some(1), &[]),
    (Some(9), Some(2), N, &[]),
    (Some(9), Some(2), Some(-3), &[4]),
    (Some(9), Some(8), Some(-1), &[]),
];

#[test]
fn slices_are_those_of_python() {
    let bound = |bound: Bound| bound.map_or(Value::Null, Value::from);
    for &(start, stop, step, wanted) in SLICES {
        let args = [
            list(&[0, 1, 2, 3, 4]),
            bound(start),
            bound(stop),
            bound(step),
        ];
        assert_eq!(
            done(Builtin::Slice, &args),
            list(wanted),
            "{start:?}:{stop:?}:{step:?}"
        );
    }
    let far = |text: &str| Value::Int(text.parse::<Int>().unwrap());
    let args = [
        list(&[0, 1]),
        far("-99999999999999999999"),
        far("99999999999999999999"),
    ];
    assert_eq!(done(Builtin::Slice, &args), list(&[0, 1]));
    assert_eq!(done(Builtin::Slice, &[list(&[0, 1]), 1.into()]), list(&[1]));
    let zero = fault(
        Builtin::Slice,
        &[list(&[]), Value::Null, Value::Null, 0.into()],
    );
    assert!(matches!(*zero, Error::Builtin(BuiltinError::ZeroStep)));
}

#[test]
fn elements() {
    use Builtin::{Assoc, Conj, Contains, Get, Keys, Len, Remove, Values};
    let xs = list(&[10, 20, 30]);
    assert_eq!(done(Get, &[xs.clone(), (-1).into()]), 30.into());
    assert_eq!(
        done(Assoc, &[xs.clone(), (-3).into(), 1.into()]),
        list(&[1, 20, 30])
    );
    assert_eq!(done(Remove, &[xs.clone(), 1.into()]), list(&[10, 30]));
    assert_eq!(done(Conj, &[xs.clone(), 4.into()]), list(&[10, 20, 30, 4]));
    assert_eq!(done(Len, std::slice::from_ref(&xs)), 3.into());
    assert_eq!(done(Contains, &[xs.clone(), 20.into()]), true.into());
    assert_eq!(done(Contains, &[xs.clone(), 20.0.into()]), false.into());
    for index in [3, -4, i64::MIN, i64::MAX] {
        let error = fault(Get, &[xs.clone(), index.into()]);
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    let m = map(&[("b", 2), ("a", 1)]);
    assert_eq!(done(Get, &[m.clone(), "a".into()]), 1.into());
    assert_eq!(done(Get, &[m.clone(), "z".into(), 9.into()]), 9.into());
    assert_eq!(
        done(Assoc, &[m.clone(), "c".into(), 3.into()]),
        map(&[("a", 1), ("b", 2), ("c", 3)])
    );
    assert_eq!(done(Remove, &[m.clone(), "a".into()]), map(&[("b", 2)]));
    assert_eq!(
        done(Keys, std::slice::from_ref(&m)),
        vec!["a".into(), "b".into()].into()
    );
    assert_eq!(done(Values, std::slice::from_ref(&m)), list(&[1, 2]));
    assert_eq!(done(Contains, &[m.clone(), "a".into()]), true.into());
    assert_eq!(
        fault(Get, &[m.clone(), "z".into()]).kind(),
        ErrorKind::NotFound
    );
    assert_eq!(fault(Remove, &[m, "z".into()]).kind(), ErrorKind::NotFound);
    let s = set(&[1, 2]);
    assert_eq!(done(Conj, &[s.clone(), 2.into()]), s);
    assert_eq!(done(Conj, &[s.clone(), 0.into()]), set(&[0, 1, 2]));
    assert_eq!(done(Remove, &[s.clone(), 1.into()]), set(&[2]));
    assert_eq!(fault(Remove, &[s, 5.into()]).kind(), ErrorKind::NotFound);
}

#[test]
fn whole_collections() {
    use Builtin::{Difference, Intersection, Update};
    let (a, b) = (set(&[1, 2, 300]), set(&[2, 300, 4]));
    assert_eq!(done(Update, &[a.clone(), b.clone()]), set(&[1, 2, 4, 300]));
    assert_eq!(done(Intersection, &[a.clone(), b.clone()]), set(&[2, 300]));
    assert_eq!(done(Difference, &[a, b]), set(&[1]));
    let (a, b) = (map(&[("a", 1), ("b", 2)]), map(&[("b", 3), ("c", 4)]));
    assert_eq!(done(Update, &[a, b]), map(&[("a", 1), ("b", 3), ("c", 4)]));
    assert_eq!(
        done(Builtin::Map, &["k".into(), 1.into()]),
        map(&[("k", 1)])
    );
}

#[test]
fn errors_say_the_operation_the_type_and_what_is_allowed() {
    for (op, args, text) in [
        (
            Builtin::Get,
            vec![1.into(), 0.into()],
            "get: the collection must be a list or map, not int",
        ),
        (
            Builtin::Get,
            vec![list(&[1]), true.into()],
            "get: the index must be an int, not bool",
        ),
        (
            Builtin::Get,
            vec![list(&[1]), 5.into()],
            "get: the index 5 is out of range for a list of 1",
        ),
        (
            Builtin::Get,
            vec![list(&[1])],
            "get takes 2 or 3 arguments, not 1",
        ),
        (
            Builtin::Len,
            vec!["abc".into()],
            "len: the collection must be a list, set or map, not string",
        ),
        (
            Builtin::Update,
            vec![set(&[]), list(&[])],
            "update: the second collection must be a set, as the first is, not list",
        ),
        (
            Builtin::Contains,
            vec![map(&[]), list(&[])],
            "contains: the key must be null, a bool, int, float, string, bytes or uri, not list",
        ),
        (
            Builtin::Map,
            vec![1.into()],
            "map takes an even number of arguments (key, value, ...), not 1",
        ),
        (
            Builtin::Slice,
            vec![],
            "slice takes 1 to 4 arguments, not 0",
        ),
    ] {
        assert_eq!(fault(op, &args).to_string(), text);
    }
}

#[test]
fn no_operation_panics_on_any_arguments() {
    let some = [
        Value::Null,
        true.into(),
        0.into(),
        (-1).into(),
        1.5.into(),
        "a".into(),
        list(&[]),
        list(&[1, 2]),
        set(&[]),
        set(&[1]),
        map(&[]),
        map(&[("a", 1)]),
    ];
    for op in Builtin::ALL {
        let _ = apply(op, &[]);
        for a in &some {
            let _ = apply(op, &[a]);
            for b in &some {
                let _ = apply(op, &[a, b]);
                for c in &some {
                    let _ = apply(op, &[a, b, c]);
                    let _ = apply(op, &[a, b, c, c]);
                }
            }
        }
    }
}
