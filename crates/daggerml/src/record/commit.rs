//! Commit records: a tree, what came before, who, why and when.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::{CommitId, TreeId};

use super::{Record, RecordReader, RecordWriter, Reference};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// Returns the moment of the call, by the machine's clock.
    pub fn now() -> Self {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |n| -n),
        };
        Self(micros)
    }
}

/// One state of all named DAGs, and the states it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The DAGs by name.
    pub tree: TreeId,
    /// The commits it follows: none for the first, several for a merge.
    pub parents: Vec<CommitId>,
    /// Who made it.
    pub author: String,
    /// Why.
    pub message: String,
    /// When.
    pub time: Time,
}

impl Record for Commit {
    type Id = CommitId;

    fn items(&self) -> usize {
        5
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        writer.id(self.tree);
        writer.array(self.parents.len());
        self.parents.iter().for_each(|parent| writer.id(*parent));
        writer.text(&self.author);
        writer.text(&self.message);
        writer.int(self.time.0);
        Ok(())
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        reader.expect_items(items, 5)?;
        let tree = reader.id()?;
        let parents: Vec<CommitId> = reader.ids()?;
        if parents
            .iter()
            .enumerate()
            .any(|(at, id)| parents.iter().take(at).any(|p| p == id))
        {
            return Err(reader.fault(FaultKind::Payload, "a parent comes twice"));
        }
        Ok(Self {
            tree,
            parents,
            author: reader.text()?.to_owned(),
            message: reader.text()?.to_owned(),
            time: Time(reader.int()?),
        })
    }

    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        visit(self.tree.into());
        self.parents
            .iter()
            .for_each(|parent| visit((*parent).into()));
    }
}
