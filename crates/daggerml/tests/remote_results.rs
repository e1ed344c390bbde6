//! Shared results that grow old at a remote, or are damaged there.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod adapter;
mod support;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use adapter::{Setup, executor, put_call, runs};
use daggerml::Repository;
use daggerml::config::{Config, Scope};
use daggerml::execution::CallOptions;
use daggerml::transfer::remote::{PushOptions, Remote, RemoteGcOptions, RemoteGcReport};
use support::{clean, collect};
use tempfile::TempDir;

struct Person(TempDir, Repository);

impl Person {
    fn new(place: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        repository
            .add_remote("origin", place.to_str().unwrap())
            .unwrap();
        let person = Self(folder, repository);
        person.set("calls", "read,write");
        person
    }

    fn set(&self, key: &str, value: &str) {
        let mut config = Config::of(Some(self.0.path())).unwrap();
        let key = format!("remote.origin.{key}");
        config.set(Scope::Repository, &key, value).unwrap();
    }

    /// Calls a function, and commits the call if it is to have a `name`.
    fn call(&self, traces: &Path, function: &str, arg: i64, name: Option<&str>) -> bool {
        let mut dag = self.1.new_dag(name.unwrap_or("none"), "m").unwrap();
        let nodes = put_call(&mut dag, traces, function, &[arg]);
        let executor = executor(&self.1, Setup::default());
        let made = executor.call(&mut dag, &nodes, &CallOptions::default(), &());
        let node = made.unwrap();
        let fine = dag.value(node).is_ok();
        if name.is_some() {
            dag.commit(node).unwrap();
        }
        fine
    }

    fn remote(&self) -> Remote {
        Remote::open(&self.1, "origin").unwrap()
    }

    fn gc(&self, dry_run: bool) -> RemoteGcReport {
        let options = RemoteGcOptions {
            dry_run,
            ..RemoteGcOptions::default()
        };
        self.remote().gc(&self.1, &options, &()).unwrap()
    }
}

fn blobs(place: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(place.join("calls")).unwrap() {
        let files = std::fs::read_dir(folder.unwrap().path()).unwrap();
        found.extend(files.map(|file| file.unwrap().path()));
    }
    found
}

fn age(blobs: &[PathBuf], days: u64) {
    let then = SystemTime::now() - Duration::from_hours(24 * days);
    for blob in blobs {
        File::options()
            .write(true)
            .open(blob)
            .unwrap()
            .set_modified(then)
            .unwrap();
    }
}

