//! Looking after a repository, end to end.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Place, Run, ok};

/// The id of the datum that is the result of `dag`.
fn datum(place: &Place, dag: &str) -> String {
    let got = place.dml(&["dag", "get", dag, "--json"]).json();
    got["datum"].as_str().unwrap().to_owned()
}

#[test]
fn garbage() {
    let place = Place::with_dags();
    assert!(place.dml(&["gc"]).stderr.contains("Nothing to remove"));
    ok(&place.dml(&["checkout", "--orphan", "fresh"]));
    ok(&place.dml(&["branch", "-d", "main", "--force"]));
    let plan = place.dml(&["gc", "--dry-run", "--json"]).json();
    assert_eq!(plan["dry_run"], true);
    let commits = |json: &serde_json::Value| {
        let kinds = json["removed"].as_array().unwrap();
        let kind = kinds.iter().find(|kind| kind["kind"] == "commit");
        kind.map(|kind| kind["objects"].as_u64().unwrap())
    };
    assert_eq!(commits(&plan), Some(3), "{plan}");
    let run = place.dml(&["gc"]);
    assert!(ok(&run).stdout.contains("REMOVED"), "{}", run.all());
    assert!(place.dml(&["gc"]).stderr.contains("Nothing to remove"));
}

#[test]
#[cfg(unix)]
fn the_file_gets_shorter() {
    let place = Place::with_dags();
    let words = "x".repeat(6000);
    let repository = place.repository();
    let mut dag = repository.new_dag("long", "").unwrap();
    let nodes = (0..400).map(|number| dag.put(format!("{words}{number}").as_str().into()).unwrap());
    let last = nodes.last().unwrap();
    dag.commit(last).unwrap();
    drop(repository);
    ok(&place.dml(&["checkout", "--orphan", "fresh"]));
    ok(&place.dml(&["branch", "-d", "main", "--force"]));
    let run = place.dml(&["gc", "--json"]).json();
    let length = |name: &str| run["file"][name].as_u64().unwrap();
    assert!(length("after") < length("before") / 2, "{run}");
    let found = std::fs::metadata(place.path().join(".dml/data.mdb")).unwrap();
    assert_eq!(found.len(), length("after"));
    let run = place.dml(&["gc"]);
    assert!(
        ok(&run).stdout.contains("The data file had"),
        "{}",
        run.all()
    );
}

#[test]
fn a_sound_repository() {
    let place = Place::with_dags();
    let run = place.dml(&["fsck"]);
    assert!(
        ok(&run).stdout.contains("0 things are damaged"),
        "{}",
        run.all()
    );
    let json = place.dml(&["fsck", "--json"]).json();
    assert_eq!(
        (&json["clean"], &json["findings"]),
        (&true.into(), &serde_json::json!([]))
    );
    let json = place.dml(&["migrate", "--json"]).json();
    assert_eq!(json["from"], json["to"]);
}

#[test]
fn a_damaged_repository() {
    let place = Place::with_dags();
    let file = place.path().join(".dml/data.mdb");
    let mut bytes = std::fs::read(&file).unwrap();
    // The text of a value, in place: its hash is another from now on.
    let text = "数据".as_bytes();
    let at = bytes
        .windows(text.len())
        .position(|found| found == text)
        .unwrap();
    bytes[at + 2] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let run = place.dml(&["fsck"]);
    assert_eq!(run.code, Some(1), "{}", run.all());
    assert!(
        run.stderr.contains("error: the repository is damaged"),
        "{}",
        run.all()
    );
    assert!(
        run.stdout.contains("größe"),
        "what is lost is named: {}",
        run.all()
    );
    let run = place.dml(&["dag", "get", "größe"]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(1), ""),
        "{}",
        run.all()
    );
    assert!(
        run.stderr.contains("damaged") && run.stderr.contains("dml fsck"),
        "{}",
        run.all()
    );
    assert_eq!(place.dml(&["dag", "get", "numbers"]).stdout, "[1, 2, 3]\n");
}

