//! Node records: one step of a computation each.

use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::{DagId, DatumId, NodeId};

use super::{Record, RecordReader, RecordWriter, Reference};

/// One step of a computation. Its identity is its content, so the same step
/// taken twice is one node. Every node but a failed call knows the datum that
/// is its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A value put into the DAG.
    Literal {
        /// The value.
        datum: DatumId,
    },
    /// The arguments that the DAG of a call was given.
    Argv {
        /// The arguments, a list.
        datum: DatumId,
    },
    /// A node of another DAG.
    Import {
        /// The other DAG.
        dag: DagId,
        /// Its node.
        node: NodeId,
        /// The node's value.
        datum: DatumId,
    },
    /// An operation that the engine does itself.
    Builtin {
        /// The operation.
        op: Builtin,
        /// What it was done to.
        args: Vec<NodeId>,
        /// What came out.
        datum: DatumId,
    },
    /// A call of a runnable.
    Call {
        /// The runnable's node, then the arguments' nodes.
        args: Vec<NodeId>,
        /// The DAG that the call made.
        dag: DagId,
        /// Its result's value; `None` when it ended in an error.
        datum: Option<DatumId>,
    },
}

/// The operations that the engine does itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Builtin {
    /// A list of the arguments.
    List,
    /// A set of the arguments.
    Set,
    /// A map of the arguments: key, value, key, value.
    Map,
    /// An element: collection, index or key, and for maps an optional default.
    Get,
    /// A part of a list: list, start, stop, step (ints or null, as in Python).
    Slice,
    /// Whether a collection holds something: collection, item (key, for a map).
    Contains,
    /// The number of elements: collection.
    Len,
    /// A collection with one more element: list or set, item.
    Conj,
    /// A map or list with one element replaced: collection, key or index, item.
    Assoc,
    /// A map with another's entries over its own, or the union of two sets.
    Update,
    /// What two sets share.
    Intersection,
    /// What is in the first set and not in the second.
    Difference,
    /// A collection without an element: collection, item (set), key (map) or index (list).
    Remove,
    /// A map's keys, in order: map.
    Keys,
    /// A map's values, in the order of its keys: map.
    Values,
}

impl Builtin {
    /// Every operation.
    pub const ALL: [Self; 15] = [
        Self::List,
        Self::Set,
        Self::Map,
        Self::Get,
        Self::Slice,
        Self::Contains,
        Self::Len,
        Self::Conj,
        Self::Assoc,
        Self::Update,
        Self::Intersection,
        Self::Difference,
        Self::Remove,
        Self::Keys,
        Self::Values,
    ];

    /// Returns the operation's name, in records and in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Set => "set",
            Self::Map => "map",
            Self::Get => "get",
            Self::Slice => "slice",
            Self::Contains => "contains",
            Self::Len => "len",
            Self::Conj => "conj",
            Self::Assoc => "assoc",
            Self::Update => "update",
            Self::Intersection => "intersection",
            Self::Difference => "difference",
            Self::Remove => "remove",
            Self::Keys => "keys",
            Self::Values => "values",
        }
    }

    /// Makes the operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str() == name)
    }
}

impl Node {
    /// Returns the node's value; `None` for a call that ended in an error.
    pub fn datum(&self) -> Option<DatumId> {
        match self {
            Self::Literal { datum }
            | Self::Argv { datum }
            | Self::Import { datum, .. }
            | Self::Builtin { datum, .. } => Some(*datum),
            Self::Call { datum, .. } => *datum,
        }
    }

    /// Returns the nodes of the same DAG that this one was made from.
    pub fn args(&self) -> &[NodeId] {
        match self {
            Self::Builtin { args, .. } | Self::Call { args, .. } => args,
            _ => &[],
        }
    }

    /// Returns the kind of node: `literal`, `argv`, `import`, `builtin` or `call`.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Literal { .. } => "literal",
            Self::Argv { .. } => "argv",
            Self::Import { .. } => "import",
            Self::Builtin { .. } => "builtin",
            Self::Call { .. } => "call",
        }
    }
}

impl Record for Node {
    type Id = NodeId;

    fn items(&self) -> usize {
        match self {
            Self::Literal { .. } | Self::Argv { .. } => 2,
            Self::Import { .. } | Self::Builtin { .. } | Self::Call { .. } => 4,
        }
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        match self {
            Self::Literal { datum } => {
                writer.uint(0);
                writer.id(*datum);
            }
            Self::Argv { datum } => {
                writer.uint(1);
                writer.id(*datum);
            }
            Self::Import { dag, node, datum } => {
                writer.uint(2);
                writer.id(*dag);
                writer.id(*node);
                writer.id(*datum);
            }
            Self::Builtin { op, args, datum } => {
                writer.uint(3);
                writer.text(op.as_str());
                writer.array(args.len());
                args.iter().for_each(|arg| writer.id(*arg));
                writer.id(*datum);
            }
            Self::Call { args, dag, datum } => {
                writer.uint(4);
                writer.array(args.len());
                args.iter().for_each(|arg| writer.id(*arg));
                writer.id(*dag);
                writer.optional_id(*datum);
            }
        }
        Ok(())
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        let node = match reader.uint()? {
            0 => Self::Literal {
                datum: reader.id()?,
            },
            1 => Self::Argv {
                datum: reader.id()?,
            },
            2 => Self::Import {
                dag: reader.id()?,
                node: reader.id()?,
                datum: reader.id()?,
            },
            3 => {
                let name = reader.text()?;
                let Some(op) = Builtin::from_name(name) else {
                    return Err(reader.fault(FaultKind::Kind, format!("unknown builtin {name:?}")));
                };
                Self::Builtin {
                    op,
                    args: reader.ids()?,
                    datum: reader.id()?,
                }
            }
            4 => {
                let args: Vec<NodeId> = reader.ids()?;
                if args.is_empty() {
                    return Err(reader.fault(FaultKind::Payload, "a call without a runnable"));
                }
                Self::Call {
                    args,
                    dag: reader.id()?,
                    datum: reader.optional_id()?,
                }
            }
            other => {
                return Err(reader.fault(FaultKind::Kind, format!("unknown node kind {other}")));
            }
        };
        reader.expect_items(items, node.items())?;
        Ok(node)
    }

    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        match self {
            Self::Literal { datum } | Self::Argv { datum } => visit((*datum).into()),
            Self::Import { dag, node, datum } => {
                visit((*dag).into());
                visit((*node).into());
                visit((*datum).into());
            }
            Self::Builtin { args, datum, .. } => {
                args.iter().for_each(|arg| visit((*arg).into()));
                visit((*datum).into());
            }
            Self::Call { args, dag, datum } => {
                args.iter().for_each(|arg| visit((*arg).into()));
                visit((*dag).into());
                if let Some(datum) = datum {
                    visit((*datum).into());
                }
            }
        }
    }
}
