//! A push and a clone of many small nodes through a folder, beside copying the same bytes and
//! beside what the store alone takes for the same objects; and the requests of all that is
//! done with a remote of many commits.
//!
//! `cargo bench -p daggerml --bench remote`; `DML_BENCH_NODES` sets how many nodes (1,000,000),
//! and `DML_BENCH_COMMITS` how many commits (10,000). Each run prints one line of JSON. Memory is
//! what is not backed by a file (Linux only).
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for measuring, in folders of its own"
)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use daggerml::id::ObjectId;
use daggerml::store::OpenOptions;
use daggerml::transfer::remote::{CloneOptions, FetchOptions, PushOptions, Remote, clone_from};
use daggerml::transfer::transport::{
    self, Address, Description, Entry, Etag, Got, Key, Put, Swap, Transport,
};
use daggerml::value::Value;
use daggerml::{Repository, Result};

/// What a process is told to do, and where.
const STEP: &str = "DML_BENCH_STEP";
const FOLDER: &str = "DML_BENCH_FOLDER";

/// The steps that are run in processes of their own.
const PUSH: &str = "push";
const CLONE: &str = "clone";

/// How many objects one transaction puts where the store alone is measured.
const BATCH: usize = 1 << 14;

/// How many commits each push carries that makes a remote of many commits.
const IN_A_PUSH: i64 = 20;

/// How often each verb was asked for.
type Asked = Arc<Mutex<BTreeMap<&'static str, u64>>>;

/// A folder whose requests are counted.
struct Counted(Box<dyn Transport>, Asked);

impl Counted {
    fn count(&self, verb: &'static str) -> &dyn Transport {
        *self.1.lock().unwrap().entry(verb).or_default() += 1;
        &*self.0
    }
}

impl Transport for Counted {
    fn describe(&self) -> Result<Description> {
        self.0.describe() // Asks nobody.
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>> {
        self.count("list").list(prefix, after)
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        known: Option<&Etag>,
        limit: u64,
    ) -> Result<Got> {
        self.count("get").get(key, range, known, limit)
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> Result<Put> {
        self.count("put").put(key, bytes)
    }

    fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Etag>) -> Result<Swap> {
        self.count("swap").swap(key, bytes, expected)
    }

    fn delete(&self, key: &Key) -> Result<()> {
        self.count("delete").delete(key)
    }
}

/// A remote in a folder, and what was asked of it.
struct Origin(Remote, Asked);

impl Origin {
    fn at(address: &Address) -> Self {
        let asked = Asked::default();
        let place = transport::open(address, &transport::OpenOptions::default()).unwrap();
        let counted = Counted(place, Arc::clone(&asked));
        let remote = Remote::with_transport("origin", address, Box::new(counted)).unwrap();
        Self(remote, asked)
    }

    /// Prints which requests there were since the last time.
    fn tell_requests(&self, what: &str) {
        let asked = std::mem::take(&mut *self.1.lock().unwrap());
        let all: u64 = asked.values().sum();
        let verbs: Vec<_> = asked
            .iter()
            .map(|(verb, count)| format!("\"{verb}\":{count}"))
            .collect();
        println!(
            "{{\"what\":\"{what}\",\"requests\":{all},{}}}",
            verbs.join(",")
        );
    }
}

/// Returns the kilobytes of memory that are not backed by a file.
fn anonymous() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

/// Returns the seconds of processor time of this process, in hundredths (Linux only): on a
/// machine that others use too, they say more than those of a clock.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok())
        .sum();
    ticks as f64 / 100.0
}

/// What a run took.
struct Cost {
    seconds: f64,
    processor: f64,
    /// The most MiB in memory beyond what was there before.
    memory: u64,
}

/// Runs `run`. Returns what it returned, and what it took.
fn measured<T>(run: impl FnOnce() -> T) -> (T, Cost) {
    let (before, worked) = (anonymous(), processor());
    let (done, peak) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let watch = {
        let (done, peak) = (Arc::clone(&done), Arc::clone(&peak));
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        })
    };
    let begun = Instant::now();
    let out = run();
    let seconds = begun.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    watch.join().unwrap();
    let memory = peak.load(Ordering::Relaxed).saturating_sub(before) >> 10;
    let processor = processor() - worked;
    let cost = Cost {
        seconds,
        processor,
        memory,
    };
    (out, cost)
}

fn copied(from: &Path, to: &Path) -> u64 {
    std::fs::create_dir_all(to).unwrap();
    let mut bytes = 0;
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            bytes += copied(&entry.path(), &to);
        } else {
            bytes += std::fs::copy(entry.path(), &to).unwrap();
            std::fs::File::open(&to).unwrap().sync_all().unwrap();
        }
    }
    bytes
}

fn main() {
    if std::env::args().any(|arg| arg == "--list" || arg == "--test") {
        return;
    }
    if let (Ok(step), Some(folder)) = (std::env::var(STEP), std::env::var_os(FOLDER)) {
        let folder = Path::new(&folder);
        if step == PUSH {
            push_many(folder);
        } else {
            clone_many(folder);
        }
        return;
    }
    let number = |name, otherwise| std::env::var(name).map_or(otherwise, |n| n.parse().unwrap());
    many_nodes(number("DML_BENCH_NODES", 1_000_000));
    many_commits(number("DML_BENCH_COMMITS", 10_000));
}

