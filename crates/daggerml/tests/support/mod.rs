//! What the store's tests share.
#![allow(
    dead_code,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it; helpers of tests fail by panicking"
)]

pub mod damaged;
pub mod remote;
pub mod stores;

use std::path::Path;
use std::process::{Command, Stdio};

use daggerml::Repository;
use daggerml::id::{ObjectId, TypedId};
use daggerml::maintenance::fsck::fsck;
use daggerml::maintenance::gc::{Options, Report, gc};
use daggerml::record::{Datum, Node};
use daggerml::store::{Store, Table};
use daggerml::value::Value;

/// Numbers that look random and come again with the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// This test binary as another process, running only the test `name`, which does
/// nothing but when `variable` is set.
pub fn child(name: &str, variable: &str, value: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(variable, value)
        .stdin(Stdio::null());
    command
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

pub fn commit(repository: &Repository, name: &str, values: impl IntoIterator<Item = Value>) {
    let mut dag = repository.new_dag(name, "m").unwrap();
    let nodes: Vec<_> = values.into_iter().map(|v| dag.put(v).unwrap()).collect();
    dag.commit(*nodes.last().unwrap()).unwrap();
}

pub fn ints(range: std::ops::Range<i64>) -> impl Iterator<Item = Value> {
    range.map(Value::from)
}

pub fn clean(store: &Store) {
    let report = fsck(store, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!(report.lost_pages, 0);
}

pub fn count(store: &Store) -> u64 {
    store.snapshot().unwrap().count(Table::Objects).unwrap()
}

pub fn collect(store: &Store) -> Report {
    gc(store, Options::default(), &mut |_| {}).unwrap()
}

/// Objects that nothing refers to: a datum and its node.
pub fn litter(store: &Store, range: std::ops::Range<i64>) -> Vec<ObjectId> {
    store
        .write(|txn| {
            let mut ids = Vec::new();
            for number in range.clone() {
                let datum = txn.save(&Datum {
                    value: Value::String(format!("litter {number}")),
                })?;
                ids.push(datum.object());
                ids.push(txn.save(&Node::Literal { datum })?.object());
            }
            Ok(ids)
        })
        .unwrap()
}

/// Changes the only place in the file where `from` is.
pub fn edit(root: &Path, from: &[u8], to: &[u8]) {
    let path = root.join(".dml/data.mdb");
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<_> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, part)| *part == from)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    std::fs::write(path, bytes).unwrap();
}
