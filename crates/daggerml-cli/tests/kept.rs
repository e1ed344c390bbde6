//! What is kept: no commit, value or bundle goes without a word, and what is done to
//! several things is done to all of them or to none.

mod common;

use common::{Place, branches, fails, ok, put, says};
use serde_json::{Value, json};

#[test]
fn a_moved_branch_says_where_it_was() {
    let place = Place::with_repository();
    let first = put(&place, "a", 1);
    let second = put(&place, "a", 2);
    let run = place.dml(&["branch", "-f", "main", "HEAD~1"]);
    says(&run, &["Moved", &first[..12], "it was at", &second[..12]]);
    let json = place
        .dml(&["branch", "-f", "main", &second, "--json"])
        .json();
    assert_eq!(
        json["moved"],
        json!({"name": "main", "commit": second, "from": first})
    );
}

#[test]
fn branches_are_deleted_together_or_not_at_all() {
    let place = Place::with_repository();
    put(&place, "a", 1);
    for name in ["x", "y"] {
        ok(&place.dml(&["branch", name]));
        ok(&place.dml(&["tag", name]));
    }
    fails(&place.dml(&["branch", "-d", "x", "z", "y"]), 3, &["\"z\""]);
    fails(&place.dml(&["tag", "-d", "x", "z", "y"]), 3, &["\"z\""]);
    assert_eq!(branches(&place), ["main", "x", "y"]);
    says(&place.dml(&["branch", "-d", "x", "y"]), &["Deleted x"]);
    ok(&place.dml(&["tag", "-d", "x", "y"]));
    assert_eq!(branches(&place), ["main"]);
}

#[test]
fn leaving_a_commit_that_no_branch_has() {
    let place = Place::with_repository();
    let first = put(&place, "a", 1);
    ok(&place.dml(&["checkout", &first]));
    let run = place.dml(&["checkout", "main"]);
    assert!(!run.stderr.contains("Left"), "{}", run.all());
    ok(&place.dml(&["checkout", &first]));
    let loose = put(&place, "b", 2);
    let run = place.dml(&["checkout", "main"]);
    says(&run, &["Left commit", &loose[..12], "dml branch NAME"]);
    ok(&place.dml(&["checkout", &loose]));
    let json = place.dml(&["checkout", "main", "--json"]).json();
    assert_eq!(json["left"], loose);
}

#[test]
fn a_waiting_merge() {
    let place = Place::with_repository();
    put(&place, "a", 1);
    ok(&place.dml(&["branch", "trial"]));
    put(&place, "a", 2);
    ok(&place.dml(&["checkout", "trial"]));
    put(&place, "a", 3);
    fails(&place.dml(&["merge", "main"]), 4, &["conflicts in \"a\""]);
    // It leaves no branch behind that was not checked out.
    fails(&place.dml(&["checkout", "-b", "new"]), 4, &["merge waits"]);
    assert_eq!(branches(&place), ["main", "trial"]);
    let status = place.dml(&["status"]).stdout;
    assert!(status.contains("merge --resolve"), "{status}");
    fails(
        &place.dml(&["merge", "--resolve", "a=our"]),
        3,
        &["ours, theirs, removed"],
    );
    ok(&place.dml(&["merge", "--resolve", "a=ours"]));
    let status = place.dml(&["status"]).stdout;
    assert!(status.contains("merge --continue"), "{status}");
    ok(&place.dml(&["merge", "--continue"]));
    says(&place.dml(&["rebase", "HEAD"]), &["Nothing to rebase"]);
}

