//! Five repositories push, pull, fetch, clone and collect garbage through a place whose
//! requests fail, come late and are done twice; compared with what was acknowledged. Some of
//! them are shallow, and some leave large values there.
//!
//! `DML_REMOTE_STEPS` sets how many steps there are (500), `DML_REMOTE_SEED` where the random
//! numbers start.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking; small numbers"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use daggerml::error::RemoteError;
use daggerml::history::Favor;
use daggerml::id::CommitId;
use daggerml::transfer::remote::{
    ChangeKind, CloneOptions, Depth, FetchOptions, Filter, PullOptions, PushOptions, RefChange,
    RemoteGcOptions, Update, clone_from,
};
use daggerml::transfer::transport::Address;
use daggerml::value::Value;
use daggerml::{Error, Repository};
use support::remote::Place;
use support::{Random, clean, collect, commit, count};
use tempfile::TempDir;

/// How many steps one place lives.
const EPOCH: u64 = 125;

struct World {
    place: Place,
    people: Vec<(TempDir, Repository)>,
    /// Where each ref is, and every commit that it was acknowledged to be at since it was made.
    refs: BTreeMap<String, CommitId>,
    acknowledged: BTreeMap<String, BTreeSet<CommitId>>,
    random: Random,
    done: BTreeMap<&'static str, u64>,
}

fn address() -> Address {
    Address::parse("test://place", "/".as_ref()).unwrap()
}

fn is_shallow(error: &Error) -> bool {
    matches!(error, Error::Remote(RemoteError::Elsewhere { .. }))
}

fn is_expected(error: &Error) -> bool {
    matches!(
        *error,
        Error::Remote(
            RemoteError::Unavailable { .. }
                | RemoteError::Rejected { .. }
                | RemoteError::Busy { .. }
                | RemoteError::Shallow { .. }
                | RemoteError::Elsewhere { .. }
        ) | Error::Conflict { .. }
            | Error::NotFound { .. }
            | Error::NotFoundNear { .. }
    )
}

impl World {
    fn new(seed: u64) -> Self {
        let place = Place::default();
        let mut random = Random::new(seed);
        let people: Vec<_> = (0..5)
            .map(|_| {
                let folder = tempfile::tempdir().unwrap();
                let repository = Repository::init(folder.path()).unwrap();
                repository.add_remote("origin", "test://place").unwrap();
                (folder, repository)
            })
            .collect();
        let mut world = Self {
            place,
            people,
            refs: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            random: Random::new(random.next()),
            done: BTreeMap::new(),
        };
        world.write(0);
        let first = world.people[0].1.clone();
        let changes = world
            .place
            .remote()
            .push(&first, &PushOptions::default(), &());
        world.note(&changes.unwrap().changes);
        for at in 1..world.people.len() {
            world.people[at] = world.cloned(Depth::Keep, Filter::None);
        }
        world
    }

    /// Some number of commits, or all.
    fn depth(&mut self) -> Depth {
        let count = u32::try_from(self.random.below(8)).unwrap();
        NonZeroU32::new(count).map_or(Depth::Keep, Depth::Last)
    }

    fn filter(&mut self) -> Filter {
        match self.random.below(2) {
            0 => Filter::None,
            _ => Filter::Values { most: 1024 },
        }
    }

    fn cloned(&self, depth: Depth, filter: Filter) -> (TempDir, Repository) {
        let folder = tempfile::tempdir().unwrap();
        let options = CloneOptions {
            depth,
            filter,
            ..CloneOptions::default()
        };
        let made = clone_from(
            &self.place.remote(),
            &address(),
            folder.path(),
            &options,
            &(),
        );
        (folder, made.unwrap().repository)
    }

    fn write(&mut self, who: usize) {
        let name = format!("dag{}", self.random.below(6));
        let count = 1 + self.random.below(30);
        let from = self.random.below(100);
        let mut values: Vec<_> = (from..from + count)
            .map(|n| Value::from(n.cast_signed()))
            .collect();
        if self.random.below(3) == 0 {
            values.push(Value::String(format!("{from:04}").repeat(500)));
        }
        commit(&self.people[who].1, &name, values);
    }

