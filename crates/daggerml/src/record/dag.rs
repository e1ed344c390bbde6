//! DAG records: nodes, their names, and how the DAG ended.

use std::collections::{BTreeMap, BTreeSet};

use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::{DagId, ID_LEN, NodeId, ObjectId, TypedId};
use crate::id_set::IdSet;
use crate::name::Name;
use crate::sorting::sort_by;
use crate::value::{Value, read_value, write_value};

use super::{Kind, Record, RecordReader, RecordWriter, Reference, finish, open};

/// The tag of a call's DAG whose error is not the function's fault: the call may go well
/// later, so it is never answered from the cache.
pub const TRANSIENT: &str = "daggerml:transient";

/// A finished DAG. Positions are indices into `nodes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dag {
    /// The nodes, each once, in the order they were made.
    pub nodes: Vec<NodeId>,
    /// Positions of named nodes.
    pub names: BTreeMap<Name, u32>,
    /// Position of the node that holds the arguments, in the DAG of a call.
    pub argv: Option<u32>,
    /// How it ended.
    pub outcome: Outcome,
    /// Labels.
    pub tags: BTreeSet<Name>,
}

/// How a DAG ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Position of the node that is its result.
    Result(u32),
    /// An error.
    Error(ErrorInfo),
}

/// An error as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorInfo {
    /// Where it comes from: `python`, `adapter`, `dml` ...
    pub origin: String,
    /// The kind of error, in words of its origin (a Python class's name).
    pub kind: String,
    /// What happened.
    pub message: String,
    /// The stack, outermost frame first: a map each.
    pub stack: Vec<Value>,
}

impl Dag {
    /// Returns the node that is the result; `None` when the DAG ended in an error.
    pub fn result(&self) -> Option<NodeId> {
        match self.outcome {
            Outcome::Result(position) => self.node_at(position),
            Outcome::Error(_) => None,
        }
    }

    /// Returns the error that the DAG ended in.
    pub fn error(&self) -> Option<&ErrorInfo> {
        match &self.outcome {
            Outcome::Result(_) => None,
            Outcome::Error(error) => Some(error),
        }
    }

    /// Returns whether it ended in an error that may not come again; see [`TRANSIENT`].
    pub fn is_transient(&self) -> bool {
        self.error().is_some() && self.tags.contains(TRANSIENT)
    }

    /// Returns the node of that name.
    pub fn named(&self, name: &str) -> Option<NodeId> {
        self.names
            .get(name)
            .and_then(|&position| self.node_at(position))
    }

    /// Returns the node that holds the arguments.
    pub fn argv_node(&self) -> Option<NodeId> {
        self.argv.and_then(|position| self.node_at(position))
    }

    /// Returns the node at `position`.
    pub fn node_at(&self, position: u32) -> Option<NodeId> {
        self.nodes.get(usize::try_from(position).ok()?).copied()
    }
}

/// Returns the key of a name in canonical order: shorter encodings first, then bytes.
pub(super) fn name_order(name: &Name) -> (usize, &str) {
    (name.as_str().len(), name.as_str())
}

/// Reads a name that must come after `before` in canonical order.
pub(super) fn read_name(
    reader: &mut RecordReader<'_>,
    before: Option<&Name>,
) -> Result<Name, Fault> {
    let text = reader.text()?.to_owned();
    let name = Name::from_normalized(text)
        .map_err(|error| reader.fault(FaultKind::Payload, error.to_string()))?;
    match before {
        Some(before) if name_order(before) >= name_order(&name) => {
            Err(reader.fault(FaultKind::Payload, "name repeated or out of order"))
        }
        _ => Ok(name),
    }
}

/// Reads the position of one of `count` nodes.
fn read_position(reader: &mut RecordReader<'_>, count: usize) -> Result<u32, Fault> {
    let position = reader.uint()?;
    u32::try_from(position)
        .ok()
        .filter(|&position| usize::try_from(position).is_ok_and(|position| position < count))
        .ok_or_else(|| {
            let detail = format!("position {position} of {count} nodes");
            reader.fault(FaultKind::Bounds, detail)
        })
}

/// The ids of a DAG's nodes where they are in its record. A DAG of a million nodes would take
/// 32 MB more if they were copied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NodeIds<'b>(&'b [u8]);

impl<'b> NodeIds<'b> {
    /// The bytes of each: a head of two bytes, then the id. Canonical bytes have no other head.
    const EACH: usize = 2 + ID_LEN;

    /// Reads ids that may repeat.
    fn read(reader: &mut RecordReader<'b>) -> Result<Self, Fault> {
        let count = reader.array()?;
        let start = reader.position();
        for _ in 0..count {
            reader.id::<NodeId>()?;
        }
        Ok(Self(reader.since(start)))
    }

    /// Reads ids that must differ.
    fn read_distinct(reader: &mut RecordReader<'b>) -> Result<Self, Fault> {
        let ids = Self::read(reader)?;
        if ids.has_repeated() {
            return Err(reader.fault(FaultKind::Payload, "a node comes twice"));
        }
        Ok(ids)
    }

    /// Returns the ids in the record `bytes` of a DAG, which was checked before.
    pub fn of_checked(bytes: &'b [u8]) -> Result<Self, Fault> {
        let (mut reader, ..) = open(bytes)?;
        Self::read(&mut reader)
    }