#[test]
fn only_the_value_is_excised() {
    let place = Place::with_repository();
    let first = put(&place, "a", 1);
    put(&place, "b", 2);
    put(&place, "c", 3);
    let yes = ["--reason", "secret", "--yes"];
    let excise = |what: &[&str]| place.dml(&[&["excise"], what, &yes[..]].concat());
    fails(
        &place.dml(&["excise", "HEAD:a", "--reason", " ", "--yes"]),
        2,
        &["reason is empty"],
    );
    fails(
        &place.dml(&["excise", "a", "--value", "--reason", "x"]),
        2,
        &["datum", "--yes"],
    );
    says(&excise(&["a", "--value"]), &["Excised datum"]);
    // The others are still listed, and so is what the value was of.
    let list = place.dml(&["dag", "list"]);
    assert!(ok(&list).stdout.contains("excised: secret"));
    let dags = place.dml(&["dag", "list", "--json"]).json()["dags"].clone();
    assert_eq!(dags[0]["excised"]["kind"], "datum");
    assert_eq!(
        (&dags[1]["name"], &dags[1]["excised"]),
        (&json!("b"), &Value::Null)
    );
    for args in [&["dag", "show", "a"][..], &["dag", "node", "a"]] {
        let run = place.dml(args);
        assert!(ok(&run).stdout.contains("excised: secret"), "{}", run.all());
    }
    ok(&place.dml(&["dag", "graph", "a"]));
    fails(&place.dml(&["cat", "a"]), 1, &["was excised: secret"]);
    fails(
        &place.dml(&["dag", "get", "a"]),
        1,
        &["was excised: secret"],
    );

    // A node: its value stays, and that is said.
    let node = place.dml(&["dag", "get", "b", "--json"]).json()["node"].clone();
    let run = excise(&[node.as_str().unwrap()]);
    says(&run, &["Excised node", "Its value stays", "--value"]);
    let show = place.dml(&["dag", "show", "b"]);
    assert!(ok(&show).stdout.contains("excised"), "{}", show.all());

    // A commit: what leads on to history is not taken away without a word.
    fails(&excise(&["HEAD"]), 4, &["heads/main is at commit"]);
    fails(&excise(&["HEAD^{tree}"]), 4, &["heads/main is at tree"]);
    says(&excise(&["HEAD~1"]), &["History ends there", &first[..12]]);
    let log = place.dml(&["log", "--oneline"]);
    fails(&log, 1, &["was excised"]);
    assert_eq!(log.stdout.lines().count(), 1, "what is there is shown");
    ok(&place.dml(&["log", "-n", "1"]));
    let show = place.dml(&["show"]);
    assert!(ok(&show).stdout.contains("before was excised"));
    assert_eq!(
        place.dml(&["show", "--json"]).json()["changes"],
        Value::Null
    );
}

#[test]
fn a_bundle_twice_and_once_more_later() {
    let (from, to) = (Place::with_repository(), Place::with_repository());
    let first = put(&from, "a", 1);
    let bundle = to.path().join("main.bundle");
    let bundle = bundle.to_str().unwrap();
    let create = || ok(&from.dml(&["bundle", "create", "main", "-o", bundle])).code;
    let apply = || to.dml(&["bundle", "apply", bundle, "--branch", "theirs"]);
    create();
    says(&apply(), &["Made the branch theirs"]);
    says(&apply(), &["is there already"]);
    let second = put(&from, "a", 2);
    create();
    says(&apply(), &["Moved the branch theirs forward", &first[..12]]);
    assert_eq!(
        to.repository().commit_at("theirs").unwrap().to_string(),
        second
    );

    // A branch that went another way: nothing is taken in.
    ok(&to.dml(&["checkout", "theirs"]));
    put(&to, "b", 3);
    put(&from, "a", 4);
    create();
    fails(&apply(), 4, &["does not follow", "another branch"]);
    let gc = to.dml(&["gc", "-n"]);
    says(&gc, &["Nothing to remove"]);
    fails(
        &to.dml(&["bundle", "apply", bundle, "--branch", "a b"]),
        2,
        &["character ' '"],
    );
    fails(
        &to.dml(&["bundle", "apply", bundle, "--dag", "x"]),
        1,
        &["holds commit", "not one dag"],
    );
    says(&to.dml(&["gc", "-n"]), &["Nothing to remove"]);
}

#[test]
fn a_bundle_that_cannot_be_read() {
    let place = Place::with_dags();
    ok(&place.dml(&["bundle", "create", "main", "-o", "b"]));
    let whole = std::fs::read(place.path().join("b")).unwrap();
    let apply = |bytes: &[u8]| {
        std::fs::write(place.path().join("bad"), bytes).unwrap();
        place.dml(&["bundle", "apply", "bad", "--branch", "x"])
    };
    fails(
        &apply(&whole[..100]),
        1,
        &["bad: not a sound bundle", "cut off"],
    );
    fails(&apply(b"root:x:0:0:root"), 1, &["does not begin like one"]);
    let mut newer = whole;
    newer[9] = 2;
    fails(
        &apply(&newer),
        1,
        &["bad: ", "version 2", "update DaggerML"],
    );
    if cfg!(unix) {
        fails(
            &place.dml(&["bundle", "apply", "."]),
            1,
            &[".: cannot read"],
        );
    }
}
