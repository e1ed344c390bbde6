//! Garbage collection, fsck, excision and migration on real repositories.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::path::Path;

use daggerml::id::{ObjectId, TypedId};
use daggerml::maintenance::fsck::{Lost, Subject, fsck};
use daggerml::maintenance::gc::{Options, gc};
use daggerml::maintenance::{excise::excise, migrate::migrate};
use daggerml::record::{Datum, Kind, Node, Record};
use daggerml::repo::refs::{self, Target};
use daggerml::store::{OpenOptions, ReadObjects, Store, Table};
use daggerml::value::Value;
use daggerml::{Error, Repository};
use support::{child, copy_folder};

fn commit(repository: &Repository, name: &str, values: impl IntoIterator<Item = Value>) {
    let mut dag = repository.new_dag(name, "m").unwrap();
    let nodes: Vec<_> = values.into_iter().map(|v| dag.put(v).unwrap()).collect();
    dag.commit(*nodes.last().unwrap()).unwrap();
}

fn ints(range: std::ops::Range<i64>) -> impl Iterator<Item = Value> {
    range.map(Value::from)
}

fn clean(store: &Store) {
    let report = fsck(store, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!(report.lost_pages, 0);
}

fn count(store: &Store) -> u64 {
    store.snapshot().unwrap().count(Table::Objects).unwrap()
}

fn collect(store: &Store) -> daggerml::maintenance::gc::Report {
    gc(store, Options::default(), &mut |_| {}).unwrap()
}

/// Objects that nothing refers to: a datum and its node.
fn litter(store: &Store, range: std::ops::Range<i64>) -> Vec<ObjectId> {
    store
        .write(|txn| {
            let mut ids = Vec::new();
            for number in range.clone() {
                let datum = txn.save(&Datum {
                    value: Value::String(format!("litter {number}")),
                })?;
                ids.push(datum.object());
                ids.push(txn.save(&Node::Literal { datum })?.object());
            }
            Ok(ids)
        })
        .unwrap()
}

#[test]
fn gc_removes_what_nothing_reaches_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    assert_eq!(collect(store).kept.all().objects, 0);
    commit(&repository, "first", ints(0..500));
    commit(&repository, "second", ints(400..900));
    let before = count(store);
    litter(store, 0..15_000);
    let dry = gc(store, Options { dry_run: true }, &mut |_| {}).unwrap();
    assert_eq!(count(store), before + 30_000);
    let report = collect(store);
    assert_eq!(report.removed, dry.removed);
    assert_eq!(report.kept, dry.kept);
    assert_eq!(report.removed.all().objects, 30_000);
    assert_eq!(report.kept.all().objects, before);
    assert_eq!(count(store), before);
    clean(store);
    let view = repository.load("first").unwrap();
    assert_eq!(view.value(view.result().unwrap()).unwrap(), 499i64.into());
    // Nothing is left of the run.
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.get(Table::Meta, b"gc").unwrap(), None);
    assert_eq!(snapshot.count(Table::Journal).unwrap(), 0);
}

#[test]
fn gc_keeps_what_indexes_calls_and_claims_hold() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let ids = litter(store, 0..4);
    let node = |at: usize| ids[2 * at + 1];
    let mut cbor = vec![0x82, 0x61, b'x', 0x58, 0x20];
    cbor.extend_from_slice(node(1).as_bytes());
    store
        .write(|txn| {
            txn.put(Table::Calls, &[7; 32], node(0).as_bytes())?;
            txn.put(Table::Indexes, b"i", &cbor)?;
            txn.put(Table::Claims, b"c", node(2).as_bytes())
        })
        .unwrap();
    assert_eq!(collect(store).removed.all().objects, 2);
    let snapshot = store.snapshot().unwrap();
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(snapshot.has_object(*id).unwrap(), at < 6);
    }
    // State that cannot be read stops it: nobody knows what it keeps.
    drop(snapshot);
    store
        .write(|txn| txn.put(Table::Indexes, b"i", &[0xff]))
        .unwrap();
    assert!(gc(store, Options::default(), &mut |_| {}).is_err());
    assert_eq!(count(store), 6);
}

