//! Results of calls that are shared by way of a remote, with a real adapter process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use std::path::Path;

use adapter::{Bench, put_call, runs};
use daggerml::config::{Config, Scope};
use daggerml::execution::{CallOptions, Filter};
use daggerml::value::Value;
use support::{clean, collect};

struct Person(Bench);

impl Person {
    fn new(place: &Path, calls: &str) -> Self {
        Self(Bench::sharing(place.to_str().unwrap(), calls))
    }

    /// Calls a function that leaves its traces in `folder`.
    fn call(&self, folder: &Path, name: &str, args: &[i64]) -> daggerml::Result<Value> {
        let mut dag = self.0.dag();
        let nodes = put_call(&mut dag, folder, name, args);
        let options = CallOptions::default();
        let node = self.0.executor.call(&mut dag, &nodes, &options, &())?;
        dag.value(node)
    }

    fn log(&self) -> String {
        let key = self.0.repository.calls(Filter::default()).unwrap()[0].key;
        let attempts = self.0.repository.attempts(key).unwrap();
        let log = self.0.repository.log_of(&attempts[0].exec).unwrap();
        String::from_utf8(log).unwrap()
    }
}

// One test: the user's folder is named by an environment variable of the process.
#[test]
fn what_a_colleague_ran_is_not_run_again() {
    let user = tempfile::tempdir().unwrap();
    // SAFETY: the only test of this process that reads it, before any thread is started.
    unsafe { std::env::set_var("DML_CONFIG_DIR", user.path()) };
    let shared = tempfile::tempdir().unwrap();
    let (place, traces) = (shared.path().join("remote"), shared.path());
    let six = Value::from(6);

    // Nobody trusts it yet.
    let first = Person::new(&place, "read,write");
    assert_eq!(first.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert!(!place.exists());
    let mut config = Config::of(None).unwrap();
    let trusted = format!("{}/*", shared.path().display());
    config
        .add(Scope::User, "remotes.trusted", &trusted)
        .unwrap();

    let first = Person::new(&place, "read,write");
    assert_eq!(first.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert_eq!(runs(traces), 2);
    let second = Person::new(&place, "read");
    assert_eq!(second.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert_eq!(runs(traces), 2, "answered from the remote");
    assert!(
        second.log().contains("taken from the remote origin"),
        "{}",
        second.log()
    );
    collect(second.0.repository.store());
    clean(second.0.repository.store());
    std::fs::rename(&place, shared.path().join("away")).unwrap();
    assert_eq!(second.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert_eq!(runs(traces), 2, "it is here now");
    std::fs::rename(shared.path().join("away"), &place).unwrap();
    assert_eq!(
        second.call(traces, "sum", &[1, 2, 4]).unwrap(),
        Value::from(7)
    );
    let third = Person::new(&place, "off");
    assert_eq!(third.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert_eq!(
        runs(traces),
        4,
        "who only reads offers nothing, and off is off"
    );

    // Calls within calls come along.
    first.call(traces, "nested", &[5]).unwrap();
    let before = runs(traces);
    let fourth = Person::new(&place, "read");
    fourth.call(traces, "nested", &[5]).unwrap();
    assert_eq!(runs(traces), before);
    clean(fourth.0.repository.store());

    // Errors may be of one machine, so everybody makes their own.
    let before = runs(traces);
    assert!(first.call(traces, "fail", &[1]).is_err());
    assert!(fourth.call(traces, "fail", &[1]).is_err());
    assert_eq!(runs(traces), before + 2);

    // What is invalidated is gone for all; what is here is not taken again.
    let key = second.0.repository.calls(Filter::default()).unwrap();
    let key = key.iter().find(|call| call.answer.is_some()).unwrap().key;
    assert!(second.0.repository.invalidate_call(key).unwrap());
    let sum = first.0.repository.calls(Filter::default()).unwrap();
    let mut gone = 0;
    for call in sum {
        gone += first
            .0
            .repository
            .invalidate_shared(call.key)
            .unwrap()
            .len();
        assert!(
            first
                .0
                .repository
                .invalidate_shared(call.key)
                .unwrap()
                .is_empty()
        );
    }
    assert!(gone > 0);
    let before = runs(traces);
    let fifth = Person::new(&place, "read,write");
    assert_eq!(fifth.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert_eq!(runs(traces), before + 1);
    let sixth = Person::new(&place, "read");
    assert_eq!(sixth.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert_eq!(runs(traces), before + 1, "the new result took the place");

    // A remote that lies, or is no remote, is as if there were none.
    let mut blobs: Vec<_> = walk(&place.join("calls"));
    blobs.sort();
    for blob in blobs {
        let mut bytes = std::fs::read(&blob).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&blob, bytes).unwrap();
    }
    let before = runs(traces);
    let seventh = Person::new(&place, "read,write");
    assert_eq!(seventh.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert_eq!(runs(traces), before + 1);
    clean(seventh.0.repository.store());
    let reader = Person::new(&place, "read");
    assert_eq!(reader.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
    assert_eq!(runs(traces), before + 1, "a sound one took the place");
    let file = shared.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let eighth = Person::new(&file, "read,write");
    assert_eq!(eighth.call(traces, "sum", &[1, 2, 3]).unwrap(), six);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}
