//! Lists of very many things: they are written as they are found.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::Place;
use daggerml::name::Name;

/// A repository with so many names of one DAG.
fn place(names: usize) -> Place {
    let place = Place::with_repository();
    let repository = place.repository();
    let mut dag = repository.new_dag("name-0", "One").unwrap();
    let node = dag.put(1.into()).unwrap();
    dag.commit(node).unwrap();
    let dag = repository.find_dag("name-0").unwrap();
    let names = (1..names).map(|number| (Name::new(&name(number)).unwrap(), Some(dag)));
    repository
        .commit_names(&names.collect(), "All others")
        .unwrap();
    place
}

/// Returns a name. Some are wider than all of the first block are.
fn name(number: usize) -> String {
    let wide = if number.is_multiple_of(250) {
        "-wide"
    } else {
        ""
    };
    format!("name-{number}{wide}")
}

fn expected(count: usize) -> BTreeSet<String> {
    let others = (1..count).map(name);
    others.chain(["name-0".to_owned()]).collect()
}

fn names_of(document: &serde_json::Value) -> Vec<String> {
    let dags = document["dags"].as_array().unwrap();
    dags.iter()
        .map(|dag| dag["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_table_flows_in_blocks_whose_columns_line_up() {
    let place = place(600);
    let run = place.dml(&["dag", "list"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let mut lines = run.stdout.lines();
    assert!(lines.next().unwrap().starts_with("NAME "));
    let rows: Vec<Vec<&str>> = lines.map(|row| row.split_whitespace().collect()).collect();
    let names: Vec<String> = rows.iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(names, expected(600).into_iter().collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row.len() == 4), "{}", run.stdout);
    let place_of = |line: &&str| line.find(rows[0][1]);
    let columns: Vec<_> = run.stdout.lines().skip(1).collect::<Vec<_>>();
    let columns: Vec<_> = columns.iter().map(place_of).collect();
    // A column only becomes wider, and seldom.
    assert!(columns.is_sorted());
    assert!(columns.iter().collect::<BTreeSet<_>>().len() < 4);
    let document = place.dml(&["dag", "list", "--json"]).json();
    assert_eq!(names_of(&document), names);
}

#[test]
fn more_than_ten_thousand_names_are_sorted_when_asked_to() {
    let count = 10_001;
    let place = place(count);
    let run = place.dml(&["dag", "list"]);
    assert_eq!(run.code, Some(0));
    assert!(
        run.stderr
            .contains("10001 DAGs, not sorted by name: --sort")
    );
    let found = run.stdout.lines().skip(1);
    let found: BTreeSet<String> = found
        .map(|row| row.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert_eq!(found, expected(count));
    let any = names_of(&place.dml(&["dag", "list", "--json"]).json());
    assert!(!any.is_sorted());
    assert_eq!(any.iter().cloned().collect::<BTreeSet<_>>(), found);
    let again = names_of(&place.dml(&["dag", "list", "--json"]).json());
    assert_eq!(again, any, "the same order each time");
    let sorted = names_of(&place.dml(&["dag", "list", "--json", "--sort"]).json());
    assert_eq!(sorted, found.into_iter().collect::<Vec<_>>());
}

/// Whoever reads only the beginning need not take the rest.
#[test]
fn a_reader_may_leave_after_the_first_line() {
    let place = place(10_001);
    for arguments in [&["dag", "list"][..], &["dag", "list", "--sort"]] {
        let mut command = place.command();
        command.args(arguments).stdout(Stdio::piped());
        let mut process = command.stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let mut reader = BufReader::new(process.stdout.take().unwrap());
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with("NAME"));
        drop(reader);
        process.wait().unwrap();
    }
}