    fn note(&mut self, changes: &[RefChange]) {
        for change in changes {
            let all = self.acknowledged.entry(change.name.clone()).or_default();
            if change.kind == ChangeKind::Deleted {
                all.clear();
            }
            match change.after {
                Some(commit) => {
                    all.insert(commit);
                    self.refs.insert(change.name.clone(), commit);
                }
                None => {
                    self.refs.remove(&change.name);
                }
            }
        }
    }

    fn at_remote(&self) -> BTreeMap<String, CommitId> {
        let refs = self.place.remote().refs().unwrap();
        refs.into_iter()
            .map(|info| (info.full_name, info.commit))
            .collect()
    }

    /// Compares the refs with the model. After a failure, what was asked for may have been done.
    fn compare(&mut self, asked: &[(String, Option<CommitId>)]) {
        let found = self.at_remote();
        for (name, to) in asked {
            let found = found.get(name).copied();
            if found != self.refs.get(name).copied() {
                assert_eq!(found, *to, "{name}: neither as before nor as asked for");
                self.note(&[RefChange {
                    name: name.clone(),
                    before: None,
                    after: *to,
                    kind: if to.is_some() {
                        ChangeKind::FastForward
                    } else {
                        ChangeKind::Deleted
                    },
                }]);
            }
        }
        assert_eq!(found, self.refs);
    }

    fn push(&mut self, who: usize) {
        let repository = self.people[who].1.clone();
        let text = match self.random.below(8) {
            0 => format!("main:topic{}", self.random.below(3)),
            1 => format!(":topic{}", self.random.below(3)),
            2 => format!("HEAD:tags/t{}", self.random.below(40)),
            _ => "main".to_owned(),
        };
        let options = PushOptions {
            updates: vec![Update::parse(&repository, &text).unwrap()],
            ..PushOptions::default()
        };
        let to = (!text.starts_with(':')).then(|| repository.head().unwrap().unwrap());
        let asked = [(options.updates[0].name.clone(), to)];
        let remote = self.place.faulty(self.random.next()).remote();
        match remote.push(&repository, &options, &()) {
            Ok(report) => {
                self.note(&report.changes);
                self.compare(&[]);
            }
            Err(error) => {
                assert!(is_expected(&error), "{error:?}");
                self.compare(&asked);
            }
        }
    }

    /// Two push different commits to one branch at once.
    fn race(&mut self) {
        let people = [0, 1].map(|who| self.people[who].1.clone());
        for (who, repository) in people.iter().enumerate() {
            let remote = self.place.remote();
            let options = PullOptions {
                favor: Favor::Theirs,
                ..PullOptions::default()
            };
            if let Err(error) = remote.pull(repository, &options, &()) {
                // Its history ends before it meets that of the place.
                assert!(is_shallow(&error), "{error:?}");
                self.people[who] = self.cloned(Depth::Keep, Filter::None);
                return;
            }
            self.write(who);
        }
        let results: Vec<_> = std::thread::scope(|scope| {
            let each = people.each_ref().map(|repository| {
                let remote = self.place.remote();
                scope.spawn(move || remote.push(repository, &PushOptions::default(), &()))
            });
            each.map(|each| each.join().unwrap()).into()
        });
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(
            (won.len(), lost.len()),
            (1, 1),
            "one wins, the other is told"
        );
        self.note(&won.into_iter().next().unwrap().unwrap().changes);
        let error = lost.into_iter().next().unwrap().unwrap_err();
        assert!(matches!(
            *error,
            Error::Remote(RemoteError::Rejected { .. })
        ));
        self.compare(&[]);
    }

