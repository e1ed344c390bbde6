//! Differences between trees, DAGs and values.

use daggerml::history::PathStep;
use daggerml::value::{Map, Value};

use super::{put, repository};

#[test]
fn differences() {
    let (_folder, repository) = repository();
    let map = |x: Vec<Value>| {
        Value::Map(Map::new(vec![("k".into(), x.into()), (1.into(), "same".into())]).unwrap())
    };
    put(&repository, "a", map(vec![1.into(), 2.into(), 3.into()]));
    put(&repository, "gone", 1);
    repository.delete_dags(&["gone"], None).unwrap();
    put(&repository, "a", map(vec![1.into(), 9.into(), 3.into()]));
    put(&repository, "new", 1);
    let (old, new) = (
        repository.tree_at("HEAD~3").unwrap(),
        repository.tree_at("HEAD").unwrap(),
    );
    let changes = repository.diff(Some(old), Some(new)).unwrap();
    let seen: Vec<_> = changes
        .iter()
        .map(|c| (c.name.as_str(), c.before.is_some(), c.after.is_some()))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", true, true),
            ("gone", true, false),
            ("new", false, true)
        ]
    );
    let inner = repository
        .diff_dags(changes[0].before.unwrap(), changes[0].after.unwrap())
        .unwrap();
    assert_eq!(inner.names.len(), 1);
    let change = &inner.names[0].values[0];
    assert_eq!(inner.names[0].values.len(), 1);
    assert_eq!(change.path, [PathStep::Key("k".into()), PathStep::Index(1)]);
    assert_eq!(
        (change.before.clone(), change.after.clone()),
        (Some(2.into()), Some(9.into()))
    );
    assert_eq!((inner.added.len(), inner.removed.len()), (1, 1));
    let same = repository
        .diff_dags(changes[0].after.unwrap(), changes[0].after.unwrap())
        .unwrap();
    assert!(same.is_empty());
}
