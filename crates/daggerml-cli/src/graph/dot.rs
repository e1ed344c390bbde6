//! Drawings for Graphviz.

use std::fmt::Write as _;

use super::{Graph, Look};

/// Returns the graph in the DOT language.
pub fn dot(graph: &Graph<'_>) -> String {
    let mut out = String::from("digraph dag {\n");
    let _ = writeln!(out, "  label={};", quote(&graph.title));
    out.push_str("  labelloc=t;\n  rankdir=TB;\n");
    out.push_str("  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=11];\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let mut label = node.short_title();
        if !node.how.is_empty() {
            let _ = write!(label, " ({})", node.how);
        }
        if !node.preview.is_empty() {
            let _ = write!(label, "\n{}", node.short_preview());
        }
        let style = match (node.look, node.is_result) {
            (Look::Error, _) => ", color=\"#c62828\", fontcolor=\"#c62828\"",
            (_, true) => ", color=\"#2e7d32\", penwidth=2",
            (_, false) => "",
        };
        let id = node.id.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "  n{at} [label={}, class={}, tooltip={}{style}];",
            quote(&label),
            quote(node.look.as_str()),
            quote(id),
        );
    }
    for (from, to) in &graph.edges {
        let _ = writeln!(out, "  n{from} -> n{to};");
    }
    out.push_str("}\n");
    out
}

/// Returns a quoted string; Graphviz reads backslashes and HTML entities in it.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '&' => quoted.push_str("&amp;"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    #[test]
    fn quoting() {
        assert_eq!(super::quote("a\"b\\N\n&lt;"), r#""a\"b\\N\n&amp;lt;""#);
    }
}
