//! A value goes to disk and comes back, in another handle.

use daggerml::Repository;
use daggerml::error::ErrorKind;
use daggerml::value::{Map, Value};

#[test]
fn commit_and_load() {
    let folder = tempfile::tempdir().unwrap();
    let value = Value::Map(
        Map::new(vec![
            (
                "xs".into(),
                vec![1i64.into(), 2.5.into(), true.into()].into(),
            ),
            (Value::Null, Value::Bytes(vec![0, 255])),
        ])
        .unwrap(),
    );
    let made = {
        let repository = Repository::init(folder.path()).unwrap();
        let mut dag = repository.new_dag("first", "hello").unwrap();
        let node = dag.put(value.clone()).unwrap();
        dag.set_name("xs", node).unwrap();
        dag.commit(node).unwrap()
    };
    // A folder that is not there is no place to begin at: it was mistyped.
    let below = folder.path().join("below");
    let error = Repository::discover(&below).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    std::fs::create_dir(&below).unwrap();
    let repository = Repository::discover(&below).unwrap();
    let view = repository.load("first").unwrap();
    assert_eq!(view.id(), made.dag);
    assert_eq!(view.value(view.result().unwrap()).unwrap(), value);
    assert_eq!(view.named("xs").unwrap(), view.result().unwrap());
}

#[test]
fn many_names_survive() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    for number in 0..300i64 {
        let mut dag = repository.new_dag(&format!("dag-{number}"), "").unwrap();
        let node = dag.put(number.into()).unwrap();
        dag.commit(node).unwrap();
    }
    for number in 0..300i64 {
        let view = repository.load(&format!("dag-{number}")).unwrap();
        assert_eq!(view.value(view.result().unwrap()).unwrap(), number.into());
    }
}

#[test]
#[cfg(unix)]
fn nothing_is_written_into_a_repository_that_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("repo");
    let repository = Repository::init(&root).unwrap();
    let mut dag = repository.new_dag("lost", "").unwrap();
    let node = dag.put(1i64.into()).unwrap();
    std::fs::remove_dir_all(&root).unwrap();
    let error = dag.commit(node).err().unwrap();
    assert!(error.to_string().contains("was removed while"), "{error}");
    let error = Repository::init(&root).err().unwrap();
    assert!(error.to_string().contains("was removed while"), "{error}");
    assert!(
        !root.join(".dml").exists(),
        "half a repository was left there"
    );
    drop((dag, repository));
    assert!(Repository::init(&root).unwrap().dags().unwrap().is_empty());
}
