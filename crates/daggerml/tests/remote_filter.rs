//! Filtered clones: large values stay at the remote until they are read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod support;

use std::path::Path;

use daggerml::error::RemoteError;
use daggerml::maintenance::fsck::fsck;
use daggerml::transfer::create;
use daggerml::transfer::remote::{
    CloneOptions, Depth, FetchOptions, Filter, Force, PushOptions, Remote, RemoteGcOptions, clone,
};
use daggerml::transfer::transport::Address;
use daggerml::value::Value;
use daggerml::{Error, ErrorKind, Repository};
use support::{clean, collect, commit, count};

const LIMIT: Filter = Filter::Values { most: 10_000 };

fn text(number: usize) -> Value {
    Value::String(format!("{number:05}").repeat(20_000))
}

fn clone_to(folder: &Path, name: &str, depth: Depth) -> Repository {
    let address = Address::parse(folder.join("team").to_str().unwrap(), folder).unwrap();
    let options = CloneOptions {
        filter: LIMIT,
        depth,
        ..CloneOptions::default()
    };
    let made = clone(&address, &folder.join(name), &options, &()).unwrap();
    made.repository
}

/// A folder `team` with three commits, each with five large values and five small ones, and the
/// repository `here` that pushed them.
fn team(folder: &Path) -> Repository {
    let here = Repository::init(&folder.join("here")).unwrap();
    here.add_remote("origin", folder.join("team").to_str().unwrap())
        .unwrap();
    for number in 0..3 {
        let large = (0..5).map(|at| text(number * 10 + at));
        let small = (0..5).map(|at| Value::from(i64::from(at)));
        commit(&here, &format!("dag{number}"), small.chain(large));
    }
    push(&here).unwrap();
    here
}

fn push(repository: &Repository) -> daggerml::Result<()> {
    let origin = Remote::open(repository, "origin").unwrap();
    origin
        .push(repository, &PushOptions::default(), &())
        .map(drop)
}

fn fetch(repository: &Repository, filter: Option<Filter>) -> u64 {
    let origin = Remote::open(repository, "origin").unwrap();
    let options = FetchOptions {
        filter,
        ..FetchOptions::default()
    };
    let report = origin.fetch(repository, &options, &()).unwrap();
    report.received.objects
}

fn left(repository: &Repository) -> usize {
    repository.snapshot().unwrap().absents().unwrap().len()
}

/// All values of a DAG.
fn values(repository: &Repository, name: &str) -> daggerml::Result<Vec<Value>> {
    let view = repository.view(repository.find_dag(name)?)?;
    let nodes = view.dag().nodes.clone();
    nodes.into_iter().map(|node| view.value(node)).collect()
}

#[test]
fn values_come_when_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let here = team(folder.path());
    let other = clone_to(folder.path(), "other", Depth::Keep);
    assert_eq!(left(&other), 15);
    assert_eq!(count(other.store()) + 15, count(here.store()));
    clean(other.store());
    let report = fsck(other.store(), &mut |_| {}).unwrap();
    assert_eq!(report.promised.objects, 15);
    assert!(report.promised.bytes > 15 * 100_000);
    assert_eq!(collect(other.store()).removed.all().objects, 0);
    assert_eq!(
        values(&other, "dag1").unwrap(),
        values(&here, "dag1").unwrap()
    );
    // Some of those behind them came along.
    assert!((5..=10).contains(&left(&other)), "{}", left(&other));
    clean(other.store());
    // Those that were read are kept.
    std::fs::rename(folder.path().join("team"), folder.path().join("away")).unwrap();
    assert_eq!(values(&other, "dag1").unwrap().len(), 10);
    let error = values(&other, "dag0").unwrap_err();
    assert!(
        matches!(&*error, Error::Remote(RemoteError::Elsewhere { remote, cause, .. })
            if remote == "origin" && !cause.is_empty()),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.hint().unwrap().contains("--filter none"));
    std::fs::rename(folder.path().join("away"), folder.path().join("team")).unwrap();
    let refused = other.remove_remote("origin").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    fetch(&other, Some(Filter::None));
    assert_eq!(left(&other), 0);
    assert_eq!(count(other.store()), count(here.store()));
    assert_eq!(other.remote_filter("origin").unwrap(), Filter::None);
    clean(other.store());
    other.remove_remote("origin").unwrap();
}