#[test]
fn excision() {
    let place = Place::with_dags();
    let id = datum(&place, "größe");
    let run = place.dml(&["excise", &id, "--reason", "secret"]);
    assert_eq!(run.code, Some(2), "it must be meant: {}", run.all());
    let json = place
        .dml(&["excise", &id[..10], "--reason", "secret", "--yes", "--json"])
        .json();
    assert_eq!(
        (&json["id"], &json["already"]),
        (&id.clone().into(), &false.into())
    );
    let run = place.dml(&["dag", "get", "größe"]);
    assert_eq!(run.code, Some(1), "{}", run.all());
    assert!(run.stderr.contains("excised: secret"), "{}", run.all());
    let json = place.dml(&["fsck", "--json"]).json();
    assert_eq!(json["excised"][0]["reason"], "secret");
}

#[test]
fn bundles() {
    let (from, to) = (Place::with_dags(), Place::with_repository());
    let file = to.path().join("main.bundle");
    let file = file.to_str().unwrap();
    ok(&from.dml(&["bundle", "create", "main", "-o", file]));
    let json = to
        .dml(&[
            "bundle",
            "apply",
            "main.bundle",
            "--branch",
            "theirs",
            "--json",
        ])
        .json();
    assert_eq!(json["roots"][0]["kind"], "commit");
    assert_eq!(json["new"], json["objects"]);
    ok(&to.dml(&["checkout", "theirs"]));
    assert_eq!(to.dml(&["cat", "numbers"]).stdout, "[1,2,3]\n");

    // A DAG, through a pipe.
    let bundle = from
        .command()
        .args(["bundle", "create", "main:numbers"])
        .output()
        .unwrap();
    assert!(bundle.status.success());
    std::fs::write(to.path().join("dag"), &bundle.stdout).unwrap();
    let stdin = std::fs::File::open(to.path().join("dag")).unwrap();
    let args = ["bundle", "apply", "-", "--dag", "again"];
    ok(&Run::of(to.command().args(args).stdin(stdin), &to));
    assert_eq!(to.dml(&["cat", "again"]).stdout, "[1,2,3]\n");

    // Damage: nothing is taken in.
    let mut bytes = bundle.stdout;
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(to.path().join("bad"), bytes).unwrap();
    let run = to.dml(&["bundle", "apply", "bad"]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(1), ""),
        "{}",
        run.all()
    );
    assert_eq!(to.dml(&["bundle", "apply", "nothing"]).code, Some(3));
}

#[test]
fn values_as_they_are() {
    let place = Place::with_dags();
    assert_eq!(place.dml(&["cat", "größe"]).stdout, "数据");
    let run = place
        .command()
        .args(["cat", "numbers/bytes"])
        .output()
        .unwrap();
    assert_eq!(run.stdout, (0..40).collect::<Vec<u8>>());
    assert_eq!(
        place.dml(&["cat", "numbers/nan"]).stdout,
        "{\"$float\":\"NaN\"}\n"
    );
    let id = datum(&place, "größe");
    assert_eq!(place.dml(&["cat", &id[..9]]).stdout, "数据");
    assert_eq!(place.dml(&["cat", "größe", "--json"]).stdout, "\"数据\"\n");
    assert_eq!(place.dml(&["cat", "nothing here"]).code, Some(3));
}

#[test]
fn settings() {
    let place = Place::with_repository();
    let home = place.path().join("home");
    let dml = |args: &[&str]| {
        Run::of(
            place
                .command()
                .env_remove("DML_AUTHOR")
                .env("DML_CONFIG_DIR", &home)
                .args(args),
            &place,
        )
    };
    ok(&dml(&["config", "user.name", "Grace", "--user"]));
    assert_eq!(dml(&["config", "user.name"]).stdout, "Grace\n");
    ok(&dml(&["config", "user.name", "Ada"]));
    assert_eq!(dml(&["config", "user.name"]).stdout, "Ada\n");
    let json = dml(&["config", "--json"]).json();
    assert_eq!(json["settings"].as_array().unwrap().len(), 2, "{json}");
    ok(&dml(&["config", "--unset", "user.name"]));
    assert_eq!(dml(&["config", "user.name"]).stdout, "Grace\n");
    let run = dml(&["config", "user.nam", "x"]);
    assert_eq!(run.code, Some(3), "{}", run.all());
    assert!(
        run.stderr.contains("did you mean user.name"),
        "{}",
        run.all()
    );
}
