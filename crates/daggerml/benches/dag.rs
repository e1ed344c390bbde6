//! DAGs and commits: `cargo bench -p daggerml --bench dag`.
//!
//! The peer puts the same bytes under the same keys into LMDB, with heed alone
//! and the same durable commit, in the same run. Times are medians. With
//! `DML_BENCH_NODES=1000000` the large DAG, and the repository of many DAGs, have a
//! million nodes. Names behind `--` choose parts: `small`, `values`, `large`, `many`, `raw`.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(clippy::cast_precision_loss, reason = "shown to three digits")]

use std::path::Path;
use std::time::{Duration, Instant};

use daggerml::Repository;
use daggerml::id::{NodeId, ObjectId, TypedId};
use daggerml::record::{Datum, Node, Record};

use daggerml::value::{Map, Value};
use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions};
use tempfile::TempDir;

fn repository() -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    (folder, repository)
}

/// The median of `rounds` runs, each on what `prepare` makes.
fn median<T>(
    rounds: usize,
    mut prepare: impl FnMut() -> T,
    mut run: impl FnMut(&mut T),
) -> Duration {
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            let mut input = prepare();
            let before = Instant::now();
            run(&mut input);
            before.elapsed()
        })
        .collect();
    times.sort();
    times[rounds / 2]
}

fn row(what: &str, time: Duration) {
    println!("{what:<52} {:>12.3} ms", time.as_secs_f64() * 1e3);
}

/// Every object of a repository.
fn objects(repository: &Repository) -> Vec<(Vec<u8>, Vec<u8>)> {
    let snapshot = repository.snapshot().unwrap();
    snapshot
        .objects(&[])
        .unwrap()
        .map(|object| {
            object
                .map(|(id, bytes)| (id.as_bytes().to_vec(), bytes.to_vec()))
                .unwrap()
        })
        .collect()
}

type Lmdb = (TempDir, Env, Database<Bytes, Bytes>);

fn lmdb() -> Lmdb {
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: a new file in a folder of its own.
    let env = unsafe {
        EnvOpenOptions::new()
            .map_size(1 << 34)
            .max_dbs(1)
            .open(folder.path())
    };
    let env = env.unwrap();
    let mut txn = env.write_txn().unwrap();
    let table = env.create_database(&mut txn, Some("o")).unwrap();
    txn.commit().unwrap();
    (folder, env, table)
}

fn put_raw((_, env, table): &Lmdb, objects: &[(Vec<u8>, Vec<u8>)]) {
    let mut txn = env.write_txn().unwrap();
    for (key, bytes) in objects {
        table.put(&mut txn, key, bytes).unwrap();
    }
    txn.commit().unwrap();
}

fn raw(objects: &[(Vec<u8>, Vec<u8>)]) -> Duration {
    median(15, lmdb, |lmdb| put_raw(lmdb, objects))
}

/// What putting the objects of literals costs raw LMDB, a thousand nodes in each commit.
fn raw_many(count: i64) {
    let lmdb = lmdb();
    let commits = count / 1000;
    let mut times = Vec::new();
    for commit in 0..commits {
        let mut objects = Vec::new();
        for number in commit * 1000..(commit + 1) * 1000 {
            let datum = Datum {
                value: number.into(),
            };
            let datum = datum.encode().unwrap();
            let id = ObjectId::of(&datum);
            let node = Node::Literal {
                datum: TypedId::from_object(id),
            };
            let node = node.encode().unwrap();
            objects.push((id.as_bytes().to_vec(), datum));
            objects.push((ObjectId::of(&node).as_bytes().to_vec(), node));
        }
        objects.sort();
        let start = Instant::now();
        put_raw(&lmdb, &objects);
        times.push(start.elapsed());
        if (commit + 1) % (commits / 10).max(1) == 0 {
            times.sort();
            let nodes = (commit + 1) * 1000;
            row(
                &format!("  raw LMDB, the same, up to {nodes} nodes"),
                times[times.len() / 2],
            );
            times.clear();
        }
    }
    let size = std::fs::metadata(lmdb.0.path().join("data.mdb")).unwrap();
    let each = size.len() as f64 / count as f64;
    println!("  raw LMDB, on disk {each:>8.1} bytes a node");
}

fn small_dags() {
    let author = |count: i64| {
        median(15, repository, move |(_, repository)| {
            let mut dag = repository.new_dag("x", "").unwrap();
            let mut last = None;
            for number in 0..count {
                last = Some(dag.put(number.into()).unwrap());
            }
            dag.commit(last.unwrap()).unwrap();
        })
    };
    row("1 literal put + durable commit", author(1));
    let ours = author(1000);
    row("1,000 literal puts + durable commit", ours);
    let (_folder, same) = repository();
    let mut dag = same.new_dag("x", "").unwrap();
    let nodes: Vec<_> = (0..1000).map(|n: i64| dag.put(n.into()).unwrap()).collect();
    dag.commit(nodes[999]).unwrap();
    let peer = raw(&objects(&same));
    row("  raw LMDB: the same bytes, one durable commit", peer);
    println!(
        "  times slower than raw LMDB {:>38.2}",
        ours.as_secs_f64() / peer.as_secs_f64()
    );
}

