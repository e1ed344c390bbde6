//! Whose repositories are used, and who may use new ones.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use common::{Place, Run, fails, ok};

const NOBODY: u32 = 65_534;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Gives the repository of `place` to another user, which only root may do.
fn given_away(place: &Place) -> bool {
    let dml = place.path().join(".dml");
    let mut all = vec![dml.clone()];
    all.extend(
        fs::read_dir(&dml)
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    let given = all
        .iter()
        .all(|path| chown(path, Some(NOBODY), None).is_ok());
    if !given {
        eprintln!("SKIPPED: this user cannot give files away");
    }
    given
}

/// Runs `dml` under that umask.
fn under(place: &Place, umask: &str, args: &str) -> Run {
    let dml = common::binary();
    let script = format!("umask {umask}; exec '{}' {args}", dml.display());
    let mut command = place.command();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).current_dir(place.path());
    for (key, value) in command.env("DML_CONFIG_DIR", "cfg").get_envs() {
        shell.env(key, value.unwrap_or_default());
    }
    Run::of(&mut shell, place)
}

#[test]
fn new_repositories_are_private_whatever_the_umask() {
    for umask in ["000", "002", "022", "077"] {
        let place = Place::empty();
        ok(&under(&place, umask, "init"));
        ok(&under(&place, umask, "config user.name me"));
        ok(&under(&place, umask, "config --user user.name me"));
        let dml = place.path().join(".dml");
        assert_eq!(mode(&dml), 0o700, "{umask}");
        for name in ["data.mdb", "lock.mdb", "config.toml"] {
            assert_eq!(mode(&dml.join(name)), 0o600, "{name} under {umask}");
        }
        let user = place.path().join("cfg");
        assert_eq!(mode(&user), 0o700, "{umask}");
        assert_eq!(mode(&user.join("config.toml")), 0o600, "{umask}");
    }
}

#[test]
fn a_group_shares_what_is_made_for_it() {
    for umask in ["000", "022", "077"] {
        let place = Place::empty();
        ok(&under(&place, umask, "init --shared=group"));
        ok(&under(&place, umask, "config user.name me"));
        let dml = place.path().join(".dml");
        assert_eq!(mode(&dml), 0o2770, "{umask}");
        for name in ["data.mdb", "lock.mdb", "config.toml"] {
            assert_eq!(mode(&dml.join(name)), 0o660, "{name} under {umask}");
        }
        ok(&place.dml(&["status"]));
    }
}

/// What older versions made, under any umask but one that lets everybody write.
#[test]
fn older_repositories_are_used_as_they_are() {
    for (folder, file) in [
        (0o755, 0o644),
        (0o775, 0o664),
        (0o2775, 0o664),
        (0o700, 0o600),
    ] {
        let place = Place::with_dags();
        let dml = place.path().join(".dml");
        for name in ["data.mdb", "lock.mdb"] {
            allow(&dml.join(name), file);
        }
        allow(&dml, folder);
        let run = place.dml(&["branch", "new"]);
        assert!(ok(&run).stderr.lines().count() <= 1, "{}", run.all());
        ok(&place.dml(&["config", "user.name", "me"]));
        assert_eq!(mode(&dml.join("config.toml")), file);
    }
}

#[test]
fn what_everybody_may_write_to_is_not_used() {
    let place = Place::with_dags();
    let dml = place.path().join(".dml");
    let data = dml.join("data.mdb");
    allow(&dml, 0o777);
    fails(
        &place.dml(&["status"]),
        1,
        &["0777", "chmod o-w", "safe.directories"],
    );
    allow(&dml, 0o700);
    allow(&data, 0o666);
    fails(
        &place.dml(&["status"]),
        1,
        &["0666", "data.mdb", "chmod o-w"],
    );
    let mut command = place.command();
    command.args(["status"]).env("DML_SAFE_DIRECTORIES", "*");
    ok(&Run::of(&mut command, &place));
}

/// The command in the hint is run as it is.
#[test]
fn anothers_repository_is_used_when_the_user_says_so() {
    let place = Place::with_dags();
    if !given_away(&place) {
        return;
    }
    let run = |args: &[&str]| {
        let mut command = place.command();
        command
            .args(args)
            .env("DML_CONFIG_DIR", place.path().join("cfg"));
        Run::of(&mut command, &place)
    };
    let json = run(&["status", "--json"]).json_error();
    assert_eq!(json["kind"], "unsafe");
    let hint = json["hints"][0].as_str().unwrap();
    let asked = hint.split('`').nth(1).unwrap().replace("dml ", "");
    let asked = asked.replace("<FOLDER>", &place.path().display().to_string());
    let asked: Vec<_> = asked.split(' ').collect();
    fails(&run(&["log"]), 1, &["belongs to another user", "65534"]);
    // What it says of itself does not count.
    let own = place.path().join(".dml/config.toml");
    fs::write(own, "[safe]\ndirectories = [\"*\"]\n").unwrap();
    fails(&run(&["log"]), 1, &["belongs to another user"]);
    // Neither does that it is above.
    let below = place.path().join("a/b");
    fs::create_dir_all(&below).unwrap();
    fails(
        &run(&["-C", below.to_str().unwrap(), "log"]),
        1,
        &["belongs to another user"],
    );
    ok(&run(&asked));
    ok(&run(&asked)); // It is not added twice.
    ok(&run(&["log"]));
    let told = run(&["config", "--json"]).json();
    let settings = told["settings"].as_array().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    let listed = format!("[{:?}]", root.display().to_string());
    let listed = listed.replace(&place.path().display().to_string(), "<FOLDER>");
    assert_eq!(settings[0]["value"], listed.as_str(), "{told}");
    ok(&run(&["branch", "new"]));
}

