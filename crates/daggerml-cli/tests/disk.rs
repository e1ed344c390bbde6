//! Disks that are full or read-only. Needs root, to mount a small file system;
//! without it the tests say that they were skipped.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Place, Run};

/// A small file system in memory, unmounted when dropped.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn new(place: &Place, size: &str) -> Option<Self> {
        let folder = place.path().join("disk");
        std::fs::create_dir(&folder).unwrap();
        let options = format!("size={size}");
        if mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], &folder) {
            return Some(Self { folder });
        }
        eprintln!("SKIPPED: a file system cannot be mounted here");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

fn mount(args: &[&str], folder: &Path) -> bool {
    let status = Command::new("mount").args(args).arg(folder).status();
    status.is_ok_and(|status| status.success())
}

fn fails(run: &Run, words: &str) {
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(1), ""),
        "{}",
        run.all()
    );
    assert!(run.stderr.starts_with("error: "), "{}", run.all());
    assert!(run.stderr.contains(words), "{}", run.all());
    assert!(run.stderr.contains("hint: "), "{}", run.all());
}

#[test]
fn a_read_only_disk() {
    let place = Place::empty();
    let Some(disk) = Disk::new(&place, "16m") else {
        return;
    };
    assert_eq!(place.dml(&["init", "disk/work"]).code, Some(0));
    common::author(&daggerml::Repository::open(&disk.folder.join("work")).unwrap());
    assert!(mount(&["-o", "remount,ro"], &disk.folder));
    let run = place.dml(&["-C", "disk/work", "dag", "get", "numbers"]);
    assert_eq!(run.stdout, "[1, 2, 3]\n", "reading works: {}", run.all());
    assert!(
        place
            .dml(&["-C", "disk/work", "status"])
            .stdout
            .contains("Read-only")
    );
    fails(
        &place.dml(&["-C", "disk/work", "branch", "new"]),
        "ead-only",
    );
    fails(&place.dml(&["init", "disk/other"]), "ead-only");
}

#[test]
fn a_full_disk() {
    let place = Place::empty();
    let Some(disk) = Disk::new(&place, "1m") else {
        return;
    };
    assert_eq!(place.dml(&["init", "disk/work"]).code, Some(0));
    let repository = daggerml::Repository::open(&disk.folder.join("work")).unwrap();
    common::author(&repository);
    std::fs::write(disk.folder.join("filler"), vec![0; 2 << 20]).unwrap_err();
    let mut failed = None;
    for number in 0..1000 {
        let run = place.dml(&[
            "-C",
            "disk/work",
            "branch",
            &format!("b{number}-{}", "x".repeat(300)),
        ]);
        if run.code != Some(0) {
            failed = Some(run);
            break;
        }
    }
    fails(&failed.unwrap(), "No space left on device");
    let run = place.dml(&["-C", "disk/work", "dag", "get", "numbers"]);
    assert_eq!(run.stdout, "[1, 2, 3]\n", "nothing is lost: {}", run.all());
    // A new repository needs a lock file, which must not be one with holes in it.
    fails(&place.dml(&["init", "disk/other"]), "No space");
    assert!(!disk.folder.join("other/.dml").exists());
    fails(
        &place.dml(&["-C", "disk/work", "config", "user.name", "Ada"]),
        "No space",
    );
    let files = std::fs::read_dir(disk.folder.join("work/.dml")).unwrap();
    assert_eq!(files.count(), 2, "no half of a file is left");
    fails(
        &place.dml(&[
            "-C",
            "disk/work",
            "dag",
            "graph",
            "numbers",
            "-o",
            "disk/x.svg",
        ]),
        "No space",
    );
}

/// `gc` needs no room for a copy: what it can do on a full disk it does, and else nothing is lost.
#[test]
fn garbage_on_a_full_disk() {
    let place = Place::empty();
    let Some(disk) = Disk::new(&place, "8m") else {
        return;
    };
    let root = disk.folder.join("work");
    let dml = |args: &[&str]| place.dml(&[&["-C", "disk/work"], args].concat());
    assert_eq!(place.dml(&["init", "disk/work"]).code, Some(0));
    let repository = daggerml::Repository::open(&root).unwrap();
    let mut dag = repository.new_dag("long", "").unwrap();
    let words = "x".repeat(6000);
    let nodes = (0..300).map(|number| dag.put(format!("{words}{number}").as_str().into()).unwrap());
    let last = nodes.last().unwrap();
    dag.commit(last).unwrap();
    common::author(&repository);
    drop(repository);
    assert_eq!(dml(&["checkout", "--orphan", "fresh"]).code, Some(0));
    common::author(&daggerml::Repository::open(&root).unwrap());
    assert_eq!(dml(&["branch", "-d", "main", "--force"]).code, Some(0));
    let data = root.join(".dml/data.mdb");
    let length = || std::fs::metadata(&data).unwrap().len();
    let before = length();
    std::fs::write(disk.folder.join("filler"), vec![0; 8 << 20]).unwrap_err();
    let full = dml(&["gc"]);
    if full.code != Some(0) {
        assert!(full.stderr.contains("No space"), "{}", full.all());
        assert!(full.stderr.contains("hint: "), "{}", full.all());
    }
    let check = || {
        assert_eq!(dml(&["fsck"]).code, Some(0));
        assert_eq!(dml(&["dag", "get", "numbers"]).stdout, "[1, 2, 3]\n");
    };
    check();
    std::fs::remove_file(disk.folder.join("filler")).unwrap();
    let run = dml(&["gc"]);
    assert_eq!(run.code, Some(0), "{}", run.all());
    assert!(length() < before / 2, "{before} became {}", length());
    check();
}
