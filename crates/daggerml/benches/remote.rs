//! A push and a clone of many small nodes through a folder, beside copying the same bytes.
//!
//! `cargo bench -p daggerml --bench remote`; `DML_BENCH_NODES` sets how many nodes (1,000,000).
//! Each run prints one line of JSON. Memory is what is not backed by a file (Linux only).
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for measuring, in folders of its own"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use daggerml::Repository;
use daggerml::transfer::remote::{CloneOptions, PushOptions, Remote, clone};
use daggerml::transfer::transport::Address;
use daggerml::value::Value;

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
    let nodes = std::env::var("DML_BENCH_NODES").map_or(1_000_000, |text| text.parse().unwrap());
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
    here.add_remote("origin", place.to_str().unwrap()).unwrap();
    let origin = Remote::open(&here, "origin").unwrap();
    let tell = |what: &str, objects: u64, packs: u64, bytes: u64, cost: &Cost| {
        println!(
            "{{\"what\":\"{what}\",\"objects\":{objects},\"packs\":{packs},\"bytes\":{bytes},\
             \"seconds\":{:.3},\"processor\":{:.2},\"objects_per_second\":{:.0},\"mib\":{}}}",
            cost.seconds,
            cost.processor,
            objects as f64 / cost.seconds,
            cost.memory
        );
    };
    let push = || origin.push(&here, &PushOptions::default(), &()).unwrap();
    let (pushed, cost) = measured(|| push().sent);
    tell("push", pushed.objects, pushed.packs, pushed.bytes, &cost);
    let address = Address::parse(place.to_str().unwrap(), folder.path()).unwrap();
    let root = folder.path().join("new");
    let (cloned, cost) =
        measured(|| clone(&address, &root, &CloneOptions::default(), &()).unwrap());
    let got = cloned.fetched.received;
    tell("clone", got.objects, got.packs, got.bytes, &cost);
    let (bytes, cost) = measured(|| copied(&place, &folder.path().join("copy")));
    tell(
        "copy of the remote",
        pushed.objects,
        pushed.packs,
        bytes,
        &cost,
    );
    let (bytes, cost) = measured(|| copied(&root.join(".dml"), &folder.path().join("store")));
    tell("copy of the store", got.objects, got.packs, bytes, &cost);
}
