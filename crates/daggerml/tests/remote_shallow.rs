//! Shallow clones: history that ends where it was left at the remote.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod support;

use std::num::NonZeroU32;
use std::time::Duration;

use daggerml::error::RemoteError;
use daggerml::history::{HistoryOptions, Merge, MergeOptions};
use daggerml::id::ObjectId;
use daggerml::maintenance::fsck::fsck;
use daggerml::name::Name;
use daggerml::record::Kind;
use daggerml::store::Absent;
use daggerml::transfer::remote::{
    CloneOptions, Cloned, Depth, FetchOptions, Filter, PullOptions, PushOptions, Remote,
    RemoteGcOptions, Update, clone_from,
};
use daggerml::transfer::transport::Address;
use daggerml::value::Value;
use daggerml::{Error, ErrorKind, Repository, Result};
use support::remote::{Place, names};
use support::{clean, collect, commit, count, ints};
use tempfile::TempDir;

fn last(count: u32) -> Depth {
    Depth::Last(NonZeroU32::new(count).unwrap())
}

fn try_clone(place: &Place, depth: Depth) -> (TempDir, Result<Cloned>) {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::parse("test://place", "/".as_ref()).unwrap();
    let options = CloneOptions {
        depth,
        ..CloneOptions::default()
    };
    let made = clone_from(&place.remote(), &address, folder.path(), &options, &());
    (folder, made)
}

fn cloned(place: &Place, depth: Depth) -> (TempDir, Repository) {
    let (folder, made) = try_clone(place, depth);
    (folder, made.unwrap().repository)
}

fn fetch(place: &Place, repository: &Repository, depth: Depth) {
    let options = FetchOptions {
        depth,
        ..FetchOptions::default()
    };
    place.remote().fetch(repository, &options, &()).unwrap();
}

fn push(place: &Place, repository: &Repository) -> Result<()> {
    let options = PushOptions::default();
    place.remote().push(repository, &options, &()).map(drop)
}

fn pull(place: &Place, repository: &Repository) -> Merge {
    let options = PullOptions::default();
    let pulled = place.remote().pull(repository, &options, &());
    pulled.unwrap().merge
}

/// How many commits the log has, and whether it ends where a shallow clone does.
fn log(repository: &Repository) -> (usize, bool) {
    let options = HistoryOptions {
        include: vec![repository.head().unwrap().unwrap()],
        ..HistoryOptions::default()
    };
    let entries: Vec<_> = repository
        .log(options)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let shallow = entries.iter().any(|entry| entry.shallow);
    (entries.len(), shallow)
}

fn is_elsewhere(error: &Error) -> bool {
    matches!(error, Error::Remote(RemoteError::Elsewhere { .. }))
}

/// A place with ten commits, and the repository that pushed them.
fn ten() -> (Place, TempDir, Repository) {
    let place = Place::default();
    let folder = tempfile::tempdir().unwrap();
    let here = Repository::init(folder.path()).unwrap();
    here.add_remote("origin", "test://place").unwrap();
    for number in 0..10 {
        // A few names in turns, so that DAGs of old commits are in the newest tree too.
        let values = ints(number * 100..number * 100 + 20);
        commit(&here, &format!("dag{}", number % 4), values);
        if number % 3 == 0 {
            push(&place, &here).unwrap();
        }
    }
    (place, folder, here)
}

#[test]
fn a_shallow_clone_has_the_newest_commits_whole() {
    let (place, _folder, here) = ten();
    for depth in 1..=10 {
        let (_folder, shallow) = cloned(&place, last(depth));
        assert_eq!(log(&shallow), (depth as usize, depth < 10));
        assert_eq!(names(&shallow), names(&here));
        clean(shallow.store());
        let report = fsck(shallow.store(), &mut |_| {}).unwrap();
        assert_eq!(report.shallow, u64::from(depth < 10));
        let before = count(shallow.store());
        assert_eq!(collect(shallow.store()).removed.all().objects, 0);
        assert_eq!(count(shallow.store()), before);
        assert!(before < count(here.store()) || depth >= 9);
    }
}

