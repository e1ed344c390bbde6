//! Finding damage, and excision, on real repositories.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::collections::BTreeSet;

use daggerml::id::{ObjectId, TypedId};
use daggerml::maintenance::excise::excise;
use daggerml::maintenance::fsck::{Finding, Lost, Options, Subject, fsck, fsck_with};
use daggerml::record::{Builtin, Datum, Kind, Node, Record};
use daggerml::repo::refs::{self, Target};
use daggerml::store::{ReadObjects, Table};
use daggerml::value::Value;
use daggerml::{Error, Repository};
use support::{clean, collect, commit, copy_folder, count, edit, ints};

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
    assert!(matches!(*error, Error::Excised { ref reason, .. } if reason == "it was secret"));
    clean(store);
    let report = fsck(store, &mut |_| {}).unwrap();
    assert_eq!(report.excised.len(), 1);
    assert_eq!(report.excised[0].object.id, id);
    // It stays excised, whatever comes.
    assert_eq!(collect(store).removed.all().objects, 0);
    commit(&repository, "second", [secret]);
    assert!(matches!(
        store
            .snapshot()
            .unwrap()
            .object(id, Kind::Datum)
            .map_err(|error| *error),
        Err(Error::Excised { .. })
    ));
    assert!(matches!(
        excise(store, ObjectId::of(b"?"), "").map_err(|error| *error),
        Err(Error::NotFound { .. })
    ));
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
        view.value(view.result().unwrap()).map_err(|error| *error),
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
        let long = "needle in the hay".repeat(200);
        commit(&repository, "one", [Value::from(long.as_str())]);
        commit(&repository, "more", ints(10_000..15_000));
    }
    let path = folder.path().join(".dml/data.mdb");
    let mut bytes = std::fs::read(&path).unwrap();
    // The page of the chunk that holds a certain datum, and free ones that its log left: overflow pages.
    let needle = b"needle in the hay";
    let damaged: BTreeSet<usize> = (0..bytes.len() - needle.len())
        .filter(|&at| bytes[at..].starts_with(needle))
        .map(|at| at / 4096 * 4096)
        .filter(|&page| bytes[page + 10] == 4)
        .collect();
    assert!(!damaged.is_empty());
    for page in damaged {
        bytes[page + 10] ^= 0x77;
    }
    std::fs::write(&path, bytes).unwrap();
    let repository = Repository::open(folder.path()).unwrap();
    let report = fsck(repository.store(), &mut |_| {}).unwrap();
    assert!(!report.is_clean());
    let objects = report.objects.all().objects;
    assert!(objects > 19_000, "{objects}");
    let is_page = |finding: &&Finding| matches!(finding.subject, Subject::Page(_));
    let pages = report.findings.iter().find(is_page);
    assert!(pages.is_some(), "{:#?}", report.findings);
    assert!(report.findings.iter().any(|f| !f.lost.is_empty()));
}

#[test]
fn fsck_reads_the_state_of_open_dags() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let mut dag = repository.new_dag("open", "").unwrap();
    dag.put(1i64.into()).unwrap();
    dag.flush().unwrap();
    clean(repository.store());
    let put = |txn: &mut daggerml::store::WriteTxn<'_>| {
        txn.put(Table::Drafts, &[7; 24], &[0x83, 1, 2, 3])
    };
    repository.store().write(put).unwrap();
    let report = fsck(repository.store(), &mut |_| {}).unwrap();
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    assert!(matches!(
        report.findings[0].subject,
        Subject::Entry(Table::Drafts, _)
    ));
}

#[test]
fn a_deep_check_does_builtins_again() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let mut dag = repository.new_dag("x", "").unwrap();
    let one = dag.put(1.into()).unwrap();
    let two = dag.put(2.into()).unwrap();
    let list = dag.builtin(Builtin::List, &[one, two]).unwrap();
    let length = dag.builtin(Builtin::Len, &[list]).unwrap();
    let conj = dag.builtin(Builtin::Conj, &[list, length]).unwrap();
    dag.commit(conj).unwrap();
    let deep = || fsck_with(store, Options { deep: true }, &mut |_| {}).unwrap();
    assert!(deep().is_clean());
    let snapshot = store.snapshot().unwrap();
    let datum = snapshot.load::<_, Node>(one).unwrap().datum().unwrap();
    let wrong = |op, args: Vec<_>| Node::Builtin { op, args, datum };
    // A wrong value, and one that cannot be.
    for (node, words) in [
        (wrong(Builtin::Len, vec![list]), "but len makes"),
        (wrong(Builtin::Len, vec![one]), "its value cannot be: len"),
    ] {
        let id = store.write(|txn| txn.save(&node)).unwrap();
        clean(store);
        let report = deep();
        assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
        let finding = &report.findings[0];
        assert_eq!(
            finding.subject,
            Subject::Object(Some(Kind::Node), id.into())
        );
        assert!(finding.detail.contains(words), "{}", finding.detail);
        collect(store);
    }
}
