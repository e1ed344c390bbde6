//! What the commands print, for people and for programs.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Place, Run};

/// Snapshots with what differs between runs taken out: times and commit ids.
fn filters() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d", "<TIME>");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "<TIME>");
    settings.add_filter(r"size: .*", "size: <SIZE>");
    settings.add_filter(r#""size": \d+"#, r#""size": <SIZE>"#);
    settings.add_filter(r"Author: .*", "Author: <AUTHOR>");
    settings.add_filter(r#""author": ".*""#, r#""author": "<AUTHOR>""#);
    settings.add_filter(r"\b[0-9a-f]{64}\b", "<ID>");
    settings.add_filter(r"\b[0-9a-f]{12}\b", "<_SHORT_ID_>");
    settings
}

macro_rules! snapshot {
    ($name:expr, $run:expr) => {
        filters().bind(|| insta::assert_snapshot!($name, $run.all()))
    };
}

/// JSON on many lines, so that a change of shape shows as a small difference.
fn indented(run: &Run) -> String {
    serde_json::to_string_pretty(&run.json()).unwrap()
}

macro_rules! json_snapshot {
    ($name:expr, $run:expr) => {
        filters().bind(|| insta::assert_snapshot!($name, indented(&$run)))
    };
}

#[test]
fn an_empty_repository() {
    let place = Place::empty();
    snapshot!("init", place.dml(&["init"]));
    snapshot!("status_empty", place.dml(&["status"]));
    snapshot!("log_empty", place.dml(&["log"]));
    snapshot!("dag_list_empty", place.dml(&["dag", "list"]));
    json_snapshot!("status_empty_json", place.dml(&["status", "--json"]));
}

#[test]
fn a_repository_with_dags() {
    let place = Place::with_dags();
    snapshot!("status", place.dml(&["status"]));
    snapshot!("log", place.dml(&["log"]));
    snapshot!("log_oneline", place.dml(&["log", "--oneline", "-n", "2"]));
    snapshot!("show", place.dml(&["show"]));
    snapshot!("dag_list", place.dml(&["dag", "list"]));
}

#[test]
fn the_same_as_json() {
    let place = Place::with_dags();
    json_snapshot!("init_json", place.dml(&["init", "other", "--json"]));
    json_snapshot!("status_json", place.dml(&["status", "--json"]));
    json_snapshot!("log_json", place.dml(&["log", "--json", "-n", "1"]));
    json_snapshot!("show_json", place.dml(&["show", "--json"]));
    json_snapshot!("dag_list_json", place.dml(&["dag", "list", "--json"]));
    assert_eq!(
        place.dml(&["version", "--json"]).json()["version"],
        env!("CARGO_PKG_VERSION")
    );
}

#[test]
fn any_object_can_be_shown() {
    let place = Place::with_dags();
    let dags = place.dml(&["dag", "list", "--json"]).json();
    let numbers = &dags["dags"][2];
    assert_eq!(numbers["name"], "numbers");
    let dag = numbers["dag"].as_str().unwrap();
    let shown = place.dml(&["show", dag]);
    snapshot!("show_dag", shown);
    let shown = place.dml(&["show", dag, "--json"]);
    json_snapshot!("show_dag_json", shown);
    let shown = shown.json();
    let node = shown["nodes"][0]["id"].as_str().unwrap();
    snapshot!("show_node", place.dml(&["show", &node[..7]]));
    let datum = shown["nodes"][0]["datum"].as_str().unwrap();
    assert_eq!(
        place.dml(&["show", datum, "--json"]).json()["value"],
        serde_json::json!([1, 2, 3])
    );
    let log = place.dml(&["log", "--json"]).json();
    let tree = log["commits"][0]["tree"].as_str().unwrap();
    snapshot!("show_tree", place.dml(&["show", tree]));
}

#[test]
fn a_dag_and_its_nodes() {
    let place = Place::with_dags();
    snapshot!("dag_show", place.dml(&["dag", "show", "failed"]));
    snapshot!("dag_get", place.dml(&["dag", "get", "numbers"]));
    snapshot!(
        "dag_get_runnable",
        place.dml(&["dag", "get", "numbers", "runnable"])
    );
    snapshot!("dag_node", place.dml(&["dag", "node", "numbers", "xs"]));
    json_snapshot!(
        "dag_node_json",
        place.dml(&["dag", "node", "numbers", "xs", "--json"])
    );
    let got = place
        .dml(&["dag", "get", "numbers", "big", "--json"])
        .json();
    assert_eq!(got["value"]["$int"], "123456789012345678901234567890");
    // By id: the DAG, and a node of it.
    let (dag, node) = (got["dag"].as_str().unwrap(), got["node"].as_str().unwrap());
    let run = place.dml(&["dag", "get", &dag[..8], &node[..8]]);
    assert_eq!(
        run.stdout,
        "123456789012345678901234567890\n",
        "{}",
        run.all()
    );
}

#[test]
fn version_facts() {
    let place = Place::empty();
    let run = place.dml(&["--version"]);
    assert_eq!(run.stdout, format!("dml {}\n", env!("CARGO_PKG_VERSION")));
    let facts = place.dml(&["version", "-v", "--json"]).json();
    for fact in [
        "platform",
        "profile",
        "rust",
        "store_schema",
        "record_format",
        "program",
    ] {
        assert!(!facts[fact].is_null(), "{fact} in {facts}");
    }
}

#[test]
fn scripts_for_every_shell() {
    let place = Place::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = place.dml(&["completions", shell]);
        assert_eq!(run.code, Some(0), "{}", run.all());
        assert!(run.stdout.contains("dml"), "{shell}");
    }
    assert!(place.dml(&["man"]).stdout.starts_with(".TH dml 1"));
    assert!(
        place
            .dml(&["man", "dag", "list"])
            .stdout
            .contains("dml\\-dag\\-list")
    );
    let run = place.dml(&["man", "--dir", "pages"]);
    assert_eq!(run.code, Some(0), "{}", run.all());
    assert!(place.path().join("pages/dml-dag-list.1").is_file());
}

