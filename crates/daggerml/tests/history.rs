//! Branches, revisions, merge, rebase, revert, log and diff.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use daggerml::error::ErrorKind;
use daggerml::id::{CommitId, DagId};
use daggerml::name::Name;
use daggerml::repo::branches::{Head, RefInfo};
use daggerml::repo::history::{
    Choice, FastForward, Favor, LogOptions, Merge, MergeOptions, PathStep, RebaseOptions,
    RevertOptions,
};
use daggerml::repo::revision::Resolved;
use daggerml::value::{Map, Value};
use daggerml::{Error, Repository};

fn repository() -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    (folder, repository)
}

fn put<V: Into<Value>>(repository: &Repository, name: &str, value: V) -> CommitId {
    let mut dag = repository.new_dag(name, &format!("put {name}")).unwrap();
    let node = dag.put(value.into()).unwrap();
    dag.set_name("value", node).unwrap();
    dag.commit(node).unwrap().commit
}

fn get(repository: &Repository, name: &str) -> Value {
    let view = repository.load(name).unwrap();
    view.value(view.result().unwrap()).unwrap()
}

fn names(repository: &Repository) -> Vec<String> {
    repository
        .dags()
        .unwrap()
        .keys()
        .map(Name::to_string)
        .collect()
}

/// `main` and `other` grown apart: both changed `both`, each has one of its own.
fn grown_apart() -> (tempfile::TempDir, Repository, CommitId) {
    let (folder, repository) = repository();
    let base = put(&repository, "both", 0);
    repository.create_branch("other", base).unwrap();
    repository.checkout("other").unwrap();
    put(&repository, "theirs", 2);
    let theirs = put(&repository, "both", 2);
    repository.checkout("main").unwrap();
    put(&repository, "ours", 1);
    (folder, repository, theirs)
}

#[test]
fn branches_and_tags() {
    let (_folder, repository) = repository();
    let first = put(&repository, "a", 1);
    repository.create_branch("x/y", first).unwrap();
    repository.create_tag("v1", first).unwrap();
    assert!(matches!(
        repository.create_tag("v1", first),
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
        repository.checkout_orphan("new").unwrap(),
        Head::Branch { commit: None, .. }
    ));
    repository.rename_branch("new", "newer").unwrap();
    put(&repository, "fresh", 1);
    assert_eq!(names(&repository), ["fresh"]);
}

