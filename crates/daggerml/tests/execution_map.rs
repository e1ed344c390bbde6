//! Maps, with real adapter processes: order, bounds, and calls that are made ready one by one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use adapter::{Bench, Seen, Setup, put_call};
use daggerml::execution::{CallOptions, Filter, Observer, Prepared};
use daggerml::id::DagId;
use daggerml::value::Value;
use daggerml::{Error, Result};
use support::clean;

/// Runs calls that are prepared already.
fn run_all(
    bench: &Bench,
    calls: &[Prepared],
    parallel: usize,
    stop_on_error: bool,
    observer: &dyn Observer,
) -> Vec<Option<Result<DagId>>> {
    let mut calls = calls.iter().cloned().map(Ok);
    let options = CallOptions::default();
    let executor = &bench.executor;
    executor.run_many(&mut calls, parallel, stop_on_error, &options, observer)
}

#[test]
fn many_calls_keep_their_order_and_bound() {
    let bench = Bench::new(Setup {
        processes: 4,
        ..Setup::default()
    });
    let mut dag = bench.dag();
    let options = CallOptions::default();
    let mut prepare = |number: i64| {
        let nodes = put_call(&mut dag, bench.folder.path(), "sum", &[number]);
        bench.executor.prepare(&dag, &nodes, &options).unwrap()
    };
    // Every call comes twice.
    let calls: Vec<_> = (0..100).map(|number| prepare(number / 2)).collect();
    let made = run_all(&bench, &calls, 8, false, &());
    for (number, made) in (0i64..).zip(made) {
        let view = bench.repository.view(made.unwrap().unwrap()).unwrap();
        let value = view.value(view.result().unwrap()).unwrap();
        assert_eq!(value, Value::from(number / 2));
    }
    assert_eq!(bench.runs(), 50);
    // Those that are cached now are answered beside those that are run.
    let calls: Vec<_> = (49..51).map(&mut prepare).collect();
    let seen = Seen::default();
    let made = run_all(&bench, &calls, 2, true, &seen);
    assert!(made.into_iter().all(|made| made.unwrap().is_ok()));
    assert_eq!(bench.runs(), 51);
    let seen = seen.0.into_inner().unwrap();
    assert_eq!(seen.first(), Some(&(0, "cached")));
    assert_eq!(seen.last(), Some(&(1, "done")));
    clean(bench.repository.store());
}

#[test]
fn many_calls_stop_at_a_failed_one_if_that_is_wanted() {
    let bench = Bench::new(Setup::default());
    let mut dag = bench.dag();
    let options = CallOptions::default();
    let calls: Vec<_> = ["sum", "fail", "sum"]
        .iter()
        .zip([1, 2, 3])
        .map(|(name, number)| {
            let nodes = put_call(&mut dag, bench.folder.path(), name, &[number]);
            bench.executor.prepare(&dag, &nodes, &options).unwrap()
        })
        .collect();
    let begun = |stop| {
        let made = run_all(&bench, &calls, 1, stop, &());
        made.iter().filter(|made| made.is_some()).count()
    };
    assert_eq!(begun(true), 2);
    assert_eq!(begun(false), 3);
}

#[test]
fn a_map_of_short_calls_runs_each_once() {
    let bench = Bench::new(Setup {
        processes: 2,
        shares_repository: true,
        ..Setup::default()
    });
    let mut dag = bench.dag();
    let options = CallOptions::default();
    let calls: Vec<_> = (0..300)
        .map(|number| {
            let nodes = put_call(&mut dag, bench.folder.path(), "sum", &[number % 250]);
            bench.executor.prepare(&dag, &nodes, &options).unwrap()
        })
        .collect();
    let seen = Seen::default();
    let made = run_all(&bench, &calls, 8, true, &seen);
    for (number, made) in (0i64..).zip(made) {
        let view = bench.repository.view(made.unwrap().unwrap()).unwrap();
        let value = view.value(view.result().unwrap()).unwrap();
        assert_eq!(value, Value::from(number % 250));
    }
    assert_eq!(bench.runs(), 250);
    let seen = seen.0.into_inner().unwrap();
    assert_eq!(seen.iter().filter(|(_, what)| *what == "done").count(), 300);
    assert!(
        bench
            .repository
            .calls(Filter::default())
            .unwrap()
            .iter()
            .all(|call| call.claim.is_none())
    );
    clean(bench.repository.store());
}

