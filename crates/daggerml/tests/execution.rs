//! Calls, with a real adapter process: what is cached, shared, nested and recorded.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use std::time::Duration;

use adapter::{Bench, Seen, Setup, put_call, until};
use daggerml::execution::{CallOptions, CancelToken, Filter};
use daggerml::record::ExecStatus;
use daggerml::value::Value;
use daggerml::{Error, ErrorKind};
use support::{clean, collect};

#[test]
fn a_call_runs_once_and_is_cached() {
    let bench = Bench::new(Setup::default());
    assert_eq!(bench.value("sum", &[1, 2, 3]).unwrap(), Value::from(6));
    assert_eq!(bench.value("sum", &[1, 2, 3]).unwrap(), Value::from(6));
    assert_eq!(bench.runs(), 1);
    assert_eq!(bench.value("sum", &[1, 2, 4]).unwrap(), Value::from(7));
    assert_eq!(bench.runs(), 2);
    let calls = bench.repository.calls(Filter::default()).unwrap();
    assert_eq!(calls.len(), 2);
    assert!(
        calls
            .iter()
            .all(|call| call.claim.is_none() && call.answer.is_some())
    );
    // A cached result survives gc, though nothing else refers to it.
    collect(bench.repository.store());
    assert_eq!(bench.value("sum", &[1, 2, 3]).unwrap(), Value::from(6));
    assert_eq!(bench.runs(), 2);
    clean(bench.repository.store());
}

#[test]
fn the_call_can_be_committed_and_read_back() {
    let bench = Bench::new(Setup::default());
    let (mut dag, node) = bench
        .call("sum", &[20, 22], &CallOptions::default())
        .unwrap();
    dag.commit(node).unwrap();
    let view = bench.repository.load("test").unwrap();
    assert_eq!(view.value(view.result().unwrap()).unwrap(), Value::from(42));
    clean(bench.repository.store());
}

#[test]
fn a_function_that_fails_is_recorded_and_cached() {
    let bench = Bench::new(Setup::default());
    for _ in 0..2 {
        let (dag, node) = bench.call("fail", &[1], &CallOptions::default()).unwrap();
        let Err(Error::Failed { info, .. }) = dag.value(node).map_err(|error| *error) else {
            panic!("an error expected");
        };
        assert_eq!(
            (info.kind.as_str(), info.message.as_str()),
            ("Oops", "it failed")
        );
    }
    assert_eq!(bench.runs(), 1);
    let [call] = bench
        .repository
        .calls(Filter::default())
        .unwrap()
        .try_into()
        .unwrap();
    let newest = call.newest.unwrap();
    assert_eq!(newest.exec.status, ExecStatus::Error);
    assert_eq!(
        bench.repository.log_of(&newest.exec).unwrap(),
        b"about to fail\n"
    );
    clean(bench.repository.store());
}

#[test]
fn without_the_cache_another_attempt_is_appended() {
    let bench = Bench::new(Setup::default());
    let again = CallOptions {
        cache: false,
        ..CallOptions::default()
    };
    for _ in 0..3 {
        bench.call("sum", &[1], &again).unwrap();
    }
    assert_eq!(bench.runs(), 3);
    let [call] = bench
        .repository
        .calls(Filter::default())
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(bench.repository.attempts(call.key).unwrap().len(), 3);
    assert!(bench.repository.invalidate_call(call.key).unwrap());
    assert!(!bench.repository.invalidate_call(call.key).unwrap());
    bench.value("sum", &[1]).unwrap();
    assert_eq!(bench.runs(), 4);
    assert_eq!(bench.repository.attempts(call.key).unwrap().len(), 4);
    collect(bench.repository.store());
    assert_eq!(bench.repository.attempts(call.key).unwrap().len(), 4);
    clean(bench.repository.store());
}

#[test]
fn threads_share_one_run() {
    let bench = Bench::new(Setup::default());
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..32)
            .map(|_| scope.spawn(|| bench.value("slow", &[200]).unwrap()))
            .collect();
        for call in calls {
            assert_eq!(call.join().unwrap(), Value::from(200));
        }
    });
    assert_eq!(bench.runs(), 1);
}

#[test]
fn a_pending_call_is_polled() {
    for processes in [0, 1] {
        let bench = Bench::new(Setup {
            processes,
            ..Setup::default()
        });
        assert_eq!(bench.value("pending", &[3, 4]).unwrap(), Value::from(7));
        assert_eq!(bench.runs(), 1);
        clean(bench.repository.store());
    }
}

