//! A large file put as a blob, read and saved again, beside `dd` with the same bytes on the same disk.
//!
//! `cargo bench -p daggerml --bench blob`; `DML_BENCH_GIB` sets how many GiB the file has (2), and
//! `TMPDIR` where it is. That takes three times as much room. Each step runs in a process of its own, whose
//! largest memory is told. Before a file is read, its pages are dropped from the system's cache. Linux only.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for measuring, in folders of its own"
)]

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use daggerml::Repository;
use daggerml::record::CHUNK;

/// What a process is told to do, and where.
const STEP: &str = "DML_BENCH_STEP";
const FOLDER: &str = "DML_BENCH_FOLDER";

fn main() {
    // `cargo test` runs benchmarks too, with an argument less.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    if let (Ok(step), Ok(folder)) = (std::env::var(STEP), std::env::var(FOLDER)) {
        return step_of(&step, Path::new(&folder));
    }
    let gib = std::env::var("DML_BENCH_GIB").map_or(2.0, |gib| gib.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    measure(folder.path(), (gib * f64::from(1 << 30)) as u64);
}

fn measure(folder: &Path, bytes: u64) {
    let file = folder.join("file");
    let data = folder.join("repo/.dml/data.mdb");
    let copy = folder.join("copy");
    make(&file, bytes);
    Repository::init(&folder.join("repo")).unwrap();
    let mib = |seconds: f64| bytes as f64 / f64::from(1 << 20) / seconds;
    let told = |what: &str, own: (f64, u64), dd: [f64; 2]| {
        let dd = f64::midpoint(mib(dd[0]), mib(dd[1]));
        println!(
            "| {what} | {:.0} | {dd:.0} | {:.2} | {} |",
            mib(own.0),
            mib(own.0) / dd,
            own.1 >> 10,
        );
    };
    let gib = bytes as f64 / f64::from(1 << 30);
    println!("| {gib} GiB | MiB/s | `dd`, MiB/s | ratio | memory, MiB |\n|---|--:|--:|--:|--:|");
    let write = || {
        forget(&file);
        let took = dd(&file, &copy);
        std::fs::remove_file(&copy).unwrap();
        took
    };
    let before = write();
    forget(&file);
    let put = step("put", folder);
    told("put", put, [before, write()]);
    // The same bytes at the same place of the disk.
    let read = || {
        forget(&data);
        dd(&data, Path::new("/dev/null"))
    };
    let before = read();
    forget(&data);
    let own = step("read", folder);
    told("read", own, [before, read()]);
    let before = write();
    forget(&data);
    let own = step("save", folder);
    std::fs::remove_file(&copy).unwrap();
    told("save", own, [before, write()]);
}

/// Makes a file of bytes that do not repeat.
fn make(path: &Path, bytes: u64) {
    let mut file = BufWriter::with_capacity(CHUNK, File::create(path).unwrap());
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..bytes / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes()).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
}

/// Drops what the system's cache has of a file.
fn forget(path: &Path) {
    let of = format!("of={}", path.display());
    let args = [&of, "oflag=nocache", "conv=notrunc,fdatasync", "count=0"];
    let done = Command::new("dd").args(args).output().unwrap();
    assert!(done.status.success());
}

/// Copies a file, and waits for the disk where there is one. Returns the seconds.
fn dd(from: &Path, to: &Path) -> f64 {
    let (from, to) = (
        format!("if={}", from.display()),
        format!("of={}", to.display()),
    );
    let mut command = Command::new("dd");
    command.args([&from, &to, "bs=4M"]);
    if to != "of=/dev/null" {
        command.arg("conv=fsync");
    }
    let begun = Instant::now();
    assert!(command.output().unwrap().status.success());
    begun.elapsed().as_secs_f64()
}

/// Runs a step in a process of its own. Returns its seconds, and its largest memory in KiB.
fn step(step: &str, folder: &Path) -> (f64, u64) {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("--bench")
        .env(STEP, step)
        .env(FOLDER, folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (seconds, memory) = text.trim().split_once(' ').unwrap();
    (seconds.parse().unwrap(), memory.parse().unwrap())
}

fn step_of(step: &str, folder: &Path) {
    let repository = Repository::open(&folder.join("repo")).unwrap();
    let begun = Instant::now();
    if step == "put" {
        let mut dag = repository.new_dag("file", "").unwrap();
        let node = dag.put_file(&folder.join("file"), &mut |_| Ok(())).unwrap();
        dag.commit(node).unwrap();
    } else {
        let view = repository.load("file").unwrap();
        let mut reader = view.blob(view.result().unwrap()).unwrap();
        if step == "read" {
            let mut buffer = vec![0; CHUNK];
            while reader.read(&mut buffer).unwrap() > 0 {}
        } else {
            let copy = folder.join("copy");
            reader.save(&copy, &mut |_| Ok(())).unwrap();
            File::open(copy).unwrap().sync_all().unwrap();
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let memory = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap_or("0");
    println!("{took} {memory}");
}
