//! The tree of what is checked out, kept in memory from one load to the next.
//!
//! Between two loads the store has rarely changed, so the second one needs the same commit
//! and mostly the same pieces of its tree. They are kept until the number of the newest
//! transaction changes; a load then reads only the DAG itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::refs::ReadRefs;
use super::tree;
use crate::error::Result;
use crate::id::{DagId, TreeId};
use crate::name::Name;
use crate::record::{Commit, Tree};
use crate::store::{ReadObjects, Snapshot};

/// How many pieces are kept at most: those on the way to thousands of names.
const MOST_PIECES: usize = 256;

/// The tree of the newest commit, as far as it was read.
#[derive(Default)]
pub(super) struct Newest(Mutex<Option<Kept>>);

struct Kept {
    /// The number of the snapshot that it was read from.
    snapshot: u64,
    root: Option<TreeId>,
    pieces: HashMap<TreeId, Arc<Tree>>,
}

impl Newest {
    /// Returns the tree of the newest commit, and the DAG that has `name` there.
    pub(super) fn lookup(
        &self,
        snapshot: &Snapshot,
        name: &Name,
    ) -> Result<(Option<TreeId>, Option<DagId>)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match kept.as_mut() {
            Some(kept) if kept.snapshot == snapshot.number() => kept,
            _ => kept.insert(Kept::read(snapshot)?),
        };
        let Some(root) = kept.root else {
            return Ok((None, None));
        };
        let pieces = &mut kept.pieces;
        let found = tree::walk(root, name, |id| {
            if let Some(piece) = pieces.get(&id) {
                return Ok(Arc::clone(piece));
            }
            let piece = Arc::new(snapshot.load::<_, Tree>(id)?);
            if pieces.len() >= MOST_PIECES {
                pieces.clear();
            }
            pieces.insert(id, Arc::clone(&piece));
            Ok(piece)
        })?;
        Ok((Some(root), found))
    }
}

impl Kept {
    fn read(snapshot: &Snapshot) -> Result<Self> {
        let root = match snapshot.head()? {
            Some(head) => Some(snapshot.load::<_, Commit>(head)?.tree),
            None => None,
        };
        Ok(Self {
            snapshot: snapshot.number(),
            root,
            pieces: HashMap::new(),
        })
    }
}
