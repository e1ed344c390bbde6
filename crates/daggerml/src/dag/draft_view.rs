//! The nodes that a draft has so far, for reading: whoever writes it is not disturbed.

use std::collections::BTreeMap;

use super::chunk::{Chunk, Place, record_at};
use super::saved::ReadDrafts;
use crate::error::{Error, Result};
use crate::id::{DraftId, NodeId, ObjectId};
use crate::name::Name;
use crate::record::{Datum, Kind, Node};
use crate::repo::Repository;
use crate::store::{ReadObjects, Snapshot};
use crate::value::Value;

/// A node of a draft.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftNode {
    /// Its id.
    pub id: NodeId,
    /// What it is called in the draft.
    pub names: Vec<Name>,
    /// How it was made.
    pub node: Node,
    /// The type of its value; `None` for a call that failed.
    pub type_name: Option<&'static str>,
    /// Its value, unless it is too large.
    pub value: Option<Value>,
}

impl Repository {
    /// Returns nodes of the draft `id` that were flushed, in the order they were made: at most
    /// `limit`, without the first `skip`. Values that are stored in more than `most` bytes are
    /// left out.
    pub fn draft_nodes(
        &self,
        id: DraftId,
        skip: usize,
        limit: usize,
        most: usize,
    ) -> Result<Vec<DraftNode>> {
        let snapshot = self.snapshot()?;
        let header = snapshot.header(id)?.ok_or_else(|| Error::NotFound {
            what: "draft",
            name: id.to_string(),
            place: self.root().display().to_string(),
        })?;
        let wanted = skip..skip.saturating_add(limit);
        let (mut found, mut names, mut position) = (Vec::new(), BTreeMap::new(), 0);
        for sequence in 0..header.chunks {
            let bytes = snapshot.chunk(id, sequence)?;
            let chunk = Chunk::decode(bytes).map_err(|fault| Error::DraftInvalid { id, fault })?;
            for (node, place) in chunk.nodes {
                if wanted.contains(&position) {
                    let (chunk, snapshot) = (bytes, &snapshot);
                    let objects = Logged {
                        chunk,
                        place,
                        snapshot,
                    };
                    found.push(read(&objects, node, most)?);
                }
                position += 1;
            }
            for (name, at) in chunk.changes.names {
                // A name can be given to another node later.
                names.remove(&name);
                if let Some(at) = usize::try_from(at).ok().filter(|at| wanted.contains(at)) {
                    names.insert(name, at - skip);
                }
            }
        }
        for (name, at) in names {
            if let Some(node) = found.get_mut(at) {
                node.names.push(name);
            }
        }
        Ok(found)
    }
}

fn read(objects: &Logged<'_>, id: NodeId, most: usize) -> Result<DraftNode> {
    let node: Node = objects.load(id)?;
    let (mut type_name, mut value) = (None, None);
    if let Some(datum) = node.datum() {
        let bytes = objects.object(datum.into(), Kind::Datum)?;
        type_name = Some(super::read::datum_type(objects, datum)?);
        if bytes.len() <= most {
            value = Some(objects.load::<_, Datum>(datum)?.value);
        }
    }
    Ok(DraftNode {
        id,
        names: Vec::new(),
        node,
        type_name,
        value,
    })
}

/// Reads the records of one node in the log of a draft, and below it the store.
struct Logged<'l> {
    chunk: &'l [u8],
    place: Place,
    snapshot: &'l Snapshot,
}

impl ReadObjects for Logged<'_> {
    fn raw_object(&self, id: ObjectId) -> Result<Option<&[u8]>> {
        let records = [self.place.node, self.place.datum].into_iter().flatten();
        let logged = records
            .filter_map(|place| record_at(self.chunk, place))
            .find(|record| ObjectId::of(record) == id);
        match logged {
            None => self.snapshot.raw_object(id),
            found => Ok(found),
        }
    }
}