/// Of a result that is too large for one blob, the packs.
fn packs(place: &Path) -> Vec<PathBuf> {
    let Ok(folders) = std::fs::read_dir(place.join("results")) else {
        return Vec::new();
    };
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

fn large_results_are_shared_in_packs(place: &Path, traces: &Path) {
    let before = runs(traces);
    let ada = Person::new(place);
    assert!(ada.call(traces, "large", 1, None));
    assert!(packs(place).len() >= 2, "{:?}", packs(place));
    let bob = Person::new(place);
    assert!(bob.call(traces, "large", 1, None));
    assert_eq!(runs(traces), before + 1, "answered from the remote");
    clean(bob.1.store());
    collect(bob.1.store());
    clean(bob.1.store());
    assert!(bob.call(traces, "large", 1, None));
    assert_eq!(runs(traces), before + 1, "it is here now");
    let report = ada.remote().fsck(&()).unwrap();
    assert_eq!((report.results, report.findings.len()), (1, 0));
    assert!(report.bytes > 20 << 20, "{}", report.bytes);
    assert_eq!(ada.gc(false).deleted, 0);

    // What is damaged is found, and is as if it were not there; a sound one takes its place.
    let pack = packs(place).pop().unwrap();
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    assert_eq!(ada.remote().fsck(&()).unwrap().findings.len(), 1);
    let carol = Person::new(place);
    assert!(carol.call(traces, "large", 1, None));
    assert_eq!(runs(traces), before + 2);
    clean(carol.1.store());
    let dan = Person::new(place);
    assert!(dan.call(traces, "large", 1, None));
    assert_eq!(runs(traces), before + 2, "a sound one took the place");
    let all = packs(place).len();

    // The packs that no result names go first, and all of them with the result.
    age(&packs(place), 1);
    let report = ada.gc(false);
    assert_eq!(report.results_deleted, 0);
    assert!(report.deleted > 0 && packs(place).len() < all);
    let erin = Person::new(place);
    assert!(erin.call(traces, "large", 1, None));
    assert_eq!(runs(traces), before + 2, "the other packs stay");
    age(&blobs(place), 100);
    let report = ada.gc(false);
    assert_eq!((report.results, report.results_deleted), (0, 1));
    assert_eq!(packs(place), Vec::<PathBuf>::new());
}

// One test: the user's folder is named by an environment variable of the process.
#[test]
fn old_results_go_and_those_that_commits_name_stay() {
    let shared = tempfile::tempdir().unwrap();
    // SAFETY: the only test of this process that reads it, before any thread is started.
    unsafe { std::env::set_var("DML_CONFIG_DIR", shared.path().join("user")) };
    let (place, traces) = (shared.path().join("remote"), shared.path());
    let mut config = Config::of(None).unwrap();
    let trusted = place.to_str().unwrap();
    config.add(Scope::User, "remotes.trusted", trusted).unwrap();
    let other = shared.path().join("other");
    let trusted = other.to_str().unwrap();
    config.add(Scope::User, "remotes.trusted", trusted).unwrap();
    large_results_are_shared_in_packs(&other, traces);

    // Results, and what a failure leaves, before anybody pushed.
    let ada = Person::new(&place);
    assert!(ada.call(traces, "sum", 1, Some("named")));
    assert!(ada.call(traces, "sum", 2, None));
    assert!(!ada.call(traces, "fail", 3, None));
    let report = ada.remote().fsck(&()).unwrap();
    assert_eq!((report.results, report.findings.len()), (3, 0));
    let report = ada.gc(false);
    assert_eq!((report.results, report.results_deleted), (3, 0));
    let push = PushOptions::default();
    ada.remote().push(&ada.1, &push, &()).unwrap();

    // Young ones stay; as old ones may be as a setting says.
    assert_eq!(ada.gc(false).results, 3);
    age(&blobs(&place), 100);
    ada.set("result-days", "200");
    let report = ada.gc(true);
    assert_eq!(
        (report.results, report.results_deleted),
        (2, 1),
        "no result"
    );
    ada.set("result-days", "90");
    let report = ada.gc(true);
    assert_eq!((report.results, report.results_deleted), (1, 2));
    assert_eq!(blobs(&place).len(), 3, "that was only a report");
    let report = ada.gc(false);
    assert_eq!((report.results, report.results_deleted), (1, 2));
    assert_eq!(blobs(&place).len(), 1);

    let before = runs(traces);
    let bob = Person::new(&place);
    assert!(bob.call(traces, "sum", 1, None));
    assert_eq!(runs(traces), before, "a branch names it");
    assert!(bob.call(traces, "sum", 2, None));
    assert_eq!(runs(traces), before + 1, "it was collected");
    assert_eq!(ada.remote().fsck(&()).unwrap().results, 2);

    // What is damaged is found.
    for blob in blobs(&place) {
        let whole = std::fs::read(&blob).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&blob, bytes).unwrap();
            let report = ada.remote().fsck(&()).unwrap();
            match report.findings.first() {
                Some((name, _)) => assert!(blob.ends_with(name), "{name}"),
                // Who offered it, and when, are not a part of what is hashed.
                None => assert!(at < 100, "byte {at}"),
            }
        }
        std::fs::write(&blob, whole).unwrap();
    }
    for blob in blobs(&place) {
        let file = File::options().write(true).open(blob).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    }
    assert_eq!(ada.remote().fsck(&()).unwrap().findings.len(), 2);
}
