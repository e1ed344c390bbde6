//! The store beside raw LMDB: `cargo bench -p daggerml --bench store`.
//!
//! The peer puts and gets the same bytes under the same keys, with heed alone and
//! the same durable commit: what the store could reach at best.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::path::Path;
use std::sync::OnceLock;

use daggerml::Repository;
use daggerml::id::ObjectId;
use daggerml::maintenance::fsck::fsck;
use daggerml::maintenance::gc::{Options, gc};
use daggerml::record::{Datum, Kind, Node, Record};
use daggerml::store::{OpenOptions, ReadObjects, Store, Table};
use daggerml::value::Value;
use divan::Bencher;
use divan::counter::ItemsCount;
use heed::types::Bytes;
use heed::{Database, Env};
use tempfile::TempDir;

const NODES: i64 = 1000;
const DAGS: i64 = 500;

fn main() {
    divan::main();
    let (_, repository) = large();
    let store = repository.store();
    let objects = store.snapshot().unwrap().count(Table::Objects).unwrap();
    let size = store.size().unwrap();
    println!(
        "on disk, {DAGS} commits of {NODES} literals: {objects} objects, {size} bytes, \
         {} a literal node with its datum",
        size.cast_signed() / (NODES * DAGS)
    );
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    commit(&repository, 0, DAGS * NODES);
    let size = repository.store().size().unwrap();
    println!(
        "on disk, one commit of {} literals: {size} bytes, {} a literal node with its datum",
        DAGS * NODES,
        size.cast_signed() / (NODES * DAGS)
    );
}

/// Commits literals from `first` up to `end`.
fn commit(repository: &Repository, first: i64, end: i64) {
    let mut open = repository.new_dag(&format!("dag-{first}"), "").unwrap();
    let mut last = None;
    for number in first..end {
        last = Some(open.put(Value::from(number)).unwrap());
    }
    open.commit(last.unwrap()).unwrap();
}

type Objects = Vec<(ObjectId, Vec<u8>)>;

/// `count` literal nodes and their data: two objects each.
fn objects(count: i64) -> Objects {
    let mut objects = Vec::new();
    for number in 0..count {
        let datum = Datum {
            value: number.into(),
        }
        .encode()
        .unwrap();
        let id = ObjectId::of(&datum);
        objects.push((id, datum));
        let datum = daggerml::id::TypedId::from_object(id);
        let node = Node::Literal { datum }.encode().unwrap();
        objects.push((ObjectId::of(&node), node));
    }
    objects
}

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = OpenOptions::default().create(folder.path()).unwrap();
    (folder, store)
}

fn lmdb() -> (TempDir, Env, Database<Bytes, Bytes>) {
    let folder = tempfile::tempdir().unwrap();
    let (env, database) = open_lmdb(folder.path());
    (folder, env, database)
}

fn open_lmdb(path: &Path) -> (Env, Database<Bytes, Bytes>) {
    let mut options = heed::EnvOpenOptions::new();
    // SAFETY: the folder is new, and nothing else opens it.
    let env = unsafe { options.map_size(1 << 34).max_dbs(1).open(path) }.unwrap();
    let mut txn = env.write_txn().unwrap();
    let database = env.create_database(&mut txn, Some("objects")).unwrap();
    txn.commit().unwrap();
    (env, database)
}

fn put_store(store: &Store, objects: &Objects) {
    store
        .write(|txn| {
            objects
                .iter()
                .try_for_each(|(id, bytes)| txn.put_object(*id, bytes))
        })
        .unwrap();
}

fn put_lmdb(env: &Env, database: &Database<Bytes, Bytes>, objects: &Objects) {
    let mut txn = env.write_txn().unwrap();
    for (id, bytes) in objects {
        database.put(&mut txn, id.as_bytes(), bytes).unwrap();
    }
    txn.commit().unwrap();
}

#[divan::bench(args = [1_000, 50_000], sample_count = 20, sample_size = 1)]
fn put_and_commit(bencher: Bencher<'_, '_>, nodes: i64) {
    let objects = objects(nodes);
    bencher
        .counter(ItemsCount::new(objects.len()))
        .with_inputs(store)
        .bench_local_values(|(folder, store)| {
            put_store(&store, &objects);
            (folder, store)
        });
}