/// What becomes reachable between mark and sweep stays.
#[test]
fn gc_keeps_what_is_written_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    commit(&repository, "first", ints(0..10));
    let ids = litter(store, 0..20_000);
    let other = litter(store, 20_000..20_002);
    let mut acted = false;
    gc(store, Options::default(), &mut |step| {
        // Told after the first batch: everything is marked, and most is not swept.
        if step.phase != "removing" || acted {
            return;
        }
        acted = true;
        store
            .write(|txn| {
                for id in &ids {
                    if let Some(bytes) = txn.raw_object(*id)?.map(<[u8]>::to_vec) {
                        // Put again as a writer would that found it there.
                        txn.put_object(*id, &bytes)?;
                    }
                }
                Ok(())
            })
            .unwrap();
        // A new object refers to an old one; an entry is set to another.
        store
            .write(|txn| {
                if txn.has_object(other[1])? {
                    let datum = daggerml::id::DatumId::from_object(other[0]);
                    txn.save(&Node::Argv { datum })?;
                }
                txn.put(Table::Calls, &[1; 32], other[3].as_bytes())
            })
            .unwrap();
        assert!(store.snapshot().unwrap().count(Table::Journal).unwrap() > 0);
    })
    .unwrap();
    assert!(acted);
    let snapshot = store.snapshot().unwrap();
    let gone = |ids: &[ObjectId]| {
        let gone = ids.iter().filter(|id| !snapshot.has_object(**id).unwrap());
        gone.count()
    };
    // The first batch was gone before anything was noted; of the rest, what was
    // put again stays.
    let (gone, gone_other) = (gone(&ids), gone(&other));
    assert!(gone > 0 && gone <= 10_000, "{gone}");
    assert!(gone + gone_other >= 10_000);
    // What was only put again is garbage for the next run.
    store
        .write(|txn| txn.delete(Table::Calls, &[1; 32]))
        .unwrap();
    collect(store);
    clean(store);
    assert_eq!(count(store), collect(store).kept.all().objects);
}

/// Whoever finds an object while gc removes others finds all that it reaches, and by
/// noting it keeps all.
#[test]
fn gc_never_leaves_half_of_what_hangs_together() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    for number in 0..30 {
        commit(
            &repository,
            &format!("dag-{number}"),
            ints(number * 1000..number * 1000 + 400),
        );
    }
    let dags: Vec<_> = (0..30)
        .map(|number| repository.find_dag(&format!("dag-{number}")).unwrap())
        .collect();
    store
        .write(|txn| txn.delete(Table::Refs, b"heads/main"))
        .unwrap();
    // Nothing refers to these nodes, so they go first.
    litter(store, 0..12_000);
    let mut kept = None;
    gc(store, Options::default(), &mut |step| {
        if step.phase != "removing" {
            return;
        }
        let snapshot = store.snapshot().unwrap();
        for dag in &dags {
            if !snapshot.has_object(dag.object()).unwrap() {
                continue;
            }
            let record: daggerml::record::Dag = snapshot.load(*dag).unwrap();
            for node in &record.nodes {
                let node: Node = snapshot.load(*node).unwrap();
                assert!(snapshot.has_object(node.datum().unwrap().object()).unwrap());
            }
            if kept.is_none() {
                kept = Some(*dag);
                let put = |txn: &mut daggerml::store::WriteTxn<'_>| {
                    txn.put(Table::Calls, &[1; 32], dag.object().as_bytes())
                };
                store.write(put).unwrap();
            }
        }
    })
    .unwrap();
    assert!(kept.is_some());
    clean(store);
    assert_eq!(count(store), 801);
}

