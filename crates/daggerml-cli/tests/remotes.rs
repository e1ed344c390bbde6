//! Remotes: two repositories that meet in a folder.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fmt::Write as _;

use common::{Place, Run};
use daggerml::value::Value;

/// A folder with the repository `ada` in it, which has one commit.
fn team() -> Place {
    let place = Place::empty();
    assert_eq!(place.dml(&["init", "ada"]).code, Some(0));
    commit(&place, "ada", "first", 1);
    place
}

/// Commits a DAG in one of the repositories.
fn commit(place: &Place, who: &str, name: &str, value: i64) {
    let repository = daggerml::Repository::open(&place.path().join(who)).unwrap();
    let mut draft = repository.new_dag(name, &format!("{who}: {name}")).unwrap();
    let node = draft.put(Value::from(value)).unwrap();
    draft.commit(node).unwrap();
}

fn filters() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d", "<TIME>");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "<TIME>");
    settings.add_filter(r"size: .*", "size: <SIZE>");
    settings.add_filter(r#""size": \d+"#, r#""size": <SIZE>"#);
    settings.add_filter(r"\(\d+ B\)", "(<SIZE>)");
    settings.add_filter(r#""bytes": ?\d+"#, r#""bytes": <SIZE>"#);
    settings.add_filter(r"\b[0-9a-f]{64}\b", "<ID>");
    settings.add_filter(r"\b[0-9a-f]{12}\b", "<_SHORT_ID_>");
    settings
}

macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        filters().bind(|| insta::assert_snapshot!($name, $text))
    };
}

/// Runs lines of commands, each of which is `dml` in one repository: `ada: push`.
fn session(place: &Place, lines: &[&str]) -> String {
    let mut told = String::new();
    for line in lines {
        let (who, command) = line.split_once(": ").unwrap();
        let args: Vec<&str> = ["-C", who].into_iter().chain(command.split(' ')).collect();
        write!(told, "# {line}\n{}", place.dml(&args).all()).unwrap();
    }
    told
}

fn ok(run: Run) -> Run {
    assert_eq!(run.code, Some(0), "{}", run.all());
    run
}

#[test]
fn a_team_of_two() {
    let place = team();
    let first = session(
        &place,
        &[
            "ada: remote add origin team",
            "ada: push --dry-run",
            "ada: push",
            "ada: push",
            "ada: status",
            "ada: remote list",
            "ada: remote show",
        ],
    );
    // The path is relative to -C.
    assert!(place.path().join("ada/team/refs").exists(), "{first}");
    snapshot!("team_first_push", first);
    snapshot!(
        "team_clone",
        session(
            &place,
            &[".: clone ada/team bob", "bob: status", "bob: branch"]
        )
    );
    commit(&place, "ada", "second", 2);
    commit(&place, "bob", "third", 3);
    snapshot!(
        "team_apart",
        session(
            &place,
            &[
                "ada: push",
                "bob: push",
                "bob: fetch",
                "bob: status",
                "bob: branch",
                "bob: branch --remotes",
                "bob: log --oneline main..origin/main",
                "bob: pull --ff-only",
                "bob: pull",
                "bob: push",
                "ada: pull",
                "ada: log --oneline -n 1",
            ],
        )
    );
}

#[test]
fn a_conflict_waits_for_choices() {
    let place = team();
    ok(place.dml(&["-C", "ada", "remote", "add", "origin", "../team"]));
    ok(place.dml(&["-C", "ada", "push"]));
    ok(place.dml(&["clone", "team", "bob"]));
    commit(&place, "ada", "first", 2);
    commit(&place, "bob", "first", 3);
    ok(place.dml(&["-C", "ada", "push"]));
    let pulled = place.dml(&["-C", "bob", "pull"]);
    assert_eq!(pulled.code, Some(4), "{}", pulled.all());
    assert!(
        pulled.stderr.contains("dml merge --resolve"),
        "{}",
        pulled.all()
    );
    ok(place.dml(&["-C", "bob", "merge", "--abort"]));
    let pulled = ok(place.dml(&["-C", "bob", "pull", "--favor", "ours", "--json"])).json();
    assert_eq!(pulled["merge"], "merged");
    assert_eq!(pulled["from"], "origin/main");
}

