//! Objects by the first digits of their ids.

use super::Resolved;
use crate::error::{Error, Result};
use crate::id::{MIN_PREFIX, ObjectId, TypedId, hex_digit};
use crate::record::{Kind, kind_of};
use crate::store::{ReadObjects, Snapshot};

/// The most candidates that an error lists.
const SHOWN: usize = 5;

/// Returns the object whose id starts with `text`; `None` when `text` is no prefix of an
/// id, or of none that is here.
pub(super) fn find(snapshot: &Snapshot, text: &str) -> Result<Option<Resolved>> {
    let digits: Option<Vec<u8>> = text.bytes().map(hex_digit).collect();
    let Some(digits) = digits.filter(|digits| (MIN_PREFIX..=64).contains(&digits.len())) else {
        return Ok(None);
    };
    let pairs = digits.chunks_exact(2);
    let last = pairs.remainder().first().copied();
    let start: Vec<u8> = pairs
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    let mut found = Vec::new();
    for object in snapshot.objects(&start)? {
        let (id, _) = object?;
        let next = id.as_bytes().get(start.len());
        if last.is_none_or(|digit| next.is_some_and(|byte| byte >> 4 == digit)) {
            found.push(id);
        }
        if found.len() > SHOWN {
            break;
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [id] => resolved(snapshot, *id).map(Some),
        several => Err(Error::AmbiguousId {
            prefix: text.to_owned(),
            candidates: several
                .iter()
                .map(|id| {
                    Ok(format!(
                        "{} {}",
                        resolved(snapshot, *id)?.kind(),
                        id.short()
                    ))
                })
                .collect::<Result<_>>()?,
        }
        .into()),
    }
}

fn resolved(snapshot: &Snapshot, id: ObjectId) -> Result<Resolved> {
    let bytes = snapshot.raw_object(id)?.unwrap_or_default();
    let kind = kind_of(bytes).map_err(|fault| Error::ObjectInvalid {
        kind: Kind::Datum,
        id,
        fault,
    })?;
    Ok(match kind {
        Kind::Datum => Resolved::Datum(TypedId::from_object(id)),
        Kind::Node => Resolved::Node {
            dag: None,
            node: TypedId::from_object(id),
        },
        Kind::Dag => Resolved::Dag(TypedId::from_object(id)),
        Kind::Tree => Resolved::Tree(TypedId::from_object(id)),
        Kind::Commit => Resolved::Commit(TypedId::from_object(id)),
        Kind::Exec => Resolved::Exec(TypedId::from_object(id)),
        Kind::Tombstone => Resolved::Tombstone(TypedId::from_object(id)),
        Kind::Blob => Resolved::Blob(TypedId::from_object(id)),
    })
}
