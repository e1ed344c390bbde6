//! Branches, tags, merging, undoing: what is done to history, end to end.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Place, ok};

/// Commits a DAG of this name whose result is `value`.
fn put(place: &Place, name: &str, value: i64) {
    let mut dag = place.repository().new_dag(name, name).unwrap();
    let node = dag.put(value.into()).unwrap();
    dag.set_name("x", node).unwrap();
    dag.commit(node).unwrap();
}

fn value(place: &Place, dag: &str) -> serde_json::Value {
    place.dml(&["dag", "get", dag, "--json"]).json()["value"].clone()
}

/// main: a=1, then a=2; trial (from the first): `name`=3.
fn two_lines(name: &str) -> Place {
    let place = Place::with_repository();
    put(&place, "a", 1);
    ok(&place.dml(&["branch", "trial"]));
    put(&place, "a", 2);
    ok(&place.dml(&["checkout", "trial"]));
    put(&place, name, 3);
    ok(&place.dml(&["checkout", "main"]));
    place
}

/// Half an hour from any whole one, so that it is nobody's zone by chance.
#[test]
#[cfg(unix)]
fn times_are_those_of_the_zone_that_the_environment_names() {
    let place = Place::with_repository();
    put(&place, "a", 1);
    let log = common::Run::of(
        place
            .command()
            .env("TZ", "HERE-5:30THERE,M3.2.0,M11.1.0")
            .args(["log", "-n1"]),
        &place,
    );
    let is_here = log.stdout.contains(" +05:30") || log.stdout.contains(" +06:30");
    assert!(is_here, "{}", log.all());
    let log = place.dml(&["log", "-n1"]);
    assert!(log.stdout.contains(" +00:00"), "{}", log.all());
}

#[test]
fn branches() {
    let place = two_lines("b");
    let list = place.dml(&["branch"]);
    assert!(list.stdout.contains("*  main"), "{}", list.all());
    assert!(list.stdout.contains("trial"), "{}", list.all());
    assert_eq!(place.dml(&["branch", "trial"]).code, Some(4), "it is there");
    assert_eq!(
        place.dml(&["branch", "-d", "trial"]).code,
        Some(4),
        "b is only on it"
    );
    assert_eq!(
        place.dml(&["branch", "-d", "main"]).code,
        Some(4),
        "it is checked out"
    );
    ok(&place.dml(&["branch", "-m", "trial", "kept"]));
    let json = place.dml(&["branch", "--json"]).json();
    assert_eq!(json["branches"][0]["name"], "kept");
    assert_eq!(json["branches"][1]["current"], true);
    ok(&place.dml(&["branch", "-d", "kept", "--force"]));
    assert_eq!(place.dml(&["checkout", "kept"]).code, Some(3));
    assert_eq!(
        place.dml(&["branch", "a b"]).code,
        Some(2),
        "no name of a branch"
    );
}

#[test]
fn tags_and_revisions() {
    let place = two_lines("b");
    ok(&place.dml(&["tag", "v1", "main~1"]));
    assert_eq!(
        place.dml(&["tag", "--json"]).json()["tags"][0]["name"],
        "v1"
    );
    assert_eq!(value(&place, "v1:a"), 1);
    let got = place
        .dml(&["dag", "get", "a", "--at", "v1", "--json"])
        .json();
    assert_eq!(got["value"], 1);
    let checkout = place.dml(&["checkout", "v1"]);
    assert!(ok(&checkout).stderr.contains("on no branch"));
    assert_eq!(value(&place, "a"), 1);
    ok(&place.dml(&["checkout", "-b", "again"]));
    assert_eq!(place.dml(&["status", "--json"]).json()["branch"], "again");
    ok(&place.dml(&["tag", "-d", "v1"]));
    let run = place.dml(&["show", "v1"]);
    assert_eq!(run.code, Some(3), "{}", run.all());
}

#[test]
fn merge_without_conflict() {
    let place = two_lines("b");
    let merged = place.dml(&["merge", "trial", "--json"]).json();
    assert_eq!(merged["merge"], "merged");
    assert_eq!(
        (value(&place, "a"), value(&place, "b")),
        (2.into(), 3.into())
    );
    assert_eq!(
        place.dml(&["merge", "trial", "--json"]).json()["merge"],
        "up_to_date"
    );
    ok(&place.dml(&["checkout", "trial"]));
    assert_eq!(
        place.dml(&["merge", "main", "--json"]).json()["merge"],
        "fast_forward"
    );
    let log = place.dml(&["log", "--oneline"]);
    assert_eq!(log.stdout.lines().count(), 4, "{}", log.all());
    let log = place.dml(&["log", "main~1..main", "--oneline"]);
    assert_eq!(log.stdout.lines().count(), 2, "{}", log.all());
    let log = place.dml(&["log", "--dag", "b", "--oneline"]);
    assert_eq!(log.stdout.lines().count(), 1, "{}", log.all());
}

