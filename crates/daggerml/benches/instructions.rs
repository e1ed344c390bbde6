//! Paths whose instructions are counted: `cargo checks instructions`.
//!
//! Times say little on a shared machine, and instructions are the same on each: so a
//! path that became slower is found without a quiet hour. The step runs this program
//! under valgrind, once for each path, and counts what [`measured`] does; without an
//! argument it lists the paths. The counts that are expected are in
//! `bench/instructions.toml`.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;

use daggerml::history::HistoryOptions;
use daggerml::maintenance::fsck::fsck;
use daggerml::maintenance::gc::{Options, gc};
use daggerml::value::{Map, Value};
use daggerml::{Repository, decode_value, encode_value};
use tempfile::TempDir;

/// A path: its name, and what runs it after its set-up, which is not counted.
type Path = (&'static str, fn());

const PATHS: &[Path] = &[
    ("put-1000-literals", put_literals),
    ("commit-1000-nodes", commit_nodes),
    ("commit-1-node-beside-20000", commit_beside),
    ("load-map-of-1000-leaves", load_map),
    ("encode-map-of-1000-leaves", encode_map),
    ("decode-list-of-10000-floats", decode_floats),
    ("read-20000-nodes", read_nodes),
    ("fsck-of-20000-nodes", check_all),
    ("gc-of-20000-nodes-all-kept", mark_all),
    ("log-of-200-commits", read_log),
    ("dag-list-of-200-dags", list_dags),
    ("open-a-repository", open),
];

/// What is counted. Its name is known to `cargo checks instructions`.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn repository() -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    (folder, repository)
}

/// Commits a DAG of the ints of a range.
fn dag_of(repository: &Repository, name: &str, numbers: std::ops::Range<i64>) {
    let mut dag = repository.new_dag(name, "").unwrap();
    let nodes: Vec<_> = numbers
        .map(|number| dag.put(number.into()).unwrap())
        .collect();
    dag.commit(*nodes.last().unwrap()).unwrap();
}

fn large() -> (TempDir, Repository) {
    let (folder, repository) = repository();
    dag_of(&repository, "large", 0..20_000);
    (folder, repository)
}

fn many() -> (TempDir, Repository) {
    let (folder, repository) = repository();
    for number in 0..200 {
        dag_of(&repository, &format!("dag-{number}"), number..number + 1);
    }
    (folder, repository)
}

fn map() -> Value {
    let leaf = |n: i64| (Value::from(format!("key-{n}")), Value::from(n));
    let inner = |at: i64| Map::new((at * 100..at * 100 + 100).map(leaf).collect()).unwrap();
    let outer = (0..10)
        .map(|at| (at.into(), Value::Map(inner(at))))
        .collect();
    Value::Map(Map::new(outer).unwrap())
}

fn put_literals() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    measured(|| {
        for number in 0..1000_i64 {
            dag.put(number.into()).unwrap();
        }
    });
}

fn commit_nodes() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let nodes: Vec<_> = (0..1000_i64).map(|n| dag.put(n.into()).unwrap()).collect();
    measured(|| dag.commit(nodes[999]).unwrap());
}

fn commit_beside() {
    let (_folder, repository) = large();
    measured(|| dag_of(&repository, "small", -1..0));
}

fn load_map() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let node = dag.put(map()).unwrap();
    dag.commit(node).unwrap();
    measured(|| {
        let view = repository.load("x").unwrap();
        view.value(view.result().unwrap()).unwrap()
    });
}

fn encode_map() {
    let map = map();
    measured(|| encode_value(&map).unwrap());
}

fn decode_floats() {
    let list = Value::List(
        (0..10_000)
            .map(|n| Value::from(f64::from(n) / 7.0))
            .collect(),
    );
    let bytes = encode_value(&list).unwrap();
    measured(|| decode_value(&bytes).unwrap());
}

fn read_nodes() {
    let (_folder, repository) = large();
    let view = repository.load("large").unwrap();
    measured(|| {
        for &node in view.nodes() {
            black_box(view.value(node).unwrap());
        }
    });
}

fn check_all() {
    let (_folder, repository) = large();
    measured(|| assert!(fsck(repository.store(), &mut |_| {}).unwrap().is_clean()));
}

fn mark_all() {
    let (_folder, repository) = large();
    let options = Options { dry_run: true };
    measured(|| gc(repository.store(), options, &mut |_| {}).unwrap());
}

fn read_log() {
    let (_folder, repository) = many();
    measured(|| {
        let options = HistoryOptions {
            include: vec![repository.head().unwrap().unwrap()],
            ..HistoryOptions::default()
        };
        let log = repository.log(options).unwrap();
        assert_eq!(log.map(Result::unwrap).count(), 200);
    });
}

fn list_dags() {
    let (_folder, repository) = many();
    measured(|| assert_eq!(repository.dags().unwrap().len(), 200));
}

fn open() {
    let (folder, repository) = large();
    drop(repository);
    measured(|| Repository::open(folder.path()).unwrap());
}

fn main() {
    // `cargo bench` and `cargo test` add an option, which asks for nothing here.
    let asked = std::env::args()
        .nth(1)
        .filter(|name| !name.starts_with('-'));
    for (name, run) in PATHS {
        match &asked {
            None => println!("{name}"),
            Some(asked) if asked == name => run(),
            Some(_) => {}
        }
    }
}
