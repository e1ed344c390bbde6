//! Branches, tags, and names edited by commits.

use std::collections::BTreeMap;

use daggerml::Error;
use daggerml::error::ErrorKind;
use daggerml::id::DagId;
use daggerml::name::Name;
use daggerml::repo::branches::{Head, RefInfo};

use super::{get, names, put, repository};

#[test]
fn branches_and_tags() {
    let (_folder, repository) = repository();
    let first = put(&repository, "a", 1);
    repository.create_branch("x/y", first).unwrap();
    repository.create_tag("v1", first).unwrap();
    assert!(matches!(
        repository.create_tag("v1", first).map_err(|error| *error),
        Err(Error::Exists { .. })
    ));
    repository.rename_branch("x/y", "z").unwrap();
    let found: Vec<_> = repository.branches().unwrap();
    assert_eq!(
        found.iter().map(RefInfo::name).collect::<Vec<_>>(),
        ["main", "z"]
    );
    assert_eq!(
        repository.delete_branch("main", true).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    let error = repository.delete_branch("mian", true).unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean main?");
    repository.rename_branch("main", "trunk").unwrap();
    assert!(
        matches!(repository.head_state().unwrap(), Head::Branch { name, .. } if name == "trunk")
    );

    repository.checkout("z").unwrap();
    let only = put(&repository, "b", 2);
    repository.checkout("trunk").unwrap();
    assert_eq!(
        repository.delete_branch("z", false).unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert_eq!(repository.delete_branch("z", true).unwrap(), only);
    assert_eq!(repository.delete_tag("v1").unwrap(), first);

    assert_eq!(
        repository.checkout(&first.to_string()).unwrap(),
        Head::Detached(first)
    );
    let loose = put(&repository, "loose", 1);
    assert_eq!(repository.head().unwrap(), Some(loose));
    assert_eq!(repository.commit_at("trunk").unwrap(), first);
    for bad in ["", "a..b", "a b", "-x", "a//b", "HEAD", "x^", "x:y", "@x"] {
        assert!(repository.create_branch(bad, first).is_err(), "{bad:?}");
    }
    assert!(matches!(
        repository.checkout_new("new", None).unwrap(),
        Head::Branch { commit: None, .. }
    ));
    repository.rename_branch("new", "newer").unwrap();
    put(&repository, "fresh", 1);
    assert_eq!(names(&repository), ["fresh"]);
}

#[test]
fn names_are_edited_by_commits() {
    let (_folder, repository) = repository();
    put(&repository, "a", 1);
    put(&repository, "b", 2);
    repository.rename_dag("a", "c", false, None).unwrap();
    assert_eq!(names(&repository), ["b", "c"]);
    assert!(matches!(
        repository
            .rename_dag("b", "c", false, None)
            .map_err(|error| *error),
        Err(Error::Exists { .. })
    ));
    repository.rename_dag("b", "c", true, None).unwrap();
    assert_eq!(get(&repository, "c"), 2.into());
    let commit = repository.delete_dags(&["c"], None).unwrap();
    assert_eq!(repository.commit(commit).unwrap().message, "Delete c");
    assert!(names(&repository).is_empty());
    assert!(repository.delete_dags(&["c"], None).is_err());
    let dag: DagId = repository.dag_at("HEAD~1:c").unwrap();
    let changes = BTreeMap::from([(Name::new("back").unwrap(), Some(dag))]);
    repository.commit_names(&changes, "back").unwrap();
    assert_eq!(get(&repository, "back"), 2.into());
}
