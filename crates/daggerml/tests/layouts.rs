//! Handles, older layouts, and maps that grow.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::path::Path;

use daggerml::id::TypedId;
use daggerml::maintenance::fsck::{Subject, fsck};
use daggerml::maintenance::migrate::migrate;
use daggerml::record::Datum;
use daggerml::store::{OpenOptions, Table};
use daggerml::value::Value;
use daggerml::{Error, Repository};
use support::{child, clean, collect, commit, ints};

/// Layout 0: tables without seals, facts and journal.
fn make_layout_0(folder: &Path, head: &str, objects: &[(Vec<u8>, Vec<u8>)]) {
    use heed::types::Bytes;
    // SAFETY: nothing else has the file open.
    let env = unsafe { heed::EnvOpenOptions::new().max_dbs(8).open(folder) }.unwrap();
    let mut txn = env.write_txn().unwrap();
    for name in ["objects", "refs", "indexes", "calls", "claims"] {
        let table = env
            .create_database::<Bytes, Bytes>(&mut txn, Some(name))
            .unwrap();
        match name {
            "objects" => {
                for (id, bytes) in objects {
                    table.put(&mut txn, id, bytes).unwrap();
                }
            }
            "refs" => {
                table.put(&mut txn, b"HEAD", b"ref: heads/main").unwrap();
                table.put(&mut txn, b"heads/main", head.as_bytes()).unwrap();
            }
            _ => {}
        }
    }
    txn.commit().unwrap();
    env.prepare_for_closing().wait();
}

#[test]
fn an_older_layout_is_migrated_once_and_a_newer_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    commit(&repository, "first", ints(0..10));
    let head = repository.head().unwrap().unwrap().to_string();
    let objects: Vec<_> = repository
        .snapshot()
        .unwrap()
        .objects(&[])
        .unwrap()
        .map(|object| {
            object
                .map(|(id, bytes)| (id.as_bytes().to_vec(), bytes.to_vec()))
                .unwrap()
        })
        .collect();
    let old = tempfile::tempdir().unwrap();
    let dml = old.path().join(".dml");
    std::fs::create_dir(&dml).unwrap();
    make_layout_0(&dml, &head, &objects);
    let error = Repository::open(old.path()).err().unwrap().to_string();
    assert!(error.contains("dml migrate"), "{error}");
    let done = migrate(&dml).unwrap();
    assert_eq!((done.from, done.to), (0, 2));
    let done = migrate(&dml).unwrap();
    assert_eq!((done.from, done.to), (2, 2));
    let moved = Repository::open(old.path()).unwrap();
    assert_eq!(moved.head().unwrap().unwrap().to_string(), head);
    clean(moved.store());
    commit(&moved, "second", ints(0..3));
    // A layout of the future.
    moved
        .store()
        .write(|txn| txn.put(Table::Meta, b"schema", &3u64.to_be_bytes()))
        .unwrap();
    drop(moved);
    let error = Repository::open(old.path()).err().unwrap();
    assert!(
        matches!(*error, Error::StoreUnsupported { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("update DaggerML"));
    assert!(migrate(&dml).is_err());
}

/// A repository that version 0.2.0 made when it wrote layout 1: three commits, one of them of a value on
/// overflow pages.
const LAYOUT_1: &[u8] = include_bytes!("layout-1/data.mdb");

/// Makes a repository of layout 1 in `folder`.
fn make_layout_1(folder: &Path, data: &[u8]) -> std::path::PathBuf {
    let dml = folder.join(".dml");
    std::fs::create_dir(&dml).unwrap();
    std::fs::write(dml.join("data.mdb"), data).unwrap();
    dml
}

#[test]
fn layout_1_is_migrated_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let dml = make_layout_1(folder.path(), LAYOUT_1);
    let error = Repository::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("run `dml migrate`"), "{error}");
    let done = migrate(&dml).unwrap();
    assert_eq!((done.from, done.to), (1, 2));
    let done = migrate(&dml).unwrap();
    assert_eq!((done.from, done.to), (2, 2));
    let repository = Repository::open(folder.path()).unwrap();
    clean(repository.store());
    let value = |name: &str| {
        let view = repository.load(name).unwrap();
        view.value(view.result().unwrap()).unwrap()
    };
    assert_eq!(value("large"), Value::from("x".repeat(9000).as_str()));
    let text = Value::from("text".repeat(100).as_str());
    assert_eq!(value("dag-1"), Value::List(vec![1.into(), text]));
    assert_eq!(collect(repository.store()).removed.all().objects, 0);
    commit(&repository, "more", ints(0..3));
    clean(repository.store());
}

