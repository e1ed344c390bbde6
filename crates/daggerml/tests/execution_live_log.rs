//! The log of a call that runs, as others read it: with real adapter processes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod adapter;
mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use adapter::{Bench, Setup};
use daggerml::Repository;
use daggerml::execution::{CallOptions, Filter, LogPart, LogPosition};
use daggerml::record::CallKey;

/// Waits for something that comes soon.
fn until<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn files(bench: &Bench) -> Vec<PathBuf> {
    let folder = bench.folder.path().join(".dml/logs");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Reads parts after `after` until `enough` says so of their text; where the last one ends.
fn read_until(
    repository: &Repository,
    key: CallKey,
    after: Option<LogPosition>,
    enough: impl Fn(&str, &LogPart) -> bool,
) -> (String, LogPart) {
    let (mut text, mut after) = (String::new(), after);
    until(|| {
        let part = repository.log_part(key, after).unwrap();
        after = Some(part.position);
        text.push_str(&String::from_utf8_lossy(&part.bytes));
        enough(&text, &part)
            .then_some(())
            .map(|()| (text.clone(), part))
    })
}

fn running(repository: &Repository) -> CallKey {
    until(|| {
        let calls = repository.calls(Filter { running: true }).unwrap();
        calls.first().map(|call| call.key)
    })
}

#[test]
fn the_log_of_a_run_is_read_while_it_runs() {
    for processes in [0, 1] {
        let bench = Bench::new(Setup {
            processes,
            ..Setup::default()
        });
        // The processes that are warm tell the log of one run after the other.
        for arg in [1, 2] {
            let begin = format!("begin {arg} \u{1b}[31m<b>\n");
            let _ = fs::remove_file(bench.folder.path().join("go"));
            std::thread::scope(|scope| {
                let call = scope.spawn(|| bench.value("tell", &[arg]));
                let key = running(&bench.repository);
                // As another process: with a handle of its own.
                let other = Repository::open(bench.folder.path()).unwrap();
                let (text, part) = read_until(&other, key, None, |text, _| text == begin);
                assert!(part.live, "{text}");
                let [file] = files(&bench).try_into().unwrap();
                let mode =
                    |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode(&file), 0o600);
                assert_eq!(mode(&file.parent().unwrap().to_owned()), 0o700);

                fs::write(bench.folder.path().join("go"), "").unwrap();
                let (rest, part) =
                    read_until(&other, key, Some(part.position), |_, part| !part.live);
                assert_eq!(rest, format!("end {arg}\n"));
                assert!(!part.begins);
                call.join().unwrap().unwrap();
                // Now it is recorded, and the file is gone.
                let whole = bench.repository.log_part(key, None).unwrap();
                assert_eq!(String::from_utf8_lossy(&whole.bytes), begin + &rest);
                assert!(!whole.live && files(&bench).is_empty());
            });
        }
    }
}

#[test]
fn a_reader_follows_a_call_through_its_runs() {
    let bench = Bench::new(Setup::default());
    std::thread::scope(|scope| {
        let call = scope.spawn(|| bench.value("tell-and-crash-at-first", &[1]));
        let key = running(&bench.repository);
        let (_, part) = read_until(&bench.repository, key, None, |text, _| {
            text.contains("begin 1")
        });
        fs::write(bench.folder.path().join("go"), "").unwrap();
        // Only now is it asked again: both runs ended, or the second runs.
        let after = Some(part.position);
        call.join().unwrap().unwrap();
        let (rest, _) = read_until(&bench.repository, key, after, |_, part| !part.live);
        let ended = "daggerml: it exited with status 3 before it answered\n";
        assert_eq!(
            rest,
            format!("end 1\n{ended}begin 2 \u{1b}[31m<b>\nend 2\n")
        );
    });
}

