//! Excision: an object's bytes are removed, and a tombstone is put in its place.

use crate::error::{Error, Result};
use crate::id::{CommitId, ObjectId, TypedId};
use crate::record::{Commit, Kind, Record, Time, Tombstone, Tree, kind_of};
use crate::repo::refs::{ReadRefs, Target};
use crate::store::{ReadObjects, Store, WriteTxn};

/// What was excised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excision {
    /// The object.
    pub id: ObjectId,
    /// The kind it was.
    pub kind: Kind,
    /// How many bytes it had.
    pub bytes: u64,
    /// Whether it had been excised before; then nothing changed.
    pub already: bool,
}

/// Replaces the object `id` by a tombstone that says `reason`. Everything that
/// refers to it stays as it is; reading it gives [`Error::Excised`].
///
/// A commit that a ref is set to cannot be excised, nor can its tree. Otherwise nothing
/// could be committed there, and nothing would lead to the commits before it.
///
/// An object whose bytes are damaged can be excised too. The bytes are overwritten
/// when their pages are used again, and may be in copies of the file until then.
pub fn excise(store: &Store, id: ObjectId, reason: &str) -> Result<Excision> {
    store.write(|txn| {
        let bytes = txn.raw_object(id)?.ok_or(Error::NotFound {
            what: "object",
            name: id.to_string(),
            place: String::new(),
        })?;
        let length = bytes.len() as u64;
        if ObjectId::of(bytes) != id
            && let Ok(tombstone) = Tombstone::decode(bytes)
            && tombstone.object == id
        {
            return Ok(Excision {
                id,
                kind: tombstone.kind,
                bytes: 0,
                already: true,
            });
        }
        let kind = kind_of(bytes).unwrap_or(Kind::Datum);
        if let Some(name) = needed_by(txn, kind, id)? {
            return Err(Error::Conflict {
                message: format!(
                    "{name} is at {kind} {}, and could not be used without it; commit \
                     something else there, or move {name} to another commit first",
                    id.short()
                ),
            }
            .into());
        }
        let tombstone = Tombstone {
            object: id,
            kind,
            reason: reason.to_owned(),
            time: Time::now(),
        };
        txn.replace_object(id, &tombstone.encode()?)?;
        Ok(Excision {
            id,
            kind,
            bytes: length,
            already: false,
        })
    })
}

/// Returns the ref whose commit, or a part of whose commit's tree, is object `id`.
fn needed_by(txn: &WriteTxn<'_>, kind: Kind, id: ObjectId) -> Result<Option<String>> {
    for name in txn.ref_names("")? {
        if let Some(Target::Commit(commit)) = txn.target(&name)?
            && (commit.object() == id || kind == Kind::Tree && has_tree(txn, commit, id))
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Returns whether the tree of `commit` has the part `id`. What cannot be read has none.
fn has_tree(txn: &WriteTxn<'_>, commit: CommitId, id: ObjectId) -> bool {
    let commit: Result<Commit> = txn.load(commit);
    let mut waiting: Vec<_> = commit.into_iter().map(|commit| commit.tree).collect();
    while let Some(tree) = waiting.pop() {
        if tree.object() == id {
            return true;
        }
        if let Ok(Tree::Branch { children, .. }) = txn.load(tree) {
            waiting.extend(children.iter().flatten());
        }
    }
    false
}
