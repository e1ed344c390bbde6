//! `dml exec`, end to end: on a call whose adapter is a real process that fails.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use common::{Place, Run};
use daggerml::execution::{
    AdapterCommand, AdapterName, AdapterRegistry, CallOptions, Executor, ExecutorOptions,
};
use daggerml::value::{Map, Runnable, Uri, Value};

fn ok(run: &Run) -> &Run {
    assert_eq!(run.code, Some(0), "{}", run.all());
    run
}

/// Calls something as often as told, the adapter of which is a script that fails.
fn fail(place: &Place, script: &str, times: usize) {
    let mut adapters = AdapterRegistry::default();
    let mut command = AdapterCommand::new("sh");
    command.args = vec!["-c".into(), script.into()];
    adapters.add(AdapterName::new("local").unwrap(), command);
    let repository = place.repository();
    let options = ExecutorOptions::default();
    let executor = Executor::new(repository.clone(), adapters, options);
    let mut dag = repository.new_dag("test", "").unwrap();
    let runnable = Runnable {
        uri: Uri::new("test:fail").unwrap(),
        adapter: String::new(),
        kwargs: Map::new(Vec::new()).unwrap(),
        sub: None,
    };
    let node = dag.put(Value::Runnable(Box::new(runnable))).unwrap();
    let options = CallOptions {
        retries: 0,
        ..CallOptions::default()
    };
    for _ in 0..times {
        executor.call(&mut dag, &[node], &options, &()).unwrap_err();
    }
}

#[test]
fn calls() {
    let place = Place::with_repository();
    assert!(
        ok(&place.dml(&["exec", "list"]))
            .stderr
            .contains("No calls")
    );
    fail(&place, "echo out of luck >&2; exit 3", 2);
    let list = place.dml(&["exec", "list"]);
    assert!(
        ok(&list).stdout.contains("adapter failed"),
        "{}",
        list.all()
    );
    let json = place.dml(&["exec", "list", "--json"]).json();
    let call = &json["calls"][0];
    assert_eq!(call["running"], serde_json::Value::Null);
    assert_eq!(call["newest"]["status"], "error");
    let key = call["key"].as_str().unwrap().to_owned();
    let short = &key[..6];
    let shown = place.dml(&["exec", "show", short, "--json"]).json();
    assert_eq!(shown["attempts"].as_array().unwrap().len(), 2);
    let text = place.dml(&["exec", "show", short]);
    assert!(ok(&text).stdout.contains(&key), "{}", text.all());
    assert_eq!(place.offered(&["exec", "log", short]).trim(), &key[..12]);
    assert_eq!(
        place.offered(&["exec", "cancel", ""]).lines().next(),
        Some(&key[..12])
    );
    let log = place.dml(&["exec", "log", short]);
    assert_eq!(
        ok(&log).stdout,
        "out of luck\ndaggerml: it exited with status 3 before it answered\n"
    );
    assert_eq!(
        place.dml(&["exec", "log", short, "--attempt", "3"]).code,
        Some(3)
    );
    let json = place.dml(&["exec", "explain", short, "--json"]).json();
    assert_eq!(
        (&json["verdict"], &json["hit"]),
        (&"failed".into(), &false.into())
    );
    assert_eq!(json["key"], key.as_str());
    let text = place.dml(&["exec", "explain", short]);
    assert!(
        ok(&text).stdout.contains("a miss: what runs it failed"),
        "{}",
        text.all()
    );
    let running = place.dml(&["exec", "list", "--running", "--json"]).json();
    assert_eq!(running["calls"], serde_json::json!([]));
    for (command, name) in [("invalidate", "cached"), ("cancel", "running")] {
        let list = if name == "cached" {
            "invalidated"
        } else {
            "canceled"
        };
        let json = place.dml(&["exec", command, short, "--json"]).json();
        assert_eq!(json[list][0][name], false, "{json}");
        assert_eq!(json[list][0]["key"], key.as_str());
    }
    assert_eq!(place.dml(&["exec", "show", "abcdef"]).code, Some(3));
    assert_eq!(place.dml(&["exec", "show", "xyz"]).code, Some(2));
    assert_eq!(place.dml(&["exec", "explain", "abcdef"]).code, Some(3));
}

#[test]
fn the_log_of_a_call_that_runs_is_followed() {
    let place = Place::with_repository();
    let go = place.path().join("go");
    let script = format!(
        "echo first >&2; while ! test -e '{}'; do sleep 0.01; done; echo last >&2; exit 3",
        go.display()
    );
    std::thread::scope(|scope| {
        let call = scope.spawn(|| fail(&place, &script, 1));
        let key = loop {
            let list = place.dml(&["exec", "list", "--running", "--json"]).json();
            if let Some(key) = list["calls"][0]["key"].as_str() {
                break key.to_owned();
            }
        };
        while place.dml(&["exec", "log", &key]).stdout != "first\n" {}
        let json = place.dml(&["exec", "log", &key, "--json"]).json();
        assert_eq!(
            (&json["attempt"], &json["log"]),
            (&1.into(), &"first\n".into())
        );
        let follow = |args: &[&str]| {
            let mut command = place.command();
            command.args(["exec", "log", &key]).args(args);
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let mut first = String::new();
            out.read_line(&mut first).unwrap();
            (child, out, first)
        };
        let (mut plain, mut rest, first) = follow(&["--follow"]);
        let (mut json, parts, part) = follow(&["-f", "--json"]);
        assert_eq!(first, "first\n");
        // Only now does the call go on.
        std::fs::write(&go, "").unwrap();
        call.join().unwrap();
        let all = "first\nlast\ndaggerml: it exited with status 3 before it answered\n";
        let mut text = first;
        rest.read_to_string(&mut text).unwrap();
        assert_eq!(text, all);
        let told: String = std::iter::once(part)
            .chain(parts.lines().map(Result::unwrap))
            .map(|line| {
                let part: serde_json::Value = serde_json::from_str(&line).unwrap();
                assert_eq!(part["key"], key.as_str());
                part["log"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(told, all);
        assert!(plain.wait().unwrap().success() && json.wait().unwrap().success());
        // Of one that has ended it is all that there is.
        assert_eq!(place.dml(&["exec", "log", &key, "--follow"]).stdout, all);
    });
    assert_eq!(
        place.dml(&["exec", "log", "abcdef", "--follow"]).code,
        Some(3)
    );
}
