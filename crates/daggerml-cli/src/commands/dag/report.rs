//! DAGs and nodes, as every command shows them.

use std::io::{self, Write};

use daggerml::error::{Error, Result};
use daggerml::id::{DagId, DatumId, NodeId, ObjectId};
use daggerml::record::{Dag, Datum, ErrorInfo, Node};
use daggerml::store::{ReadObjects, Snapshot};
use daggerml::value::Value;
use serde::{Serialize, Serializer};

use crate::ui::{Cell, JsonValue, Report, Table, Ui, style, text, value};

/// The width of a value in a table; terminals cut it further.
const PREVIEW: usize = 72;

/// Returns the value of the datum `id`.
pub fn datum(snapshot: &Snapshot, id: DatumId) -> Result<Value> {
    Ok(snapshot.load::<_, Datum>(id)?.value)
}

/// An error that a DAG ended in.
#[derive(Serialize)]
pub struct ErrorReport {
    pub origin: String,
    pub kind: String,
    pub message: String,
    stack: Vec<OwnedJson>,
}

/// A value that serializes in its lossless form.
pub struct OwnedJson(pub Value);

impl Serialize for OwnedJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        JsonValue(&self.0).serialize(serializer)
    }
}

impl ErrorReport {
    pub fn new(error: &ErrorInfo) -> Self {
        Self {
            origin: error.origin.clone(),
            kind: error.kind.clone(),
            message: error.message.clone(),
            stack: error.stack.iter().cloned().map(OwnedJson).collect(),
        }
    }

    /// On one line.
    pub fn line(&self) -> String {
        text::line(&format!("error: {}: {}", self.kind, self.message))
    }
}

/// The result of a DAG in a list: what it is, not all of it.
#[derive(Serialize)]
pub struct ResultReport {
    node: String,
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promised: Option<PromisedReport>,
    #[serde(skip)]
    pub preview: String,
}

impl ResultReport {
    pub fn new(snapshot: &Snapshot, id: NodeId, node: &Node) -> Result<Self> {
        let node_id = id.to_string();
        let value = match node.datum() {
            Some(id) => {
                if let Some(promised) = PromisedReport::of(snapshot, id)? {
                    return Ok(Self {
                        node: node_id,
                        r#type: None,
                        preview: promised.line(),
                        promised: Some(promised),
                    });
                }
                datum(snapshot, id)?
            }
            None => Value::Null,
        };
        Ok(Self {
            node: node_id,
            r#type: Some(value.type_name()),
            promised: None,
            preview: value::preview(&value, PREVIEW),
        })
    }
}

/// A value that a filter left at a remote. Lists tell of it and do not fetch it.
#[derive(Clone, Serialize)]
pub struct PromisedReport {
    remote: String,
    bytes: u64,
}

impl PromisedReport {
    /// Returns where the datum `id` stays; `None` when it is here.
    fn of(snapshot: &Snapshot, id: DatumId) -> Result<Option<Self>> {
        let id = ObjectId::from(id);
        if snapshot.has_object(id)? {
            return Ok(None);
        }
        let absent = snapshot.absent(id)?;
        Ok(absent.map(|absent| Self {
            remote: absent.remote,
            bytes: absent.bytes,
        }))
    }

    /// On one line.
    fn line(&self) -> String {
        let size = text::size(self.bytes);
        text::line(&format!(
            "stays at {} until it is read: {size}",
            self.remote
        ))
    }
}

/// Which values a report reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Those that are here.
    Here,
    /// All: those at remotes are fetched.
    All,
}

/// An object that was excised.
#[derive(Clone, Serialize)]
pub struct ExcisedReport {
    kind: &'static str,
    id: String,
    reason: String,
}

impl ExcisedReport {
    /// Returns what `error` says was excised; the error itself when that is not what it says.
    pub fn of(error: Box<Error>) -> Result<Self> {
        let Error::Excised { kind, id, reason } = &*error else {
            return Err(error);
        };
        Ok(Self {
            kind: kind.as_str(),
            id: id.to_string(),
            reason: reason.clone(),
        })
    }

