//! Remotes: push, fetch, pull and clone, and how many requests they take.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "helpers of tests fail by panicking"
)]

mod support;

use std::time::Duration;

use daggerml::error::{RejectedReason, RemoteError};
use daggerml::history::Merge;
use daggerml::transfer::remote::{
    ChangeKind, CloneOptions, FetchOptions, Filter, Force, Listener, PullOptions, PushOptions,
    Remote, RemoteGcOptions, RemoteGcReport, Update, checked_setting, clone, clone_from,
};
use daggerml::transfer::transport::Address;
use daggerml::value::Value;
use daggerml::{Error, Repository};
use support::remote::{Place, names};
use support::{clean, collect, commit, count, ints};
use tempfile::TempDir;

fn address() -> Address {
    Address::parse("test://place", "/".as_ref()).unwrap()
}

fn fresh() -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    repository.add_remote("origin", "test://place").unwrap();
    (folder, repository)
}

fn cloned(place: &Place) -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let options = CloneOptions::default();
    let made = clone_from(&place.remote(), &address(), folder.path(), &options, &()).unwrap();
    (folder, made.repository)
}

fn push(place: &Place, repository: &Repository) -> daggerml::Result<Vec<ChangeKind>> {
    push_with(place, repository, &PushOptions::default())
}

fn push_with(
    place: &Place,
    repository: &Repository,
    options: &PushOptions,
) -> daggerml::Result<Vec<ChangeKind>> {
    let report = place.remote().push(repository, options, &())?;
    Ok(report
        .changes
        .into_iter()
        .map(|change| change.kind)
        .collect())
}

fn fetch(place: &Place, repository: &Repository) -> Vec<(String, ChangeKind)> {
    let report = place
        .remote()
        .fetch(repository, &FetchOptions::default(), &());
    let changes = report.unwrap().changes.into_iter();
    changes.map(|change| (change.name, change.kind)).collect()
}

fn pull(place: &Place, repository: &Repository) -> Merge {
    let pulled = place
        .remote()
        .pull(repository, &PullOptions::default(), &());
    pulled.unwrap().merge
}

fn update(repository: &Repository, text: &str) -> PushOptions {
    PushOptions {
        updates: vec![Update::parse(repository, text).unwrap()],
        ..PushOptions::default()
    }
}

fn reason(error: &Error) -> RejectedReason {
    match error {
        Error::Remote(RemoteError::Rejected { refs, .. }) => refs[0].reason,
        other => panic!("{other}"),
    }
}

#[test]
fn two_people_meet_at_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("shared/team");
    let here = Repository::init(&folder.path().join("a")).unwrap();
    here.add_remote("origin", place.to_str().unwrap()).unwrap();
    let origin = Remote::open(&here, "origin").unwrap();
    let nothing = origin
        .fetch(&here, &FetchOptions::default(), &())
        .unwrap_err();
    assert!(matches!(
        *nothing,
        Error::Remote(RemoteError::NotARemote { .. })
    ));
    commit(&here, "one", ints(0..50));
    let options = PushOptions {
        set_upstream: true,
        ..PushOptions::default()
    };
    let report = origin.push(&here, &options, &()).unwrap();
    assert_eq!(report.changes[0].kind, ChangeKind::Created);
    assert_eq!(
        here.upstream("main").unwrap().unwrap().name(),
        "origin/main"
    );

    let address = Address::parse(place.to_str().unwrap(), "/".as_ref()).unwrap();
    let root = folder.path().join("b");
    let other = clone(&address, &root, &CloneOptions::default(), &()).unwrap();
    assert_eq!(
        (other.branch.as_str(), other.fetched.received.packs),
        ("main", 1)
    );
    let other = other.repository;
    assert_eq!(names(&here), names(&other));
    clean(other.store());
    assert_eq!(
        here.commit_at("origin/main").unwrap(),
        other.head().unwrap().unwrap()
    );

    commit(&other, "two", ints(0..60));
    let its_origin = Remote::open(&other, "origin").unwrap();
    its_origin
        .push(&other, &PushOptions::default(), &())
        .unwrap();
    let pulled = origin.pull(&here, &PullOptions::default(), &()).unwrap();
    assert!(matches!(pulled.merge, Merge::FastForward(_)));
    assert_eq!(names(&here), names(&other));
    let upstream = here.upstream("main").unwrap().unwrap();
    commit(&here, "three", ints(0..2));
    let head = here.head().unwrap().unwrap();
    assert_eq!(
        here.ahead_behind(head, upstream.commit.unwrap()).unwrap(),
        (1, 0)
    );
}