#[test]
fn settings_are_offered() {
    let place = Place::with_repository();
    let run = place.dml(&["remote", "add", "team", "../team"]);
    assert_eq!(run.code, Some(0), "{}", run.all());
    assert!(place.offered(&["config", "us"]).contains("user.name"));
    let of_remote = place.offered(&["config", "remote.team."]);
    assert!(of_remote.contains("remote.team.calls"), "{of_remote}");
}

#[test]
fn what_was_excised_is_said() {
    let place = Place::with_dags();
    let excise = |words: &[&str]| {
        let args = [&["excise"], words, &["--reason", "a secret", "--yes"][..]].concat();
        let run = place.dml(&args);
        assert_eq!(run.code, Some(0), "{}", run.all());
    };
    excise(&["numbers", "--value"]);
    let node = place.dml(&["rev-parse", "main:numbers/text"]).stdout;
    excise(&[node.trim()]);
    snapshot!("dag_list_excised", place.dml(&["dag", "list"]));
    snapshot!("dag_show_excised", place.dml(&["dag", "show", "numbers"]));
    json_snapshot!(
        "dag_list_excised_json",
        place.dml(&["dag", "list", "--json"])
    );
}

#[test]
fn a_merge_that_waits() {
    let place = Place::with_repository();
    let put = |value: i64| {
        let mut dag = place.repository().new_dag("a", "a").unwrap();
        let node = dag.put(value.into()).unwrap();
        dag.commit(node).unwrap();
    };
    put(1);
    place.dml(&["branch", "trial"]);
    put(2);
    place.dml(&["checkout", "trial"]);
    put(3);
    snapshot!("merge_conflicts", place.dml(&["merge", "main"]));
    snapshot!("status_merge", place.dml(&["status"]));
}

#[test]
fn files_are_put_and_written_back() {
    let place = Place::with_repository();
    let bytes: Vec<u8> = (0..=250).cycle().take(5_000_000).collect();
    std::fs::write(place.path().join("in.bin"), &bytes).unwrap();
    let run = place.dml(&["put", "file", "in.bin", "--node", "data", "-m", "a file"]);
    common::says(common::ok(&run), &["Put 4.7 MiB as the DAG file in commit"]);
    let json = place
        .dml(&["put", "file", "in.bin", "--node", "data", "--json"])
        .json();
    assert_eq!(json["made"]["value"]["$blob"]["size"], 5_000_000);
    for revision in ["file", "file/data"] {
        let mut command = place.command();
        let written = command.args(["cat", revision]).output().unwrap();
        assert!(written.status.success());
        assert!(written.stdout == bytes, "{revision}");
    }
    let shown = place.dml(&["dag", "show", "file"]);
    assert!(shown.stdout.contains("blob(5000000)"), "{}", shown.all());
    let id = json["made"]["value"]["$blob"]["id"].as_str().unwrap();
    common::fails(&place.dml(&["show", id]), 2, &["blob", "cannot show"]);
    let run = place.dml(&["put", "none", "nothing-here"]);
    common::fails(&run, 3, &["nothing-here", "check the path"]);
}