fn values() {
    let leaf = |n: i64| (Value::from(format!("key-{n}")), Value::from(n));
    let inner =
        |at: i64| Value::Map(Map::new((at * 100..at * 100 + 100).map(leaf).collect()).unwrap());
    let outer = (0..10).map(|at| (at.into(), inner(at))).collect();
    let list = Value::List((0..10_000i64).map(Value::from).collect());
    for (what, value) in [
        (
            "nested map of 1,000 leaves",
            Value::Map(Map::new(outer).unwrap()),
        ),
        ("list of 10,000 ints", list),
    ] {
        let (_folder, repository) = repository();
        let open = || (repository.new_dag("x", "").unwrap(), Some(value.clone()));
        let time = median(51, open, |(dag, value)| {
            dag.put(value.take().unwrap()).unwrap();
        });
        row(&format!("{what}: put"), time);
        let mut dag = repository.new_dag("x", "").unwrap();
        let node = dag.put(value.clone()).unwrap();
        dag.commit(node).unwrap();
        let time = median(
            51,
            || (),
            |()| {
                let view = repository.load("x").unwrap();
                let loaded = view.value(view.result().unwrap()).unwrap();
                assert!(std::hint::black_box(loaded) == value);
            },
        );
        row(&format!("{what}: load by name + value"), time);
    }
}

fn one_large_dag(count: i64) {
    let (folder, repository) = repository();
    let mut dag = repository.new_dag("large", "").unwrap();
    let (before, part) = (resident(), count / 10);
    let mut last: Option<NodeId> = None;
    for tenth in 0..10 {
        let start = Instant::now();
        for number in tenth * part..(tenth + 1) * part {
            last = Some(dag.put(number.into()).unwrap());
        }
        let each = start.elapsed().as_secs_f64() * 1e6 / part as f64;
        println!("  puts {:>2}0 % done: {each:>8.2} us a put", tenth + 1);
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        let grown = after.saturating_sub(before) as f64 / count as f64;
        println!("  private memory: {grown:>8.1} bytes a node");
    }
    let start = Instant::now();
    dag.commit(last.unwrap()).unwrap();
    row(&format!("commit of {count} nodes"), start.elapsed());
    on_disk(&folder, count);
    one_more(&repository, count);
}

fn on_disk(folder: &TempDir, count: i64) {
    let size = std::fs::metadata(data(folder.path())).unwrap().len();
    println!("  on disk {:>8.1} bytes a node", size as f64 / count as f64);
}

/// A small commit beside `count` nodes.
fn one_more(repository: &Repository, count: i64) {
    let mut number = -count;
    let time = median(
        21,
        || (),
        |()| {
            number -= 1;
            let mut dag = repository.new_dag("small", "").unwrap();
            let node = dag.put(number.into()).unwrap();
            dag.commit(node).unwrap();
        },
    );
    row(&format!("1 put + commit beside {count} nodes"), time);
}

/// `count` nodes in DAGs of a thousand, and then as many again in one DAG.
fn many_dags(count: i64) {
    let (folder, repository) = repository();
    let commits = count / 1000;
    let mut times = Vec::new();
    for commit in 0..commits {
        let start = Instant::now();
        let mut dag = repository.new_dag(&format!("dag-{commit}"), "").unwrap();
        let mut last = None;
        for number in commit * 1000..(commit + 1) * 1000 {
            last = Some(dag.put(number.into()).unwrap());
        }
        dag.commit(last.unwrap()).unwrap();
        times.push(start.elapsed());
        if (commit + 1) % (commits / 10).max(1) == 0 {
            times.sort();
            let nodes = (commit + 1) * 1000;
            row(
                &format!("  1,000 puts + commit, up to {nodes} nodes"),
                times[times.len() / 2],
            );
            times.clear();
        }
    }
    on_disk(&folder, count);
    one_more(&repository, count);
    let start = Instant::now();
    let mut dag = repository.new_dag("large", "").unwrap();
    let mut last = None;
    for number in count..2 * count {
        last = Some(dag.put(number.into()).unwrap());
    }
    row(&format!("  {count} more puts in one DAG"), start.elapsed());
    let start = Instant::now();
    dag.commit(last.unwrap()).unwrap();
    row("  its commit", start.elapsed());
    on_disk(&folder, 2 * count);
}

fn data(root: &Path) -> std::path::PathBuf {
    root.join(".dml").join("data.mdb")
}

/// Bytes of anonymous memory: not the pages of the file that the system maps.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .ok()
        .map(|kb| kb * 1024)
}

fn main() {
    let chosen: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let is_chosen = |part: &str| chosen.is_empty() || chosen.iter().any(|word| word == part);
    let count = std::env::var("DML_BENCH_NODES")
        .ok()
        .and_then(|text| text.parse().ok());
    let count = count.unwrap_or(100_000);
    if is_chosen("small") {
        small_dags();
    }
    if is_chosen("values") {
        values();
    }
    if is_chosen("large") {
        one_large_dag(count);
    }
    if is_chosen("many") {
        many_dags(count);
    }
    if is_chosen("raw") {
        raw_many(count);
    }
}