#[test]
fn a_call_of_a_map_is_made_ready_shortly_before_its_turn() {
    let bench = Bench::new(Setup {
        processes: 2,
        shares_repository: true,
        ..Setup::default()
    });
    let mut dag = bench.dag();
    let options = CallOptions::default();
    let mut own = Vec::new();
    for number in 0..200 {
        own.push(put_call(&mut dag, bench.folder.path(), "sum", &[number]));
    }
    let cached = 150; // and a call that is cached counts too
    bench.value("sum", &[150]).unwrap();
    // Events come late on a busy machine, so what has ended is read in the store.
    let answered = || {
        let calls = bench.repository.calls(Filter::default()).unwrap();
        calls.iter().filter(|call| call.answer.is_some()).count()
    };
    let mut most = 0;
    let mut calls = own.iter().enumerate().map(|(taken, nodes)| {
        let not_taken = usize::from(taken <= cached);
        most = most.max(taken + not_taken - answered());
        bench.executor.prepare(&dag, nodes, &options)
    });
    let made = bench.executor.run_many(&mut calls, 2, true, &options, &());
    assert!(made.into_iter().all(|made| made.unwrap().is_ok()));
    assert_eq!(bench.runs(), 200);
    // Room for one more of 2 and 32 that wait for a worker, and 2 that run and 32 that are claimed
    // ahead; if all were made ready first, it would be 198.
    assert!(most <= 33 + 34, "{most} were made ready ahead");
}

#[test]
fn a_map_ends_at_a_call_that_cannot_be_made_ready() {
    let bench = Bench::new(Setup::default());
    let mut dag = bench.dag();
    let options = CallOptions::default();
    let mut own = Vec::new();
    for number in 0..100 {
        own.push(put_call(&mut dag, bench.folder.path(), "sum", &[number]));
    }
    for (parallel, bad) in [(1, 0), (1, 2), (1, 60), (4, 60)] {
        let seen = Seen::default();
        let mut calls = own.iter().enumerate().map(|(number, nodes)| {
            if number == bad {
                let message = "it cannot be made ready".to_owned();
                return Err(Error::Invalid { message }.into());
            }
            bench.executor.prepare(&dag, nodes, &options)
        });
        let executor = &bench.executor;
        let made = executor.run_many(&mut calls, parallel, false, &options, &seen);
        assert_eq!(made.len(), 100);
        let error = made.get(bad).unwrap().as_ref().unwrap().as_ref();
        assert!(error.unwrap_err().to_string().contains("made ready"));
        assert!(made.iter().skip(bad + 1).all(Option::is_none));
        let seen = seen.0.into_inner().unwrap();
        let ended = made.iter().flatten().filter(|made| made.is_ok()).count();
        let told = ["cached", "done"].map(|end| seen.iter().filter(|it| it.1 == end).count());
        assert_eq!(ended, told.iter().sum::<usize>());
    }
    clean(bench.repository.store());
}

#[test]
fn a_map_goes_on_when_the_adapter_has_forgotten_all_its_calls() {
    let bench = Bench::new(Setup {
        processes: 2,
        ..Setup::default()
    });
    let mut dag = bench.dag();
    let options = CallOptions::default();
    let mut calls = Vec::new();
    for number in 0..40 {
        let nodes = put_call(&mut dag, bench.folder.path(), "lost-at-first", &[number]);
        calls.push(bench.executor.prepare(&dag, &nodes, &options).unwrap());
    }
    let made = run_all(&bench, &calls, 40, true, &());
    for (number, made) in (0i64..).zip(made) {
        let view = bench.repository.view(made.unwrap().unwrap()).unwrap();
        let value = view.value(view.result().unwrap()).unwrap();
        assert_eq!(value, Value::from(number));
    }
    assert_eq!(bench.runs(), 80);
    clean(bench.repository.store());
}