#[test]
fn lines_that_grew_apart_are_joined_before_a_push() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..5));
    push(&place, &here).unwrap();
    let (_b, other) = cloned(&place);
    commit(&here, "two", ints(0..6));
    commit(&other, "three", ints(0..7));
    assert_eq!(push(&place, &here).unwrap(), [ChangeKind::FastForward]);
    let before = place.blobs.lock().unwrap().all.len();
    assert_eq!(
        reason(&push(&place, &other).unwrap_err()),
        RejectedReason::Behind
    );
    assert_eq!(
        place.blobs.lock().unwrap().all.len(),
        before,
        "nothing is sent in vain"
    );
    assert!(matches!(pull(&place, &other), Merge::Merged(_)));
    assert_eq!(push(&place, &other).unwrap(), [ChangeKind::FastForward]);
    assert!(matches!(pull(&place, &here), Merge::FastForward(_)));
    assert_eq!(names(&here), names(&other));
    assert_eq!(push(&place, &here).unwrap(), [ChangeKind::Unchanged]);
    clean(here.store());
    clean(other.store());
}

#[test]
fn what_is_forced_is_told_and_a_lease_protects_what_was_not_seen() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..5));
    push(&place, &here).unwrap();
    let (_b, other) = cloned(&place);
    commit(&other, "two", ints(0..6));
    push(&place, &other).unwrap();
    // Here the branch is made anew, without the history.
    commit(&here, "mine", ints(0..9));
    let forced = |force| PushOptions {
        force,
        ..PushOptions::default()
    };
    let lease = forced(Force::WithLease);
    let refused = push_with(&place, &here, &lease).unwrap_err();
    assert_eq!(reason(&refused), RejectedReason::Moved);
    fetch(&place, &here);
    assert_eq!(
        push_with(&place, &here, &lease).unwrap(),
        [ChangeKind::Forced]
    );
    let moved = fetch(&place, &other);
    assert_eq!(
        moved,
        [("remotes/origin/main".to_owned(), ChangeKind::Forced)]
    );
    assert_eq!(
        push_with(&place, &other, &forced(Force::Yes)).unwrap(),
        [ChangeKind::Forced]
    );
}

#[test]
fn branches_and_tags_move_together_or_not_at_all() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..5));
    let head = here.head().unwrap().unwrap();
    here.create_branch("topic/a", head).unwrap();
    here.create_tag("v1", head).unwrap();
    let all = PushOptions {
        all: true,
        tags: true,
        ..PushOptions::default()
    };
    let created = [ChangeKind::Created; 3];
    let dry = PushOptions {
        dry_run: true,
        ..all.clone()
    };
    assert_eq!(push_with(&place, &here, &dry).unwrap(), created);
    assert!(place.blobs.lock().unwrap().all.is_empty());
    assert_eq!(push_with(&place, &here, &all).unwrap(), created);
    let (_b, other) = cloned(&place);
    assert_eq!(other.tags().unwrap().len(), 1);
    assert_eq!(other.remote_branches().unwrap().len(), 2);

    commit(&other, "two", ints(0..6));
    other.delete_tag("v1").unwrap();
    other
        .create_tag("v1", other.head().unwrap().unwrap())
        .unwrap();
    let both = PushOptions {
        updates: ["main", "v1"]
            .map(|text| Update::parse(&other, text).unwrap())
            .into(),
        ..PushOptions::default()
    };
    assert_eq!(both.updates[1].name, "tags/v1");
    let as_git = Update::parse(&other, "refs/heads/main:refs/heads/x").unwrap();
    assert_eq!(as_git.name, "heads/x");
    assert!(other.resolve("refs/heads/main").is_ok());
    let refused = push_with(&place, &other, &both).unwrap_err();
    assert_eq!(reason(&refused), RejectedReason::TagExists);
    assert_eq!(fetch(&place, &here), [], "the branch did not move either");

    assert_eq!(
        push_with(&place, &other, &update(&other, ":topic/a")).unwrap(),
        [ChangeKind::Deleted]
    );
    assert_eq!(
        push_with(&place, &other, &update(&other, "+v1")).unwrap(),
        [ChangeKind::Forced]
    );
    let prune = FetchOptions {
        prune: true,
        ..FetchOptions::default()
    };
    let report = place.remote().fetch(&here, &prune, &()).unwrap();
    let kinds: Vec<_> = report.changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Kept, ChangeKind::Deleted]);
    assert_eq!(
        here.commit_at("@v1").unwrap(),
        head,
        "a tag here is left as it is"
    );
}

