//! Adapters that misbehave: a clear error, the claim released, nothing half-written.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use adapter::{Bench, Setup, runnable};
use daggerml::execution::{AdapterCommand, AdapterName, AdapterRegistry};
use daggerml::execution::{CallOptions, Executor, ExecutorOptions, Filter};
use daggerml::{ErrorKind, value::Value};
use support::clean;

#[test]
fn every_misbehaviour_is_a_clear_error() {
    let once = CallOptions {
        retries: 0,
        ..CallOptions::default()
    };
    for (name, part) in [
        ("crash", "exited with status 3"),
        ("kill", "killed by signal 6"),
        ("close", "closed its standard output"),
        ("garbage", "Hello! I am an adapter."),
        ("binary", "its answer is none"),
        ("half-line", "exited with status 0"),
        ("deep", "its answer is none"),
        ("wrong-id", "to request 77"),
        ("error", "never works"),
        ("chatty", "the end"),
        ("other-call", "other arguments"),
        ("no-call", "no arguments"),
        ("flip", "its result is unsound"),
        ("cut", "its result is unsound"),
        ("empty", "its result is unsound"),
        ("wrong-dag", "the first root is not the DAG"),
    ] {
        for processes in [0, 1] {
            let bench = Bench::new(Setup {
                processes,
                ..Setup::default()
            });
            let Err(error) = bench.call(name, &[1], &once) else {
                panic!("{name}: an error expected");
            };
            assert_eq!(error.kind(), ErrorKind::Adapter, "{name}: {error}");
            assert!(error.to_string().contains(part), "{name}: {error}");
            let [call] = bench
                .repository
                .calls(Filter::default())
                .unwrap()
                .try_into()
                .unwrap();
            assert!(call.claim.is_none() && call.answer.is_none(), "{name}");
            let newest = call.newest.unwrap();
            let log = bench.repository.log_of(&newest.exec).unwrap();
            let log = String::from_utf8_lossy(&log).into_owned();
            assert!(
                log.contains("\ndaggerml: ") || log.starts_with("daggerml: "),
                "{log}"
            );
            assert!(log.len() < 300_000);
            // The executor is as good as before.
            assert_eq!(bench.value("sum", &[2]).unwrap(), Value::from(2));
            clean(bench.repository.store());
        }
    }
}

#[test]
fn retries_are_counted() {
    let bench = Bench::new(Setup::default());
    let options = CallOptions {
        retries: 2,
        ..CallOptions::default()
    };
    assert!(bench.call("crash", &[1], &options).is_err());
    assert_eq!(bench.runs(), 3);
    let call = &bench.repository.calls(Filter::default()).unwrap()[0];
    assert_eq!(bench.repository.attempts(call.key).unwrap().len(), 3);
}

#[test]
fn only_registered_adapters_run() {
    let bench = Bench::new(Setup::default());
    for (name, kind) in [
        ("../x", ErrorKind::Invalid),
        ("/bin/sh", ErrorKind::Invalid),
        ("x; touch y", ErrorKind::Invalid),
        ("$(id)", ErrorKind::Invalid),
        ("Local", ErrorKind::Invalid),
        ("sh", ErrorKind::NotFound),
        ("dask", ErrorKind::NotFound),
    ] {
        let mut dag = bench.dag();
        let nodes = [dag.put(runnable(bench.folder.path(), "sum", name)).unwrap()];
        let options = CallOptions::default();
        let error = bench
            .executor
            .call(&mut dag, &nodes, &options, &())
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(
            bench
                .repository
                .calls(Filter::default())
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn a_program_that_is_not_there_is_no_reason_to_retry() {
    let bench = Bench::new(Setup::default());
    let mut adapters = AdapterRegistry::default();
    let command = AdapterCommand::new("/nowhere/at/all");
    adapters.add(AdapterName::new("local").unwrap(), command);
    let options = ExecutorOptions::default();
    let executor = Executor::new(bench.repository.clone(), adapters, options);
    let mut dag = bench.dag();
    let nodes = adapter::put_call(&mut dag, bench.folder.path(), "sum", &[1]);
    let error = executor
        .call(&mut dag, &nodes, &CallOptions::default(), &())
        .unwrap_err();
    assert!(error.to_string().contains("cannot be started"), "{error}");
    assert_eq!(bench.value("sum", &[1]).unwrap(), Value::from(1));
}