    fn step(&mut self) {
        let who = self.random.below(self.people.len() as u64) as usize;
        let repository = self.people[who].1.clone();
        let remote = self.place.faulty(self.random.next()).remote();
        let dice = self.random.below(100);
        let (what, result) = match dice {
            0..30 => {
                self.write(who);
                ("commit", Ok(()))
            }
            30..60 => {
                self.push(who);
                ("push", Ok(()))
            }
            60..75 => {
                let options = PullOptions {
                    favor: Favor::Theirs,
                    ..PullOptions::default()
                };
                ("pull", remote.pull(&repository, &options, &()).map(drop))
            }
            75..82 => {
                let options = FetchOptions {
                    prune: true,
                    depth: match self.random.below(5) {
                        0 => Depth::Full,
                        1 => self.depth(),
                        _ => Depth::Keep,
                    },
                    ..FetchOptions::default()
                };
                ("fetch", remote.fetch(&repository, &options, &()).map(drop))
            }
            82..88 => {
                let options = RemoteGcOptions {
                    grace: Duration::from_secs(self.random.below(3) * 40),
                    ..RemoteGcOptions::default()
                };
                ("remote gc", remote.gc(&repository, &options, &()).map(drop))
            }
            88..92 => {
                let depth = self.depth();
                // The first two race, for which they have all values.
                let filter = if who > 1 { self.filter() } else { Filter::None };
                self.people[who] = self.cloned(depth, filter);
                ("clone", Ok(()))
            }
            92..96 => {
                collect(repository.store());
                ("gc", Ok(()))
            }
            _ => {
                self.race();
                ("race", Ok(()))
            }
        };
        if let Err(error) = result {
            assert!(is_expected(&error), "{what}: {error:?}");
        }
        *self.done.entry(what).or_default() += 1;
        let mut blobs = self.place.blobs.lock().unwrap();
        blobs.clock += self.random.below(20).cast_signed();
        if self.random.below(2) == 0 {
            blobs.late.clear();
        }
        drop(blobs);
        self.compare(&[]);
    }

    /// Whatever was acknowledged is there, whole, for everybody.
    fn check(&mut self) {
        let report = self.place.remote().fsck(&()).unwrap();
        assert!(report.is_clean(), "{:#?}", report.findings);
        let (_folder, repository) = self.cloned(Depth::Keep, Filter::None);
        clean(repository.store());
        for (name, commits) in &self.acknowledged {
            let Some(branch) = name.strip_prefix("heads/") else {
                continue;
            };
            if !self.refs.contains_key(name) {
                continue;
            }
            let now = repository
                .commit_at(&format!("remotes/origin/{branch}"))
                .unwrap();
            assert_eq!(now, self.refs[name]);
            for commit in commits {
                assert!(
                    repository.is_ancestor(*commit, now).unwrap(),
                    "{name} lost {commit}"
                );
            }
        }
        for (_, repository) in &self.people {
            clean(repository.store());
        }
        // All history can be had, and is then that of a clone.
        let (depth, filter) = (self.depth(), self.filter());
        let (_folder, deeper) = self.cloned(depth, filter);
        let all = FetchOptions {
            depth: Depth::Full,
            filter: Some(Filter::None),
            ..FetchOptions::default()
        };
        self.place.remote().fetch(&deeper, &all, &()).unwrap();
        clean(deeper.store());
        assert!(deeper.snapshot().unwrap().absents().unwrap().is_empty());
        // Whole packs bring what nothing refers to any more, too.
        for store in [deeper.store(), repository.store()] {
            collect(store);
        }
        assert_eq!(count(deeper.store()), count(repository.store()));
    }
}

#[test]
fn whatever_happens_on_the_way_nothing_acknowledged_is_lost() {
    let number =
        |name, default| std::env::var(name).map_or(default, |text| text.parse::<u64>().unwrap());
    let steps = number("DML_REMOTE_STEPS", 500);
    let seed = number("DML_REMOTE_SEED", 1);
    let mut done: BTreeMap<&str, u64> = BTreeMap::new();
    for epoch in 0..steps.div_ceil(EPOCH) {
        let mut world = World::new(seed.wrapping_mul(1_000_003) + epoch);
        for step in 0..EPOCH.min(steps - epoch * EPOCH) {
            world.step();
            if step % 25 == 24 {
                world.check();
            }
        }
        world.check();
        for (what, count) in world.done {
            *done.entry(what).or_default() += count;
        }
    }
    eprintln!("{done:?}");
    assert!(done.len() == 8 || steps < EPOCH, "{done:?}");
}