#[test]
fn polls_go_to_the_process_that_answered_pending() {
    let bench = Bench::new(Setup {
        processes: 4,
        ..Setup::default()
    });
    let mut dag = bench.dag();
    let options = CallOptions::default();
    let calls: Vec<_> = (0..12)
        .map(|number| {
            let nodes = put_call(&mut dag, bench.folder.path(), "pending", &[number]);
            bench.executor.prepare(&dag, &nodes, &options).unwrap()
        })
        .collect();
    let made = bench
        .executor
        .run_many(&mut calls.iter().cloned().map(Ok), 12, true, &options, &());
    assert!(made.into_iter().all(|made| made.unwrap().is_ok()));
    let mut asked = 0;
    for entry in std::fs::read_dir(bench.folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("asked-") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let pids: std::collections::HashSet<_> = text.lines().collect();
            assert!(text.lines().count() > 1, "it was polled");
            assert_eq!(pids.len(), 1, "{text}");
            asked += 1;
        }
    }
    assert_eq!(asked, 12);
}

#[test]
fn warm_processes_are_used_again() {
    let bench = Bench::new(Setup {
        processes: 1,
        ..Setup::default()
    });
    for number in 0..20 {
        assert_eq!(bench.value("sum", &[number]).unwrap(), Value::from(number));
    }
    // Every run left its process's number.
    let runs = std::fs::read_to_string(bench.folder.path().join("runs")).unwrap();
    let pids: std::collections::HashSet<_> = runs.lines().collect();
    assert_eq!((runs.lines().count(), pids.len()), (20, 1));
}

#[test]
fn a_warm_process_that_died_is_replaced() {
    let bench = Bench::new(Setup {
        processes: 1,
        ..Setup::default()
    });
    bench.value("sum", &[1]).unwrap();
    let runs = std::fs::read_to_string(bench.folder.path().join("runs")).unwrap();
    // The shell's own, as there may be no program of that name.
    let kill = std::process::Command::new("sh")
        .args(["-c", "kill \"$@\"", "kill", "-9", runs.trim()])
        .status();
    assert!(kill.unwrap().success());
    until(|| adapter::has_ended(runs.trim()));
    assert_eq!(bench.value("sum", &[2]).unwrap(), Value::from(2));
    assert_eq!(
        bench.repository.attempts(bench.newest_key()).unwrap().len(),
        1
    );
}

#[test]
fn nested_calls_come_back_with_the_result() {
    for shares_repository in [false, true] {
        let bench = Bench::new(Setup {
            shares_repository,
            ..Setup::default()
        });
        assert_eq!(bench.value("nested", &[5, 6]).unwrap(), Value::from(11));
        assert_eq!(
            bench.runs(),
            2,
            "shares the repository: {shares_repository}"
        );
        // The inner call is cached here now.
        assert_eq!(bench.value("sum", &[5, 6]).unwrap(), Value::from(11));
        assert_eq!(bench.runs(), 2);
        assert!(bench.repository.drafts().unwrap().is_empty());
        collect(bench.repository.store());
        assert_eq!(bench.value("nested", &[5, 6]).unwrap(), Value::from(11));
        assert_eq!(bench.runs(), 2);
        clean(bench.repository.store());
    }
}

#[test]
fn a_call_nested_in_itself_is_refused() {
    for shares_repository in [false, true] {
        let bench = Bench::new(Setup {
            shares_repository,
            ..Setup::default()
        });
        let error = bench.value("nested", &[-1]).unwrap_err();
        assert!(error.to_string().contains("nested in itself"), "{error}");
    }
}

#[test]
fn a_transient_failure_is_tried_again() {
    for name in ["crash-at-first", "transient-at-first"] {
        let bench = Bench::new(Setup::default());
        assert_eq!(bench.value(name, &[1, 1]).unwrap(), Value::from(2));
        assert_eq!(bench.runs(), 2);
        let attempts = bench.repository.attempts(bench.newest_key()).unwrap();
        let statuses: Vec<_> = attempts
            .iter()
            .map(|at| (at.exec.status, at.exec.dag.is_some()))
            .collect();
        assert_eq!(
            statuses,
            [(ExecStatus::Ok, true), (ExecStatus::Error, false)]
        );
        clean(bench.repository.store());
    }
}