#[test]
fn revisions() {
    let (_folder, repository) = repository();
    assert!(repository.resolve("HEAD").is_err());
    let first = put(&repository, "dir/a", 1);
    let second = put(&repository, "b", 2);
    let third = put(&repository, "dir", 3);
    repository.create_tag("v1", first).unwrap();
    repository.create_branch("dev", second).unwrap();
    let short = &second.to_string()[..9];
    for (text, wanted) in [
        ("HEAD", third),
        ("@", third),
        ("main", third),
        ("heads/main", third),
        ("main~1", second),
        ("main^", second),
        ("HEAD~2", first),
        ("@^^", first),
        ("main^0", third),
        ("main^{commit}", third),
        ("@v1", first),
        ("tags/v1", first),
        ("v1", first),
        ("dev~1^{commit}", first),
        (short, second),
        (&short.to_uppercase(), second),
    ] {
        assert_eq!(repository.commit_at(text).unwrap(), wanted, "{text}");
    }
    let tree = repository.commit(third).unwrap().tree;
    assert_eq!(
        repository.resolve("HEAD^{tree}").unwrap(),
        Resolved::Tree(tree)
    );
    let dag = repository.find_dag("dir/a").unwrap();
    assert_eq!(
        repository.resolve("HEAD:dir/a").unwrap(),
        Resolved::Dag(dag)
    );
    assert_eq!(repository.resolve(":dir/a").unwrap(), Resolved::Dag(dag));
    assert_eq!(repository.dag_at("dir/a").unwrap(), dag);
    let node = repository.view(dag).unwrap().named("value").unwrap();
    let found = Resolved::Node {
        dag: Some(dag),
        node,
    };
    assert_eq!(repository.resolve("HEAD~1:dir/a/value").unwrap(), found);
    assert_eq!(repository.resolve(&format!("{dag}:value")).unwrap(), found);
    assert_eq!(
        repository.resolve(&format!("{tree}:dir/a/value")).unwrap(),
        found
    );
    let other = repository.find_dag("dir").unwrap();
    assert!(matches!(
        repository.resolve("HEAD:dir/value").unwrap(),
        Resolved::Node { dag: Some(dag), .. } if dag == other
    ));
    assert_eq!(repository.node_at("dir/a").unwrap(), (Some(dag), node));

    for (text, hint) in [
        ("mian", "did you mean main?"),
        ("@v2", "did you mean @v1?"),
        ("b", "did you mean HEAD:b?"),
        ("HEAD:dir/aa", "did you mean dir/a?"),
        ("HEAD:b/valeu", "did you mean value?"),
    ] {
        let error = repository.resolve(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{text}");
        assert_eq!(error.hint().unwrap(), hint, "{text}");
    }
    for (text, kind) in [
        ("main~9", ErrorKind::NotFound),
        ("main^2", ErrorKind::NotFound),
        ("HEAD:b~1", ErrorKind::NotFound),
        ("main^{dag}", ErrorKind::Invalid),
        ("ffffff", ErrorKind::NotFound),
        ("fffff", ErrorKind::NotFound),
    ] {
        assert_eq!(repository.resolve(text).unwrap_err().kind(), kind, "{text}");
    }
    repository.create_branch("v1", third).unwrap();
    let error = repository.resolve("v1").unwrap_err();
    assert!(matches!(error, Error::AmbiguousRevision { .. }), "{error}");
    assert_eq!(repository.commit_at("tags/v1").unwrap(), first);
}

#[test]
fn the_log() {
    let (_folder, repository, theirs) = grown_apart();
    let merged = match repository.merge(theirs, &MergeOptions::default()).unwrap() {
        Merge::Merged(commit) => commit,
        other => unreachable!("{other:?}"),
    };
    let log = |options: LogOptions| -> Vec<String> {
        let include = vec![repository.head().unwrap().unwrap()];
        let log = repository.log(LogOptions { include, ..options }).unwrap();
        log.map(|entry| entry.unwrap().commit.message).collect()
    };
    let all = log(LogOptions::default());
    assert_eq!(all.len(), 5);
    assert_eq!(all[0], format!("Merge {}", &theirs.to_string()[..12]));
    assert_eq!(all[4], "put both");
    let first_parent = LogOptions {
        first_parent: true,
        ..LogOptions::default()
    };
    assert_eq!(log(first_parent).len(), 3);
    let limit = LogOptions {
        limit: Some(2),
        ..LogOptions::default()
    };
    assert_eq!(log(limit).len(), 2);
    let range = repository.range("other..").unwrap();
    assert_eq!(range.include, merged);
    let exclude = LogOptions {
        exclude: range.exclude.into_iter().collect(),
        ..LogOptions::default()
    };
    assert_eq!(log(exclude)[1..], ["put ours"]);
    let of_dag = LogOptions {
        dag: Some(Name::new("both").unwrap()),
        ..LogOptions::default()
    };
    assert_eq!(log(of_dag), ["put both", "put both"]);
}

#[test]
fn merges() {
    let (_folder, repository, theirs) = grown_apart();
    let base = repository.commit_at("main~1").unwrap();
    assert_eq!(
        repository
            .merge_base(repository.commit_at("main").unwrap(), theirs)
            .unwrap(),
        Some(base)
    );
    let only = MergeOptions {
        fast_forward: FastForward::Only,
        ..MergeOptions::default()
    };
    assert!(repository.merge(theirs, &only).is_err());
    assert!(matches!(
        repository.merge(theirs, &MergeOptions::default()).unwrap(),
        Merge::Merged(_)
    ));
    assert_eq!(names(&repository), ["both", "ours", "theirs"]);
    assert_eq!(get(&repository, "both"), 2.into());
    assert_eq!(
        repository.merge(theirs, &MergeOptions::default()).unwrap(),
        Merge::UpToDate
    );
    let merged = repository.head().unwrap().unwrap();
    repository.checkout("other").unwrap();
    assert_eq!(
        repository.merge(merged, &only).unwrap(),
        Merge::FastForward(merged)
    );
}

#[test]
fn conflicts_wait_for_choices() {
    let (_folder, repository, theirs) = grown_apart();
    put(&repository, "both", 1);
    let Merge::Conflicts(conflicts) = repository.merge(theirs, &MergeOptions::default()).unwrap()
    else {
        unreachable!()
    };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].name.as_str(), "both");
    assert_eq!(get(&repository, "both"), 1.into());
    assert!(repository.checkout("other").is_err());
    let error = repository.merge_continue().unwrap_err();
    assert!(matches!(error, Error::Conflicts { .. }));
    assert!(error.hint().is_some());
    assert!(repository.resolve_conflict("ours", Choice::Ours).is_err());

    // Another commit meanwhile does no harm.
    put(&repository, "meanwhile", 3);
    let dag = repository.find_dag("meanwhile").unwrap();
    for choice in [
        Choice::Theirs,
        Choice::Removed,
        Choice::Dag(dag),
        Choice::Ours,
        Choice::Dag(dag),
    ] {
        repository.resolve_conflict("both", choice).unwrap();
        let state = repository.merge_state().unwrap().unwrap();
        assert_eq!(state.conflicts[0].choice, Some(choice));
    }
    let commit = repository.merge_continue().unwrap();
    assert_eq!(repository.commit(commit).unwrap().parents.len(), 2);
    assert_eq!(get(&repository, "both"), 3.into());
    assert_eq!(names(&repository), ["both", "meanwhile", "ours", "theirs"]);
    assert_eq!(repository.merge_state().unwrap(), None);
    assert!(repository.merge_abort().is_err());
}