#[test]
fn history_can_be_brought_later() {
    let (place, _folder, here) = ten();
    let (_folder, shallow) = cloned(&place, last(1));
    let older = shallow.commit_at("HEAD~1").unwrap();
    assert_eq!(older, here.commit_at("HEAD~1").unwrap());
    let error = shallow.commit(older).unwrap_err();
    assert!(is_elsewhere(&error), "{error}");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.hint().unwrap().contains("--unshallow"));
    fetch(&place, &shallow, last(4));
    assert_eq!(log(&shallow), (4, true));
    clean(shallow.store());
    // It never gets less.
    fetch(&place, &shallow, last(2));
    assert_eq!(log(&shallow), (4, true));
    fetch(&place, &shallow, Depth::Full);
    assert_eq!(log(&shallow), (10, false));
    assert!(shallow.snapshot().unwrap().absents().unwrap().is_empty());
    clean(shallow.store());
    collect(shallow.store());
    assert_eq!(count(shallow.store()), count(here.store()));
}

#[test]
fn what_is_new_comes_and_the_history_stays_short() {
    let (place, _folder, here) = ten();
    let (_folder, shallow) = cloned(&place, last(2));
    // An old DAG comes back that the shallow clone never had.
    let dag = here.dag_at("HEAD~9:dag0").unwrap();
    let name = Name::new("again").unwrap();
    let changes = std::iter::once((name, Some(dag))).collect();
    here.commit_names(&changes, "again").unwrap();
    commit(&here, "new", ints(0..5));
    push(&place, &here).unwrap();
    let before = place.requests();
    fetch(&place, &shallow, Depth::Keep);
    let requests = place.requests() - before;
    assert!(requests < 8, "{requests}");
    let before = place.requests();
    fetch(&place, &shallow, Depth::Keep);
    assert_eq!(place.requests() - before, 1);
    let theirs = shallow.commit_at("origin/main").unwrap();
    let merged = shallow.merge(theirs, &MergeOptions::default()).unwrap();
    assert_eq!(merged, Merge::FastForward(theirs));
    assert_eq!(log(&shallow), (4, true));
    assert_eq!(names(&shallow), names(&here));
    clean(shallow.store());
}

