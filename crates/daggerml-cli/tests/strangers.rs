//! Repositories that come from somebody else, with traps in `.dml`: links, pipes,
//! devices, folders, files of other sizes, under every name that is used there.
//!
//! For each trap, every command is run. The judge: nothing outside of the repository
//! is changed, made or removed; nothing of it is shown; nothing waits; nothing crashes.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "common/outside.rs"]
mod outside;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use common::Place;
use outside::{Outside, SECRET, ended};

/// An owner's file.
const OWNER: &str = "owners/0123456789abcdef0123456789abcdef";

/// Every name that is or was used in `.dml`, and `.dml` itself.
const NAMES: [&str; 9] = [
    "",
    "data.mdb",
    "lock.mdb",
    "config.toml",
    "owners",
    OWNER,
    "bundle.1.0",
    "lock.new.1",
    "logs",
];

/// What is put there.
#[derive(Clone, Copy, Debug)]
enum Trap {
    LinkToFile,
    LinkToNothing,
    LinkToFolder,
    LinkToItself,
    LinkToEndless,
    HardLink,
    Pipe,
    Socket,
    Device,
    Folder,
    Empty,
    Text,
    Huge,
    Unreadable,
}

const TRAPS: [Trap; 14] = [
    Trap::LinkToFile,
    Trap::LinkToNothing,
    Trap::LinkToFolder,
    Trap::LinkToItself,
    Trap::LinkToEndless,
    Trap::HardLink,
    Trap::Pipe,
    Trap::Socket,
    Trap::Device,
    Trap::Folder,
    Trap::Empty,
    Trap::Text,
    Trap::Huge,
    Trap::Unreadable,
];

/// Commands that read, and commands that write.
const COMMANDS: [&[&str]; 14] = [
    &["status"],
    &["log"],
    &["dag", "get", "numbers"],
    &["exec", "list"],
    &["index", "list"],
    &["config"],
    &["config", "user.name"],
    &["fsck"],
    &["gc"],
    &["config", "user.name", "me"],
    &["branch", "new"],
    &["bundle", "create", "HEAD", "-o", "../out.bundle"],
    &["migrate"],
    &["init"],
];

impl Trap {
    /// Puts the trap at `path`; whether that can be done here.
    fn set(self, path: &Path, outside: &Outside) -> bool {
        let victim = &outside.victim;
        match self {
            Self::LinkToFile => symlink(victim.join("secret.toml"), path).unwrap(),
            Self::LinkToNothing => symlink(victim.join("made"), path).unwrap(),
            Self::LinkToFolder => symlink(victim, path).unwrap(),
            Self::LinkToItself => symlink(path.file_name().unwrap(), path).unwrap(),
            Self::LinkToEndless => symlink("/dev/zero", path).unwrap(),
            Self::HardLink => fs::hard_link(victim.join("secret.toml"), path).unwrap(),
            Self::Pipe => return made("mkfifo", &[], path),
            Self::Socket => drop(UnixListener::bind(path).unwrap()),
            Self::Device => return made("mknod", &["c", "1", "5"], path),
            Self::Folder => fs::create_dir(path).unwrap(),
            Self::Empty => drop(File::create(path).unwrap()),
            Self::Text => fs::write(path, "= this is nothing\u{1b}[31m\n").unwrap(),
            // Holes: no disk has it.
            Self::Huge => File::create(path).unwrap().set_len(1 << 42).unwrap(),
            Self::Unreadable => {
                fs::write(path, "").unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
            }
        }
        true
    }
}

fn made(program: &str, args: &[&str], path: &Path) -> bool {
    let mut command = Command::new(program);
    let status = command.arg(path).args(args).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Takes away what is at `path`, if anything is.
fn clear(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        fs::remove_dir_all(path).unwrap();
    } else {
        let _ = fs::remove_file(path);
    }
}

fn spring(name: &str) {
    let good = Place::with_dags();
    for trap in TRAPS {
        let place = Place::empty();
        let outside = Outside::new(place.path());
        let dml = place.path().join("r/.dml");
        fs::create_dir_all(dml.join("owners")).unwrap();
        fs::copy(good.path().join(".dml/data.mdb"), dml.join("data.mdb")).unwrap();
        let path = match name {
            "" => dml,
            name => dml.join(name),
        };
        clear(&path);
        if !trap.set(&path, &outside) {
            eprintln!("SKIPPED: {trap:?} cannot be made here");
            continue;
        }
        for args in COMMANDS {
            let mut command = place.command();
            command.current_dir(place.path().join("r")).args(args);
            command.env("DML_CONFIG_DIR", place.path().join("cfg"));
            let about = format!("{trap:?} at {name:?}, dml {}", args.join(" "));
            let output = ended(&mut command, &about);
            // No panic (101), and no signal.
            let code = output.status.code();
            assert!(code.is_some_and(|code| code < 100), "{about}: {output:?}");
            let all = [output.stdout, output.stderr].concat();
            let all = String::from_utf8_lossy(&all);
            assert!(!all.contains(SECRET), "{about} shows a secret: {all}");
            assert!(!all.contains('\u{1b}'), "{about}: {all:?}");
            outside.check(&about);
        }
    }
}

#[test]
fn in_the_place_of_the_repository() {
    spring(NAMES[0]);
}