#[test]
fn requests_grow_with_megabytes_and_a_small_push_takes_three() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..10));
    push(&place, &here).unwrap();
    for number in 0..20 {
        commit(&here, &format!("n{number}"), ints(0..3));
    }
    push(&place, &here).unwrap();
    commit(&here, "last", ints(0..4));
    let before = place.requests();
    push(&place, &here).unwrap();
    assert_eq!(place.requests() - before, 3, "manifest, pack, swap");
    let before = place.requests();
    fetch(&place, &here);
    assert_eq!(place.requests() - before, 1, "nothing new");
    let (_b, other) = cloned(&place);
    commit(&here, "more", ints(0..4));
    push(&place, &here).unwrap();
    let before = place.requests();
    assert_eq!(fetch(&place, &other).len(), 1);
    assert_eq!(place.requests() - before, 2, "manifest, pack");
}

#[test]
fn the_nodes_that_a_dag_had_before_are_not_sent_again() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..5000));
    push(&place, &here).unwrap();
    commit(&here, "one", ints(0..5001));
    let report = place
        .remote()
        .push(&here, &PushOptions::default(), &())
        .unwrap();
    // A commit, a tree, a DAG, a node and its datum.
    assert_eq!(report.sent.objects, 5);
    let (_b, other) = cloned(&place);
    assert_eq!(count(other.store()), count(here.store()));
    clean(other.store());
}

#[test]
fn many_packs_are_sent_and_taken_in_and_kept() {
    let place = Place::default();
    let (_a, here) = fresh();
    let big = |n: u8| Value::Bytes(vec![n; 700_000 + usize::from(n)]);
    commit(&here, "big", (0..40).map(big));
    let report = place
        .remote()
        .push(&here, &PushOptions::default(), &())
        .unwrap();
    assert!(report.sent.packs >= 3, "{:?}", report.sent);
    let (_b, other) = cloned(&place);
    collect(other.store());
    clean(other.store());
    assert_eq!(count(other.store()), count(here.store()));
    assert_eq!(names(&here), names(&other));
}

#[test]
fn a_large_value_is_a_pack_and_read_in_parts() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "small", ints(0..3));
    let large = Value::Bytes((0..20_000_000_u32).map(|n| n as u8).collect());
    commit(&here, "large", [large]);
    let report = place
        .remote()
        .push(&here, &PushOptions::default(), &())
        .unwrap();
    // What comes before it, it, and what comes after.
    assert_eq!(report.sent.packs, 3);
    let before = place.requests();
    let (_b, other) = cloned(&place);
    let (manifests, small, parts) = (2, 2, 3);
    assert_eq!(place.requests() - before, manifests + small + parts);
    clean(other.store());
    assert_eq!(names(&here), names(&other));

    // Each part counts.
    let key = {
        let blobs = place.blobs.lock().unwrap();
        let mut packs = blobs.all.iter();
        packs
            .find(|(_, bytes)| bytes.len() > 20_000_000)
            .unwrap()
            .0
            .clone()
    };
    for (at, wrong) in [(9_000_000, true), (19_000_000, true), (19_000_000, false)] {
        let mut place = place.clone();
        let mut blobs = place.blobs.lock().unwrap().all.clone();
        let pack = blobs.get_mut(&key).unwrap();
        if wrong {
            pack[at] ^= 1;
        } else {
            pack.truncate(at);
        }
        place.blobs = std::sync::Arc::default();
        place.blobs.lock().unwrap().all = blobs;
        let folder = tempfile::tempdir().unwrap();
        let options = CloneOptions::default();
        let made = clone_from(&place.remote(), &address(), folder.path(), &options, &());
        let error = made.map(drop).unwrap_err();
        assert!(
            matches!(&*error, Error::Remote(RemoteError::Damaged { .. })),
            "{error}"
        );
    }
}