#[test]
fn a_shallow_clone_pushes() {
    let (place, _folder, here) = ten();
    let (_folder, shallow) = cloned(&place, last(1));
    commit(&shallow, "mine", ints(0..5));
    commit(&here, "theirs", ints(5..9));
    push(&place, &shallow).unwrap();
    assert!(matches!(pull(&place, &here), Merge::Merged(_)));
    push(&place, &here).unwrap();
    assert!(place.remote().fsck(&()).unwrap().is_clean());
    assert!(matches!(pull(&place, &shallow), Merge::FastForward(_)));
    clean(shallow.store());
    // A place that lacks the base.
    let place_of_others = Place::default();
    let other = || {
        let address = Address::parse("test://other", "/".as_ref()).unwrap();
        Remote::with_transport("other", &address, Box::new(place_of_others.clone())).unwrap()
    };
    let options = PushOptions::default();
    let error = other().push(&shallow, &options, &()).unwrap_err();
    assert!(
        matches!(*error, Error::Remote(RemoteError::Shallow { .. })),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(other().refs().unwrap().is_empty());
    fetch(&place, &shallow, Depth::Full);
    other().push(&shallow, &options, &()).unwrap();
    assert!(other().fsck(&()).unwrap().is_clean());
}

#[test]
fn what_needs_all_history_says_so() {
    let (place, _folder, here) = ten();
    let (_folder, shallow) = cloned(&place, last(1));
    let options = RemoteGcOptions::default();
    let error = place.remote().gc(&shallow, &options, &()).unwrap_err();
    assert!(is_elsewhere(&error), "{error}");
    // A branch that left the history before it ends here.
    let old = here.commit_at("HEAD~5").unwrap();
    here.checkout_new("side", Some(old)).unwrap();
    commit(&here, "side", ints(0..5));
    let side = PushOptions {
        updates: vec![Update::parse(&here, "side").unwrap()],
        ..PushOptions::default()
    };
    place.remote().push(&here, &side, &()).unwrap();
    fetch(&place, &shallow, last(1));
    let theirs = shallow.commit_at("origin/side").unwrap();
    let error = shallow.merge(theirs, &MergeOptions::default()).unwrap_err();
    assert!(is_elsewhere(&error), "{error}");
    clean(shallow.store());
    fetch(&place, &shallow, Depth::Full);
    let merged = shallow.merge(theirs, &MergeOptions::default()).unwrap();
    assert!(matches!(merged, Merge::Merged(_)));
    clean(shallow.store());
}

/// History and values of a branch that was deleted and collected there do not hinder others.
#[test]
fn what_the_remote_no_longer_has_stays_away() {
    let (place, _folder, here) = ten();
    let long = |text: &str| Value::String(text.repeat(1000));
    commit(&here, "kept", [long("kept")]);
    push(&place, &here).unwrap();
    here.checkout_new("side", None).unwrap();
    for number in 0..3 {
        commit(
            &here,
            &format!("side{number}"),
            [long(&format!("s{number}"))],
        );
    }
    let update = |text: &str| PushOptions {
        updates: vec![Update::parse(&here, text).unwrap()],
        ..PushOptions::default()
    };
    place.remote().push(&here, &update("side"), &()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = Address::parse("test://place", "/".as_ref()).unwrap();
    let options = CloneOptions {
        depth: last(2),
        filter: Filter::Values { most: 1024 },
        ..CloneOptions::default()
    };
    let made = clone_from(&place.remote(), &address, folder.path(), &options, &());
    let part = made.unwrap().repository;
    place.remote().push(&here, &update(":side"), &()).unwrap();
    let options = RemoteGcOptions {
        grace: Duration::ZERO,
        ..RemoteGcOptions::default()
    };
    place.remote().gc(&here, &options, &()).unwrap();
    // Here the branch is as it was.
    let ends = |depth, filter| {
        let options = FetchOptions {
            depth,
            filter,
            ..FetchOptions::default()
        };
        place.remote().fetch(&part, &options, &()).unwrap();
        clean(part.store());
        part.snapshot().unwrap().absents().unwrap()
    };
    let commits = |left: &[(ObjectId, Absent)]| {
        let commits = left.iter().filter(|(_, one)| one.kind == Kind::Commit);
        commits.count()
    };
    let left = ends(Depth::Full, None);
    assert_eq!((log(&part), commits(&left)), ((11, false), 1));
    assert!(left.len() > 1 + 1);
    let left = ends(Depth::Keep, Some(Filter::None));
    assert_eq!(commits(&left), 1);
    let kept = part.load("kept").unwrap();
    let node = kept.result().unwrap();
    assert_eq!(kept.value(node).unwrap(), long("kept"));
    assert!(left.len() > 1, "{left:?}");
}

#[test]
fn a_shallow_clone_reads_only_what_it_needs() {
    let place = Place::default();
    let folder = tempfile::tempdir().unwrap();
    let here = Repository::init(folder.path()).unwrap();
    here.add_remote("origin", "test://place").unwrap();
    for number in 0..20 {
        let text = |n: i64| Value::String(format!("{}", number * 1000 + n).repeat(2000));
        commit(&here, "same", (0..40).map(text));
    }
    push(&place, &here).unwrap();
    let bytes: usize = place.blobs.lock().unwrap().all.values().map(Vec::len).sum();
    let before = place.requests();
    let (_folder, made) = try_clone(&place, last(1));
    let made = made.unwrap();
    let read = made.fetched.received.bytes;
    assert!(read < bytes as u64 / 10, "{read} of {bytes}");
    let requests = place.requests() - before;
    assert!(requests < 12, "{requests}");
    clean(made.repository.store());
}

#[test]
fn wrong_bytes_are_not_kept() {
    let (place, _folder, _here) = ten();
    let sound = place.blobs.lock().unwrap().all.clone();
    let packs = sound.keys().filter(|key| key.starts_with("packs/"));
    for key in packs {
        for at in (0..sound[key].len()).step_by(97) {
            place.blobs.lock().unwrap().all.get_mut(key).unwrap()[at] ^= 0x20;
            let (_folder, made) = try_clone(&place, last(3));
            match made {
                Ok(made) => clean(made.repository.store()),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}"),
            }
            place.blobs.lock().unwrap().all.clone_from(&sound);
        }
    }
}