#[test]
fn promises_that_nothing_refers_to_are_collected() {
    let folder = tempfile::tempdir().unwrap();
    let here = team(folder.path());
    let other = clone_to(folder.path(), "other", Depth::Keep);
    let mut first = other.head().unwrap().unwrap();
    while let [parent] = *other.commit(first).unwrap().parents {
        first = parent;
    }
    collect(other.store());
    assert_eq!(left(&other), 15, "a branch needs them");
    here.set_branch("main", first).unwrap();
    let force = PushOptions {
        force: Force::Yes,
        ..PushOptions::default()
    };
    let origin = Remote::open(&here, "origin").unwrap();
    origin.push(&here, &force, &()).unwrap();
    fetch(&other, None);
    other.set_branch("main", first).unwrap();
    assert_eq!(left(&other), 15);
    collect(other.store());
    assert_eq!(left(&other), 5);
    clean(other.store());
    assert_eq!(
        values(&other, "dag0").unwrap(),
        values(&here, "dag0").unwrap()
    );
    fetch(&other, Some(Filter::None));
    other.remove_remote("origin").unwrap();
}

#[test]
fn a_filter_stays_and_goes_with_a_depth() {
    let folder = tempfile::tempdir().unwrap();
    let here = team(folder.path());
    let last = Depth::Last(std::num::NonZeroU32::MIN);
    let other = clone_to(folder.path(), "other", last);
    assert_eq!(left(&other), 16);
    assert_eq!(other.remote_filter("origin").unwrap(), LIMIT);
    commit(&here, "more", [text(90), Value::from(1)]);
    push(&here).unwrap();
    fetch(&other, None);
    assert_eq!(left(&other), 17);
    clean(other.store());
    let origin = Remote::open(&other, "origin").unwrap();
    let all = FetchOptions {
        depth: Depth::Full,
        ..FetchOptions::default()
    };
    origin.fetch(&other, &all, &()).unwrap();
    assert_eq!(left(&other), 16);
    clean(other.store());
    // All history is here, so the remote can be collected, with values that only it has.
    let options = RemoteGcOptions::default();
    origin.gc(&other, &options, &()).unwrap();
    assert!(origin.fsck(&()).unwrap().is_clean());
}

#[test]
fn what_is_carried_on_has_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let here = team(folder.path());
    let other = clone_to(folder.path(), "other", Depth::Keep);
    // To the remote that has the values, they are not sent.
    let dag = other.find_dag("dag0").unwrap();
    let result = other.view(dag).unwrap().dag().result().unwrap();
    let mut draft = other.new_dag("mine", "m").unwrap();
    let node = draft.import(dag, Some(result)).unwrap();
    draft.commit(node).unwrap();
    push(&other).unwrap();
    assert_eq!(left(&other), 15);
    let origin = Remote::open(&here, "origin").unwrap();
    assert!(origin.fsck(&()).unwrap().is_clean());
    // To another they are, and to a bundle.
    let elsewhere = folder.path().join("elsewhere");
    let address = Address::parse(elsewhere.to_str().unwrap(), folder.path()).unwrap();
    let second = Remote::at("second", &address).unwrap();
    second.push(&other, &PushOptions::default(), &()).unwrap();
    assert!(second.fsck(&()).unwrap().is_clean());
    assert_eq!(left(&other), 0);
    let third = clone_to(folder.path(), "third", Depth::Keep);
    let head = third.head().unwrap().unwrap();
    let mut bundle = Vec::new();
    let snapshot = third.snapshot().unwrap();
    let made = create(&snapshot, &[head.into()], &[], &mut bundle).unwrap();
    assert_eq!(made.objects, count(third.store()));
    drop(snapshot);
    assert_eq!(left(&third), 0);
}

#[test]
fn values_that_moved_at_the_remote_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let here = team(folder.path());
    let other = clone_to(folder.path(), "other", Depth::Keep);
    // Less than half of the pack is left, so it is written anew.
    here.delete_dags(&["dag0", "dag1"], None).unwrap();
    let head = here.head().unwrap().unwrap();
    let tree = here.commit(head).unwrap().tree;
    let alone = here
        .store()
        .write(|txn| {
            let mut commit: daggerml::record::Commit =
                daggerml::store::ReadObjects::load(txn, head)?;
            commit.parents.clear();
            commit.tree = tree;
            txn.save(&commit)
        })
        .unwrap();
    here.set_branch("main", alone).unwrap();
    let origin = Remote::open(&here, "origin").unwrap();
    let options = PushOptions {
        force: Force::Yes,
        ..PushOptions::default()
    };
    origin.push(&here, &options, &()).unwrap();
    let collect = RemoteGcOptions {
        grace: std::time::Duration::ZERO,
        ..RemoteGcOptions::default()
    };
    assert!(origin.gc(&here, &collect, &()).unwrap().deleted > 0);
    assert_eq!(
        values(&other, "dag2").unwrap(),
        values(&here, "dag2").unwrap()
    );
    let error = values(&other, "dag0").unwrap_err();
    assert!(error.to_string().contains("lacks"), "{error}");
}
