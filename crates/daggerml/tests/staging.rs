//! The log of a draft: it is read, survives, is kept from gc, checked and settled.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use daggerml::Repository;
use daggerml::dag::Draft;
use daggerml::id::{NodeId, ObjectId, TypedId};
use daggerml::maintenance::fsck::{Subject, fsck};
use daggerml::record::{Builtin, Datum, Node, Record};
use daggerml::store::Table;
use daggerml::value::Value;
use support::{clean, collect, count, edit};

fn repository() -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    (folder, repository)
}

/// An int, or for every hundredth number a value that is too large for the log.
fn value(number: i64) -> Value {
    if number % 100 == 7 {
        Value::Bytes(number.to_be_bytes().repeat(400))
    } else {
        number.into()
    }
}

fn fill(dag: &mut Draft, numbers: std::ops::Range<i64>) -> Vec<NodeId> {
    numbers
        .map(|number| dag.put(value(number)).unwrap())
        .collect()
}

#[test]
fn a_log_is_read_resumed_and_settled() {
    let (_folder, repository) = repository();
    let store = repository.store();
    let mut dag = repository.new_dag("x", "").unwrap();
    let nodes = fill(&mut dag, 0..10_000);
    dag.set_name("early", nodes[3]).unwrap();
    // Only what is too large is among the objects.
    assert!(count(store) < 110, "{}", count(store));
    for (number, node) in (0..).zip(&nodes).step_by(97) {
        assert_eq!(dag.value(*node).unwrap(), value(number));
        let Node::Literal { datum } = dag.node(*node).unwrap() else {
            panic!("{node}");
        };
        let bytes = Datum {
            value: value(number),
        };
        let bytes = bytes.encode().unwrap();
        assert_eq!(datum.object(), ObjectId::of(&bytes));
    }
    let list = dag.builtin(Builtin::List, &[nodes[0], nodes[9_999]]);
    let list = list.unwrap();
    fill(&mut dag, 10_000..14_000);
    let (id, flushed) = (dag.id(), repository.drafts().unwrap()[0].nodes);
    drop(dag);
    collect(store);
    clean(store);
    let mut dag = repository.resume(id).unwrap();
    assert_eq!(dag.len() as u64, flushed);
    assert_eq!(dag.value(nodes[5]).unwrap(), value(5));
    assert_eq!(
        dag.value(list).unwrap(),
        vec![value(0), value(9_999)].into()
    );
    // What is put again is there once.
    fill(&mut dag, 0..20_000);
    let committed = dag.commit(list).unwrap();
    assert!(repository.drafts().unwrap().is_empty());
    collect(store);
    clean(store);
    let view = repository.view(committed.dag).unwrap();
    assert_eq!(view.len(), 20_001);
    for (number, node) in (0..).zip(&nodes).step_by(89) {
        assert_eq!(view.value(*node).unwrap(), value(number));
    }
}

#[test]
fn a_flush_puts_the_log_among_the_objects() {
    let (_folder, repository) = repository();
    let store = repository.store();
    let mut dag = repository.new_dag("x", "").unwrap();
    fill(&mut dag, 0..9_000);
    assert!(count(store) < 100);
    dag.flush().unwrap();
    assert_eq!(count(store), 18_000);
    let more = fill(&mut dag, 9_000..18_000);
    let id = dag.id();
    drop(dag);
    // Nothing but the settled log keeps these.
    collect(store);
    clean(store);
    assert!(count(store) >= 18_000);
    let mut dag = repository.resume(id).unwrap();
    assert_eq!(dag.value(more[0]).unwrap(), value(9_000));
    let result = fill(&mut dag, 0..20_000)[0];
    dag.commit(result).unwrap();
    clean(store);
    assert_eq!(collect(store).removed.all().objects, 0);
    assert_eq!(repository.load("x").unwrap().len(), 20_000);
}

/// As after a crash while the log was being settled.
#[test]
fn gc_keeps_what_is_half_settled() {
    let (_folder, repository) = repository();
    let store = repository.store();
    let mut dag = repository.new_dag("x", "").unwrap();
    let nodes = fill(&mut dag, 0..5_000);
    let before = count(store);
    for node in &nodes[..10] {
        let record = dag.node(*node).unwrap();
        let datum = Datum {
            value: dag.value(*node).unwrap(),
        };
        store
            .write(|txn| {
                txn.save(&record)?;
                txn.save(&datum)
            })
            .unwrap();
    }
    // One of the values is too large for the log, and was there.
    assert_eq!(count(store), before + 19);
    assert_eq!(collect(store).removed.all().objects, 0);
    clean(store);
    dag.discard().unwrap();
    collect(store);
    assert_eq!(count(store), 0);
}

