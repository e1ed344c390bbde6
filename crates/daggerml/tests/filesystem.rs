//! Stores where the system says no: read-only, denied, full, short of address space.
//!
//! Some need root, to mount a file system or to become another user; without it they
//! say so and pass.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use daggerml::maintenance::fsck::fsck;
use daggerml::maintenance::gc::{Options, gc};
use daggerml::store::OpenOptions;
use daggerml::value::Value;
use daggerml::{Error, ErrorKind, Repository};
use support::child;

const NOBODY: u32 = 65_534;

fn root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}

fn commit(repository: &Repository, name: &str, value: Value) -> daggerml::Result<()> {
    let mut dag = repository.new_dag(name, "")?;
    let node = dag.put(value)?;
    dag.commit(node).map(drop)
}

fn read(repository: &Repository, name: &str) -> Value {
    let view = repository.load(name).unwrap();
    view.value(view.result().unwrap()).unwrap()
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs the test `name` as another user where this one is root, who may everything;
/// whether that could be tried.
fn as_nobody(name: &str, variable: &str, value: &str) -> bool {
    let mut command = child(name, variable, value);
    // As `sudo -u` leaves it: a home whose settings the other one may not even look for.
    let home = tempfile::tempdir().unwrap();
    if root() {
        command
            .uid(NOBODY)
            .gid(NOBODY)
            .current_dir("/")
            .env("HOME", home.path())
            .env("DML_SAFE_DIRECTORIES", "*") // It is root's.
            .env_remove("XDG_CONFIG_HOME");
    }
    match command.output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{text}");
            true
        }
        Err(error) => {
            eprintln!("SKIPPED: {name} cannot run as another user: {error}");
            false
        }
    }
}

#[test]
fn reads_only() {
    let Ok(path) = std::env::var("DML_TEST_READ_ONLY") else {
        return;
    };
    let repository = Repository::open(Path::new(&path)).unwrap();
    assert!(repository.store().read_only().is_some());
    assert_eq!(read(&repository, "first"), 1i64.into());
    assert!(fsck(repository.store(), &mut |_| {}).unwrap().is_clean());
    let error = commit(&repository, "second", 2i64.into()).unwrap_err();
    assert!(matches!(*error, Error::ReadOnly { .. }), "{error:?}");
    assert!(error.hint().is_some());
    assert!(gc(repository.store(), Options::default(), &mut |_| {}).is_err());
}

#[test]
fn a_folder_that_may_only_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let repository = Repository::init(path).unwrap();
    commit(&repository, "first", 1i64.into()).unwrap();
    drop(repository);
    let dml = path.join(".dml");
    allow(path, 0o755);
    allow(&dml.join("data.mdb"), 0o444);
    allow(&dml.join("lock.mdb"), 0o444);
    allow(&dml, 0o555);
    as_nobody("reads_only", "DML_TEST_READ_ONLY", path.to_str().unwrap());
    // And without a lock file, which cannot be made.
    allow(&dml, 0o755);
    std::fs::remove_file(dml.join("lock.mdb")).unwrap();
    allow(&dml, 0o555);
    as_nobody("reads_only", "DML_TEST_READ_ONLY", path.to_str().unwrap());
    allow(&dml, 0o755);
}

#[test]
fn is_denied() {
    let Ok(path) = std::env::var("DML_TEST_DENIED") else {
        return;
    };
    let error = Repository::open(Path::new(&path)).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    assert!(error.hint().unwrap().contains("permissions"), "{error}");
}

#[test]
fn a_file_that_may_not_be_read() {
    let folder = tempfile::tempdir().unwrap();
    drop(Repository::init(folder.path()).unwrap());
    allow(folder.path(), 0o755);
    allow(&folder.path().join(".dml"), 0o755);
    allow(&folder.path().join(".dml/data.mdb"), 0o000);
    as_nobody(
        "is_denied",
        "DML_TEST_DENIED",
        folder.path().to_str().unwrap(),
    );
}