    /// On one line.
    pub fn line(&self) -> String {
        text::line(&format!("excised: {}", self.reason))
    }
}

/// One node.
#[derive(Serialize)]
pub struct NodeReport {
    kind: &'static str,
    pub id: String,
    pub names: Vec<String>,
    /// How it was made: `literal`, `argv`, `import`, `builtin`, `call`; or `excised`.
    pub node: &'static str,
    /// The operation of a builtin.
    #[serde(skip_serializing_if = "Option::is_none")]
    op: Option<&'static str>,
    pub args: Vec<String>,
    /// The DAG of an import or a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dag: Option<String>,
    pub datum: Option<String>,
    pub r#type: Option<&'static str>,
    /// The node's record, or its value, where that was excised.
    #[serde(skip_serializing_if = "Option::is_none")]
    excised: Option<ExcisedReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promised: Option<PromisedReport>,
    #[serde(skip)]
    pub value: Option<Value>,
}

impl NodeReport {
    /// Returns what can be told of a node, though it or its value was excised.
    fn new(snapshot: &Snapshot, id: NodeId, names: Vec<String>, values: Values) -> Result<Self> {
        let node: Node = match snapshot.load(id) {
            Ok(node) => node,
            Err(error) => return Ok(Self::gone(id, names, ExcisedReport::of(error)?)),
        };
        let promised = match node.datum() {
            Some(id) if values == Values::Here => PromisedReport::of(snapshot, id)?,
            _ => None,
        };
        let read = node.datum().filter(|_| promised.is_none());
        let (value, excised) = match read.map(|id| datum(snapshot, id)) {
            None => (None, None),
            Some(Ok(value)) => (Some(value), None),
            Some(Err(error)) => (None, Some(ExcisedReport::of(error)?)),
        };
        let (how, op, dag) = match &node {
            Node::Literal { .. } => ("literal", None, None),
            Node::Argv { .. } => ("argv", None, None),
            Node::Import { dag, .. } => ("import", None, Some(dag)),
            Node::Builtin { op, .. } => ("builtin", Some(op.as_str()), None),
            Node::Call { dag, .. } => ("call", None, Some(dag)),
        };
        Ok(Self {
            kind: "node",
            id: id.to_string(),
            names,
            node: how,
            op,
            args: node.args().iter().map(ToString::to_string).collect(),
            dag: dag.map(ToString::to_string),
            datum: node.datum().map(|id| id.to_string()),
            r#type: value.as_ref().map(Value::type_name),
            excised,
            promised,
            value,
        })
    }

    /// Returns what is left of a node that was excised.
    fn gone(id: NodeId, names: Vec<String>, excised: ExcisedReport) -> Self {
        Self {
            kind: "node",
            id: id.to_string(),
            names,
            node: "excised",
            op: None,
            args: Vec::new(),
            dag: None,
            datum: None,
            r#type: None,
            excised: Some(excised),
            promised: None,
            value: None,
        }
    }

    /// Returns how it was made, in a word.
    pub fn how(&self) -> String {
        match self.op {
            Some(op) => op.to_owned(),
            None => self.node.to_owned(),
        }
    }

    /// Its value on one line.
    pub fn preview(&self, room: usize) -> String {
        match (&self.value, &self.excised, &self.promised) {
            (Some(value), ..) => value::preview(value, room),
            (None, Some(excised), _) => text::fit(&excised.line(), room),
            (None, None, Some(promised)) => text::fit(&promised.line(), room),
            (None, None, None) => "ended in an error".to_owned(),
        }
    }

    /// Its value over several lines.
    pub fn pretty(&self) -> String {
        match (&self.value, &self.excised) {
            (Some(value), _) => value::pretty(value, value::SHOWN),
            (None, Some(excised)) => excised.line(),
            (None, None) => "ended in an error".to_owned(),
        }
    }
}