#[test]
fn in_the_place_of_the_data() {
    spring(NAMES[1]);
}

#[test]
fn in_the_place_of_the_lock() {
    spring(NAMES[2]);
}

#[test]
fn in_the_place_of_the_settings() {
    spring(NAMES[3]);
}

#[test]
fn in_the_place_of_the_owners() {
    spring(NAMES[4]);
    spring(NAMES[5]);
}

#[test]
fn in_the_place_of_temporary_files() {
    spring(NAMES[6]);
    spring(NAMES[7]);
}

#[test]
fn in_the_place_of_the_logs() {
    spring(NAMES[8]);
}

/// Names of temporary files that could be guessed: by the process' number.
#[test]
fn names_that_can_be_guessed() {
    let place = Place::with_dags();
    let outside = Outside::new(place.path());
    let dml = place.path().join(".dml");
    let shared = place.path().join("shared");
    fs::create_dir(&shared).unwrap();
    let me = std::process::id();
    for number in me..me + 1000 {
        for name in ["config.toml.N", "lock.new.N", "bundle.N.0"] {
            let name = name.replace('N', &number.to_string());
            symlink(outside.victim.join("secret.toml"), dml.join(name)).unwrap();
        }
        for name in ["out.svg.N.part", "out.svg.N", ".out.svg.N"] {
            let name = name.replace('N', &number.to_string());
            symlink(outside.victim.join("secret.toml"), shared.join(name)).unwrap();
        }
    }
    fs::remove_file(dml.join("lock.mdb")).unwrap();
    for args in [
        &["config", "user.name", "me"][..],
        &["dag", "graph", "numbers", "-o", "shared/out.svg"],
        &["branch", "new"],
    ] {
        let about = args.join(" ");
        let output = ended(place.command().args(args), &about);
        assert!(output.status.success(), "{about}: {output:?}");
        outside.check(&about);
    }
    assert!(
        fs::symlink_metadata(shared.join("out.svg"))
            .unwrap()
            .is_file()
    );
}

/// `-o FILE` where somebody put something in FILE's place.
#[test]
fn outputs_take_the_place_of_links() {
    let place = Place::with_dags();
    let outside = Outside::new(place.path());
    let out = place.path().join("out.svg");
    let graph = ["dag", "graph", "numbers", "-o", "out.svg"];
    for target in ["secret.toml", "made"] {
        clear(&out);
        symlink(outside.victim.join(target), &out).unwrap();
        let output = ended(place.command().args(graph), target);
        assert!(output.status.success(), "{output:?}");
        assert!(fs::symlink_metadata(&out).unwrap().is_file());
        outside.check(target);
    }
    // Permissions of one's own file are kept.
    fs::set_permissions(&out, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(place.dml(&graph).code == Some(0));
    assert_eq!(
        fs::metadata(&out).unwrap().permissions().mode() & 0o777,
        0o640
    );
    // What is no file is written to.
    let output = place.dml(&["dag", "graph", "numbers", "-o", "/dev/null"]);
    assert_eq!(output.code, Some(0), "{}", output.all());
    let output = place.dml(&["bundle", "create", "HEAD", "-o", "/dev/stdout"]);
    assert_eq!(output.code, Some(0), "{}", output.all());
    // A pipe of another user is not; only root can make one.
    clear(&out);
    let theirs =
        made("mkfifo", &[], &out) && std::os::unix::fs::chown(&out, Some(65_534), None).is_ok();
    if !theirs {
        eprintln!("SKIPPED: this user cannot give a pipe away");
        return;
    }
    let output = ended(place.command().args(graph), "another user's pipe");
    assert_eq!(output.status.code(), Some(1));
}

/// With strace: what is opened, and what is changed.
#[test]
fn no_call_leads_outside() {
    let works = Command::new("strace").arg("-V").output();
    if !works.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: there is no strace");
        return;
    }
    let good = Place::with_dags();
    for trap in TRAPS {
        let place = Place::empty();
        let outside = Outside::new(place.path());
        let dml = place.path().join("r/.dml");
        fs::create_dir_all(dml.join("owners")).unwrap();
        fs::copy(good.path().join(".dml/data.mdb"), dml.join("data.mdb")).unwrap();
        for name in ["lock.mdb", "config.toml", OWNER] {
            trap.set(&dml.join(name), &outside);
        }
        for args in [&["status"][..], &["log"], &["gc"], &["config"]] {
            let trace = place.path().join("trace");
            let mut command = Command::new("strace");
            command
                .args([
                    "-f",
                    "-y",
                    "-s",
                    "4096",
                    "-e",
                    "trace=file,ftruncate,fchmod",
                    "-o",
                ])
                .arg(&trace)
                .arg(common::binary())
                .args(args)
                .current_dir(place.path().join("r"))
                .env("DML_CONFIG_DIR", place.path().join("cfg"));
            ended(&mut command, &format!("strace of {args:?}"));
            let text = fs::read_to_string(&trace).unwrap();
            if !text.contains("execve(") {
                eprintln!("SKIPPED: strace may not trace here");
                return;
            }
            outside::judge(&text, &outside.victim, &place.path().join("r/.dml"));
            fs::remove_file(trace).unwrap();
        }
    }
}
