//! Functions that fail in a way that may not come again: tried again, told, never cached.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use std::time::Duration;

use adapter::{Bench, Seen, Setup, executor, put_call, until};
use daggerml::Error;
use daggerml::execution::{CallOptions, Executor};
use daggerml::record::ExecStatus;
use daggerml::value::Value;
use support::clean;

#[test]
fn a_transient_error_is_tried_again_and_never_cached() {
    let bench = Bench::new(Setup::default());
    let retries = |retries| CallOptions {
        retries,
        ..CallOptions::default()
    };
    // It goes well the second time, and that is cached.
    assert_eq!(bench.value("busy-at-first", &[1]).unwrap(), Value::from(1));
    assert_eq!(bench.value("busy-at-first", &[1]).unwrap(), Value::from(1));
    assert_eq!(bench.runs(), 2);
    let key = bench.newest_key();
    let attempts = bench.repository.attempts(key).unwrap();
    let told: Vec<_> = attempts
        .iter()
        .map(|made| (made.exec.status, made.transient, made.exec.dag.is_some()))
        .collect();
    assert_eq!(
        told,
        [
            (ExecStatus::Ok, false, true),
            (ExecStatus::Error, true, true)
        ]
    );
    let log = bench.repository.log_of(&attempts[1].exec).unwrap();
    let log = String::from_utf8_lossy(&log).into_owned();
    assert!(
        log.ends_with("daggerml: a transient failure: Oops: it failed\n"),
        "{log}"
    );

    // It never goes well: a node without a value, and every call runs it anew.
    for (options, runs) in [(retries(1), 2), (retries(0), 1), (retries(2), 3)] {
        let before = bench.runs();
        let (dag, node) = bench.call("busy", &[5], &options).unwrap();
        let Err(Error::Failed {
            transient, info, ..
        }) = dag.value(node).map_err(|error| *error)
        else {
            panic!("the error expected");
        };
        assert!(transient);
        assert_eq!(info.message, "it failed");
        assert_eq!(bench.runs() - before, runs);
        let key = bench.newest_key();
        let state = bench.repository.call(key).unwrap();
        assert!(state.answer.is_none() && state.claim.is_none());
        assert!(state.newest.unwrap().transient);
        assert!(!bench.repository.invalidate_call(key).unwrap());
    }
    // A call within it was tried again already.
    let before = bench.runs();
    bench.call("busy", &[0], &retries(3)).unwrap();
    assert_eq!(bench.runs() - before, 1);
    // It would have to wait for longer than it may take: it ends at once.
    let hour = CallOptions {
        timeout: Some(Duration::from_mins(1)),
        ..CallOptions::default()
    };
    let before = bench.runs();
    bench.call("busy", &[3_600_000_000], &hour).unwrap();
    assert_eq!(bench.runs() - before, 1);
    clean(bench.repository.store());
}

#[test]
fn a_transient_error_leaves_what_was_cached() {
    let bench = Bench::new(Setup::default());
    assert_eq!(bench.value("busy-at-second", &[7]).unwrap(), Value::from(7));
    let anew = CallOptions {
        cache: false,
        retries: 0,
        ..CallOptions::default()
    };
    let (dag, node) = bench.call("busy-at-second", &[7], &anew).unwrap();
    assert!(matches!(
        dag.value(node).map_err(|error| *error),
        Err(Error::Failed {
            transient: true,
            ..
        })
    ));
    assert_eq!(bench.value("busy-at-second", &[7]).unwrap(), Value::from(7));
    assert_eq!(bench.runs(), 2);
}

#[test]
fn all_who_wait_are_told_of_a_transient_error() {
    let bench = Bench::new(Setup::default());
    let others = executor(&bench.repository, Setup::default());
    let once = CallOptions {
        retries: 0,
        ..CallOptions::default()
    };
    let seen = [(); 3].map(|()| Seen::default());
    let call = |executor: &Executor, seen: &Seen| {
        let mut dag = bench.dag();
        let nodes = put_call(&mut dag, bench.folder.path(), "busy-after-go", &[]);
        let node = executor.call(&mut dag, &nodes, &once, seen).unwrap();
        dag.value(node).unwrap_err().to_string()
    };
    // The threads of an executor share one wait; another executor is as another process.
    std::thread::scope(|scope| {
        let first = scope.spawn(|| bench.call("busy-after-go", &[], &once).unwrap());
        until(|| bench.runs() > 0);
        let told = [
            scope.spawn(|| call(&others, &seen[0])),
            scope.spawn(|| call(&others, &seen[1])),
            scope.spawn(|| call(&bench.executor, &seen[2])),
        ];
        until(|| seen.iter().all(|seen| seen.has("waiting")));
        std::fs::write(bench.folder.path().join("go"), "").unwrap();
        first.join().unwrap();
        for told in told {
            assert!(told.join().unwrap().starts_with("Oops: it failed"));
        }
    });
    assert_eq!(bench.runs(), 1);
}
