//! Drawings: every format, and nothing that a DAG holds breaks out of them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::Place;
use daggerml::record::Builtin;

const NASTY: &str = "</title><script>alert(1)</script> {{svg}} & \"q\" 'x' `b` \u{202e}";

/// A repository with the DAG `drawn`: inputs, a builtin, a result, names that try to break out.
fn place() -> Place {
    let place = Place::with_dags();
    let mut dag = place.repository().new_dag("drawn", "To draw").unwrap();
    let xs = dag.put(vec![1.into(), 2.into()].into()).unwrap();
    dag.set_name("xs", xs).unwrap();
    let nasty = dag.put(NASTY.into()).unwrap();
    dag.set_name(NASTY, nasty).unwrap();
    let len = dag.builtin(Builtin::Len, &[xs]).unwrap();
    let all = dag.builtin(Builtin::List, &[xs, nasty, len]).unwrap();
    dag.set_name("数据", all).unwrap();
    dag.commit(all).unwrap();
    place
}

#[test]
fn text_formats() {
    let place = place();
    for format in ["dot", "mermaid"] {
        let run = place.dml(&["dag", "graph", "drawn", "--format", format]);
        assert_eq!(run.code, Some(0), "{}", run.all());
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"\b[0-9a-f]{64}\b", "<ID>");
        settings.bind(|| insta::assert_snapshot!(format!("graph_{format}"), run.stdout));
    }
}

#[test]
fn svg_is_xml_with_every_node_and_edge() {
    let place = place();
    for (dag, nodes, edges) in [("drawn", 4, 4), ("numbers", 12, 0), ("failed", 2, 0)] {
        let run = place.dml(&["dag", "graph", dag]);
        let document = roxmltree::Document::parse(&run.stdout).unwrap();
        let with_class = |class: &str| {
            document
                .descendants()
                .filter(|node| {
                    let classes = node.attribute("class").unwrap_or_default();
                    classes.split(' ').any(|found| found == class)
                })
                .count()
        };
        assert_eq!(with_class("node"), nodes, "{dag}");
        assert_eq!(with_class("edge"), edges, "{dag}");
        assert!(
            !document
                .descendants()
                .any(|node| node.has_tag_name("script"))
        );
    }
}

#[test]
fn html_needs_nothing_and_runs_nothing_of_the_dag() {
    let place = place();
    let run = place.dml(&["dag", "graph", "drawn", "-o", "page.html"]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), ""),
        "{}",
        run.all()
    );
    let page = std::fs::read_to_string(place.path().join("page.html")).unwrap();
    assert!(!page.contains("<script>alert"), "a name became code");
    assert_eq!(
        page.matches("<script").count(),
        2,
        "the data and the program"
    );
    assert!(!page.contains("\u{202e}"));
    let links: Vec<_> = page
        .match_indices("http")
        .map(|(at, _)| &page[at..at + 26])
        .collect();
    let namespace = |link: &&str| link.starts_with("http://www.w3.org/2000/svg");
    let policy = |link: &&str| link.starts_with("http-equiv");
    assert!(
        links.iter().all(|link| namespace(link) || policy(link)),
        "{links:?}"
    );
    let data = page
        .split("id=\"data\">")
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let facts: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(facts.as_array().unwrap().len(), 4);
    assert_eq!(facts[3]["result"], true);
}

#[test]
fn formats_by_ending_and_as_json() {
    let place = place();
    for (file, start) in [
        ("a.svg", "<svg"),
        ("a.htm", "<!doctype"),
        ("a.mmd", "flowchart"),
        ("a.gv", "digraph"),
        ("a", "<svg"),
    ] {
        assert_eq!(
            place.dml(&["dag", "graph", "drawn", "-o", file]).code,
            Some(0)
        );
        let drawing = std::fs::read_to_string(place.path().join(file)).unwrap();
        assert!(drawing.starts_with(start), "{file}: {drawing:.40}");
    }
    let json = place
        .dml(&["dag", "graph", "drawn", "--format", "dot", "--json"])
        .json();
    assert!(json["dot"].as_str().unwrap().starts_with("digraph"));
}

#[test]
fn what_cannot_be_drawn() {
    let place = place();
    let run = place.dml(&["dag", "graph", "drawn", "--max-nodes", "3"]);
    assert_eq!(run.code, Some(2), "{}", run.all());
    assert!(run.stderr.contains("4 nodes") && run.stderr.contains("--max-nodes"));
    let run = place.dml(&["dag", "graph", "nothing"]);
    assert_eq!(run.code, Some(3), "{}", run.all());
    let run = place.dml(&["dag", "graph", "drawn", "-o", "no/such/folder/x.svg"]);
    assert_eq!(run.code, Some(1), "{}", run.all());
    assert!(run.stderr.contains("cannot write"), "{}", run.all());
}
