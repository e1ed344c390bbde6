//! The largest, the deepest and the strangest: it works, or the error is clear.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::time::Instant;

use daggerml::error::ValueError;
use daggerml::id::ObjectId;
use daggerml::name::Name;
use daggerml::record::{Builtin, Kind};
use daggerml::store::{ReadObjects, Table, WriteTxn};
use daggerml::value::{MAX_BYTES, MAX_DEPTH, Value};
use daggerml::{Error, Repository};

fn repository() -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    (folder, repository)
}

fn nested(depth: usize) -> Value {
    (1..depth).fold(Value::Null, |inner, _| Value::List(vec![inner]))
}

#[test]
fn nesting() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("deep", "").unwrap();
    let deepest = dag.put(nested(MAX_DEPTH)).unwrap();
    assert_eq!(dag.value(deepest).unwrap(), nested(MAX_DEPTH));
    let error = dag.builtin(Builtin::List, &[deepest]).unwrap_err();
    assert!(matches!(*error, Error::Value(ValueError::TooDeep { .. })));
    let error = dag.put(nested(10_000)).unwrap_err();
    assert!(matches!(*error, Error::Value(ValueError::TooDeep { .. })));
    dag.commit(deepest).unwrap();
}

#[test]
fn large_values() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("large", "").unwrap();
    // Five bytes are the head of the byte string.
    let largest = Value::Bytes(vec![7; MAX_BYTES - 5]);
    let node = dag.put(largest.clone()).unwrap();
    let error = dag.put(Value::Bytes(vec![7; MAX_BYTES])).unwrap_err();
    assert!(matches!(*error, Error::Value(ValueError::TooLarge { .. })));
    let error = dag.builtin(Builtin::List, &[node]).unwrap_err();
    assert!(matches!(*error, Error::Value(ValueError::TooLarge { .. })));
    dag.commit(node).unwrap();
    let view = repository.load("large").unwrap();
    assert_eq!(view.value(node).unwrap(), largest);
    assert_eq!(view.value_type(node).unwrap(), "bytes");
}

/// Its type is told without hashing it, and no reader gets what is not the value.
#[test]
fn a_large_value_is_compared_with_its_id_when_it_is_read() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("large", "").unwrap();
    let node = dag.put(Value::Bytes(vec![7; 1 << 17])).unwrap();
    dag.commit(node).unwrap();
    let view = repository.load("large").unwrap();
    let datum: ObjectId = view.node(node).unwrap().datum().unwrap().into();
    let snapshot = repository.snapshot().unwrap();
    let mut bytes = snapshot.object(datum, Kind::Datum).unwrap().to_vec();
    drop(snapshot);
    *bytes.last_mut().unwrap() ^= 1;
    let damage = |txn: &mut WriteTxn<'_>| txn.put(Table::Objects, datum.as_bytes(), &bytes);
    repository.store().write(damage).unwrap();
    let view = repository.load("large").unwrap();
    assert_eq!(view.value_type(node).unwrap(), "bytes");
    let error = view.value(node).unwrap_err();
    assert!(matches!(*error, Error::HashMismatch { .. }), "{error}");
}

#[test]
fn unicode_names() {
    let (_folder, repository) = repository();
    for name in [
        "ℵ",
        "e\u{301}",
        "日本語/データ",
        "🦀",
        "a b",
        "x:y",
        "~^",
        "\u{202e}rtl",
        "ß",
    ] {
        let mut dag = repository.new_dag(name, name).unwrap();
        let node = dag.put(name.into()).unwrap();
        dag.set_name(name, node).unwrap();
        dag.commit(node).unwrap();
        let view = repository.load(name).unwrap();
        assert_eq!(view.value(view.named(name).unwrap()).unwrap(), name.into());
        assert_eq!(
            repository.dag_at(&format!("HEAD:{name}")).unwrap(),
            view.id()
        );
    }
    assert_eq!(
        repository.find_dag("é").unwrap(),
        repository.find_dag("e\u{301}").unwrap()
    );
    assert!(repository.find_dag("É").is_err());
    for name in ["", "a\u{0}", "tab\t", &"x".repeat(1025)] {
        assert!(
            matches!(
                repository.new_dag(name, "").map_err(|error| *error),
                Err(Error::Name(_))
            ),
            "{name:?}"
        );
    }
    repository
        .create_branch("ветка/é", repository.head().unwrap().unwrap())
        .unwrap();
    assert!(repository.commit_at("ветка/e\u{301}").is_ok());
}

/// Takes a minute: `cargo test --release -p daggerml --test limits -- --ignored --nocapture`.
#[test]
#[ignore = "a minute long"]
fn a_million_names() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("one", "").unwrap();
    let node = dag.put(1.into()).unwrap();
    let dag = dag.commit(node).unwrap().dag;
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        let names: BTreeMap<_, _> = (0..count)
            .map(|number| (Name::new(&format!("name-{number}")).unwrap(), Some(dag)))
            .collect();
        let before = Instant::now();
        repository.commit_names(&names, "many").unwrap();
        let filled = before.elapsed();
        let mut times = Vec::new();
        for number in 0..20 {
            let mut dag = repository
                .new_dag(&format!("late-{count}-{number}"), "")
                .unwrap();
            let node = dag.put(number.into()).unwrap();
            let before = Instant::now();
            dag.commit(node).unwrap();
            times.push(before.elapsed());
        }
        times.sort();
        let before = Instant::now();
        let trees = [
            repository.tree_at("HEAD~1").unwrap(),
            repository.tree_at("HEAD").unwrap(),
        ];
        assert_eq!(
            repository
                .diff(Some(trees[0]), Some(trees[1]))
                .unwrap()
                .len(),
            1
        );
        let diffed = before.elapsed();
        let before = Instant::now();
        repository.find_dag(&format!("name-{}", count / 2)).unwrap();
        println!(
            "{count} names: filled in {filled:?}, commit of one more {:?} (median), diff {diffed:?}, find {:?}",
            times[10],
            before.elapsed()
        );
    }
    assert_eq!(repository.dags().unwrap().len(), 1_000_081);
    assert_eq!(repository.dag_count().unwrap(), 1_000_081);
}
