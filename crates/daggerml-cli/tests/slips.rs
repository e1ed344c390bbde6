//! Slips of the hand, and habits from git: nothing is lost, and the message says
//! what to do.

mod common;

use common::{Place, branches, fails, ok, put, says};

#[test]
fn a_folder_that_is_not_there() {
    let place = Place::with_repository();
    // Not the repository of the folder above.
    fails(&place.dml(&["-C", "typo", "status"]), 3, &["typo"]);
    std::fs::write(place.path().join("file"), "").unwrap();
    fails(&place.dml(&["-C", "file", "status"]), 3, &["file"]);
    std::fs::create_dir_all(place.path().join("a/b")).unwrap();
    ok(&place.dml(&["-C", "a/b", "status"]));
}

#[test]
fn init_where_a_repository_is() {
    let place = Place::with_repository();
    fails(
        &place.dml(&["init"]),
        4,
        &[".dml", "hint: it can be used as it is"],
    );
    fails(
        &place.dml(&["init", ".dml"]),
        1,
        &["belongs to a repository"],
    );
    assert!(!place.path().join(".dml/.dml").exists());
}

#[test]
fn before_the_first_commit() {
    let place = Place::with_repository();
    ok(&place.dml(&["checkout", "-b", "trial"]));
    put(&place, "a", 1);
    assert_eq!(branches(&place), ["trial"]);
    fails(&place.dml(&["checkout", "-b", "trial"]), 4, &["exists"]);
}

#[test]
fn names_and_revisions_that_cannot_be() {
    let place = Place::with_dags();
    for (name, why) in [
        ("a b", "the character ' '"),
        ("HEAD", "checked out"),
        ("a..b", "range"),
        ("a//b", "slashes"),
        ("", "empty"),
    ] {
        fails(&place.dml(&["branch", name]), 2, &[why]);
        fails(&place.dml(&["tag", name]), 2, &[why]);
        fails(&place.dml(&["checkout", "-b", name]), 2, &[why]);
    }
    for (text, why) in [
        ("main^{", "not closed"),
        ("main^{value}", "tombstone"),
        ("main:", "name of a DAG"),
        ("main~x", "after ~N"),
    ] {
        fails(&place.dml(&["show", text]), 2, &[why]);
    }
    fails(&place.dml(&["show", "HAED"]), 3, &["did you mean HEAD?"]);
    fails(&place.dml(&["show", "ab12"]), 3, &["6 digits or more"]);
    fails(&place.dml(&["dag", "lst"]), 2, &["`dml dag --help`"]);
    fails(&place.dml(&["help"]), 2, &["`dml COMMAND --help`"]);
    let run = place.dml(&["checkout", "x"]);
    fails(&run, 3, &["not found"]);
    assert!(!run.stderr.contains("did you mean"), "{}", run.all());
}

