//! What a word on the command line names: a commit, or any object.

use daggerml::Repository;
use daggerml::error::{Error, Result};
use daggerml::id::{CommitId, MIN_PREFIX, ObjectId, TypedId};
use daggerml::record::{Kind, kind_of};
use daggerml::repo::refs::{self, HEAD, ReadRefs, Target};
use daggerml::store::{ReadObjects, Snapshot, Table};

/// The object that `text` names: `HEAD`, a branch, a tag, or an id by 6 or more digits.
pub fn object(repository: &Repository, text: &str) -> Result<(Kind, ObjectId)> {
    let snapshot = repository.snapshot()?;
    if let Some(commit) = named(&snapshot, text)? {
        return Ok((Kind::Commit, commit.object()));
    }
    match by_prefix(&snapshot, text)? {
        Some(id) => {
            let bytes = snapshot.raw_object(id)?.ok_or(Error::ObjectNotFound {
                kind: Kind::Datum,
                id,
            })?;
            Ok((kind_of(bytes)?, id))
        }
        None => Err(not_found(repository, text)),
    }
}

/// The commit that `text` names.
pub fn commit(repository: &Repository, text: &str) -> Result<CommitId> {
    match object(repository, text)? {
        (Kind::Commit, id) => Ok(CommitId::from_object(id)),
        (kind, id) => Err(Error::Invalid {
            message: format!("{text} is the {kind} {}, not a commit", id.short()),
        }),
    }
}

fn named(snapshot: &Snapshot, text: &str) -> Result<Option<CommitId>> {
    if text == HEAD || text == "@" {
        return snapshot.head();
    }
    for full in [refs::branch_ref(text), refs::tag_ref(text)]
        .into_iter()
        .flatten()
    {
        if let Some(Target::Commit(id)) = snapshot.target(&full)? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn by_prefix(snapshot: &Snapshot, text: &str) -> Result<Option<ObjectId>> {
    let digits = text.to_ascii_lowercase();
    if digits.len() < MIN_PREFIX
        || digits.len() > 64
        || !digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    {
        return Ok(None);
    }
    // Whole bytes find the neighbourhood; a last odd digit filters it.
    let whole: Vec<u8> = digits
        .as_bytes()
        .chunks_exact(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let mut found = Vec::new();
    for entry in snapshot.scan(Table::Objects, &whole)? {
        let Ok(key) = entry?.0.try_into() else {
            continue;
        };
        let id = ObjectId::from_bytes(key);
        if id.to_string().starts_with(&digits) {
            found.push(id);
        }
        if found.len() > 5 {
            break;
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        many => Err(Error::AmbiguousId {
            prefix: text.to_owned(),
            candidates: many.iter().map(ObjectId::short).collect(),
        }),
    }
}

fn not_found(repository: &Repository, text: &str) -> Error {
    Error::NotFound {
        what: "revision",
        name: text.to_owned(),
        place: repository.root().display().to_string(),
    }
}