#[test]
fn who_began_before_anything_was_written_gets_all() {
    let bench = Bench::new(Setup::default());
    std::thread::scope(|scope| {
        let call = scope.spawn(|| bench.value("until-go", &[1]));
        let key = running(&bench.repository);
        let part = bench.repository.log_part(key, None).unwrap();
        assert!(part.live && part.bytes.is_empty());
        fs::write(bench.folder.path().join("go"), "").unwrap();
        call.join().unwrap().unwrap();
        let part = bench.repository.log_part(key, Some(part.position)).unwrap();
        assert!(!part.live && part.bytes.is_empty());
        // Silent runs make no file.
        assert!(files(&bench).is_empty());
    });
}

#[test]
fn a_trap_in_the_place_of_the_file_shows_and_changes_nothing() {
    let bench = Bench::new(Setup::default());
    let secret = bench.folder.path().join("secret");
    fs::write(&secret, "DMLLOG1\nprecious").unwrap();
    let logs = bench.folder.path().join(".dml/logs");
    symlink(bench.folder.path(), &logs).unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| bench.value("tell", &[1]));
        let key = running(&bench.repository);
        fs::write(bench.folder.path().join("go"), "").unwrap();
        call.join().unwrap().unwrap();
        let part = bench.repository.log_part(key, None).unwrap();
        assert!(part.bytes.ends_with(b"end 1\n"), "the run was disturbed");
    });
    fs::remove_file(&logs).unwrap();
    fs::remove_file(bench.folder.path().join("go")).unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| bench.value("tell", &[2]));
        let key = running(&bench.repository);
        let file = until(|| files(&bench).pop());
        fs::remove_file(&file).unwrap();
        symlink(&secret, &file).unwrap();
        bench.repository.log_part(key, None).unwrap_err();
        fs::write(bench.folder.path().join("go"), "").unwrap();
        call.join().unwrap().unwrap();
    });
    assert_eq!(fs::read(&secret).unwrap(), b"DMLLOG1\nprecious");
    assert!(files(&bench).is_empty());
}

#[test]
fn what_a_killed_executor_left_is_read_and_then_removed() {
    let bench = Bench::new(Setup::default());
    let folder = bench.folder.path();
    // This very test binary, which calls and is killed.
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "is_killed_in_the_middle_of_a_call",
            "--exact",
            "--nocapture",
        ])
        .env("DML_TEST_KILLED", folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let key = running(&bench.repository);
    let (_, part) = read_until(&bench.repository, key, None, |text, _| {
        text.contains("begin 1")
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let part = until(|| {
        let after = Some(LogPosition {
            offset: 0,
            ..part.position
        });
        let part = bench.repository.log_part(key, after).unwrap();
        (!part.live).then_some(part)
    });
    assert!(part.bytes.starts_with(b"begin 1"));
    // Whoever runs the call next takes it over; the executor after that tidies up.
    fs::write(folder.join("go"), "").unwrap();
    bench.call("tell", &[7], &CallOptions::default()).unwrap();
    assert_eq!(
        files(&bench).len(),
        1,
        "the log of the run that nobody ended"
    );
    let next = adapter::executor(&bench.repository, Setup::default());
    let mut dag = bench.dag();
    let nodes = adapter::put_call(&mut dag, folder, "sum", &[1]);
    next.call(&mut dag, &nodes, &CallOptions::default(), &())
        .unwrap();
    assert!(files(&bench).is_empty());
}

/// Not a test: the process that is killed.
#[test]
fn is_killed_in_the_middle_of_a_call() {
    let Some(folder) = std::env::var_os("DML_TEST_KILLED") else {
        return;
    };
    let folder = PathBuf::from(folder);
    let repository = Repository::open(&folder).unwrap();
    let executor = adapter::executor(&repository, Setup::default());
    let mut dag = repository.new_dag("test", "").unwrap();
    let nodes = adapter::put_call(&mut dag, &folder, "tell", &[7]);
    let _ = executor.call(&mut dag, &nodes, &CallOptions::default(), &());
}
