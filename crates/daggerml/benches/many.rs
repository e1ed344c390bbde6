//! Makes a repository of very many commits and names, for `bench/startup.py`:
//! `cargo bench -p daggerml --bench many -- FOLDER COMMITS NAMES`.
//!
//! One transaction takes many commits, so the disk is not waited for a million times. The
//! records are those that as many calls of `Dag.commit` would make. The commits take turns
//! to change the first 1,000 names, and the same trees come again: a million commits beside
//! 10 names take about 120 MB.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::collections::BTreeMap;
use std::env::args;
use std::path::PathBuf;

use daggerml::Repository;
use daggerml::id::DagId;
use daggerml::name::Name;
use daggerml::record::{Commit, Time};
use daggerml::repo::refs::{self, ReadRefs};
use daggerml::repo::tree;
use daggerml::store::ReadObjects;

/// The most DAGs. More names than that share them.
const DAGS: usize = 1000;

/// Commits of one transaction.
const AT_ONCE: usize = 20_000;

fn name(number: usize) -> Name {
    Name::new(&format!("dag-{number}")).unwrap()
}

/// Commits so many DAGs, each of one int, and returns them.
fn make_dags(repository: &Repository, count: usize) -> Vec<DagId> {
    (0..count)
        .map(|number| {
            let name = format!("dag-{number}");
            let mut dag = repository.new_dag(&name, &format!("DAG {number}")).unwrap();
            let node = dag.put(i64::try_from(number).unwrap().into()).unwrap();
            dag.commit(node).unwrap();
            repository.find_dag(&name).unwrap()
        })
        .collect()
}

fn make_commits(repository: &Repository, dags: &[DagId], from: usize, to: usize) {
    repository
        .store()
        .write(|txn| {
            for number in from..to {
                let parent = txn.head()?.unwrap();
                let before: Commit = txn.load(parent)?;
                let dag = dags[(number + number / dags.len()) % dags.len()];
                let change = BTreeMap::from([(name(number % dags.len()), Some(dag))]);
                let commit = Commit {
                    tree: tree::update(txn, Some(before.tree), &change)?,
                    parents: vec![parent],
                    author: "Ada".to_owned(),
                    message: format!("commit {number}"),
                    time: Time(before.time.0 + 1_000_000),
                };
                let commit = txn.save(&commit)?;
                refs::advance(txn, commit)?;
            }
            Ok(())
        })
        .unwrap();
}

fn main() {
    let words: Vec<String> = args().skip(1).filter(|word| word != "--bench").collect();
    let [folder, commits, names] = words.as_slice() else {
        println!("needs a folder, and the numbers of commits and names");
        return;
    };
    let (commits, names): (usize, usize) = (commits.parse().unwrap(), names.parse().unwrap());
    let repository = Repository::init(&PathBuf::from(folder)).unwrap();
    let dags = make_dags(&repository, names.min(DAGS));
    if names > dags.len() {
        let changes = (dags.len()..names)
            .map(|number| (name(number), Some(dags[number % dags.len()])))
            .collect();
        repository
            .commit_names(&changes, "All other names")
            .unwrap();
    }
    for from in (dags.len()..commits).step_by(AT_ONCE) {
        make_commits(&repository, &dags, from, commits.min(from + AT_ONCE));
    }
    println!(
        "{commits} commits and {names} names in {} bytes",
        repository.store().size().unwrap()
    );
}