#[test]
fn rev_parse() {
    let place = Place::with_dags();
    let json = place
        .dml(&["rev-parse", "HEAD", "main~1", "main:numbers/xs", "--json"])
        .json();
    let kinds: Vec<_> = json["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["commit", "commit", "node"]);
    let run = place.dml(&["rev-parse", "HEAD"]);
    let id = json["objects"][0]["id"].as_str().unwrap();
    assert_eq!(ok(&run).stdout, format!("{id}\n"));
    fails(
        &place.dml(&["rev-parse", "HEAD", "nope"]),
        3,
        &["revision \"nope\" not found"],
    );
}

#[test]
fn a_branch_named_like_a_full_name() {
    let place = Place::with_repository();
    put(&place, "a", 1);
    fails(
        &place.dml(&["branch", "heads/x"]),
        2,
        &["full name of a ref"],
    );
    ok(&place.dml(&["branch", "x"]));
    for name in ["heads/x", "refs/heads/x"] {
        says(&place.dml(&["checkout", name]), &["On branch x"]);
        ok(&place.dml(&["checkout", "main"]));
    }
}

#[test]
fn ranges_and_names_in_diff_and_log() {
    let place = Place::with_repository();
    put(&place, "a", 1);
    put(&place, "b", 2);
    put(&place, "a", 3);
    for args in [&["diff", "HEAD~2..HEAD"][..], &["diff", "HEAD~2.."]] {
        let run = place.dml(args);
        assert!(ok(&run).stdout.contains("~ a"), "{}", run.all());
        assert!(run.stdout.contains("+ b"), "{}", run.all());
    }
    let run = place.dml(&["diff", "HEAD~1:a..HEAD:a"]);
    assert!(ok(&run).stdout.contains("+ 3"), "{}", run.all());
    assert!(run.stdout.contains("1 node added"), "{}", run.all());
    fails(&place.dml(&["diff", "--dag", "c"]), 3, &["dag \"c\""]);
    says(&place.dml(&["log", "--dag", "c"]), &["No commit changed"]);
    says(&place.dml(&["log", "main..HEAD"]), &["No commits"]);
}

#[test]
fn a_drawing_of_no_known_kind() {
    let place = Place::with_dags();
    let run = place.dml(&["dag", "graph", "numbers", "-o", "x.png"]);
    fails(&run, 2, &[".png", ".svg", "--format"]);
    assert!(!place.path().join("x.png").exists());
    ok(&place.dml(&["dag", "graph", "numbers", "-o", "x.png", "--format", "svg"]));
}

#[test]
fn names_that_would_turn_text_round() {
    let place = Place::with_repository();
    put(&place, "a\u{202e}b", 1);
    ok(&place.dml(&["checkout", "-b", "x\u{202e}y"]));
    for args in [
        &["status"][..],
        &["log"],
        &["show"],
        &["dag", "list"],
        &["diff"],
    ] {
        let run = place.dml(args);
        assert!(!ok(&run).stdout.contains('\u{202e}'), "{}", run.all());
    }
}

#[test]
fn a_repository_that_was_half_made() {
    let place = Place::empty();
    std::fs::create_dir(place.path().join(".dml")).unwrap();
    for args in [&["status"][..], &["init"]] {
        fails(&place.dml(args), 1, &["interrupted", "remove the folder"]);
    }
    std::fs::remove_dir(place.path().join(".dml")).unwrap();
    ok(&place.dml(&["init"]));
}

#[test]
fn files_that_are_not_there() {
    let place = Place::with_repository();
    let check = "check the path";
    fails(
        &place.dml(&["put", "a", "nowhere"]),
        3,
        &["cannot open nowhere", check],
    );
    put(&place, "a", 1);
    let drawn = place.dml(&["dag", "graph", "a", "-o", "no/such/a.svg"]);
    fails(&drawn, 1, &["cannot write no/such/a.svg: ", check]);
    assert!(!drawn.all().contains(".part"), "{}", drawn.all());
    let words = "repository of daggerml 0.1 \"nowhere\" not found in nowhere";
    fails(&place.dml(&["import-0.1", "nowhere"]), 3, &[words]);
}

#[test]
fn settings_that_there_are_not() {
    let place = Place::with_repository();
    std::fs::write(
        place.path().join(".dml/config.toml"),
        "user.nmae = \"Ada\"\ninclude.path = \"/etc/passwd\"\n[remote.team]\nfliter = \"none\"\n\
         [\"remote\".\"../..\"]\nurl = \"x\"\n[adapter.own]\nspeed = 3\n",
    )
    .unwrap();
    let run = place.dml(&["config"]);
    says(
        &run,
        &[
            "No setting is called user.nmae (repository); did you mean user.name?",
            "No setting is called include.path (repository)",
            "No setting is called remote.team.fliter (repository); did you mean remote.team.filter?",
            "No setting is called remote.../...url (repository)",
        ],
    );
    assert!(!run.stderr.contains("adapter.own"), "{}", run.stderr);
}

#[test]
fn a_folder_in_the_place_of_settings() {
    let place = Place::with_repository();
    std::fs::create_dir(place.path().join(".dml/config.toml")).unwrap();
    fails(&place.dml(&["config"]), 1, &["config.toml", "hint: "]);
}
