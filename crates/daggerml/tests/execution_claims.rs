//! Many processes with repositories of their own want the same calls, and share results by a
//! remote that is a folder: each call is run once, also when who runs it is killed.
//!
//! `DML_CLAIM_ROUNDS` sets how many calls are raced for (30).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use adapter::{Setup, executor, put_call, runs, until};
use daggerml::config::{Config, Scope};
use daggerml::execution::{CallOptions, Event, Filter, Observer, Progress};
use daggerml::value::Value;
use daggerml::{Repository, Result};
use support::{child, clean};

/// How many race.
const RACERS: usize = 3;

/// What the workers are told by ...
const TASK: &str = "DML_TEST_CLAIMS";

/// ... and a process in which one person meets remotes of all kinds.
const SCENE: &str = "DML_TEST_CLAIMS_SCENE";

/// Counts what happened.
#[derive(Default)]
struct Counts {
    /// What lets the call go on that is waited for.
    go: Option<PathBuf>,
    waited: Cell<u32>,
    invoked: Cell<u32>,
    noticed: Cell<u32>,
}

impl Observer for Counts {
    fn event(&self, event: &Event) {
        let count = match event.progress {
            Progress::Waiting => &self.waited,
            Progress::Invoked => &self.invoked,
            Progress::Notice { .. } => &self.noticed,
            _ => return,
        };
        count.set(count.get() + 1);
        if let (Progress::Waiting, Some(go)) = (&event.progress, &self.go) {
            std::fs::write(go, b"").unwrap();
        }
    }
}

struct Person {
    repository: Repository,
    lease: Duration,
}

impl Person {
    fn new(root: &Path, name: &str, url: &str, calls: &str, lease: Duration) -> Self {
        let place = root.join(name);
        let repository = Repository::open(&place).unwrap_or_else(|_| {
            let repository = Repository::init(&place).unwrap();
            repository.add_remote("origin", url).unwrap();
            repository
        });
        let mut config = Config::of(Some(&place)).unwrap();
        let key = "remote.origin.calls";
        config.set(Scope::Repository, key, calls).unwrap();
        Self { repository, lease }
    }

    fn call(&self, traces: &Path, name: &str, args: &[i64], told: &Counts) -> Result<Value> {
        let setup = Setup {
            processes: 1,
            lease: Some(self.lease),
            ..Setup::default()
        };
        let executor = executor(&self.repository, setup);
        let mut dag = self.repository.new_dag("test", "").unwrap();
        let nodes = put_call(&mut dag, traces, name, args);
        let options = CallOptions::default();
        let node = executor.call(&mut dag, &nodes, &options, told)?;
        dag.value(node)
    }

    fn log(&self) -> String {
        let key = self.repository.calls(Filter::default()).unwrap()[0].key;
        let attempts = self.repository.attempts(key).unwrap();
        let log = self.repository.log_of(&attempts[0].exec).unwrap();
        String::from_utf8(log).unwrap()
    }
}

/// Makes calls as it is told: "name function rounds lease-in-ms folder".
#[test]
fn worker() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let words: Vec<&str> = task.splitn(5, ' ').collect();
    let (rounds, lease) = (words[2].parse().unwrap(), words[3].parse().unwrap());
    let root = Path::new(words[4]);
    let place = root.join("remote");
    let url = place.to_str().unwrap();
    let lease = Duration::from_millis(lease);
    let person = Person::new(root, words[0], url, "read,write", lease);
    if (0..RACERS).any(|at| words[0] == racer(at)) {
        // Otherwise the first could be at the end before the last begins.
        until(|| (0..RACERS).all(|at| root.join(racer(at)).join(".dml").exists()));
    }
    let told = Counts::default();
    for round in 0..rounds {
        let sum = person.call(root, words[1], &[20, round], &told).unwrap();
        assert_eq!(sum, Value::from(20 + round));
    }
    let counts = format!("{} {}", told.invoked.get(), told.waited.get());
    std::fs::write(root.join(format!("{}.counts", words[0])), counts).unwrap();
    assert_eq!(told.noticed.get(), 0);
}

fn racer(at: usize) -> String {
    format!("racer-{at}")
}