#[test]
fn settings_of_remotes_are_read_as_when_one_is_added() {
    let kept = |key: &str, value: &str| checked_setting(key, value);
    let url = kept("remote.origin.url", "somewhere").unwrap();
    assert!(std::path::Path::new(&url).is_absolute(), "{url}");
    let same = "s3://bucket/team";
    assert_eq!(kept("remote.origin.url", same).unwrap(), same);
    let filter = kept("remote.origin.filter", "values:1k").unwrap();
    assert_eq!(filter, "values:1024");
    for (key, value) in [
        ("remote.origin.url", "https://me:secret@host/x"),
        ("remote.or igin.url", same),
        ("remote.origin.filter", "tree:0"),
    ] {
        let error = kept(key, value).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(kept("user.name", "Ada").unwrap(), "Ada");
    assert_eq!(kept("remote.origin.calls", "read").unwrap(), "read");
}

#[test]
fn what_was_removed_here_is_taken_in_again() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..50));
    push(&place, &here).unwrap();
    let head = here.head().unwrap().unwrap();
    here.checkout_new("empty", None).unwrap();
    here.delete_branch("main", true).unwrap();
    here.remove_remote("origin").unwrap();
    here.add_remote("origin", "test://place").unwrap();
    collect(here.store());
    assert_eq!(count(here.store()), 0);
    assert_eq!(fetch(&place, &here).len(), 1);
    assert_eq!(here.commit_at("origin/main").unwrap(), head);
    clean(here.store());
}

#[test]
fn a_place_that_holds_other_things_is_no_remote() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.tex"), b"x").unwrap();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..5));
    let address = Address::parse(folder.path().to_str().unwrap(), "/".as_ref()).unwrap();
    let remote = Remote::at("origin", &address).unwrap();
    let error = remote
        .push(&here, &PushOptions::default(), &())
        .unwrap_err();
    assert!(
        matches!(*error, Error::Remote(RemoteError::NotARemote { .. })),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_clone_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("new");
    let empty = Address::parse(folder.path().join("none").to_str().unwrap(), "/".as_ref());
    assert!(clone(&empty.unwrap(), &root, &CloneOptions::default(), &()).is_err());
    assert!(!root.exists());
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..5));
    push(&place, &here).unwrap();
    let pack = |blobs: &std::collections::BTreeMap<String, Vec<u8>>| {
        blobs
            .keys()
            .find(|key| key.starts_with("packs/"))
            .unwrap()
            .clone()
    };
    let mut blobs = place.blobs.lock().unwrap();
    let key = pack(&blobs.all);
    blobs.all.get_mut(&key).unwrap()[40] ^= 1;
    drop(blobs);
    let options = CloneOptions::default();
    let error = clone_from(&place.remote(), &address(), &root, &options, &())
        .err()
        .unwrap();
    assert!(
        matches!(*error, Error::Remote(RemoteError::Damaged { .. })),
        "{error}"
    );
    assert!(!root.exists());
}

/// Stops an operation at the step of this number.
struct Stop(std::sync::atomic::AtomicI64);

impl Listener for Stop {
    fn interrupted(&self) -> bool {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) <= 0
    }
}