#[test]
fn merge_with_conflict() {
    let place = two_lines("a");
    let run = place.dml(&["merge", "trial"]);
    assert_eq!(run.code, Some(4), "{}", run.all());
    assert!(
        run.stderr.contains("merge conflicts in \"a\""),
        "{}",
        run.all()
    );
    assert!(run.stderr.contains("--resolve"), "{}", run.all());
    assert!(place.dml(&["status"]).stdout.contains("conflicts:"));
    let status = place.dml(&["status", "--json"]).json();
    assert_eq!(status["merge"]["conflicts"][0]["name"], "a");
    assert_eq!(
        place.dml(&["merge", "--continue"]).code,
        Some(4),
        "nothing is chosen"
    );
    ok(&place.dml(&["merge", "--abort"]));
    assert_eq!(value(&place, "a"), 2);

    assert_eq!(place.dml(&["merge", "trial"]).code, Some(4));
    assert_eq!(place.dml(&["merge", "--resolve", "a"]).code, Some(2));
    ok(&place.dml(&["merge", "--resolve", "a=theirs"]));
    ok(&place.dml(&["merge", "--continue"]));
    assert_eq!(value(&place, "a"), 3);
}

#[test]
fn rebase_and_revert() {
    let place = two_lines("b");
    ok(&place.dml(&["checkout", "trial"]));
    let done = place.dml(&["rebase", "main", "--json"]).json();
    assert_eq!(done["replayed"], 1);
    assert_eq!(
        (value(&place, "a"), value(&place, "b")),
        (2.into(), 3.into())
    );
    ok(&place.dml(&["revert", "HEAD"]));
    assert_eq!(place.dml(&["dag", "get", "b"]).code, Some(3));

    let place = two_lines("a");
    ok(&place.dml(&["checkout", "trial"]));
    let run = place.dml(&["rebase", "main"]);
    assert_eq!(run.code, Some(4), "{}", run.all());
    assert!(run.stderr.contains("--resolve NAME="), "{}", run.all());
    assert_eq!(value(&place, "a"), 3, "nothing was changed");
    ok(&place.dml(&["rebase", "main", "--resolve", "a=theirs"]));
    assert_eq!(value(&place, "a"), 3);
    put(&place, "a", 4);
    let run = place.dml(&["revert", "HEAD~1"]);
    assert_eq!(run.code, Some(4), "{}", run.all());
    ok(&place.dml(&["revert", "HEAD~1", "--resolve", "a=main~1:a"]));
    assert_eq!(value(&place, "a"), 1);
}

#[test]
fn differences() {
    let place = two_lines("b");
    let run = place.dml(&["diff", "trial", "main"]);
    let lines: Vec<_> = run
        .stdout
        .lines()
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    assert_eq!(lines, ["~ a", "- b"], "{}", run.all());
    let run = place.dml(&["diff", "main~1:a", "main:a"]);
    assert!(
        run.stdout.contains("~ x\n    - 1\n    + 2\n"),
        "{}",
        run.all()
    );
    let json = place.dml(&["diff", "main~1", "--values", "--json"]).json();
    let values = &json["dags"][0]["diff"]["names"][0]["values"][0];
    assert_eq!(
        (&values["old"], &values["new"]),
        (&1.into(), &2.into()),
        "{json}"
    );
    let run = place.dml(&["diff", "main", "main"]);
    assert!(ok(&run).stderr.contains("No DAG differs"));
}

#[test]
fn names_of_dags() {
    let place = two_lines("b");
    ok(&place.dml(&["dag", "rename", "a", "c"]));
    assert_eq!(value(&place, "c"), 2);
    let run = place.dml(&["dag", "get", "a"]);
    assert_eq!(run.code, Some(3), "{}", run.all());
    put(&place, "a", 9);
    assert_eq!(place.dml(&["dag", "rename", "a", "c"]).code, Some(4));
    ok(&place.dml(&["dag", "delete", "a", "c"]));
    assert_eq!(
        place.dml(&["dag", "list", "--json"]).json()["dags"],
        serde_json::json!([])
    );
    assert_eq!(place.dml(&["dag", "delete", "a"]).code, Some(3));
}

#[test]
fn open_dags() {
    let place = Place::with_repository();
    let id = {
        let mut dag = place.repository().new_dag("left behind", "m").unwrap();
        let node = dag.put(7.into()).unwrap();
        dag.set_name("total", node).unwrap();
        dag.flush().unwrap();
        dag.id().to_string()
    };
    let run = place.dml(&["index", "list"]);
    assert!(run.stdout.contains("left behind"), "{}", run.all());
    // It will be committed to what is checked out when it ends.
    let run = place.dml(&["checkout", "-b", "other"]);
    assert!(
        ok(&run).stderr.contains("1 draft will be committed here"),
        "{}",
        run.all()
    );
    let json = place.dml(&["index", "resume", &id[..8], "--json"]).json();
    assert_eq!(
        (&json["id"], &json["nodes"]),
        (&id.clone().into(), &1.into())
    );
    assert_eq!(
        place.dml(&["index", "resume", &id, "--commit", "y"]).code,
        Some(3)
    );
    ok(&place.dml(&["index", "resume", &id, "--commit", "total"]));
    assert_eq!(value(&place, "left behind"), 7);
    assert_eq!(
        place.dml(&["index", "discard", &id]).code,
        Some(3),
        "it is gone"
    );
}
