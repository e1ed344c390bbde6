//! `gc` gives space back: the file gets shorter, whatever other processes do meanwhile.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking"
)]

mod support;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use daggerml::Repository;
use daggerml::maintenance::gc::{Options, gc};
use daggerml::record::Kind;
use daggerml::store::{ReadObjects, Store, Table};
use daggerml::value::Value;
use support::{Random, child, clean, collect, commit, ints, litter};

/// A repository whose garbage lies before, between and behind what is kept.
fn littered(root: &Path) -> Repository {
    let repository = Repository::init(root).unwrap();
    more_litter(&repository, 0);
    repository
}

fn more_litter(repository: &Repository, round: i64) {
    for part in 0..6 {
        let from = (round * 10 + part) * 4000;
        litter(repository.store(), from..from + 1500);
        commit(
            repository,
            &format!("dag-{round}-{part}"),
            ints(from..from + 50),
        );
    }
    litter(
        repository.store(),
        round * 40_000 + 30_000..round * 40_000 + 33_000,
    );
}

fn read_all(repository: &Repository, round: i64) {
    for part in 0..6 {
        let view = repository.load(&format!("dag-{round}-{part}")).unwrap();
        let found = view.value(view.result().unwrap()).unwrap();
        assert_eq!(found, ((round * 10 + part) * 4000 + 49).into());
    }
}

fn size(store: &Store) -> u64 {
    let length = std::fs::metadata(store.path().join("data.mdb"))
        .unwrap()
        .len();
    assert_eq!(store.size().unwrap(), length);
    length
}

#[test]
fn the_file_gets_shorter_and_can_grow_again() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let repository = littered(root);
    let before = size(repository.store());
    let mut moved = false;
    let report = gc(repository.store(), Options::default(), &mut |step| {
        moved |= step.phase == "moving pages";
    });
    let report = report.unwrap();
    assert!(moved);
    assert_eq!(report.file.before, before);
    let after = size(repository.store());
    assert_eq!(report.file.after, after);
    assert!(after < before / 4, "{before} became {after}");
    clean(repository.store());
    read_all(&repository, 0);
    // There is nothing to gain by a second run.
    let again = collect(repository.store());
    assert!(
        again.file.after <= after + 64 * 4096,
        "{after} became {}",
        again.file.after
    );
    drop(repository);
    // Opened anew, the file is not taken for one that somebody cut off.
    let mut repository = Repository::open(root).unwrap();
    for round in 1..4 {
        more_litter(&repository, round);
        clean(repository.store());
        let before = size(repository.store());
        assert!(collect(repository.store()).file.after < before / 2);
        drop(repository);
        repository = Repository::open(root).unwrap();
        clean(repository.store());
        (0..=round).for_each(|round| read_all(&repository, round));
    }
    let dry = gc(repository.store(), Options { dry_run: true }, &mut |_| {}).unwrap();
    assert_eq!(dry.file.before, dry.file.after);
}

/// The pages of the log of a large DAG are given back when it is committed, unless somebody reads them.
#[test]
fn a_dag_with_a_long_log_leaves_no_free_pages() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    commit(&repository, "first", ints(0..70_000));
    let first = size(store);
    clean(store);
    let after = collect(store).file.after;
    assert!(after > first / 100 * 85, "{first} became {after}");
    // A version from before the commit has pages of the log.
    let mut dag = repository.new_dag("second", "").unwrap();
    let nodes: Vec<_> = ints(100_000..170_000)
        .map(|value| dag.put(value).unwrap())
        .collect();
    let snapshot = store.snapshot().unwrap();
    dag.commit(nodes[9]).unwrap();
    let objects = snapshot.objects(&[]).unwrap();
    assert!(objects.map(Result::unwrap).count() >= 140_000);
    drop(snapshot);
    let before = size(store);
    assert!(before > first * 2);
    assert!(collect(store).file.after < before / 10 * 9);
    clean(store);
    for (name, last) in [("first", 69_999), ("second", 100_009)] {
        let view = repository.load(name).unwrap();
        let found = view.value(view.result().unwrap()).unwrap();
        assert_eq!(found, last.into());
    }
}

/// A version that is read keeps its pages, in this process and in others.
#[test]
fn what_is_read_stays() {
    let folder = tempfile::tempdir().unwrap();
    let repository = littered(folder.path());
    let store = repository.store();
    let before = size(store);
    let snapshot = store.snapshot().unwrap();
    let ids: Vec<_> = snapshot
        .objects(&[])
        .unwrap()
        .map(|object| object.unwrap().0)
        .collect();
    collect(store);
    assert!(size(store) >= before / 2);
    for id in &ids {
        snapshot.object(*id, Kind::Datum).unwrap();
    }
    clean(store);
    drop(snapshot);
    assert!(collect(store).file.after < before / 4);
    clean(store);
}