#[test]
fn documents() {
    let place = team();
    let mut told = String::new();
    for line in [
        "ada: remote add origin team",
        "ada: push",
        "ada: push",
        "ada: push origin main:trial",
        "ada: fetch",
        "ada: fetch --all",
        "ada: pull",
        "ada: push origin --delete trial",
        "ada: status",
        "ada: branch",
        "ada: branch --unset-upstream",
        "ada: branch --set-upstream origin/main",
        "ada: remote list",
        "ada: remote show",
        "ada: remote set-url origin elsewhere",
        "ada: remote remove origin",
    ] {
        let (who, command) = line.split_once(": ").unwrap();
        let args: Vec<&str> = ["-C", who, "--json"]
            .into_iter()
            .chain(command.split(' '))
            .collect();
        let document = ok(place.dml(&args)).json();
        let document = serde_json::to_string_pretty(&document).unwrap();
        writeln!(told, "# {line}\n{document}").unwrap();
    }
    let cloned = ok(place.dml(&["clone", "--json", "ada/team"])).json();
    let cloned = serde_json::to_string_pretty(&cloned).unwrap();
    writeln!(told, "# clone\n{cloned}").unwrap();
    snapshot!("remote_documents", told);
}

#[test]
fn newcomers_are_told_what_to_do() {
    let place = team();
    place.dml(&["init", "empty"]);
    std::fs::create_dir(place.path().join("full")).unwrap();
    std::fs::write(place.path().join("full/notes"), "mine").unwrap();
    snapshot!(
        "remote_slips",
        session(
            &place,
            &[
                "ada: push",
                "ada: fetch --all",
                "ada: pull",
                "ada: remote list",
                ".: clone nowhere",
                ".: clone ada copy",
                ".: clone /",
                "ada: remote add origin ../team",
                "ada: remote add origin ../other",
                "ada: remote add two.words x",
                "ada: remote add second s3://user:secret@bucket/x",
                "ada: remote add second s3://",
                "ada: fetch",
                "ada: pull",
                "ada: remote show",
                "ada: push main",
                "ada: push origin mian",
                "ada: push orgin",
                "ada: branch --set-upstream main",
                "ada: branch --set-upstream orgin/main",
                "ada: remote add full ../full",
                "ada: push full",
                "ada: remote set-url full cloud://bucket/x",
                "ada: push full",
                "empty: remote add origin ../team",
                "empty: push",
            ],
        )
    );
    assert!(!place.path().join("copy").exists());
    assert!(!place.path().join("nowhere").exists());
}

#[test]
#[cfg(unix)] // Windows has no folders with such names.
fn addresses_of_others_and_remotes_that_are_gone() {
    let place = team();
    let fails = |args: &[&str], code: i32, words: &[&str]| {
        common::fails(&place.dml(args), code, words);
    };
    let host = "a path on a host is written ssh://host/path";
    fails(&["clone", "me@host:team"], 1, &[host]);
    fails(
        &["-C", "ada", "remote", "add", "x", "me@host:team"],
        1,
        &[host],
    );
    fails(
        &["clone", "file:team"],
        1,
        &["after its first word comes ://"],
    );
    let secret = place.dml(&["clone", "me:secret@host:team"]);
    common::fails(&secret, 1, &["an address with a password"]);
    assert!(!secret.all().contains("secret@"), "{}", secret.all());
    std::fs::write(place.path().join("file"), "x").unwrap();
    let bundle = "it is a file and no folder; `dml bundle apply` takes in a bundle";
    fails(&["clone", "file", "copy"], 3, &[bundle]);
    // A folder may have such a name.
    std::fs::create_dir(place.path().join("me@host:team")).unwrap();
    ok(place.dml(&["-C", "ada", "remote", "add", "origin", "../me@host:team"]));
    ok(place.dml(&["-C", "ada", "push"]));
    ok(place.dml(&["-C", "ada", "branch", "trial"]));
    ok(place.dml(&["-C", "ada", "push", "origin", "trial"]));
    ok(place.dml(&["clone", "me@host:team", "bob"]));
    let makes = "`dml checkout -b trial origin/trial` makes a branch";
    fails(
        &["-C", "bob", "checkout", "trial"],
        3,
        &["\"trial\" not found", makes],
    );
    ok(place.dml(&["-C", "bob", "checkout", "-b", "trial", "origin/trial"]));
    let config = ["-C", "bob", "config", "remote.origin.calls", "read"];
    common::says(
        &ok(place.dml(&config)),
        &["config --user --add remotes.trusted", "me@host:team"],
    );
    std::fs::rename(place.path().join("me@host:team"), place.path().join("away")).unwrap();
    let gone = [
        "there was one before",
        "`dml remote remove` it, and add it again",
    ];
    fails(&["-C", "bob", "fetch"], 3, &gone);
}

