//! Branches, revisions, merge, rebase, revert, log and diff.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod branches;
mod diff;
mod log;
mod merge;
mod rebase;
mod revert;
mod revisions;
#[path = "../support/mod.rs"]
mod support;

use daggerml::Repository;
use daggerml::id::CommitId;
use daggerml::name::Name;
use daggerml::value::Value;
use support::stores::repository;

fn put<V: Into<Value>>(repository: &Repository, name: &str, value: V) -> CommitId {
    let mut dag = repository.new_dag(name, &format!("put {name}")).unwrap();
    let node = dag.put(value.into()).unwrap();
    dag.set_name("value", node).unwrap();
    dag.commit(node).unwrap().commit
}

fn get(repository: &Repository, name: &str) -> Value {
    let view = repository.load(name).unwrap();
    view.value(view.result().unwrap()).unwrap()
}

fn names(repository: &Repository) -> Vec<String> {
    repository
        .dags()
        .unwrap()
        .keys()
        .map(Name::to_string)
        .collect()
}

/// `main` and `other` grown apart: both changed `both`, each has one of its own.
fn grown_apart() -> (tempfile::TempDir, Repository, CommitId) {
    let (folder, repository) = repository();
    let base = put(&repository, "both", 0);
    repository.create_branch("other", base).unwrap();
    repository.checkout("other").unwrap();
    put(&repository, "theirs", 2);
    let theirs = put(&repository, "both", 2);
    repository.checkout("main").unwrap();
    put(&repository, "ours", 1);
    (folder, repository, theirs)
}

#[test]
fn all_of_it_in_memory() {
    support::stores::all_in_memory();
}