fn spawn(root: &Path, name: &str, function: &str, rounds: u64, lease: u64) -> Child {
    let task = format!("{name} {function} {rounds} {lease} {}", root.display());
    child("worker", TASK, &task)
        .env("DML_CONFIG_DIR", root.join("user"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn trusting(root: &Path) {
    let user = root.join("user");
    std::fs::create_dir_all(&user).unwrap();
    let below = root.join("*");
    let text = format!(
        "[remotes]\ntrusted = [{:?}, 'gone://x', 'hung://x']\n[helpers]\nallow = ['gone', 'hung']\n\
         [helper.gone]\ncommand = ['false']\n[helper.hung]\ncommand = ['sh', '-c', 'exec sleep 1000']\n",
        below.to_str().unwrap()
    );
    std::fs::write(user.join("config.toml"), text).unwrap();
}

#[test]
fn of_many_who_want_a_call_one_runs_it() {
    let rounds = std::env::var("DML_CLAIM_ROUNDS").map_or(30, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    trusting(root);
    let names: Vec<String> = (0..RACERS).map(racer).collect();
    let racers: Vec<Child> = names
        .iter()
        .map(|name| spawn(root, name, "slow", rounds, 30_000))
        .collect();
    for mut racer in racers {
        assert!(racer.wait().unwrap().success());
    }
    assert_eq!(runs(root) as u64, rounds, "each call was run once");
    let mut waited = 0;
    for name in names {
        let counts = std::fs::read_to_string(root.join(format!("{name}.counts"))).unwrap();
        let (_, text) = counts.split_once(' ').unwrap();
        waited += text.parse::<u64>().unwrap();
        clean(Repository::open(&root.join(name)).unwrap().store());
    }
    assert!(waited > 0, "they met");
    println!("{rounds} rounds of {RACERS}, {waited} waits");
}

#[test]
fn the_call_of_who_was_killed_or_hangs_is_taken_over() {
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, same) in [
        (Signal::KILL, false),
        (Signal::STOP, false),
        (Signal::KILL, true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        trusting(root);
        // Nobody waits for this lease when the owner is known to be dead.
        let lease = if same { 300_000 } else { 500 };
        let mut first = spawn(root, "first", "silent-at-first", 1, lease);
        until(|| runs(root) == 1);
        let name = if same { "first" } else { "second" };
        let mut second = spawn(root, name, "silent-at-first", 1, lease);
        until(|| root.join(name).join(".dml").exists());
        let pid = Pid::from_child(&first);
        kill_process(pid, signal).unwrap();
        assert!(second.wait().unwrap().success());
        assert_eq!(runs(root), 2);
        if signal == Signal::STOP {
            kill_process(pid, Signal::KILL).unwrap();
        }
        first.wait().unwrap();
    }
}

#[test]
fn a_remote_of_any_kind_stops_no_call() {
    let folder = tempfile::tempdir().unwrap();
    trusting(folder.path());
    let scene = child("scene", SCENE, folder.path().to_str().unwrap())
        .env("DML_CONFIG_DIR", folder.path().join("user"))
        .status();
    assert!(scene.unwrap().success());
}

#[test]
fn scene() {
    let Ok(root) = std::env::var(SCENE) else {
        return;
    };
    let (root, long) = (Path::new(&root), Duration::from_mins(5));
    let place = root.join("remote");
    let url = place.to_str().unwrap();
    let (both, mut before) = ("read,write", 0);

    // One that is gone, and one that does not answer.
    for (scheme, why) in [
        ("gone", "left alone"),
        ("hung", "did not answer within 10 s"),
    ] {
        let person = Person::new(root, scheme, &format!("{scheme}://x"), both, long);
        let told = Counts::default();
        let sum = person.call(root, "sum", &[1], &told).unwrap();
        assert_eq!((sum, told.noticed.get()), (Value::from(1), 1));
        assert!(person.log().contains(why), "{}", person.log());
        before += 1;
        assert_eq!(runs(root), before);
    }

    // Whoever has no result to share does not keep others waiting.
    let ada = Person::new(root, "ada", url, both, long);
    let bob = Person::new(root, "bob", url, both, long);
    for person in [&ada, &bob] {
        let told = Counts::default();
        assert!(person.call(root, "fail", &[1], &told).is_err());
        assert!(person.call(root, "crash-at-first", &[2], &told).is_ok());
        assert_eq!((told.waited.get(), told.noticed.get()), (0, 0));
    }

    // Whoever only reads waits as well, unless that is not wanted.
    let traces = root.join("traces");
    for (calls, claims, name) in [
        ("read", "true", "reader"),
        (both, "false", "alone"),
        ("read", "false", "neither"),
    ] {
        std::fs::create_dir(&traces).unwrap();
        let person = Person::new(root, name, url, calls, long);
        let mut config = Config::of(Some(&root.join(name))).unwrap();
        let key = "remote.origin.claims";
        config.set(Scope::Repository, key, claims).unwrap();
        let go = traces.join("go");
        let told = Counts {
            go: Some(go.clone()),
            ..Counts::default()
        };
        std::thread::scope(|scope| {
            let first = Person::new(root, &format!("first-{name}"), url, both, long);
            let args = [i64::try_from(name.len()).unwrap()];
            let traces = &traces;
            let of_first = scope.spawn(move || {
                let none = Counts::default();
                first.call(traces, "until-go", &args, &none).unwrap()
            });
            until(|| runs(traces) == 1);
            if claims == "true" {
                let found = person.call(traces, "until-go", &args, &told).unwrap();
                assert_eq!((runs(traces), told.waited.get()), (1, 1));
                assert!(person.log().contains("taken from"), "{}", person.log());
                assert_eq!(found, Value::from(args[0]));
            } else {
                let second = scope.spawn(move || {
                    let none = Counts::default();
                    let found = person.call(traces, "until-go", &args, &none).unwrap();
                    assert_eq!(none.waited.get(), 0);
                    found
                });
                until(|| runs(traces) == 2);
                std::fs::write(go, b"").unwrap();
                assert_eq!(second.join().unwrap(), Value::from(args[0]));
            }
            of_first.join().unwrap();
        });
        std::fs::remove_dir_all(&traces).unwrap();
    }
}
