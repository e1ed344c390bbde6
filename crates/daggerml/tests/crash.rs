//! `kill -9` at random moments: what was acknowledged is there, and nothing is damaged.
//!
//! Four processes author, commit, collect garbage and make the map grow in one
//! repository. Each round one of them is killed and replaced, and the repository is
//! checked while the others go on. `DML_CRASH_ROUNDS` sets how many rounds there
//! are (12), `DML_CRASH_SEED` where the random numbers start.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "helpers of tests fail by panicking; small numbers"
)]

mod support;

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use daggerml::Repository;
use daggerml::maintenance::fsck::fsck;
use daggerml::maintenance::gc::{Options, gc};
use daggerml::store::OpenOptions;
use daggerml::value::Value;
use support::{Random, child};

const WRITERS: usize = 4;
/// A new repository is begun every so many rounds.
const EPOCH: u64 = 50;

fn value(seed: u64) -> Value {
    let mut random = Random::new(seed);
    match random.below(10) {
        0 if random.below(10) == 0 => Value::Bytes(vec![seed.to_le_bytes()[0]; 20_000]),
        1 if random.below(10) == 0 => Value::String("ä".repeat(random.below(3000) as usize)),
        2 => (seed.cast_signed()).into(),
        _ => Value::List(
            (0..random.below(20))
                .map(|n| Value::from((n ^ seed).cast_signed()))
                .collect(),
        ),
    }
}

/// Writes until it is killed. Every commit is acknowledged in a file.
#[test]
fn writer() {
    let Ok(task) = std::env::var("DML_TEST_CRASH") else {
        return;
    };
    let (seed, root) = task.split_once(' ').unwrap();
    let (seed, root): (u64, _) = (seed.parse().unwrap(), Path::new(root));
    let mut random = Random::new(seed);
    // Small, so that the map has to grow; the repository shares this handle.
    let store = OpenOptions::default()
        .reserve(1 << 20)
        .open(&root.join(".dml"))
        .unwrap();
    let repository = Repository::open(root).unwrap();
    let mut acknowledged = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(root.join(format!("acknowledged-{seed}")))
        .unwrap();
    for number in 0u64.. {
        if random.below(20) == 0 {
            // Another process's gc may take over.
            if let Err(error) = gc(&store, Options::default(), &mut |_| {}) {
                assert_eq!(error.kind(), daggerml::ErrorKind::Conflict, "{error}");
            }
            continue;
        }
        let name = format!("w{seed}-{number}");
        let result = seed.wrapping_mul(1_000_003) ^ number;
        let mut dag = repository.new_dag(&name, "").unwrap();
        let puts = match random.below(25) {
            // Flushed into the log and settled in one batch, or in two.
            0 => 5_000,
            1 => 9_000,
            _ => random.below(30),
        };
        for extra in 0..puts {
            dag.put(value(result ^ (extra << 32))).unwrap();
            if random.below(100) == 0 {
                dag.flush().unwrap();
            }
        }
        let node = dag.put(value(result)).unwrap();
        let done = dag.commit(node).unwrap();
        let line = format!("{name} {result} {}\n", done.dag);
        acknowledged.write_all(line.as_bytes()).unwrap();
    }
}

/// What the writers were told is there, by name.
fn acknowledged(root: &Path) -> HashMap<String, (u64, String)> {
    let mut all = HashMap::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        if !entry
            .file_name()
            .to_string_lossy()
            .starts_with("acknowledged-")
        {
            continue;
        }
        for line in std::fs::read_to_string(entry.path()).unwrap().lines() {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap().to_owned();
            all.insert(word(), (word().parse().unwrap(), word()));
        }
    }
    all
}

fn check(root: &Path) -> usize {
    let told = acknowledged(root);
    let repository = Repository::open(root).unwrap();
    let report = fsck(repository.store(), &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!(report.lost_pages, 0);
    for (name, (result, dag)) in &told {
        let view = repository.load(name).unwrap();
        assert_eq!(view.id().to_string(), *dag);
        let found = view.value(view.result().unwrap()).unwrap();
        assert_eq!(found, value(*result));
    }
    told.len()
}

fn spawn(seed: u64, root: &Path) -> Child {
    child(
        "writer",
        "DML_TEST_CRASH",
        &format!("{seed} {}", root.display()),
    )
    .stdout(Stdio::null())
    .spawn()
    .unwrap()
}

fn epoch(first: u64, rounds: u64, random: &mut Random) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    drop(Repository::init(root).unwrap());
    let mut seed = first * 1000;
    let mut next = || {
        seed += 1;
        spawn(seed, root)
    };
    let mut writers: Vec<Child> = (0..WRITERS).map(|_| next()).collect();
    for round in 0..rounds {
        std::thread::sleep(Duration::from_micros(random.below(120_000)));
        let at = random.below(WRITERS as u64) as usize;
        // One that ended by itself did so because something was wrong.
        assert!(
            writers[at].try_wait().unwrap().is_none(),
            "round {}",
            first + round
        );
        writers[at].kill().unwrap();
        writers[at].wait().unwrap();
        writers[at] = next();
        check(root);
    }
    for writer in &mut writers {
        assert!(writer.try_wait().unwrap().is_none());
        writer.kill().unwrap();
        writer.wait().unwrap();
    }
    resume(root);
    check(root)
}

/// Ends what the killed writers left open.
fn resume(root: &Path) {
    let repository = Repository::open(root).unwrap();
    gc(repository.store(), Options::default(), &mut |_| {}).unwrap();
    for info in repository.drafts().unwrap() {
        let mut dag = repository.resume(info.id).unwrap();
        assert_eq!(dag.len() as u64, info.nodes);
        let nodes: Vec<_> = dag.nodes().collect();
        for node in nodes.iter().step_by(50) {
            dag.value(*node).unwrap();
        }
        match nodes.last() {
            Some(node) => drop(dag.commit(*node).unwrap()),
            None => dag.discard().unwrap(),
        }
    }
    assert!(repository.drafts().unwrap().is_empty());
}

#[test]
fn killed_writers_lose_nothing() {
    let number =
        |name, default| std::env::var(name).map_or(default, |text| text.parse::<u64>().unwrap());
    let rounds = number("DML_CRASH_ROUNDS", 12);
    let seed = number("DML_CRASH_SEED", 1);
    let mut random = Random::new(seed);
    let mut commits = 0;
    for first in (0..rounds).step_by(EPOCH as usize) {
        commits += epoch(
            seed * 1_000_000 + first,
            EPOCH.min(rounds - first),
            &mut random,
        );
        eprintln!("{} rounds, {commits} commits", (first + EPOCH).min(rounds));
    }
    assert!(commits > 0);
}