#[test]
fn a_call_can_be_stopped() {
    for (name, processes) in [
        ("silent", 0),
        ("silent", 1),
        ("with-child", 0),
        ("hang-pending", 0),
    ] {
        let bench = Bench::new(Setup {
            processes,
            ..Setup::default()
        });
        let token = CancelToken::default();
        let error = std::thread::scope(|scope| {
            scope.spawn(|| {
                // The adapter is asked to cancel what it has answered for.
                let sign = ["runs", "polls"][usize::from(name == "hang-pending")];
                until(|| bench.folder.path().join(sign).exists());
                token.cancel();
            });
            let mut dag = bench.dag();
            let nodes = put_call(&mut dag, bench.folder.path(), name, &[1]);
            let options = CallOptions::default();
            bench
                .executor
                .call(&mut dag, &nodes, &options, &token)
                .unwrap_err()
        });
        assert_eq!(error.kind(), ErrorKind::Canceled, "{name}: {error}");
        let calls = bench.repository.calls(Filter::default()).unwrap();
        assert!(calls[0].claim.is_none() && calls[0].answer.is_none());
        assert_eq!(
            calls[0].newest.as_ref().unwrap().exec.status,
            ExecStatus::Canceled
        );
        assert_eq!(
            bench.folder.path().join("canceled").exists(),
            name == "hang-pending"
        );
        until(|| adapter::processes("1003.25").is_empty());
    }
}

#[test]
fn a_call_can_be_stopped_from_elsewhere() {
    for name in ["silent", "hang-pending"] {
        let bench = Bench::new(Setup::default());
        let other = adapter::executor(&bench.repository, Setup::default());
        let seen = Seen::default();
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| bench.value(name, &[1]).unwrap_err());
            until(|| bench.runs() > 0);
            // Another executor waits, as another process would.
            let second = scope.spawn(|| {
                let mut dag = bench.dag();
                let nodes = put_call(&mut dag, bench.folder.path(), name, &[1]);
                other
                    .call(&mut dag, &nodes, &CallOptions::default(), &seen)
                    .unwrap_err()
            });
            until(|| seen.has("waiting"));
            let running = Filter { running: true };
            let [call] = bench.repository.calls(running).unwrap().try_into().unwrap();
            assert!(bench.repository.cancel_call(call.key).unwrap());
            (first.join().unwrap(), second.join().unwrap())
        });
        assert_eq!(first.kind(), ErrorKind::Canceled, "{first}");
        assert_eq!(second.kind(), ErrorKind::Canceled, "{second}");
        assert_eq!(bench.runs(), 1);
        assert!(!bench.repository.cancel_call(bench.newest_key()).unwrap());
    }
}

#[test]
fn a_call_has_a_time_limit() {
    for name in ["silent", "hang-pending"] {
        let bench = Bench::new(Setup::default());
        let options = CallOptions {
            timeout: Some(Duration::from_millis(1500)),
            ..CallOptions::default()
        };
        let Err(error) = bench.call(name, &[1], &options) else {
            panic!("a timeout expected");
        };
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(
            bench.repository.calls(Filter { running: true }).unwrap(),
            []
        );
        clean(bench.repository.store());
    }
}

#[test]
fn a_call_tells_that_it_is_cached() {
    let bench = Bench::new(Setup::default());
    bench.value("sum", &[1]).unwrap();
    let mut dag = bench.dag();
    let nodes = put_call(&mut dag, bench.folder.path(), "sum", &[1]);
    let seen = Seen::default();
    let options = CallOptions::default();
    bench
        .executor
        .call(&mut dag, &nodes, &options, &seen)
        .unwrap();
    assert_eq!(seen.0.into_inner().unwrap(), [(0, "cached")]);
}

#[test]
fn a_call_can_be_looked_up_after_its_runnable_went_to_the_log() {
    let bench = Bench::new(Setup::default());
    let mut dag = bench.dag();
    let nodes = put_call(&mut dag, bench.folder.path(), "sum", &[1, 2]);
    for number in 0..10_000 {
        dag.put(Value::from(number)).unwrap();
    }
    let options = CallOptions::default();
    for _ in 0..2 {
        let node = bench
            .executor
            .call(&mut dag, &nodes, &options, &())
            .unwrap();
        assert_eq!(dag.value(node).unwrap(), Value::from(3));
    }
    assert_eq!(bench.runs(), 1);
}