#[test]
fn what_is_damaged_in_layout_1_is_so_after_it_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let mut data = LAYOUT_1.to_vec();
    let places: Vec<_> = data
        .windows(8)
        .enumerate()
        .filter_map(|(at, bytes)| (bytes == b"texttext").then_some(at))
        .collect();
    for at in places {
        data[at] = b'T';
    }
    let dml = make_layout_1(folder.path(), &data);
    migrate(&dml).unwrap();
    let repository = Repository::open(folder.path()).unwrap();
    let report = fsck(repository.store(), &mut |_| {}).unwrap();
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    let subject = &report.findings[0].subject;
    assert!(matches!(subject, Subject::Object(..)), "{subject:?}");
    let view = repository.load("dag-1").unwrap();
    let error = view.value(view.result().unwrap()).unwrap_err();
    assert!(matches!(*error, Error::HashMismatch { .. }), "{error:?}");
}

#[test]
fn one_process_may_open_a_store_many_times() {
    let folder = tempfile::tempdir().unwrap();
    let first = Repository::init(folder.path()).unwrap();
    let second = Repository::open(folder.path()).unwrap();
    commit(&first, "a", ints(0..3));
    assert!(second.load("a").is_ok());
    drop(first);
    commit(&second, "b", ints(0..3));
    drop(second);
    assert!(Repository::open(folder.path()).unwrap().load("b").is_ok());
}

#[test]
fn grower() {
    let Ok(task) = std::env::var("DML_TEST_GROW") else {
        return;
    };
    let (who, folder) = task.split_once(' ').unwrap();
    let store = OpenOptions::default()
        .reserve(1 << 20)
        .open(Path::new(folder))
        .unwrap();
    // A reader that stays is not an obstacle.
    let reader = store.snapshot().unwrap();
    for number in 0..60 {
        store
            .write(|txn| {
                let value = Value::Bytes(format!("{who} {number} ").repeat(5000).into_bytes());
                let datum = txn.save(&Datum { value })?;
                txn.put(
                    Table::Calls,
                    format!("{who} {number}").as_bytes(),
                    datum.object().as_bytes(),
                )
            })
            .unwrap();
        assert!(store.snapshot().unwrap().count(Table::Calls).unwrap() > 0);
    }
    assert_eq!(reader.count(Table::Refs).unwrap(), 0);
}

#[test]
fn the_map_grows_beside_other_processes() {
    let folder = tempfile::tempdir().unwrap();
    drop(
        OpenOptions::default()
            .reserve(1 << 20)
            .create(folder.path())
            .unwrap(),
    );
    let mut children: Vec<_> = (0..3)
        .map(|who| {
            let task = format!("{who} {}", folder.path().display());
            child("grower", "DML_TEST_GROW", &task).spawn().unwrap()
        })
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let store = OpenOptions::default()
        .reserve(1 << 20)
        .open(folder.path())
        .unwrap();
    assert_eq!(store.snapshot().unwrap().count(Table::Calls).unwrap(), 180);
    assert!(store.size().unwrap() > 8 << 20);
    clean(&store);
}

#[test]
fn a_repository_of_daggerml_0_1_is_called_that() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join(".dml");
    std::fs::create_dir(&old).unwrap();
    std::fs::write(old.join("config.json"), "{}").unwrap();
    for error in [
        Repository::open(folder.path()).err().unwrap(),
        Repository::init(folder.path()).err().unwrap(),
    ] {
        assert!(matches!(*error, Error::StoreUnsupported { .. }), "{error}");
        assert!(error.to_string().contains("DaggerML 0.1"), "{error}");
    }
    assert!(old.join("config.json").exists());
}