#[test]
fn merges_can_be_given_up_or_favour_a_side() {
    let (_folder, repository, theirs) = grown_apart();
    let ours = put(&repository, "both", 1);
    repository.merge(theirs, &MergeOptions::default()).unwrap();
    repository.merge_abort().unwrap();
    assert_eq!(repository.head().unwrap(), Some(ours));
    let favor = MergeOptions {
        favor: Favor::Theirs,
        ..MergeOptions::default()
    };
    assert!(matches!(
        repository.merge(theirs, &favor).unwrap(),
        Merge::Merged(_)
    ));
    assert_eq!(get(&repository, "both"), 2.into());
}

#[test]
fn rebasing() {
    let (_folder, repository, theirs) = grown_apart();
    let done = repository.rebase(theirs, RebaseOptions::default()).unwrap();
    assert_eq!((done.replayed, done.dropped), (1, 0));
    let head = repository.commit(done.new).unwrap();
    assert_eq!(
        (head.parents, head.message),
        (vec![theirs], "put ours".to_owned())
    );
    assert_eq!(names(&repository), ["both", "ours", "theirs"]);
    let again = repository.rebase(theirs, RebaseOptions::default()).unwrap();
    assert_eq!((again.new, again.replayed), (done.new, 0));
    let base = repository.commit_at("other~1").unwrap();
    repository.checkout_commit(base).unwrap();
    let forward = repository
        .rebase(done.new, RebaseOptions::default())
        .unwrap();
    assert_eq!(forward.new, done.new);

    repository.checkout_commit(base).unwrap();
    let ours = put(&repository, "both", 7);
    let error = repository
        .rebase(theirs, RebaseOptions::default())
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Conflicts {
            action: "rebase",
            ..
        }
    ));
    assert_eq!(repository.head().unwrap(), Some(ours));
    let favor = RebaseOptions {
        favor: Favor::Theirs,
    };
    repository.rebase(theirs, favor).unwrap();
    assert_eq!(get(&repository, "both"), 7.into());
    let favor = RebaseOptions { favor: Favor::Ours };
    repository.checkout_commit(ours).unwrap();
    let done = repository.rebase(theirs, favor).unwrap();
    assert_eq!((done.new, done.dropped), (theirs, 1));
}

#[test]
fn reverting() {
    let (_folder, repository) = repository();
    let first = put(&repository, "a", 1);
    let second = put(&repository, "a", 2);
    put(&repository, "b", 3);
    repository
        .revert(second, &RevertOptions::default())
        .unwrap();
    assert_eq!(get(&repository, "a"), 1.into());
    assert_eq!(get(&repository, "b"), 3.into());
    assert!(
        repository
            .revert(second, &RevertOptions::default())
            .is_err()
    );
    repository.revert(first, &RevertOptions::default()).unwrap();
    assert_eq!(names(&repository), ["b"]);
    let changed = put(&repository, "b", 4);
    put(&repository, "b", 5);
    let error = repository
        .revert(changed, &RevertOptions::default())
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Conflicts {
            action: "revert",
            ..
        }
    ));
}

#[test]
fn names_are_edited_by_commits() {
    let (_folder, repository) = repository();
    put(&repository, "a", 1);
    put(&repository, "b", 2);
    repository.rename_dag("a", "c", false, None).unwrap();
    assert_eq!(names(&repository), ["b", "c"]);
    assert!(matches!(
        repository.rename_dag("b", "c", false, None),
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

#[test]
fn history_is_in_order_whatever_the_clock_does() {
    let (_folder, repository) = repository();
    let first = put(&repository, "a", 1);
    let commit = repository.commit(first).unwrap();
    // A commit far in the future, as from a machine whose clock was wrong.
    let far = daggerml::record::Commit {
        time: daggerml::record::Time(i64::MAX - 10),
        parents: vec![first],
        ..commit
    };
    let far = repository.store().write(|txn| txn.save(&far)).unwrap();
    repository.set_branch("main", far).unwrap();
    let second = put(&repository, "b", 2);
    let third = put(&repository, "c", 2);
    let time = |id| repository.commit(id).unwrap().time;
    assert!(time(far) < time(second) && time(second) < time(third));
    let options = LogOptions {
        include: vec![third],
        ..LogOptions::default()
    };
    let ids: Vec<_> = repository
        .log(options)
        .unwrap()
        .map(|entry| entry.unwrap().id)
        .collect();
    assert_eq!(ids, [third, second, far, first]);
}
