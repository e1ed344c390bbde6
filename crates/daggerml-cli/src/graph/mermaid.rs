//! Drawings for Mermaid, which GitHub and many notebooks draw.

use std::fmt::Write as _;

use super::{Graph, Look};

/// Returns the graph as a Mermaid flowchart.
pub fn mermaid(graph: &Graph<'_>) -> String {
    let mut out = String::from("flowchart TD\n");
    for (at, node) in graph.nodes.iter().enumerate() {
        let mut label = escape(&node.short_title());
        if !node.how.is_empty() {
            let _ = write!(label, " ({})", escape(&node.how));
        }
        if !node.preview.is_empty() {
            let _ = write!(label, "<br/>{}", escape(&node.short_preview()));
        }
        let (open, close) = match node.look {
            Look::Call => ("[[", "]]"),
            Look::Argv | Look::Import => ("[/", "/]"),
            Look::Builtin => ("(", ")"),
            Look::Literal | Look::Error => ("[", "]"),
        };
        let class = match (node.look, node.is_result) {
            (Look::Error, _) => ":::error",
            (_, true) => ":::result",
            (_, false) => "",
        };
        let _ = writeln!(out, "  n{at}{open}\"{label}\"{close}{class}");
    }
    for (from, to) in &graph.edges {
        let _ = writeln!(out, "  n{from} --> n{to}");
    }
    out.push_str("  classDef result stroke:#2e7d32,stroke-width:3px\n");
    out.push_str("  classDef error stroke:#c62828,stroke-width:3px\n");
    out
}

/// Text for a quoted label: everything that Mermaid, Markdown or HTML would
/// read as more than text becomes an entity.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() || " .,:;/=+'…".contains(c) => escaped.push(c),
            c if c.is_ascii() => {
                let _ = write!(escaped, "#{};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn escaping() {
        assert_eq!(super::escape("a\"<b>`# 数"), "a#34;#60;b#62;#96;#35; 数");
    }
}
