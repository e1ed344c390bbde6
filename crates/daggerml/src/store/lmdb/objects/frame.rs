//! Frames: objects in a chunk, each with its length, and with its id where that is not quickly
//! computed.

use super::run::Place;
use crate::id::{ID_LEN, ObjectId};
use crate::record::{Kind, Record, Tombstone, kind_of};

/// The most bytes of a chunk of several objects: they fill eight pages of the usual size.
pub(crate) const CHUNK: usize = 8 * 4096 - 16;

/// An object that is longer has a chunk for itself.
pub(crate) const ALONE: usize = 8 << 10;

/// An object that is longer is stored with its id: hashing it would take long.
const NAMED: usize = 1 << 10;

/// The most bytes before those of an object: its length, and its id.
pub(super) const MOST_BEFORE: usize = 10 + ID_LEN;

/// An object in a chunk.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'c> {
    /// The object's id, if it is stored.
    pub id: Option<ObjectId>,
    /// The object's bytes.
    pub bytes: &'c [u8],
    /// The whole frame.
    pub whole: &'c [u8],
}

/// What a frame is of an object that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// That object.
    Same,
    /// Another one, whose id begins as that one's.
    Other,
    /// None whose id begins as that one's: it is damaged.
    Damaged,
}

impl<'c> Frame<'c> {
    /// Returns the frame at `offset` of `chunk`; `None` when none can be there.
    pub fn read(chunk: &'c [u8], offset: usize) -> Option<Self> {
        let from = chunk.get(offset..)?;
        let (mut head, mut at) = (0_u64, 0);
        loop {
            let byte = *from.get(at)?;
            head |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(at).ok()?)?;
            at += 1;
            if byte < 0x80 {
                break;
            }
        }
        let length = usize::try_from(head >> 1).ok()?;
        let (mut id, mut rest) = (None, from.get(at..)?);
        if head & 1 == 1 {
            let (stored, after) = rest.split_first_chunk::<ID_LEN>()?;
            id = Some(ObjectId::from_bytes(*stored));
            rest = after;
            at += ID_LEN;
        }
        Some(Self {
            id,
            bytes: rest.get(..length)?,
            whole: from.get(..at + length)?,
        })
    }

    /// Returns the id of an object whose id begins with `prefix`; `None` when it is damaged.
    pub fn id(&self, prefix: u64) -> Option<ObjectId> {
        let id = self.id.unwrap_or_else(|| ObjectId::of(self.bytes));
        (Place::prefix(&id) == prefix).then_some(id)
    }

    /// Returns whether the frame is what was written: then its length is right, too.
    pub fn is_whole(&self, prefix: u64) -> bool {
        let is_hash = |id| ObjectId::of(self.bytes) == id;
        match self.id {
            None => self.id(prefix).is_some(),
            Some(id) => {
                Place::prefix(&id) == prefix
                    && (is_hash(id)
                        || Tombstone::decode(self.bytes).is_ok_and(|found| found.object == id))
            }
        }
    }

    /// Compares the object of `frame` with the wanted one.
    pub fn compare(frame: Option<&Self>, wanted: &ObjectId) -> Match {
        let prefix = Place::prefix(wanted);
        match frame.and_then(|frame| frame.id(prefix)) {
            Some(id) if id == *wanted => Match::Same,
            Some(_) => Match::Other,
            None => Match::Damaged,
        }
    }
}

/// Returns whether a frame of these bytes holds its id. The id of a tombstone is that of what it
/// replaces.
pub(crate) fn is_named(bytes: &[u8]) -> bool {
    bytes.len() > NAMED || matches!(kind_of(bytes), Ok(Kind::Tombstone))
}

/// Returns what comes before the bytes of an object.
pub(crate) fn head(id: &ObjectId, length: usize, named: bool) -> Vec<u8> {
    let mut rest = (length as u64) << 1 | u64::from(named);
    let mut head = Vec::with_capacity(MOST_BEFORE);
    loop {
        let byte = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        head.push(if rest == 0 { byte } else { byte | 0x80 });
        if rest == 0 {
            break;
        }
    }
    if named {
        head.extend_from_slice(id.as_bytes());
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_round_trip_and_no_bytes_are_read_beyond_the_end() {
        for length in [0, 1, 63, 64, 127, 128, 8191, 8192, 70_000] {
            for named in [false, true] {
                let bytes = vec![7; length];
                let id = ObjectId::of(&bytes);
                let mut chunk = vec![1, 2, 3];
                chunk.extend(head(&id, length, named));
                chunk.extend(&bytes);
                let frame = Frame::read(&chunk, 3).unwrap();
                assert_eq!((frame.bytes, frame.id.is_some()), (&bytes[..], named));
                assert_eq!(frame.whole.len(), chunk.len() - 3);
                assert_eq!(frame.id(Place::prefix(&id)), Some(id));
                assert_eq!(Frame::compare(Some(&frame), &id), Match::Same);
                chunk.pop();
                assert!(Frame::read(&chunk, 3).is_none());
                assert!(Frame::read(&chunk, chunk.len() + 1).is_none());
            }
        }
        assert!(Frame::read(&[0xff; 30], 0).is_none());
    }
}
