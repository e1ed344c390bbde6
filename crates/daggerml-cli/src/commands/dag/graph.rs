use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};
use daggerml::name::Name;
use daggerml::record::Dag;
use daggerml::store::ReadObjects;

use super::DagArgs;
use super::report::DagReport;
use crate::context::Context;
use crate::error::CommandError;
use crate::files;
use crate::graph::{self, Graph};

/// Draw a DAG
///
/// The drawing goes to standard output, or to FILE, whose ending says the format
/// when --format does not.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml dag graph training -o training.html     a page to explore in a browser
  dml dag graph training > training.svg
  dml dag graph training --format dot | dot -Tpdf > training.pdf")]
pub struct GraphArgs {
    #[command(flatten)]
    dag: DagArgs,

    /// The format [default: by the ending of FILE (svg, html, mmd, dot), else svg]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Write to FILE
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,

    /// Refuse to draw a DAG of more nodes
    #[arg(long, value_name = "N", default_value_t = 2000)]
    max_nodes: usize,
}

/// What a drawing is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// An image that scales, for pages and documents
    Svg,
    /// One HTML page to explore, which needs no network
    Html,
    /// A Mermaid flowchart, for Markdown
    Mermaid,
    /// For Graphviz
    Dot,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Html => "html",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
        }
    }

    /// Returns what the file's ending stands for; without any it is an SVG.
    fn of_file(path: &Path) -> Result<Self, CommandError> {
        let ending = path.extension().map(OsStr::to_string_lossy);
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        Ok(match ending.as_str() {
            // A device has a name without a dot.
            "svg" | "" => Self::Svg,
            "html" | "htm" => Self::Html,
            "mmd" | "mermaid" => Self::Mermaid,
            "dot" | "gv" => Self::Dot,
            other => {
                let message = format!("no drawing ends in .{other}: {}", path.display());
                return Err(CommandError::wrong_usage(message)
                    .hint("end it in .svg, .html, .mmd or .dot, or give --format"));
            }
        })
    }
}

pub fn run(context: &mut Context<'_>, args: &GraphArgs) -> Result<(), CommandError> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let (name, id) = args.dag.find(&repository)?;
    let count = snapshot.load::<_, Dag>(id)?.nodes.len();
    if count > args.max_nodes {
        return Err(CommandError::wrong_usage(format!(
            "the DAG has {count} nodes; a drawing of more than {} would be of little use",
            args.max_nodes
        ))
        .hint("give --max-nodes to draw it all the same, or use `dml dag show`"));
    }
    let report = DagReport::new(&snapshot, name.as_ref().map(Name::as_str), id)?;
    let graph = Graph::new(&report);
    let format = match (args.format, &args.output) {
        (Some(format), _) => format,
        (None, Some(file)) => Format::of_file(file)?,
        (None, None) => Format::Svg,
    };
    let drawing = match format {
        Format::Svg => graph::svg(&graph),
        Format::Html => graph::html(&graph),
        Format::Mermaid => graph::mermaid(&graph),
        Format::Dot => graph::dot(&graph),
    };
    match &args.output {
        None => context.ui.document(format.name(), drawing.as_bytes()),
        Some(path) => {
            files::write(path, drawing.as_bytes())?;
            context.ui.wrote(path)
        }
    }
}