/// Holds a snapshot in another process until it is killed.
#[test]
fn holder() {
    let Ok(root) = std::env::var("DML_TEST_HOLDER") else {
        return;
    };
    let repository = Repository::open(Path::new(&root)).unwrap();
    let snapshot = repository.store().snapshot().unwrap();
    let all = || {
        let objects = snapshot.objects(&[]).unwrap();
        for object in objects {
            object.unwrap();
        }
    };
    all();
    std::fs::write(Path::new(&root).join("holding"), "").unwrap();
    while !Path::new(&root).join("collected").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    all();
    assert!(snapshot.count(Table::Objects).unwrap() > 20_000);
    std::fs::write(Path::new(&root).join("read"), "").unwrap();
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn what_another_process_reads_stays() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let repository = littered(root);
    let before = size(repository.store());
    let mut holder = child("holder", "DML_TEST_HOLDER", root.to_str().unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut wait = |name: &str| {
        while !root.join(name).exists() {
            assert!(holder.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait("holding");
    collect(repository.store());
    assert!(size(repository.store()) >= before / 2);
    std::fs::write(root.join("collected"), "").unwrap();
    wait("read");
    holder.kill().unwrap();
    holder.wait().unwrap();
    // The place of a process that died is free again when the repository is opened.
    drop(repository);
    let repository = Repository::open(root).unwrap();
    assert!(collect(repository.store()).file.after < before / 4);
    clean(repository.store());
}

/// Commits and reads all the time, until it is told to end.
#[test]
fn worker() {
    let Ok(root) = std::env::var("DML_TEST_WORKER") else {
        return;
    };
    let root = Path::new(&root);
    let repository = Repository::open(root).unwrap();
    for number in 0.. {
        if root.join("enough").exists() {
            return;
        }
        let name = format!("worker-{}-{}", std::process::id(), number % 20);
        commit(&repository, &name, ints(number..number + 40));
        let view = repository.load(&name).unwrap();
        let found = view.value(view.result().unwrap()).unwrap();
        assert_eq!(found, (number + 39).into());
        read_all(&repository, 0);
    }
}

#[test]
fn others_write_and_read_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let repository = littered(root);
    let start = || {
        child("worker", "DML_TEST_WORKER", root.to_str().unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let workers: Vec<_> = (0..2).map(|_| start()).collect();
    for round in 1..4 {
        more_litter(&repository, round);
        let before = size(repository.store());
        let after = collect(repository.store()).file.after;
        eprintln!("{before} became {after}");
        clean(repository.store());
    }
    std::fs::write(root.join("enough"), "").unwrap();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let before = size(repository.store());
    let after = collect(repository.store()).file.after;
    // What is short already can get longer by the pages that `gc` itself needs: fewer free ones stay.
    assert!(after <= before + 64 * 4096, "{before} became {after}");
    clean(repository.store());
    (0..4).for_each(|round| read_all(&repository, round));
}

/// Makes garbage and collects it, until it is killed.
#[test]
fn collector() {
    let Ok(task) = std::env::var("DML_TEST_COLLECTOR") else {
        return;
    };
    let (round, root) = task.split_once(' ').unwrap();
    let repository = Repository::open(Path::new(root)).unwrap();
    let mut from = round.parse::<i64>().unwrap() * 1_000_000;
    loop {
        litter(repository.store(), from..from + 1500);
        from += 1500;
        collect(repository.store());
    }
}

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let repository = littered(root);
    let mut random = Random::new(7);
    let rounds = std::env::var("DML_CRASH_ROUNDS").map_or(6, |text| text.parse().unwrap());
    for round in 1..=rounds {
        let task = format!("{round} {}", root.display());
        let mut collector = child("collector", "DML_TEST_COLLECTOR", &task)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + random.below(300)));
        assert!(collector.try_wait().unwrap().is_none());
        collector.kill().unwrap();
        collector.wait().unwrap();
        clean(repository.store());
        read_all(&repository, 0);
        // What a new process would see.
        let copy = root.join(format!("copy-{round}"));
        support::copy_folder(&root.join(".dml"), &copy.join(".dml"));
        let copied = Repository::open(&copy).unwrap();
        clean(copied.store());
        read_all(&copied, 0);
        drop(copied);
        std::fs::remove_dir_all(&copy).unwrap();
    }
    collect(repository.store());
    clean(repository.store());
    assert!(size(repository.store()) < 8 << 20);
}

/// Large values lie in many pages side by side.
#[test]
fn large_values_move_too() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let large = |seed: u8| Value::Bytes((0..300_000_u32).map(|n| (n % 251) as u8 ^ seed).collect());
    litter(store, 0..30_000);
    for seed in 0..8 {
        commit(&repository, &format!("large-{seed}"), [large(seed)]);
    }
    let before = size(store);
    let after = collect(store).file.after;
    assert!(
        after < before && after < 3_500_000,
        "{before} became {after}"
    );
    clean(store);
    for seed in 0..8 {
        let view = repository.load(&format!("large-{seed}")).unwrap();
        assert_eq!(view.value(view.result().unwrap()).unwrap(), large(seed));
    }
}
