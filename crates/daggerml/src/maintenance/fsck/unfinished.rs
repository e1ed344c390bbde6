//! What a process left that was killed while it settled a draft.
//!
//! Older versions put the records of a log among the objects in order of their ids, so a node can
//! be there before what it refers to. That is no damage: either the log still has the rest,
//! and its draft can be resumed, or the draft was discarded and the node is garbage.

use crate::dag::{ChunkEntry, chunk_entries, chunk_of};
use crate::error::Result;
use crate::id::{ObjectId, TypedId};
use crate::id_set::IdSet;
use crate::record::{Kind, Reference};
use crate::store::{Snapshot, Table};

use super::super::ids::Ids;
use super::super::roots::{TABLES, of_entry};
use super::lost::Referrers;
use super::objects::Missing;

/// Returns those of `missing` that are damage: something that is kept needs them.
pub(super) fn damage(
    snapshot: &Snapshot,
    ids: &Ids,
    mut missing: Vec<Missing>,
) -> Result<Vec<Missing>> {
    let may_wait = |missing: &Missing| {
        missing.from.kind == Kind::Node && matches!(missing.to.kind, Kind::Node | Kind::Datum)
    };
    if !missing.iter().any(may_wait) {
        return Ok(missing);
    }
    let kept = kept(snapshot)?;
    let referrers = Referrers::read(snapshot, ids);
    let mut garbage = IdSet::default();
    missing.retain(|missing| {
        !may_wait(missing) || is_needed(missing.from, &kept, &referrers, &mut garbage)
    });
    Ok(missing)
}

/// Returns whether a kept object, or one that is no node, leads to `node`. `garbage` has the
/// nodes to which none leads, as far as that is known.
fn is_needed(
    node: Reference,
    kept: &IdSet<ObjectId>,
    referrers: &Referrers,
    garbage: &mut IdSet<ObjectId>,
) -> bool {
    let mut seen = IdSet::default();
    let mut waiting = vec![node];
    while let Some(reference) = waiting.pop() {
        if garbage.contains(&reference.id) || !seen.insert(reference.id) {
            continue;
        }
        if reference.kind != Kind::Node || kept.contains(&reference.id) {
            return true;
        }
        waiting.extend(referrers.of(reference.id));
    }
    garbage.extend(seen);
    false
}

/// Returns what entries keep, less the records in the logs of drafts, which are checked
/// with their logs.
fn kept(snapshot: &Snapshot) -> Result<IdSet<ObjectId>> {
    let mut kept = IdSet::default();
    for table in TABLES {
        for entry in snapshot.scan(table, &[])? {
            let (key, value) = entry?;
            // What cannot be read is noted where entries are checked.
            let _ = if table == Table::Drafts && chunk_of(key).is_some() {
                chunk_entries(value, &mut |_, entry| {
                    if let ChunkEntry::Stored(node) = entry {
                        kept.insert(node.object());
                    }
                    Ok(())
                })
                .map_err(Into::into)
            } else {
                of_entry(table, key, value, &mut |id| {
                    kept.insert(id);
                })
            };
        }
    }
    Ok(kept)
}