#[test]
fn a_clone_that_was_killed_goes_on() {
    let place = Place::default();
    let (_a, here) = fresh();
    for name in ["one", "two", "three"] {
        commit(&here, name, [Value::from(name.repeat(2000))]);
        push(&place, &here).unwrap();
    }
    let clone_to = |root: &std::path::Path| {
        clone_from(
            &place.remote(),
            &address(),
            root,
            &CloneOptions::default(),
            &(),
        )
    };
    let filtered = Some(Filter::Values { most: 1024 });
    for filter in [None, filtered] {
        for step in 0..6 {
            // What is there when the process of a clone is killed.
            let (folder, begun) = fresh();
            let options = FetchOptions {
                filter,
                ..FetchOptions::default()
            };
            let stop = Stop(std::sync::atomic::AtomicI64::new(step));
            let _ = place.remote().fetch(&begun, &options, &stop);
            drop(begun);
            let made = clone_to(folder.path()).unwrap();
            assert_eq!(made.repository.head().unwrap(), here.head().unwrap());
            assert_eq!(made.branch, "main");
            assert_eq!(count(made.repository.store()), count(here.store()));
            clean(made.repository.store());
            // It is whole now, so it is not cloned into once more.
            let error = clone_to(folder.path()).err().unwrap();
            assert!(matches!(*error, Error::Exists { .. }), "{error}");
        }
    }
    // One of another remote, or with a draft of somebody, is not touched.
    let (folder, other) = fresh();
    other.set_remote_url("origin", "test://elsewhere").unwrap();
    assert!(clone_to(folder.path()).is_err());
    let (folder, other) = fresh();
    let mut draft = other.new_dag("mine", "m").unwrap();
    draft.freeze("to be continued").unwrap();
    assert!(clone_to(folder.path()).is_err());
    assert_eq!(other.drafts().unwrap().len(), 1);
}

#[test]
fn remotes_are_settings_and_upstreams_follow_their_branches() {
    let (_a, here) = fresh();
    assert!(matches!(
        here.add_remote("origin", "x").map_err(|error| *error),
        Err(Error::Exists { .. })
    ));
    assert!(here.add_remote("a.b", "x").is_err());
    assert!(here.add_remote("a", "https://me:secret@host/x").is_err());
    here.add_remote("disk", "/srv/x").unwrap();
    here.set_remote_url("disk", "/srv/y").unwrap();
    assert_eq!(here.remotes().unwrap().len(), 2);
    assert!(
        matches!(here.remote("orign").map_err(|error| *error), Err(Error::NotFoundNear { similar, .. }) if similar == ["origin"])
    );
    commit(&here, "one", ints(0..2));
    here.set_upstream("main", "disk", "trunk").unwrap();
    here.rename_branch("main", "other").unwrap();
    assert_eq!(here.upstream("main").unwrap(), None);
    assert_eq!(
        here.upstream("other").unwrap().unwrap().name(),
        "disk/trunk"
    );
    here.remove_remote("disk").unwrap();
    assert_eq!(here.upstream("other").unwrap(), None);
}

fn remote_gc(place: &Place, repository: &Repository, grace: u64) -> RemoteGcReport {
    let options = RemoteGcOptions {
        grace: Duration::from_secs(grace),
        ..RemoteGcOptions::default()
    };
    place.remote().gc(repository, &options, &()).unwrap()
}