    /// Returns how many there are.
    pub fn len(self) -> usize {
        self.0.len() / Self::EACH
    }

    /// Returns the id at `position`.
    pub fn get(self, position: usize) -> Option<NodeId> {
        let at = position.checked_mul(Self::EACH)?.checked_add(2)?;
        let bytes = self.0.get(at..)?.first_chunk()?;
        Some(NodeId::from_object(ObjectId::from_bytes(*bytes)))
    }

    pub fn iter(self) -> impl Iterator<Item = NodeId> + use<'b> {
        (0..self.len()).filter_map(move |position| self.get(position))
    }

    /// Returns the first bytes of each id with its position, in order.
    pub fn sorted(self) -> Vec<(u64, u32)> {
        let firsts = self.iter().map(|node| node.object().first_bytes());
        let mut sorted: Vec<(u64, u32)> = firsts.zip(0..).collect();
        sorted.sort_unstable();
        sorted
    }

    fn has_repeated(self) -> bool {
        // Ids are hashes: where all begin otherwise, which takes half the memory to see, all differ.
        let sorted = self.sorted();
        let mut pairs = sorted.iter().zip(sorted.iter().skip(1));
        if pairs.all(|((one, _), (other, _))| one != other) {
            return false;
        }
        let mut met = IdSet::default();
        !self.iter().all(|node| met.insert(node))
    }
}

impl Dag {
    /// Checks the record in `bytes` as [`Record::decode`] does. Returns the ids of its nodes, which
    /// are not copied.
    pub(crate) fn check(bytes: &[u8]) -> Result<NodeIds<'_>, Fault> {
        let (mut reader, kind, items) = open(bytes)?;
        if kind != Kind::Dag {
            let detail = format!("a dag record expected, a {kind} found");
            return Err(reader.fault(FaultKind::Header, detail));
        }
        reader.expect_items(items, 6)?;
        let nodes = NodeIds::read_distinct(&mut reader)?;
        Self::read_after(&mut reader, nodes.len())?;
        finish(&reader)?;
        Ok(nodes)
    }

    /// Reads what comes after the `count` nodes, which are not in what is returned.
    fn read_after(reader: &mut RecordReader<'_>, count: usize) -> Result<Self, Fault> {
        let mut dag = Self {
            nodes: Vec::new(),
            names: BTreeMap::new(),
            argv: None,
            outcome: Outcome::Result(0),
            tags: BTreeSet::new(),
        };
        let mut before: Option<Name> = None;
        for _ in 0..reader.map()? {
            let name = read_name(reader, before.as_ref())?;
            let position = read_position(reader, count)?;
            dag.names.insert(name.clone(), position);
            before = Some(name);
        }
        if !reader.is_null() {
            dag.argv = Some(read_position(reader, count)?);
        }
        dag.outcome = match reader.uint()? {
            0 => Outcome::Result(read_position(reader, count)?),
            1 => {
                reader.array_of(4)?;
                Outcome::Error(ErrorInfo {
                    origin: reader.text()?.to_owned(),
                    kind: reader.text()?.to_owned(),
                    message: reader.text()?.to_owned(),
                    stack: {
                        let frames = reader.array()?;
                        (0..frames)
                            .map(|_| read_value(reader))
                            .collect::<Result<_, _>>()?
                    },
                })
            }
            other => return Err(reader.fault(FaultKind::Kind, format!("unknown outcome {other}"))),
        };
        let mut before: Option<Name> = None;
        for _ in 0..reader.array()? {
            let tag = read_name(reader, before.as_ref())?;
            dag.tags.insert(tag.clone());
            before = Some(tag);
        }
        Ok(dag)
    }
}

impl Record for Dag {
    type Id = DagId;

    fn items(&self) -> usize {
        6
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        writer.array(self.nodes.len());
        self.nodes.iter().for_each(|node| writer.id(*node));
        let mut names: Vec<_> = self.names.iter().collect();
        sort_by(&mut names, |(a, _), (b, _)| {
            name_order(a).cmp(&name_order(b))
        });
        writer.map(names.len());
        for (name, position) in names {
            writer.text(name.as_str());
            writer.uint((*position).into());
        }
        match self.argv {
            Some(position) => writer.uint(position.into()),
            None => writer.null(),
        }
        match &self.outcome {
            Outcome::Result(position) => {
                writer.uint(0);
                writer.uint((*position).into());
            }
            Outcome::Error(error) => {
                writer.uint(1);
                writer.array(4);
                writer.text(&error.origin);
                writer.text(&error.kind);
                writer.text(&error.message);
                writer.array(error.stack.len());
                for frame in &error.stack {
                    write_value(writer, frame)?;
                }
            }
        }
        let mut tags: Vec<_> = self.tags.iter().collect();
        sort_by(&mut tags, |a, b| name_order(a).cmp(&name_order(b)));
        writer.array(tags.len());
        tags.iter().for_each(|tag| writer.text(tag.as_str()));
        Ok(())
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        reader.expect_items(items, 6)?;
        let nodes = NodeIds::read_distinct(reader)?;
        let mut dag = Self::read_after(reader, nodes.len())?;
        dag.nodes = nodes.iter().collect();
        Ok(dag)
    }

    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        self.nodes.iter().for_each(|node| visit((*node).into()));
    }
}
