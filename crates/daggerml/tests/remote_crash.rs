//! `kill -9` of pushes, fetches and collections at random moments: what was acknowledged is
//! at the remote, nothing is damaged, and whoever comes next goes on.
//!
//! `DML_CRASH_ROUNDS` sets how many rounds there are (12), `DML_CRASH_SEED` where the random
//! numbers start.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "helpers of tests fail by panicking; small numbers"
)]

mod support;

use std::io::Write;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use daggerml::history::Favor;
use daggerml::maintenance::gc::{Options, gc};
use daggerml::record::Kind;
use daggerml::store::ReadObjects;
use daggerml::transfer::remote::{
    CloneOptions, Depth, FetchOptions, Filter, PullOptions, PushOptions, Remote, RemoteGcOptions,
    clone,
};
use daggerml::transfer::transport::Address;
use daggerml::value::Value;
use daggerml::{ErrorKind, Repository, Result};
use support::{Random, child, clean, commit};

/// A new remote is begun every so many rounds: the workers make it grow without end.
const EPOCH: usize = 12;

/// Two push, one collects garbage, one fetches and collects its own garbage: it began with the
/// newest commit, without large values.
const ROLES: usize = 4;

fn remote(root: &Path) -> Address {
    let place = root.join("remote");
    Address::parse(place.to_str().unwrap(), root).unwrap()
}

/// What others did meanwhile is no failure.
fn bear<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(done) => Some(done),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
            None
        }
    }
}

/// Works until it is killed.
#[test]
fn worker() {
    let Ok(task) = std::env::var("DML_TEST_REMOTE") else {
        return;
    };
    let mut words = task.splitn(3, ' ');
    let role: usize = words.next().unwrap().parse().unwrap();
    let seed: u64 = words.next().unwrap().parse().unwrap();
    let root = Path::new(words.next().unwrap());
    let repository = Repository::open(&root.join(format!("repository-{role}"))).unwrap();
    let origin = Remote::open(&repository, "origin").unwrap();
    let mut random = Random::new(seed);
    let pull = PullOptions {
        favor: Favor::Theirs,
        ..PullOptions::default()
    };
    let mut acknowledged = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(root.join(format!("acknowledged-{role}")))
        .unwrap();
    loop {
        match role {
            0 | 1 => {
                let from = random.below(1000);
                let count = if random.below(8) == 0 { 4_000 } else { 50 };
                let values = (from..from + 1 + random.below(count))
                    .map(|number| Value::from(number.cast_signed()))
                    .chain([Value::String(format!("{from:04}").repeat(1000))]);
                commit(&repository, &format!("dag{}", random.below(5)), values);
                bear(origin.pull(&repository, &pull, &()));
                if bear(origin.push(&repository, &PushOptions::default(), &())).is_some() {
                    let head = repository.head().unwrap().unwrap();
                    acknowledged
                        .write_all(format!("{head}\n").as_bytes())
                        .unwrap();
                }
            }
            2 => {
                let options = RemoteGcOptions {
                    grace: Duration::ZERO,
                    ..RemoteGcOptions::default()
                };
                bear(origin.gc(&repository, &options, &()));
            }
            _ => {
                let depth = match u32::try_from(random.below(100)).unwrap() {
                    0 => Depth::Full,
                    1..50 => Depth::Keep,
                    count => NonZeroU32::new(count - 48).map_or(Depth::Keep, Depth::Last),
                };
                let options = FetchOptions {
                    depth,
                    ..FetchOptions::default()
                };
                bear(origin.fetch(&repository, &options, &()));
                let snapshot = repository.snapshot().unwrap();
                let mut left = snapshot.absents().unwrap();
                left.retain(|(_, absent)| absent.kind == Kind::Datum);
                if let Some((id, _)) = left.first()
                    && let Err(error) = snapshot.object(*id, Kind::Datum)
                {
                    // It was moved while it was looked for.
                    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                }
                drop(snapshot);
                bear(gc(repository.store(), Options::default(), &mut |_| {}));
            }
        }
    }
}

fn spawn(role: usize, seed: u64, root: &Path) -> Child {
    let task = format!("{role} {seed} {}", root.display());
    child("worker", "DML_TEST_REMOTE", &task)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn check(root: &Path) -> usize {
    let mut acknowledged = Vec::new();
    for role in 0..2 {
        let told = std::fs::read_to_string(root.join(format!("acknowledged-{role}")));
        acknowledged.extend(told.unwrap_or_default().lines().map(str::to_owned));
    }
    let folder = tempfile::tempdir().unwrap();
    let made = clone(&remote(root), folder.path(), &CloneOptions::default(), &()).unwrap();
    let repository = made.repository;
    clean(repository.store());
    let now = repository.head().unwrap().unwrap();
    for line in &acknowledged {
        // The line of one that was killed may be cut off.
        if let Ok(commit) = line.parse() {
            assert!(
                repository.is_ancestor(commit, now).unwrap(),
                "{commit} is lost"
            );
        }
    }
    acknowledged.len()
}

/// Kills workers at a new remote for some rounds. Returns how many pushes were acknowledged.
fn epoch(first: u64, rounds: u64, random: &mut Random) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let owner = Repository::init(&root.join("repository-0")).unwrap();
    owner.add_remote("origin", remote(root).as_str()).unwrap();
    commit(&owner, "first", [Value::Null]);
    let origin = Remote::open(&owner, "origin").unwrap();
    origin.push(&owner, &PushOptions::default(), &()).unwrap();
    drop(owner);
    for role in 1..ROLES {
        let place = root.join(format!("repository-{role}"));
        let mut options = CloneOptions::default();
        if role == 3 {
            options.depth = Depth::Last(NonZeroU32::MIN);
            options.filter = Filter::Values { most: 1024 };
        }
        clone(&remote(root), &place, &options, &()).unwrap();
    }
    let mut seed = first * 1000;
    let mut next = |role| {
        seed += 1;
        spawn(role, seed, root)
    };
    let mut workers: Vec<Child> = (0..ROLES).map(&mut next).collect();
    for round in first..first + rounds {
        std::thread::sleep(Duration::from_micros(random.below(250_000)));
        let at = random.below(ROLES as u64) as usize;
        let ended = workers[at].try_wait().unwrap();
        assert!(
            ended.is_none(),
            "round {round}: worker {at} ended by itself"
        );
        workers[at].kill().unwrap();
        workers[at].wait().unwrap();
        let place = Repository::open(&root.join(format!("repository-{at}"))).unwrap();
        clean(place.store());
        drop(place);
        workers[at] = next(at);
        if round % 4 == 3 {
            check(root);
        }
    }
    for worker in &mut workers {
        assert!(worker.try_wait().unwrap().is_none());
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    let pushes = check(root);
    let report = Remote::at("origin", &remote(root))
        .unwrap()
        .fsck(&())
        .unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    pushes
}

#[test]
fn killed_pushes_fetches_and_collections_lose_nothing() {
    let number =
        |name, default| std::env::var(name).map_or(default, |text| text.parse::<u64>().unwrap());
    let rounds = number("DML_CRASH_ROUNDS", 12);
    let mut random = Random::new(number("DML_CRASH_SEED", 1));
    let mut pushes = 0;
    for first in (0..rounds).step_by(EPOCH) {
        let epoch = epoch(first, (rounds - first).min(EPOCH as u64), &mut random);
        pushes += epoch;
        eprintln!(
            "{} rounds, {pushes} pushes",
            rounds.min(first + EPOCH as u64)
        );
    }
}