#[test]
fn refs_that_may_not_move_are_refused_and_can_be_forced() {
    let place = team();
    ok(place.dml(&["-C", "ada", "remote", "add", "origin", "../team"]));
    ok(place.dml(&["-C", "ada", "push"]));
    ok(place.dml(&["clone", "team", "bob"]));
    commit(&place, "bob", "second", 2);
    ok(place.dml(&["-C", "bob", "push"]));
    commit(&place, "ada", "third", 3);
    snapshot!(
        "remote_force",
        session(
            &place,
            &[
                "ada: push",
                "ada: push --force-with-lease",
                "ada: fetch",
                "ada: push --force-with-lease",
                "ada: tag v1",
                "ada: push --tags",
                "bob: tag v1",
                "bob: push origin v1",
                "bob: fetch",
                "bob: push --force",
                "bob: push origin --delete nothing",
                "ada: fetch --prune --dry-run",
            ],
        )
    );
}

#[test]
fn a_remote_is_collected_and_checked() {
    let place = team();
    ok(place.dml(&["-C", "ada", "remote", "add", "origin", "../team"]));
    ok(place.dml(&["-C", "ada", "push"]));
    commit(&place, "ada", "second", 2);
    ok(place.dml(&["-C", "ada", "push"]));
    ok(place.dml(&["-C", "ada", "push", "--force", "origin", "main~1:main"]));
    let told = session(
        &place,
        &[
            "ada: remote gc --dry-run --grace 0",
            "ada: remote gc",
            "ada: remote gc --grace 0",
            "ada: remote gc --grace 0 --json",
            "ada: remote fsck",
            "ada: remote fsck --json",
        ],
    );
    snapshot!("remote_gc", told);
    let packs = place.path().join("team/packs");
    for folder in std::fs::read_dir(packs).unwrap() {
        for pack in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let pack = pack.unwrap().path();
            std::fs::remove_file(&pack).unwrap();
            std::fs::write(&pack, "nonsense").unwrap();
        }
    }
    let checked = place.dml(&["-C", "ada", "remote", "fsck"]);
    assert_eq!(checked.code, Some(1), "{}", checked.all());
    assert!(
        checked.stderr.contains("error: 2 findings"),
        "{}",
        checked.all()
    );
    assert!(checked.stdout.starts_with("packs/"), "{}", checked.all());
}

#[test]
fn lists_tell_of_values_that_stay_at_the_remote_and_do_not_fetch_them() {
    let place = team();
    let ada = daggerml::Repository::open(&place.path().join("ada")).unwrap();
    let mut draft = ada.new_dag("big", "a large value").unwrap();
    let node = draft.put(Value::Bytes(vec![7; 5000])).unwrap();
    draft.commit(node).unwrap();
    let there = place.path().join("there");
    let there = there.to_str().unwrap();
    ok(place.dml(&["-C", "ada", "remote", "add", "origin", there]));
    ok(place.dml(&["-C", "ada", "push"]));
    ok(place.dml(&["clone", "--filter", "values:1KiB", there, "light"]));
    let stays = "stays at origin until it is read: 4.8 KiB";
    for _ in 0..2 {
        for list in [["dag", "list", "-q"], ["dag", "show", "big"]] {
            let args = [&["-C", "light"][..], &list].concat();
            let told = ok(place.dml(&args)).all();
            assert!(told.contains(stays), "{told}");
        }
    }
    let json = ok(place.dml(&["-C", "light", "dag", "list", "--json"])).all();
    assert!(json.contains(r#""remote":"origin""#), "{json}");
    ok(place.dml(&["-C", "light", "cat", "big"]));
    let told = ok(place.dml(&["-C", "light", "dag", "list"])).all();
    assert!(!told.contains(stays), "{told}");
}

#[test]
fn an_address_that_is_set_is_read_as_one_that_is_added() {
    let place = team();
    ok(place.dml(&["-C", "ada", "config", "remote.origin.url", "shared"]));
    let shown = ok(place.dml(&["-C", "ada", "config", "remote.origin.url"]));
    // The harness writes the absolute path of its folder like this.
    assert_eq!(shown.stdout.trim(), "<FOLDER>/shared");
    for (key, value) in [
        ("remote.origin.url", "https://me:secret@host/x"),
        ("remote.origin.filter", "trees"),
    ] {
        let refused = place.dml(&["-C", "ada", "config", key, value]);
        assert_ne!(refused.code, Some(0), "{key}");
        assert!(!refused.all().contains("secret"), "{}", refused.all());
    }
}
