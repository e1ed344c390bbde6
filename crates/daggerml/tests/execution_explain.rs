//! Why a call is a hit or a miss.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use adapter::{Bench, Setup, runnable};
use daggerml::execution::{CallOptions, Explanation, Verdict};
use daggerml::id::TypedId;
use daggerml::maintenance::excise::excise;
use daggerml::value::{Map, Value};
use support::{clean, collect};

fn explain(bench: &Bench, name: &str, args: &[i64]) -> Explanation {
    let mut values = vec![runnable(bench.folder.path(), name, "local")];
    values.extend(args.iter().map(|arg| Value::from(*arg)));
    bench.repository.explain_call(values).unwrap()
}

fn parts(found: &Explanation) -> Vec<&str> {
    let nearest = found.nearest.as_ref().unwrap();
    nearest.differences.iter().map(|it| &*it.part).collect()
}

#[test]
fn the_nearest_earlier_call_is_found() {
    let bench = Bench::new(Setup::default());
    let new = explain(&bench, "sum", &[1, 2]);
    assert_eq!((new.verdict, new.compared), (Verdict::New, 0));
    assert!(new.nearest.is_none());
    bench.value("sum", &[1, 2]).unwrap();
    let first = bench.newest_key();
    bench.value("sum", &[7, 8, 9]).unwrap();

    let hit = explain(&bench, "sum", &[1, 2]);
    assert_eq!(hit.verdict, Verdict::Cached);
    assert!(hit.answer.is_some() && hit.nearest.is_none());
    assert_eq!(hit, bench.repository.explain(first).unwrap());

    let miss = explain(&bench, "sum", &[1, 5]);
    assert_eq!(miss.verdict, Verdict::New);
    assert_eq!(miss.nearest.as_ref().unwrap().key, first);
    assert_eq!(parts(&miss), ["argument 2"]);
    assert_eq!(parts(&explain(&bench, "sum", &[1, 2, 3])), ["argument 3"]);

    // After it was made, what differed then is told.
    bench.value("sum", &[1, 5]).unwrap();
    let made = bench.repository.explain(bench.newest_key()).unwrap();
    assert_eq!(made.verdict, Verdict::Cached);
    assert_eq!(made.nearest, miss.nearest);
    // Garbage collection keeps what is needed for it.
    collect(bench.repository.store());
    assert_eq!(bench.repository.explain(made.call.key).unwrap(), made);
    clean(bench.repository.store());
}

type Change<'c> = &'c dyn Fn(&mut Vec<(Value, Value)>);

#[test]
fn the_parts_of_runnables_are_named() {
    let bench = Bench::new(Setup::default());
    bench.value("sum", &[1]).unwrap();
    let changed = |change: Change<'_>| {
        let Value::Runnable(mut made) = runnable(bench.folder.path(), "sum", "local") else {
            panic!("a runnable expected");
        };
        let mut entries = made.kwargs.as_slice().to_vec();
        change(&mut entries);
        made.kwargs = Map::new(entries).unwrap();
        let values = vec![Value::Runnable(made), Value::from(1)];
        bench.repository.explain_call(values).unwrap()
    };
    let found =
        changed(&|entries| entries.push((Value::from("tags"), Value::from(vec![1.into()]))));
    assert_eq!(parts(&found), ["tags"]);
    let found = changed(&|entries| entries[0].1 = Value::from("elsewhere"));
    assert_eq!(parts(&found), ["folder"]);
    let mut values = vec![runnable(bench.folder.path(), "sum", "other")];
    values.push(Value::from(1));
    let found = bench.repository.explain_call(values).unwrap();
    assert_eq!(parts(&found), ["adapter"]);
    assert!(bench.repository.explain_call(vec![Value::from(1)]).is_err());
    assert!(bench.repository.explain_call(Vec::new()).is_err());
}

#[test]
fn why_nothing_is_cached_is_told() {
    let bench = Bench::new(Setup::default());
    let once = CallOptions {
        retries: 0,
        ..CallOptions::default()
    };
    bench.call("busy", &[5], &once).unwrap();
    assert_eq!(explain(&bench, "busy", &[5]).verdict, Verdict::Transient);
    // Such a call is not an earlier one to compare with.
    assert!(explain(&bench, "busy", &[6]).nearest.is_none());
    assert!(bench.call("crash", &[1], &once).is_err());
    assert_eq!(explain(&bench, "crash", &[1]).verdict, Verdict::Failed);
    bench.value("sum", &[1]).unwrap();
    let key = bench.newest_key();
    let made = bench.repository.call(key).unwrap().answer.unwrap();
    bench.repository.invalidate_call(key).unwrap();
    assert_eq!(explain(&bench, "sum", &[1]).verdict, Verdict::Invalidated);
    bench.value("sum", &[1]).unwrap();
    excise(bench.repository.store(), made.object(), "a test").unwrap();
    assert_eq!(explain(&bench, "sum", &[1]).verdict, Verdict::Excised);
    // The value is gone, and that it differs is still known.
    assert_eq!(parts(&explain(&bench, "sum", &[2])), ["argument 1"]);
}

#[test]
fn calls_within_are_known_wherever_they_were_made() {
    for shares_repository in [false, true] {
        let bench = Bench::new(Setup {
            shares_repository,
            ..Setup::default()
        });
        bench.value("nested", &[5, 6]).unwrap();
        let found = explain(&bench, "sum", &[5, 7]);
        assert_eq!(
            parts(&found),
            ["argument 2"],
            "shares the repository: {shares_repository}"
        );
    }
}