#[test]
fn root_may_act_for_the_user_behind_sudo() {
    let place = Place::with_dags();
    if !given_away(&place) {
        return;
    }
    for (id, code) in [("65534", 0), ("1", 1), ("", 1)] {
        let mut command = place.command();
        command.args(["status"]).env("SUDO_UID", id);
        assert_eq!(Run::of(&mut command, &place).code, Some(code), "{id}");
    }
    // What root makes there is the user's.
    let mut command = place.command();
    command
        .args(["config", "user.name", "me"])
        .env("SUDO_UID", "65534");
    ok(&Run::of(&mut command, &place));
    let made = fs::metadata(place.path().join(".dml/config.toml")).unwrap();
    assert_eq!(made.uid(), NOBODY);
}

/// Runs `dml` as another user, who allows `allowed`.
fn as_nobody(place: &Place, allowed: &str, args: &[&str]) -> std::io::Result<Output> {
    // Where anybody can run it.
    let program = place.path().join("dml");
    if !program.exists() {
        fs::copy(common::binary(), &program)?;
    }
    let mut command = Command::new(&program);
    command.args(args).env_clear().current_dir(place.path());
    command
        .env("DML_AUTHOR", "Bob")
        .env("DML_SAFE_DIRECTORIES", allowed)
        .uid(NOBODY)
        .gid(NOBODY);
    command.output()
}

/// Two users of a group take turns.
#[test]
fn a_group_works_in_what_is_made_for_it() {
    let place = Place::empty();
    if chown(place.path(), None, Some(NOBODY)).is_err() {
        eprintln!("SKIPPED: this user cannot give a folder to another group");
        return;
    }
    allow(place.path(), 0o2775);
    ok(&place.dml(&["init", "--shared=group"]));
    common::author(&place.repository());
    let Ok(output) = as_nobody(&place, "*", &["branch", "theirs"]) else {
        eprintln!("SKIPPED: this user cannot become another one");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    ok(&place.dml(&["branch", "ours"]));
    for (key, by_other) in [("Bob", true), ("Ada", false), ("Bob again", true)] {
        let set = ["config", "user.name", key];
        if by_other {
            let output = as_nobody(&place, "*", &set).unwrap();
            assert!(output.status.success(), "{output:?}");
        } else {
            ok(&place.dml(&set));
        }
        let run = place.dml(&["config", "user.name"]);
        assert_eq!(ok(&run).stdout.trim(), key);
    }
    let names = common::branches(&place);
    assert_eq!(names, ["main", "ours", "theirs"]);
    let made = fs::metadata(place.path().join(".dml/config.toml")).unwrap();
    assert_eq!(
        (made.uid(), made.gid(), made.mode() & 0o777),
        (NOBODY, NOBODY, 0o660)
    );
}

/// A repository that root keeps for everybody to read.
#[test]
fn a_shared_repository_can_be_read() {
    let place = Place::with_dags();
    let root = fs::metadata(place.path()).unwrap().uid() == 0;
    let dml = place.path().join(".dml");
    for (path, mode) in [
        (place.path(), 0o755),
        (&dml, 0o755),
        (&dml.join("data.mdb"), 0o644),
        (&dml.join("lock.mdb"), 0o644),
    ] {
        allow(path, mode);
    }
    let run = |allowed: &str, args: &[&str]| as_nobody(&place, allowed, args);
    match run("", &["status"]) {
        Ok(output) if root => assert_eq!(output.status.code(), Some(1), "{output:?}"),
        _ => {
            eprintln!("SKIPPED: this user cannot become another one");
            return;
        }
    }
    let here = fs::canonicalize(place.path()).unwrap();
    let here = here.to_str().unwrap();
    let output = run(here, &["dag", "get", "numbers"]).unwrap();
    assert_eq!(output.stdout, b"[1, 2, 3]\n", "{output:?}");
    let output = run(here, &["branch", "new"]).unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("can only be read"), "{text}");
}