#[test]
fn a_damaged_log_gives_errors_and_is_found() {
    let (folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    dag.put("the value to be damaged".into()).unwrap();
    fill(&mut dag, 0..5_000);
    let id = dag.id();
    drop((dag, repository));
    edit(folder.path(), b"to be damaged", b"that was hurt");
    let repository = Repository::open(folder.path()).unwrap();
    let report = fsck(repository.store(), &mut |_| {}).unwrap();
    assert!(!report.is_clean());
    assert!(
        report
            .findings
            .iter()
            .all(|finding| matches!(finding.subject, Subject::Entry(Table::Drafts, _))),
        "{:#?}",
        report.findings
    );
    assert!(repository.resume(id).is_err());
    repository.discard(id).unwrap();
    clean(repository.store());
}

#[test]
fn damage_under_an_open_handle_gives_errors() {
    let (folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let node = dag.put("the value to be damaged".into()).unwrap();
    let rest = fill(&mut dag, 0..5_000);
    edit(folder.path(), b"to be damaged", b"that was hurt");
    assert!(dag.value(node).is_err());
    assert_eq!(dag.value(rest[0]).unwrap(), value(0));
    assert!(dag.commit(rest[0]).is_err());
}

#[test]
fn fsck_follows_the_references_of_a_log() {
    let (_folder, repository) = repository();
    let store = repository.store();
    let node = Node::Literal {
        datum: TypedId::from_object(ObjectId::of(b"nowhere")),
    };
    let node = node.encode().unwrap();
    let mut chunk = vec![0x85, 2, 0x81, 0x58, u8::try_from(node.len()).unwrap()];
    chunk.extend(node);
    chunk.extend([0x80, 0x80, 0xf6]);
    store
        .write(|txn| txn.put(Table::Drafts, &[7; 24], &chunk))
        .unwrap();
    let report = fsck(store, &mut |_| {}).unwrap();
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    let detail = &report.findings[0].detail;
    assert!(detail.ends_with("which is not there"), "{detail}");
}

/// Nodes come into the table of objects before their data when a process is killed while it
/// settles a draft of many records.
#[test]
fn a_settling_that_was_broken_off_is_no_damage() {
    let (_folder, repository) = repository();
    let store = repository.store();
    let mut dag = repository.new_dag("x", "").unwrap();
    fill(&mut dag, 0..5_000);
    let id = dag.id();
    drop(dag);
    let datum = |number: i64| {
        Datum {
            value: number.into(),
        }
        .encode()
        .unwrap()
    };
    let node = |number: i64| {
        let datum = TypedId::from_object(ObjectId::of(&datum(number)));
        Node::Literal { datum }.encode().unwrap()
    };
    let before = count(store);
    store
        .write(|txn| {
            (0..100)
                .filter(|number| number % 100 != 7)
                .try_for_each(|number| {
                    let node = node(number);
                    txn.put_object(ObjectId::of(&node), &node)
                })
        })
        .unwrap();
    assert!(count(store) > before);
    clean(store);

    // What a DAG needs is damage, though the log of the draft has it too.
    let mut other = repository.new_dag("other", "").unwrap();
    let three = other.put(3.into()).unwrap();
    other.commit(three).unwrap();
    clean(store);
    let lost = ObjectId::of(&datum(3));
    store
        .write(|txn| txn.delete(Table::Objects, lost.as_bytes()))
        .unwrap();
    let report = fsck(store, &mut |_| {}).unwrap();
    let [finding] = &report.findings[..] else {
        panic!("{:#?}", report.findings);
    };
    assert!(finding.detail.contains(&lost.to_string()), "{finding:?}");
    assert!(!finding.lost.is_empty(), "{finding:?}");
    store.write(|txn| txn.put_object(lost, &datum(3))).unwrap();
    clean(store);

    // Without the draft the nodes are garbage.
    repository.discard(id).unwrap();
    clean(store);
    collect(store);
    assert!(count(store) < 20, "{}", count(store));
    clean(store);
}
