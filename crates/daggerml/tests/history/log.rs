//! The log, and its order.

use daggerml::history::{HistoryOptions, Merge, MergeOptions};
use daggerml::name::Name;

use super::{grown_apart, put, repository};

#[test]
fn the_log() {
    let (_folder, repository, theirs) = grown_apart();
    let merged = match repository.merge(theirs, &MergeOptions::default()).unwrap() {
        Merge::Merged(commit) => commit,
        other => unreachable!("{other:?}"),
    };
    let log = |options: HistoryOptions| -> Vec<String> {
        let include = vec![repository.head().unwrap().unwrap()];
        let log = repository
            .log(HistoryOptions { include, ..options })
            .unwrap();
        log.map(|entry| entry.unwrap().commit.message).collect()
    };
    let all = log(HistoryOptions::default());
    assert_eq!(all.len(), 5);
    assert_eq!(all[0], format!("Merge {}", &theirs.to_string()[..12]));
    assert_eq!(all[4], "put both");
    let first_parent = HistoryOptions {
        first_parent: true,
        ..HistoryOptions::default()
    };
    assert_eq!(log(first_parent).len(), 3);
    let limit = HistoryOptions {
        limit: Some(2),
        ..HistoryOptions::default()
    };
    assert_eq!(log(limit).len(), 2);
    let range = repository.range("other..").unwrap();
    assert_eq!(range.include, merged);
    let exclude = HistoryOptions {
        exclude: range.exclude.into_iter().collect(),
        ..HistoryOptions::default()
    };
    assert_eq!(log(exclude)[1..], ["put ours"]);
    let of_dag = HistoryOptions {
        dag: Some(Name::new("both").unwrap()),
        ..HistoryOptions::default()
    };
    assert_eq!(log(of_dag), ["put both", "put both"]);
}

#[test]
fn history_is_in_order_whatever_the_clock_does() {
    let (_folder, repository) = repository();
    let first = put(&repository, "a", 1);
    let commit = repository.commit(first).unwrap();
    // A commit far in the future, as from a machine whose clock was wrong.
    let far = daggerml::record::Commit {
        time: daggerml::record::Time(i64::MAX - 10),
        parents: vec![first],
        ..commit
    };
    let far = repository.store().write(|txn| txn.save(&far)).unwrap();
    repository.set_branch("main", far).unwrap();
    let second = put(&repository, "b", 2);
    let third = put(&repository, "c", 2);
    let time = |id| repository.commit(id).unwrap().time;
    assert!(time(far) < time(second) && time(second) < time(third));
    let options = HistoryOptions {
        include: vec![third],
        ..HistoryOptions::default()
    };
    let ids: Vec<_> = repository
        .log(options)
        .unwrap()
        .map(|entry| entry.unwrap().id)
        .collect();
    assert_eq!(ids, [third, second, far, first]);
}