impl NodeReport {
    /// For people, over several lines.
    fn page(&self, ui: &mut Ui) -> io::Result<()> {
        writeln!(ui.out(), "node {}", style::id(&self.id))?;
        writeln!(ui.out(), "Made by: {}", self.how())?;
        if !self.names.is_empty() {
            writeln!(ui.out(), "Names:   {}", text::line(&self.names.join(", ")))?;
        }
        for arg in &self.args {
            writeln!(ui.out(), "From:    {}", style::id(arg))?;
        }
        if let Some(dag) = &self.dag {
            writeln!(ui.out(), "DAG:     {}", style::id(dag))?;
        }
        if let Some(datum) = &self.datum {
            writeln!(ui.out(), "Datum:   {}", style::id(datum))?;
        }
        if self.value.is_some() || self.excised.is_some() {
            writeln!(ui.out(), "\n{}", self.pretty())?;
        }
        Ok(())
    }
}

/// One node with its value.
#[derive(Serialize)]
pub struct NodePage {
    #[serde(flatten)]
    node: NodeReport,
    /// Not there for a call that failed, nor when it was excised.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<OwnedJson>,
}

impl NodePage {
    pub fn new(snapshot: &Snapshot, id: NodeId, names: Vec<String>) -> Result<Self> {
        let node = NodeReport::new(snapshot, id, names, Values::All)?;
        let value = node.value.clone().map(OwnedJson);
        Ok(Self { node, value })
    }
}

impl Report for NodePage {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        self.node.page(ui)
    }
}

/// One DAG with its nodes.
#[derive(Serialize)]
pub struct DagReport {
    kind: &'static str,
    pub id: String,
    pub name: Option<String>,
    tags: Vec<String>,
    pub result: Option<String>,
    pub error: Option<ErrorReport>,
    argv: Option<String>,
    pub nodes: Vec<NodeReport>,
}

impl DagReport {
    pub fn new(snapshot: &Snapshot, name: Option<&str>, id: DagId) -> Result<Self> {
        let dag: Dag = snapshot.load(id)?;
        let mut names = vec![Vec::new(); dag.nodes.len()];
        for (name, &position) in &dag.names {
            let at = usize::try_from(position).unwrap_or(usize::MAX);
            if let Some(names) = names.get_mut(at) {
                names.push(name.to_string());
            }
        }
        let nodes = dag.nodes.iter().zip(names);
        Ok(Self {
            kind: "dag",
            id: id.to_string(),
            name: name.map(ToOwned::to_owned),
            tags: dag.tags.iter().map(ToString::to_string).collect(),
            result: dag.result().map(|id| id.to_string()),
            error: dag.error().map(ErrorReport::new),
            argv: dag.argv_node().map(|id| id.to_string()),
            nodes: nodes
                .map(|(&node, names)| NodeReport::new(snapshot, node, names, Values::Here))
                .collect::<Result<_>>()?,
        })
    }
}

impl Report for DagReport {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        write!(ui.out(), "dag {}", style::id(&self.id))?;
        match &self.name {
            Some(name) => writeln!(ui.out(), "  {}", style::paint(style::NAME, name))?,
            None => writeln!(ui.out())?,
        }
        if !self.tags.is_empty() {
            writeln!(ui.out(), "Tags:   {}", text::line(&self.tags.join(", ")))?;
        }
        if let Some(result) = &self.result {
            writeln!(ui.out(), "Result: {}", style::id(result))?;
        }
        if let Some(error) = &self.error {
            writeln!(ui.out(), "{}", style::paint(style::ERROR, error.line()))?;
        }
        writeln!(ui.out())?;
        let mut table = Table::new(&["NODE", "NAME", "MADE BY", "TYPE", "VALUE"]);
        for node in &self.nodes {
            table.row([
                Cell::id(&node.id),
                Cell::new(style::NAME, node.names.join(", ")),
                Cell::plain(node.how()),
                Cell::plain(node.r#type.unwrap_or_default()),
                Cell::plain(node.preview(PREVIEW)),
            ]);
        }
        table.write(ui)
    }
}
