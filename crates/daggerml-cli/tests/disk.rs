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