#[divan::bench(args = [1_000, 50_000], sample_count = 20, sample_size = 1)]
fn put_and_commit_raw_lmdb(bencher: Bencher<'_, '_>, nodes: i64) {
    let objects = objects(nodes);
    bencher
        .counter(ItemsCount::new(objects.len()))
        .with_inputs(lmdb)
        .bench_local_values(|(folder, env, database)| {
            put_lmdb(&env, &database, &objects);
            (folder, env, database)
        });
}

#[divan::bench(sample_count = 50)]
fn get_verified(bencher: Bencher<'_, '_>) {
    let objects = objects(50_000);
    let (_folder, store) = store();
    put_store(&store, &objects);
    let snapshot = store.snapshot().unwrap();
    bencher
        .counter(ItemsCount::new(objects.len()))
        .bench_local(|| {
            let lengths = objects
                .iter()
                .map(|(id, _)| snapshot.object(*id, Kind::Datum).unwrap().len());
            lengths.sum::<usize>()
        });
}

#[divan::bench(sample_count = 50)]
fn get_raw_lmdb(bencher: Bencher<'_, '_>) {
    let objects = objects(50_000);
    let (_folder, env, database) = lmdb();
    put_lmdb(&env, &database, &objects);
    let txn = env.read_txn().unwrap();
    bencher
        .counter(ItemsCount::new(objects.len()))
        .bench_local(|| {
            let lengths = objects.iter().map(|(id, _)| {
                let bytes = database.get(&txn, id.as_bytes()).unwrap();
                bytes.unwrap().len()
            });
            lengths.sum::<usize>()
        });
}

#[divan::bench]
fn snapshot(bencher: Bencher<'_, '_>) {
    let (_, repository) = large();
    bencher.bench_local(|| repository.snapshot().unwrap());
}

/// What a process pays once: opening, and checking what a write relies on.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn open_million_and_write(bencher: Bencher<'_, '_>) {
    let (_, repository) = large();
    // A copy, since a process opens a folder once.
    let copy = tempfile::tempdir().unwrap();
    let data = copy.path().join("data.mdb");
    std::fs::copy(repository.store().path().join("data.mdb"), data).unwrap();
    bencher.bench_local(|| {
        let store = OpenOptions::default().open(copy.path()).unwrap();
        store
            .write(|txn| txn.put(Table::Claims, b"x", b""))
            .unwrap();
    });
}

/// The same without the write.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn open_million(bencher: Bencher<'_, '_>) {
    let (_, repository) = large();
    let copy = tempfile::tempdir().unwrap();
    let data = copy.path().join("data.mdb");
    std::fs::copy(repository.store().path().join("data.mdb"), data).unwrap();
    bencher.bench_local(|| OpenOptions::default().open(copy.path()).unwrap());
}

/// A repository of a million objects: 500 commits of 1,000 literals each.
fn large() -> &'static (TempDir, Repository) {
    static LARGE: OnceLock<(TempDir, Repository)> = OnceLock::new();
    LARGE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        for dag in 0..DAGS {
            commit(&repository, dag * NODES, (dag + 1) * NODES);
        }
        (folder, repository)
    })
}

fn count(store: &Store) -> u64 {
    store.snapshot().unwrap().count(Table::Objects).unwrap()
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn fsck_million(bencher: Bencher<'_, '_>) {
    let (_, repository) = large();
    let store = repository.store();
    bencher
        .counter(ItemsCount::new(count(store)))
        .bench_local(|| {
            assert!(fsck(store, &mut |_| {}).unwrap().is_clean());
        });
}

/// Everything but the removal: all objects are found and marked.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn gc_million_kept(bencher: Bencher<'_, '_>) {
    let (_, repository) = large();
    let store = repository.store();
    bencher
        .counter(ItemsCount::new(count(store)))
        .bench_local(|| gc(store, Options { dry_run: true }, &mut |_| {}).unwrap());
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn gc_100_000_removed(bencher: Bencher<'_, '_>) {
    let objects = objects(50_000);
    bencher
        .counter(ItemsCount::new(objects.len()))
        .with_inputs(|| {
            let (folder, store) = store();
            put_store(&store, &objects);
            (folder, store)
        })
        .bench_local_values(|(folder, store)| {
            let report = gc(&store, Options::default(), &mut |_| {}).unwrap();
            assert_eq!(report.removed.all().objects, 100_000);
            (folder, store)
        });
}
