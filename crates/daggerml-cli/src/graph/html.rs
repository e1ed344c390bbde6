//! Drawings as one HTML page that needs nothing else: the SVG, a list of the
//! nodes, and what a click on one tells.

use serde::Serialize;

use super::svg::{escape, svg};
use super::{Graph, Node};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the script knows of a node.
#[derive(Serialize)]
struct Facts<'n> {
    title: &'n str,
    how: &'n str,
    value: String,
    id: Option<&'n str>,
    datum: Option<&'n str>,
    r#type: Option<&'static str>,
    dag: Option<&'n str>,
    result: bool,
    look: &'static str,
}

/// Returns the graph as a page.
pub fn html(graph: &Graph<'_>) -> String {
    let facts: Vec<Facts<'_>> = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(at, node)| facts(graph, at, node))
        .collect();
    let facts = serde_json::to_string(&facts).unwrap_or_else(|_| "[]".to_owned());
    let outcome = match (&graph.dag.error, &graph.dag.result) {
        (Some(error), _) => format!("ended in an error: {}", error.line()),
        (None, Some(_)) => "has a result".to_owned(),
        (None, None) => "has no result".to_owned(),
    };
    // The template is split first, so that what is put in cannot be taken for one of its
    // places.
    let fields = [
        ("title", escape(&graph.title)),
        ("style", STYLE.to_owned()),
        ("id", escape(&graph.dag.id)),
        ("count", graph.nodes.len().to_string()),
        ("outcome", escape(&outcome)),
        ("svg", svg(graph)),
        // Nothing in a script element may look like its end.
        ("facts", facts.replace('<', "\\u003c")),
        ("script", SCRIPT.to_owned()),
    ];
    let mut page = String::new();
    for (at, piece) in PAGE.split("{{").enumerate() {
        match piece.split_once("}}") {
            Some((name, rest)) if at > 0 => {
                let field = fields.iter().find(|(field, _)| *field == name);
                page.push_str(field.map_or("", |(_, text)| text));
                page.push_str(rest);
            }
            _ => page.push_str(piece),
        }
    }
    page
}

fn facts<'n>(graph: &'n Graph<'_>, at: usize, node: &'n Node) -> Facts<'n> {
    let report = graph.dag.nodes.get(at);
    Facts {
        title: &node.title,
        how: &node.how,
        value: match report {
            Some(report) => report.pretty(),
            None => node.preview.clone(),
        },
        id: node.id.as_deref(),
        datum: report.and_then(|report| report.datum.as_deref()),
        r#type: report.and_then(|report| report.r#type),
        dag: report.and_then(|report| report.dag.as_deref()),
        result: node.is_result,
        look: node.look.as_str(),
    }
}