#[test]
fn a_gc_that_died_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    store
        .write(|txn| txn.put(Table::Meta, b"gc", &[1; 16]))
        .unwrap();
    commit(&repository, "first", ints(0..10));
    assert!(store.snapshot().unwrap().count(Table::Journal).unwrap() > 0);
    litter(store, 0..10);
    assert_eq!(collect(store).removed.all().objects, 20);
    assert_eq!(store.snapshot().unwrap().count(Table::Journal).unwrap(), 0);
}

#[test]
fn excised_objects_read_as_such_and_are_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let secret = Value::String("the secret".repeat(1000));
    commit(&repository, "first", [secret.clone()]);
    let datum = Datum {
        value: secret.clone(),
    };
    let id = ObjectId::of(&datum.encode().unwrap());
    let done = excise(store, id, "it was secret").unwrap();
    assert_eq!((done.kind, done.already), (Kind::Datum, false));
    assert!(excise(store, id, "again").unwrap().already);
    let view = repository.load("first").unwrap();
    let error = view.value(view.result().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Excised { ref reason, .. } if reason == "it was secret"));
    clean(store);
    let report = fsck(store, &mut |_| {}).unwrap();
    assert_eq!(report.excised.len(), 1);
    assert_eq!(report.excised[0].object.id, id);
    // It stays excised, whatever comes.
    assert_eq!(collect(store).removed.all().objects, 0);
    commit(&repository, "second", [secret]);
    assert!(matches!(
        store.snapshot().unwrap().object(id, Kind::Datum),
        Err(Error::Excised { .. })
    ));
    assert!(matches!(
        excise(store, ObjectId::of(b"?"), ""),
        Err(Error::NotFound { .. })
    ));
}

/// Changes the only place in the file where `from` is.
fn edit(root: &Path, from: &[u8], to: &[u8]) {
    let path = root.join(".dml/data.mdb");
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<_> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, part)| *part == from)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn fsck_names_what_is_damaged_and_what_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    {
        let repository = Repository::init(folder.path()).unwrap();
        commit(&repository, "good", ints(0..100));
        commit(&repository, "bad", [Value::from("needle in the hay")]);
        clean(repository.store());
    }
    let copy = tempfile::tempdir().unwrap();
    copy_folder(folder.path(), copy.path());
    edit(copy.path(), b"needle in", b"noodle in");
    let repository = Repository::open(copy.path()).unwrap();
    let report = fsck(repository.store(), &mut |_| {}).unwrap();
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    let finding = &report.findings[0];
    assert!(matches!(
        finding.subject,
        Subject::Object(Some(Kind::Datum), _)
    ));
    assert_eq!(finding.referrers.len(), 1);
    assert_eq!(finding.referrers[0].kind, Kind::Node);
    let names: Vec<_> = finding.lost.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["dag bad at heads/main"]);
    let view = repository.load("bad").unwrap();
    assert!(matches!(
        view.value(view.result().unwrap()),
        Err(Error::HashMismatch { .. })
    ));
    // A datum refers to nothing, so gc can go on; it keeps what is damaged.
    let before = count(repository.store());
    assert_eq!(collect(repository.store()).removed.all().objects, 0);
    assert_eq!(count(repository.store()), before);
    // Putting the value again heals it.
    commit(&repository, "again", [Value::from("needle in the hay")]);
    clean(repository.store());
}

/// What a damaged object refers to is not known, so it would be taken for garbage.
#[test]
fn gc_stops_at_damage_that_hides_references() {
    let folder = tempfile::tempdir().unwrap();
    let node = {
        let repository = Repository::init(folder.path()).unwrap();
        commit(&repository, "first", ints(0..10));
        let view = repository.load("first").unwrap();
        view.node(view.result().unwrap()).unwrap().encode().unwrap()
    };
    let mut damaged = node.clone();
    damaged[20] ^= 1;
    edit(folder.path(), &node, &damaged);
    let repository = Repository::open(folder.path()).unwrap();
    let store = repository.store();
    let before = count(store);
    let error = gc(store, Options::default(), &mut |_| {}).unwrap_err();
    assert!(matches!(
        error,
        Error::HashMismatch {
            kind: Kind::Node,
            ..
        }
    ));
    assert_eq!(count(store), before);
    // It does not keep writers noting.
    assert_eq!(
        store.snapshot().unwrap().get(Table::Meta, b"gc").unwrap(),
        None
    );
}