/// Prints what a run took.
fn tell(what: &str, objects: u64, packs: u64, bytes: u64, cost: &Cost) {
    println!(
        "{{\"what\":\"{what}\",\"objects\":{objects},\"packs\":{packs},\"bytes\":{bytes},\
         \"seconds\":{:.3},\"processor\":{:.2},\"objects_per_second\":{:.0},\
         \"objects_per_second_of_processor\":{:.0},\"mib\":{}}}",
        cost.seconds,
        cost.processor,
        objects as f64 / cost.seconds,
        objects as f64 / cost.processor,
        cost.memory
    );
}

/// Puts all objects of a repository into a new store, in the order of their ids, in which that
/// is quickest, each compared with its id: nothing that takes them in can be quicker.
fn put_all(from: &Repository, to: &Path) -> u64 {
    std::fs::create_dir(to).unwrap();
    let store = OpenOptions::default().create(to).unwrap();
    let snapshot = from.snapshot().unwrap();
    let mut entries = snapshot.objects(&[]).unwrap().peekable();
    let mut count = 0;
    while entries.peek().is_some() {
        let batch: Vec<_> = entries.by_ref().take(BATCH).map(Result::unwrap).collect();
        count += batch.len() as u64;
        let written = store.write(|txn| {
            batch.iter().try_for_each(|(wanted, bytes)| {
                let id = ObjectId::of(bytes);
                assert_eq!(id, *wanted);
                txn.put_object(id, bytes)
            })
        });
        written.unwrap();
    }
    count
}

/// Runs a step in a process of its own: what an earlier one left of its memory does not count.
fn in_process(step: &str, folder: &Path) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let command = command.env(STEP, step).env(FOLDER, folder);
    assert!(command.status().unwrap().success());
}

fn push_many(folder: &Path) {
    let here = Repository::open(&folder.join("here")).unwrap();
    let origin = Origin::at(&address_in(folder));
    let push = || origin.0.push(&here, &PushOptions::default(), &()).unwrap();
    let (pushed, cost) = measured(|| push().sent);
    tell(PUSH, pushed.objects, pushed.packs, pushed.bytes, &cost);
    origin.tell_requests(PUSH);
}

fn clone_many(folder: &Path) {
    let address = address_in(folder);
    let origin = Origin::at(&address);
    let root = folder.join("new");
    let options = CloneOptions::default();
    let (cloned, cost) =
        measured(|| clone_from(&origin.0, &address, &root, &options, &()).unwrap());
    let got = cloned.fetched.received;
    tell(CLONE, got.objects, got.packs, got.bytes, &cost);
    origin.tell_requests(CLONE);
}

fn address_in(folder: &Path) -> Address {
    Address::parse(folder.join("remote").to_str().unwrap(), folder).unwrap()
}

fn many_nodes(nodes: i64) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("remote");
    let here = Repository::init(&folder.path().join("here")).unwrap();
    let mut dag = here.new_dag("many", "m").unwrap();
    let mut last = dag.put(Value::from(-1)).unwrap();
    for number in 0..nodes - 1 {
        last = dag.put(Value::from(number)).unwrap();
    }
    dag.commit(last).unwrap();
    drop(dag);
    in_process(PUSH, folder.path());
    in_process(CLONE, folder.path());
    let root = folder.path().join("new");
    let (bytes, cost) = measured(|| copied(&place, &folder.path().join("copy")));
    tell("copy of the remote", 0, 0, bytes, &cost);
    let (bytes, cost) = measured(|| copied(&root.join(".dml"), &folder.path().join("store")));
    tell("copy of the store", 0, 0, bytes, &cost);
    let (count, cost) = measured(|| put_all(&here, &folder.path().join("put")));
    tell("the store alone", count, 0, 0, &cost);
}

/// What is asked of a remote that has `commits` commits. The repository is in memory: on a disk, to
/// make the commits takes minutes.
fn many_commits(commits: i64) {
    let folder = tempfile::tempdir().unwrap();
    let here = Repository::in_memory(folder.path()).unwrap();
    let origin = Origin::at(&address_in(folder.path()));
    let push = || origin.0.push(&here, &PushOptions::default(), &()).unwrap();
    let fetch = || {
        origin
            .0
            .fetch(&here, &FetchOptions::default(), &())
            .unwrap()
    };
    let commit = |number: i64| {
        let mut dag = here.new_dag(&format!("n{}", number % 100), "m").unwrap();
        let node = dag.put(Value::from(number)).unwrap();
        dag.commit(node).unwrap();
    };
    for number in 0..commits {
        commit(number);
        if number % IN_A_PUSH == 0 {
            push();
        }
    }
    push();
    origin.tell_requests("pushes of all commits");
    commit(commits);
    push();
    origin.tell_requests("push of one commit");
    fetch();
    origin.tell_requests("fetch of nothing new");
    push();
    origin.tell_requests("push of nothing new");
}