/// A small file system of its own.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: a file system cannot be mounted here");
        None
    }

    fn remount(&self, option: &str) {
        let mut command = Command::new("mount");
        command
            .args(["-o", &format!("remount,{option}")])
            .arg(self.0.path());
        assert!(command.status().unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_file_system_that_may_only_be_read() {
    let Some(mounted) = Mounted::new("8m") else {
        return;
    };
    let path = mounted.0.path();
    let repository = Repository::init(path).unwrap();
    commit(&repository, "first", 1i64.into()).unwrap();
    drop(repository);
    mounted.remount("ro");
    let status = child("reads_only", "DML_TEST_READ_ONLY", path.to_str().unwrap()).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(mounted) = Mounted::new("8m") else {
        return;
    };
    let path = mounted.0.path();
    let repository = Repository::init(path).unwrap();
    commit(&repository, "first", 1i64.into()).unwrap();
    let filler = path.join("filler");
    // As much as there is room for.
    let mut bytes = 8 << 20;
    while std::fs::write(&filler, vec![0; bytes]).is_err() {
        bytes -= 4096;
    }
    let large = Value::Bytes(vec![3; 1 << 20]);
    for _ in 0..3 {
        let error = commit(&repository, "second", large.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
        assert!(error.hint().unwrap().contains("make room"), "{error}");
        assert_eq!(read(&repository, "first"), 1i64.into());
        assert!(fsck(repository.store(), &mut |_| {}).unwrap().is_clean());
    }
    // Others can still open it, and read.
    let status = child("opens", "DML_TEST_OPENS", path.to_str().unwrap()).status();
    assert!(status.unwrap().success());
    std::fs::remove_file(&filler).unwrap();
    commit(&repository, "second", large.clone()).unwrap();
    assert_eq!(read(&repository, "second"), large);
    assert!(fsck(repository.store(), &mut |_| {}).unwrap().is_clean());
}

/// The log of a large DAG is flushed, and there is no room to settle it.
#[test]
fn a_disk_that_fills_up_while_a_log_is_settled() {
    let Some(mounted) = Mounted::new("16m") else {
        return;
    };
    let path = mounted.0.path();
    let repository = Repository::init(path).unwrap();
    let mut dag = repository.new_dag("large", "").unwrap();
    let nodes: Vec<_> = (0..20_000i64)
        .map(|number| dag.put(number.into()).unwrap())
        .collect();
    let filler = path.join("filler");
    let mut bytes = 16 << 20;
    while std::fs::write(&filler, vec![0; bytes]).is_err() {
        bytes -= 4096;
    }
    for _ in 0..3 {
        let error = dag.commit(nodes[0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
        assert!(error.hint().unwrap().contains("make room"), "{error}");
        assert_eq!(dag.value(nodes[7]).unwrap(), 7i64.into());
        assert!(fsck(repository.store(), &mut |_| {}).unwrap().is_clean());
    }
    std::fs::remove_file(&filler).unwrap();
    let done = dag.commit(nodes[0]).unwrap();
    let view = repository.view(done.dag).unwrap();
    for (number, node) in (0i64..).zip(&nodes) {
        assert_eq!(view.value(*node).unwrap(), number.into());
    }
    assert!(fsck(repository.store(), &mut |_| {}).unwrap().is_clean());
}

#[test]
fn opens() {
    let Ok(path) = std::env::var("DML_TEST_OPENS") else {
        return;
    };
    let repository = Repository::open(Path::new(&path)).unwrap();
    let snapshots: Vec<_> = (0..500).map(|_| repository.snapshot().unwrap()).collect();
    assert_eq!(read(&repository, "first"), 1i64.into());
    drop(snapshots);
}

#[test]
fn grows() {
    let Ok(path) = std::env::var("DML_TEST_GROWS") else {
        return;
    };
    let repository = Repository::open(Path::new(&path)).unwrap();
    for number in 0u8..40 {
        let value = Value::Bytes(vec![number; 1 << 20]);
        commit(&repository, &format!("dag-{number}"), value.clone()).unwrap();
        assert_eq!(read(&repository, &format!("dag-{number}")), value);
    }
}

/// Batch systems limit address space (`ulimit -v`).
#[test]
fn little_address_space() {
    let folder = tempfile::tempdir().unwrap();
    drop(Repository::init(folder.path()).unwrap());
    let limited = Command::new("sh")
        .args(["-c", "ulimit -v 700000; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["grows", "--exact", "--nocapture", "--test-threads=1"])
        .env("DML_TEST_GROWS", folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&limited.stderr);
    assert!(limited.status.success(), "{text}");
}

#[test]
fn reader() {
    let Ok(path) = std::env::var("DML_TEST_READER") else {
        return;
    };
    let store = OpenOptions::default()
        .open(&Path::new(&path).join(".dml"))
        .unwrap();
    let _snapshot = store.snapshot().unwrap();
    std::fs::write(Path::new(&path).join("reading"), "").unwrap();
    std::thread::sleep(Duration::from_mins(1));
}

/// A process that died while it read keeps no pages.
#[test]
fn stale_readers_are_cleared_at_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let repository = Repository::init(path).unwrap();
    commit(&repository, "first", 1i64.into()).unwrap();
    let mut reader = child("reader", "DML_TEST_READER", path.to_str().unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !path.join("reading").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let churn = |repository: &Repository| {
        for number in 0u8..60 {
            // A ref entry that is written again and again.
            let value = vec![number; 100_000];
            let put = |txn: &mut daggerml::store::WriteTxn<'_>| {
                txn.put(daggerml::store::Table::Claims, b"x", &value)
            };
            repository.store().write(put).unwrap();
        }
        repository.store().size().unwrap()
    };
    let with_reader = churn(&repository);
    assert!(with_reader > 60 * 100_000, "{with_reader}");
    drop(repository);
    reader.kill().unwrap();
    reader.wait().unwrap();
    let repository = Repository::open(path).unwrap();
    let without = churn(&repository);
    assert!(without < with_reader + 1_000_000, "{without}");
}

#[test]
fn lock_files_that_are_missing_or_garbage() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join(".dml/lock.mdb");
    let repository = Repository::init(folder.path()).unwrap();
    commit(&repository, "first", 1i64.into()).unwrap();
    // One that a writer held the mutex of when it was copied.
    let held = folder.path().join("held");
    let copied = repository.store().write(|_| {
        // By another process: this one would lose its locks when it closes the file.
        let copied = Command::new("cp").args([&lock, &held]).status().unwrap();
        Ok(copied.success())
    });
    assert!(copied.unwrap());
    drop(repository);
    let contents = [
        Some(std::fs::read(held).unwrap()),
        None,
        Some(Vec::new()),
        Some(vec![0xa5; 70_000]),
        Some(vec![1; 10]),
        Some(vec![0xff; 1 << 20]),
    ];
    for (number, content) in contents.into_iter().enumerate() {
        std::fs::remove_file(&lock).unwrap();
        if let Some(content) = content {
            std::fs::write(&lock, content).unwrap();
        }
        let repository = Repository::open(folder.path()).unwrap();
        assert_eq!(read(&repository, "first"), 1i64.into());
        commit(&repository, &format!("more-{number}"), 2i64.into()).unwrap();
    }
}