#[test]
fn fsck_names_missing_objects_and_bad_refs() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    commit(&repository, "first", ints(0..10));
    let head = repository.head().unwrap().unwrap();
    let view = repository.load("first").unwrap();
    let node = view.result().unwrap();
    store
        .write(|txn| txn.delete(Table::Objects, node.object().as_bytes()))
        .unwrap();
    let nowhere = daggerml::id::CommitId::from_object(ObjectId::of(b"nowhere"));
    store
        .write(|txn| refs::set(txn, "heads/lost", &Target::Commit(nowhere)))
        .unwrap();
    let report = fsck(store, &mut |_| {}).unwrap();
    assert_eq!(report.findings.len(), 2, "{:#?}", report.findings);
    let dag = &report.findings[0];
    assert_eq!(
        dag.subject,
        Subject::Object(Some(Kind::Dag), view.id().object())
    );
    assert!(dag.detail.contains(&node.to_string()));
    assert!(matches!(&dag.lost[..], [Lost::Dag { .. }]));
    let entry = &report.findings[1];
    assert_eq!(
        entry.subject,
        Subject::Entry(Table::Refs, "heads/lost".into())
    );
    assert_eq!(repository.head().unwrap(), Some(head));
}

#[test]
fn fsck_goes_on_past_damaged_pages() {
    let folder = tempfile::tempdir().unwrap();
    {
        let repository = Repository::init(folder.path()).unwrap();
        commit(&repository, "many", ints(0..5000));
    }
    let path = folder.path().join(".dml/data.mdb");
    let mut bytes = std::fs::read(&path).unwrap();
    // A leaf of objects: the page that holds a certain datum.
    let datum = Datum {
        value: 77i64.into(),
    }
    .encode()
    .unwrap();
    let id = ObjectId::of(&datum);
    let at = bytes
        .windows(32)
        .position(|part| part == id.as_bytes())
        .unwrap();
    bytes[at / 4096 * 4096 + 10] = 0x77;
    std::fs::write(&path, bytes).unwrap();
    let repository = Repository::open(folder.path()).unwrap();
    let report = fsck(repository.store(), &mut |_| {}).unwrap();
    assert!(!report.is_clean());
    let objects = report.objects.all().objects;
    assert!(objects > 9000, "{objects}");
    assert!(
        report
            .findings
            .iter()
            .any(|f| matches!(f.subject, Subject::Page(_))),
        "{:#?}",
        report.findings
    );
    assert!(report.findings.iter().any(|f| !f.lost.is_empty()));
}

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
        .scan(Table::Objects, &[])
        .unwrap()
        .map(|entry| {
            entry
                .map(|(id, bytes)| (id.to_vec(), bytes.to_vec()))
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
    assert_eq!((done.from, done.to), (0, 1));
    let done = migrate(&dml).unwrap();
    assert_eq!((done.from, done.to), (1, 1));
    let moved = Repository::open(old.path()).unwrap();
    assert_eq!(moved.head().unwrap().unwrap().to_string(), head);
    clean(moved.store());
    commit(&moved, "second", ints(0..3));
    // A layout of the future.
    moved
        .store()
        .write(|txn| txn.put(Table::Meta, b"schema", &2u64.to_be_bytes()))
        .unwrap();
    drop(moved);
    let error = Repository::open(old.path()).err().unwrap();
    assert!(matches!(error, Error::StoreUnsupported { .. }), "{error:?}");
    assert!(error.to_string().contains("update DaggerML"));
    assert!(migrate(&dml).is_err());
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
    // A reader that stays is no obstacle.
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
