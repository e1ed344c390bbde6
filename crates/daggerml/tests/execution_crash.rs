//! Many processes that want the same calls, and `kill -9` at random moments.
//!
//! `DML_CRASH_ROUNDS` sets how many rounds there are (6), `DML_CRASH_SEED` where the
//! random numbers start.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use adapter::{Bench, Setup, executor, put_call, runs, until};
use daggerml::Repository;
use daggerml::execution::{CallOptions, Filter};
use daggerml::value::Value;
use support::{Random, child, clean};

const CALLERS: u64 = 4;
const KEYS: i64 = 3;

fn call(folder: &Path, args: &[i64]) -> Value {
    let repository = Repository::open(folder).unwrap();
    // A claim that is waited for does not come free in the time that the test has.
    let setup = Setup {
        lease: Some(Duration::from_hours(1)),
        ..Setup::default()
    };
    let executor = executor(&repository, setup);
    let mut dag = repository.new_dag("test", "").unwrap();
    let nodes = put_call(&mut dag, folder, "slow", args);
    let node = executor
        .call(&mut dag, &nodes, &CallOptions::default(), &())
        .unwrap();
    dag.value(node).unwrap()
}

/// Makes the calls of one round, in an order of its own.
#[test]
fn caller() {
    let Ok(task) = std::env::var("DML_TEST_CALLER") else {
        return;
    };
    let mut words = task.splitn(3, ' ');
    let round: i64 = words.next().unwrap().parse().unwrap();
    let seed: u64 = words.next().unwrap().parse().unwrap();
    let folder = Path::new(words.next().unwrap());
    let mut keys: Vec<_> = (0..KEYS).collect();
    let turn = Random::new(seed).below(KEYS.unsigned_abs());
    keys.rotate_left(usize::try_from(turn).unwrap());
    for key in keys {
        assert_eq!(
            call(folder, &[30, round, key]),
            Value::from(30 + round + key)
        );
    }
}

/// 125 threads want the same call.
#[test]
fn crowd() {
    let Ok(folder) = std::env::var("DML_TEST_CROWD") else {
        return;
    };
    let folder = Path::new(&folder);
    let repository = Repository::open(folder).unwrap();
    let executor = executor(&repository, Setup::default());
    std::thread::scope(|scope| {
        for _ in 0..125 {
            scope.spawn(|| {
                let mut dag = repository.new_dag("test", "").unwrap();
                let nodes = put_call(&mut dag, folder, "slow", &[500]);
                let node = executor.call(&mut dag, &nodes, &CallOptions::default(), &());
                assert_eq!(dag.value(node.unwrap()).unwrap(), Value::from(500));
            });
        }
    });
}

fn start(name: &str, variable: &str, value: &str) -> Child {
    child(name, variable, value)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_thousand_callers_in_eight_processes_run_it_once() {
    let bench = Bench::new(Setup::default());
    let folder = bench.folder.path().to_str().unwrap();
    let processes: Vec<_> = (0..8)
        .map(|_| start("crowd", "DML_TEST_CROWD", folder))
        .collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(bench.runs(), 1);
    clean(bench.repository.store());
}

fn kill(pid: &str) {
    // The shell's own, as there may be no program of that name.
    let status = Command::new("sh")
        .args(["-c", "kill \"$@\"", "kill", "-9", pid])
        .stderr(Stdio::null())
        .status();
    let _ = status.unwrap(); // It may be gone already.
}

/// The adapters of this test that are alive, newest last.
fn adapters(folder: &Path) -> Vec<String> {
    let pids = std::fs::read_to_string(folder.join("runs")).unwrap_or_default();
    let ours = |pid: &&str| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains("DML_TEST_ADAPTER=1")
    };
    pids.lines().filter(ours).map(ToOwned::to_owned).collect()
}

#[test]
fn killed_callers_and_adapters_leave_right_results() {
    let number = |name, otherwise| {
        std::env::var(name).map_or(otherwise, |text| text.parse::<u64>().unwrap())
    };
    let (rounds, seed) = (number("DML_CRASH_ROUNDS", 6), number("DML_CRASH_SEED", 1));
    let mut random = Random::new(seed);
    let bench = Bench::new(Setup::default());
    let folder = bench.folder.path();
    for round in 0..rounds {
        let mut callers: Vec<Child> = (0..CALLERS)
            .map(|_| {
                let task = format!("{round} {} {}", random.next(), folder.display());
                start("caller", "DML_TEST_CALLER", &task)
            })
            .collect();
        let mut killed = Vec::new();
        for _ in 0..=random.below(2) {
            std::thread::sleep(Duration::from_millis(random.below(150)));
            let alive = adapters(folder);
            if random.below(2) == 0 && !alive.is_empty() {
                kill(alive.last().unwrap());
            } else {
                let at = usize::try_from(random.below(CALLERS)).unwrap();
                kill(&callers[at].id().to_string());
                killed.push(at);
            }
        }
        for (at, caller) in callers.iter_mut().enumerate() {
            let status = caller.wait().unwrap();
            assert!(
                status.success() || killed.contains(&at),
                "round {round}: {status}"
            );
        }
        // What nobody lived to finish is a clean retry.
        let round = i64::try_from(round).unwrap();
        for key in 0..KEYS {
            assert_eq!(
                call(folder, &[30, round, key]),
                Value::from(30 + round + key)
            );
        }
        assert!(
            bench
                .repository
                .calls(Filter { running: true })
                .unwrap()
                .is_empty()
        );
    }
    clean(bench.repository.store());
    until(|| adapters(folder).is_empty());
    assert!(runs(folder) as u64 >= rounds * KEYS.unsigned_abs());
}

#[test]
fn a_caller_that_hangs_loses_its_claim_after_the_lease() {
    let setup = Setup {
        lease: Some(Duration::from_millis(600)),
        ..Setup::default()
    };
    let bench = Bench::new(setup);
    let task = format!("1000 1 {}", bench.folder.path().display());
    let mut hung = start("caller", "DML_TEST_CALLER", &task);
    while bench
        .repository
        .calls(Filter { running: true })
        .unwrap()
        .is_empty()
    {
        std::thread::sleep(Duration::from_millis(2));
    }
    let pid = hung.id().to_string();
    let stop = |signal: &str| {
        let status = Command::new("sh")
            .args(["-c", "kill \"$@\"", "kill", signal, &pid])
            .status();
        assert!(status.unwrap().success());
    };
    stop("-STOP");
    std::thread::sleep(Duration::from_millis(100));
    let running = bench.repository.calls(Filter { running: true }).unwrap();
    let keys: Vec<_> = (0..KEYS).collect();
    for key in keys {
        let value = bench.value("slow", &[30, 1000, key]).unwrap();
        assert_eq!(value, Value::from(1030 + key));
    }
    assert!(running.len() <= 1);
    // It finds that its claim is gone, and the answer there.
    stop("-CONT");
    assert!(hung.wait().unwrap().success());
    clean(bench.repository.store());
}
