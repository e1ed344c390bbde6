//! Drawings of DAGs, for `dml dag graph`.

mod dot;
mod html;
mod layout;
mod mermaid;
mod svg;

use std::collections::{BTreeSet, HashMap};

use crate::commands::dag::report::DagReport;
use crate::ui::text;

pub use dot::dot;
pub use html::html;
pub use layout::{Layout, Point, Size, layout};
pub use mermaid::mermaid;
pub use svg::svg;

/// The most columns of a node's title, and of its value.
const TITLE: usize = 30;
const PREVIEW: usize = 34;

/// A DAG to draw.
pub struct Graph<'d> {
    /// The record.
    pub dag: &'d DagReport,
    /// What it is called.
    pub title: String,
    /// The nodes, in the DAG's order; last the error that it ended in, if any.
    pub nodes: Vec<Node>,
    /// From what is used to what is made of it, each once.
    pub edges: Vec<(usize, usize)>,
}

/// A node as it is drawn.
pub struct Node {
    /// What it looks like: a CSS class.
    pub look: Look,
    /// What it is called: its names, else what made it.
    pub title: String,
    /// What made it, where the title is its name.
    pub how: String,
    /// Its value, short; the message of an error.
    pub preview: String,
    /// Whether it is the DAG's result.
    pub is_result: bool,
    /// Its id; none of an error.
    pub id: Option<String>,
}

/// What a node looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Literal,
    Argv,
    Import,
    Builtin,
    Call,
    Error,
}

impl Look {
    /// Every look.
    pub const ALL: [Self; 6] = [
        Self::Literal,
        Self::Argv,
        Self::Import,
        Self::Builtin,
        Self::Call,
        Self::Error,
    ];

    /// Its name: that of the kind of node, and of its class in CSS.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Argv => "argv",
            Self::Import => "import",
            Self::Builtin => "builtin",
            Self::Call => "call",
            Self::Error => "error",
        }
    }

    fn of(made: &str) -> Self {
        let found = Self::ALL.into_iter().find(|look| look.as_str() == made);
        found.unwrap_or(Self::Literal)
    }
}

impl<'d> Graph<'d> {
    /// Makes the drawing of `dag`.
    pub fn new(dag: &'d DagReport) -> Self {
        let numbers: HashMap<&str, usize> = dag
            .nodes
            .iter()
            .enumerate()
            .map(|(at, node)| (node.id.as_str(), at))
            .collect();
        let mut nodes = Vec::new();
        let mut edges = BTreeSet::new();
        for (at, node) in dag.nodes.iter().enumerate() {
            let named = !node.names.is_empty();
            let title = if named {
                node.names.join(", ")
            } else {
                node.how()
            };
            nodes.push(Node {
                look: Look::of(node.node),
                title: text::line(&title),
                how: if named { node.how() } else { String::new() },
                preview: node.preview(PREVIEW),
                is_result: dag.result.as_ref() == Some(&node.id),
                id: Some(node.id.clone()),
            });
            for arg in &node.args {
                if let Some(&from) = numbers.get(arg.as_str()) {
                    edges.insert((from, at));
                }
            }
        }
        if let Some(error) = &dag.error {
            nodes.push(Node {
                look: Look::Error,
                title: text::line(&error.kind),
                how: "error".to_owned(),
                preview: text::line(&error.message),
                is_result: true,
                id: None,
            });
        }
        Self {
            dag,
            title: text::line(dag.name.as_deref().unwrap_or(&dag.id)),
            nodes,
            edges: edges.into_iter().collect(),
        }
    }
}

impl Node {
    /// Returns the title as it fits a drawing.
    pub fn short_title(&self) -> String {
        text::fit(&self.title, TITLE)
    }

    /// Returns the value as it fits a drawing.
    pub fn short_preview(&self) -> String {
        text::fit(&self.preview, PREVIEW)
    }

    /// Both in full, for a tooltip.
    pub fn tooltip(&self) -> String {
        let mut parts = vec![self.title.as_str()];
        if !self.how.is_empty() {
            parts.push(&self.how);
        }
        if !self.preview.is_empty() {
            parts.push(&self.preview);
        }
        let mut tip = parts.join("\n");
        if let Some(id) = &self.id {
            tip.push_str("\nnode ");
            tip.push_str(id);
        }
        tip
    }
}