fn sound(place: &Place) {
    let report = place.remote().fsck(&()).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

#[test]
fn garbage_collection_keeps_what_refs_reach_and_nothing_else() {
    let place = Place::default();
    let (_a, here) = fresh();
    for number in 0..30 {
        commit(&here, &format!("n{number}"), ints(number..number + 4));
        push(&place, &here).unwrap();
    }
    let main = here.head().unwrap();
    let root = here.commit_at("main~25").unwrap();
    here.create_branch("old", root).unwrap();
    here.checkout("old").unwrap();
    commit(&here, "big", ints(1000..9000));
    push(&place, &here).unwrap();
    let (_b, other) = cloned(&place);
    here.checkout("main").unwrap();
    push_with(&place, &here, &update(&here, ":old")).unwrap();
    let bytes = |place: &Place| -> usize {
        let blobs = place.blobs.lock().unwrap();
        blobs.all.values().map(Vec::len).sum()
    };
    let before = bytes(&place);
    let dry = RemoteGcOptions {
        dry_run: true,
        grace: Duration::ZERO,
        ..RemoteGcOptions::default()
    };
    let told = place.remote().gc(&here, &dry, &()).unwrap();
    assert!(told.dropped == 1 && bytes(&place) == before, "{told:?}");

    let young = remote_gc(&place, &here, 100);
    assert!(young.deleted == 0 && young.waiting > 0, "{young:?}");
    assert_eq!(young.packs, 1, "many small packs are one");
    sound(&place);
    place.blobs.lock().unwrap().clock += 200;
    let old = remote_gc(&place, &here, 100);
    assert!(old.deleted > 30 && old.waiting == 0, "{old:?}");
    assert!(bytes(&place) < before / 10);
    assert_eq!(remote_gc(&place, &here, 0).deleted, 0);
    sound(&place);

    // Whoever has all of it takes nothing in again; who clones gets it all.
    let report = place.remote().fetch(&other, &FetchOptions::default(), &());
    assert_eq!(report.unwrap().received.packs, 0);
    let (_c, new) = cloned(&place);
    assert_eq!(new.head().unwrap(), main);
    clean(new.store());
    commit(&other, "after", ints(0..3));
    push_with(&place, &other, &update(&other, "HEAD:later")).unwrap();
    assert_eq!(fetch(&place, &here).len(), 1);
    clean(here.store());
}

#[test]
fn a_push_that_relies_on_what_is_collected_begins_again() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..50));
    push(&place, &here).unwrap();
    let (_b, other) = cloned(&place);
    commit(&here, "two", ints(0..60));
    // Just before its swap, the branch that it relies on is deleted and collected.
    let remote = place.before_swap(move |place| {
        push_with(place, &other, &update(&other, ":main")).unwrap();
        remote_gc(place, &other, 0);
    });
    remote.push(&here, &PushOptions::default(), &()).unwrap();
    sound(&place);
    let (_c, new) = cloned(&place);
    assert_eq!(names(&new), names(&here));
}

#[test]
fn lists_of_packs_are_read_once() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..3));
    push(&place, &here).unwrap();
    let (_b, other) = cloned(&place);
    for number in 0..300 {
        commit(&here, &format!("n{}", number % 7), ints(number..number + 2));
        let before = place.requests();
        push(&place, &here).unwrap();
        assert!(place.requests() - before <= 4);
    }
    assert!(
        place
            .blobs
            .lock()
            .unwrap()
            .all
            .keys()
            .any(|key| key.starts_with("lists/"))
    );
    fetch(&place, &other);
    clean(other.store());
    commit(&here, "last", ints(0..3));
    let before = place.requests();
    push(&place, &here).unwrap();
    assert_eq!(place.requests() - before, 3);
    let before = place.requests();
    fetch(&place, &other);
    assert_eq!(place.requests() - before, 2, "the list is known");
    sound(&place);
    remote_gc(&place, &here, 0);
    sound(&place);
    let (_c, new) = cloned(&place);
    assert_eq!(names(&new), names(&here));
}

#[test]
fn a_remote_that_lost_its_refs_is_not_collected() {
    let place = Place::default();
    let (_a, here) = fresh();
    commit(&here, "one", ints(0..3));
    push(&place, &here).unwrap();
    let refs = place.blobs.lock().unwrap().all.remove("refs").unwrap();
    let before = place.blobs.lock().unwrap().all.clone();
    place.blobs.lock().unwrap().clock += 1_000_000;

    // Whoever was never there does not know that there were any.
    let (_b, stranger) = fresh();
    let options = RemoteGcOptions {
        grace: Duration::ZERO,
        ..RemoteGcOptions::default()
    };
    let error = place
        .remote()
        .gc(&stranger, &options, &())
        .map_err(|error| *error);
    let Err(Error::Remote(RemoteError::Damaged { key, .. })) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(key, "refs");
    let hint = error.unwrap_err().hint().unwrap();
    assert!(hint.contains("push all branches and tags again"), "{hint}");
    let report = place.remote().fsck(&()).unwrap();
    assert_eq!(report.findings[0].0, "refs", "{:?}", report.findings);
    assert_eq!(place.blobs.lock().unwrap().all, before);

    // A push from where it has not been makes it whole; so does the lost file.
    let (_c, other) = fresh();
    commit(&other, "other", ints(3..5));
    push(&place, &other).unwrap();
    sound(&place);
    place
        .blobs
        .lock()
        .unwrap()
        .all
        .insert("refs".to_owned(), refs);
    sound(&place);
    assert_eq!(cloned(&place).1.head().unwrap(), here.head().unwrap());
}
