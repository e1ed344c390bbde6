//! Tree records: DAGs by name, in pieces, so that a commit rewrites only what changed.
//!
//! A tree is a hash trie: names are spread by the hexadecimal digits of their
//! BLAKE3 hash. A tree of at most [`LEAF_MAX`] names is one leaf; a larger one is
//! a branch of sixteen. So the same names give the same records whatever the
//! order they came in, and changing one of a million names rewrites a few kilobytes.

use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::{DagId, ObjectId, TreeId};
use crate::name::Name;
use crate::sorting::sort_by;

use super::dag::{name_order, read_name};
use super::{Record, RecordReader, RecordWriter, Reference};

/// The most names in a leaf.
pub const LEAF_MAX: usize = 64;

/// The number of children of a branch.
pub const FAN_OUT: usize = 16;

/// A tree, or a piece of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// Names and their DAGs, in canonical order of the names; at most [`LEAF_MAX`].
    Leaf(Vec<(Name, DagId)>),
    /// A tree of more names.
    Branch {
        /// The number of names below.
        count: u64,
        /// The child for each digit at this depth.
        children: Box<[Option<TreeId>; FAN_OUT]>,
    },
}

impl Tree {
    /// Makes the tree without names.
    pub fn empty() -> Self {
        Self::Leaf(Vec::new())
    }

    /// Returns the leaf of these entries, put in canonical order.
    pub(crate) fn leaf(mut entries: Vec<(Name, DagId)>) -> Self {
        sort_by(&mut entries, |(a, _), (b, _)| {
            name_order(a).cmp(&name_order(b))
        });
        Self::Leaf(entries)
    }

    /// Returns the number of names.
    pub fn count(&self) -> u64 {
        match self {
            Self::Leaf(entries) => entries.len() as u64,
            Self::Branch { count, .. } => *count,
        }
    }

    /// Returns the child of a branch at `depth` that `name` belongs to.
    pub fn slot(name: &Name, depth: usize) -> usize {
        let hash = ObjectId::of(name.as_str().as_bytes());
        let byte = hash.as_bytes().get(depth / 2).copied().unwrap_or_default();
        usize::from(if depth.is_multiple_of(2) {
            byte >> 4
        } else {
            byte & 15
        })
    }
}

impl Record for Tree {
    type Id = TreeId;

    fn items(&self) -> usize {
        match self {
            Self::Leaf(_) => 2,
            Self::Branch { .. } => 3,
        }
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        match self {
            Self::Leaf(entries) => {
                writer.uint(0);
                writer.map(entries.len());
                for (name, dag) in entries {
                    writer.text(name.as_str());
                    writer.id(*dag);
                }
            }
            Self::Branch { count, children } => {
                writer.uint(1);
                writer.uint(*count);
                writer.array(FAN_OUT);
                children.iter().for_each(|child| writer.optional_id(*child));
            }
        }
        Ok(())
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        let tree = match reader.uint()? {
            0 => {
                let length = reader.map()?;
                if length > LEAF_MAX {
                    return Err(
                        reader.fault(FaultKind::Bounds, format!("{length} names in a leaf"))
                    );
                }
                let mut entries: Vec<(Name, DagId)> = Vec::with_capacity(length);
                for _ in 0..length {
                    let name = read_name(reader, entries.last().map(|(name, _)| name))?;
                    entries.push((name, reader.id()?));
                }
                Self::Leaf(entries)
            }
            1 => {
                let count = reader.uint()?;
                if count <= LEAF_MAX as u64 {
                    return Err(
                        reader.fault(FaultKind::Payload, format!("a branch of {count} names"))
                    );
                }
                reader.array_of(FAN_OUT)?;
                let mut children = Box::new([None; FAN_OUT]);
                for child in children.iter_mut() {
                    *child = reader.optional_id()?;
                }
                Self::Branch { count, children }
            }
            other => {
                return Err(reader.fault(FaultKind::Kind, format!("unknown tree kind {other}")));
            }
        };
        reader.expect_items(items, tree.items())?;
        Ok(tree)
    }

    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        match self {
            Self::Leaf(entries) => entries.iter().for_each(|(_, dag)| visit((*dag).into())),
            Self::Branch { children, .. } => {
                children
                    .iter()
                    .flatten()
                    .for_each(|child| visit((*child).into()));
            }
        }
    }
}
