//! Rebasing.

use daggerml::Error;
use daggerml::history::{Choice, Favor, RebaseOptions};
use daggerml::name::Name;

use super::{get, grown_apart, names, put};

#[test]
fn rebasing() {
    let (_folder, repository, theirs) = grown_apart();
    let done = repository
        .rebase(theirs, &RebaseOptions::default())
        .unwrap();
    assert_eq!((done.replayed, done.dropped), (1, 0));
    let head = repository.commit(done.new).unwrap();
    assert_eq!(
        (head.parents, head.message),
        (vec![theirs], "put ours".to_owned())
    );
    assert_eq!(names(&repository), ["both", "ours", "theirs"]);
    let again = repository
        .rebase(theirs, &RebaseOptions::default())
        .unwrap();
    assert_eq!((again.new, again.replayed), (done.new, 0));
    let base = repository.commit_at("other~1").unwrap();
    repository.checkout_commit(base).unwrap();
    let forward = repository
        .rebase(done.new, &RebaseOptions::default())
        .unwrap();
    assert_eq!(forward.new, done.new);

    repository.checkout_commit(base).unwrap();
    let ours = put(&repository, "both", 7);
    let error = repository
        .rebase(theirs, &RebaseOptions::default())
        .unwrap_err();
    assert!(matches!(
        *error,
        Error::Conflicts {
            action: "rebase",
            ..
        }
    ));
    assert_eq!(repository.head().unwrap(), Some(ours));
    let favor = RebaseOptions {
        favor: Favor::Theirs,
        ..RebaseOptions::default()
    };
    repository.rebase(theirs, &favor).unwrap();
    assert_eq!(get(&repository, "both"), 7.into());
    let favor = RebaseOptions {
        favor: Favor::Ours,
        ..RebaseOptions::default()
    };
    repository.checkout_commit(ours).unwrap();
    let done = repository.rebase(theirs, &favor).unwrap();
    assert_eq!((done.new, done.dropped), (theirs, 1));
}

#[test]
fn conflicts_are_resolved_by_name() {
    let (_folder, repository, theirs) = grown_apart();
    put(&repository, "theirs", 8);
    let ours = put(&repository, "both", 7);
    let mut options = RebaseOptions::default();
    // The one that comes first is named; nothing was changed.
    for (name, choice) in [("theirs", Choice::Ours), ("both", Choice::Theirs)] {
        match *repository.rebase(theirs, &options).unwrap_err() {
            Error::Conflicts { names, .. } => assert_eq!(names, [name]),
            other => panic!("{other}"),
        }
        assert_eq!(repository.head().unwrap(), Some(ours));
        options.choices.insert(Name::new(name).unwrap(), choice);
    }
    let done = repository.rebase(theirs, &options).unwrap();
    assert_eq!((done.replayed, done.dropped), (2, 1));
    assert_eq!(get(&repository, "both"), 7.into());
    assert_eq!(get(&repository, "theirs"), 2.into());
}
