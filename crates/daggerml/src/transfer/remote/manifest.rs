//! The manifest: the blob `refs`, which says what a remote holds.
//!
//! It is the only blob that decides anything, and it is changed only by compare-and-swap.
//! Packs that are not in it are not part of the remote.

use std::collections::BTreeMap;

use crate::cbor::{Reader, Writer};
use crate::error::{Fault, FaultKind};
use crate::id::{CommitId, ID_LEN, ObjectId};
use crate::repo::branches::{HEADS, TAGS};
use crate::repo::refs;

use super::pack::PackInfo;

/// The version of the format of a remote.
pub(super) const VERSION: u64 = 1;

/// The most bytes of a manifest, and of a list of packs.
pub(super) const LARGEST: u64 = 16 << 20;

/// How many packs the manifest itself holds before the oldest go into a list of their own.
pub(super) const RECENT: usize = 256;

/// How many of the last swaps a manifest names.
const SWAPS: usize = 16;

/// What names one swap of the manifest: random bytes. By it, whoever does not know whether
/// their swap was done can find out.
pub(super) type SwapId = [u8; 16];

/// A blob that lists packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListInfo {
    /// The BLAKE3 hash of its bytes.
    pub id: ObjectId,
    /// How many packs it lists.
    pub packs: u64,
}

/// What the blob `refs` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The number of garbage collections. A push that began in another one begins again.
    pub generation: u64,
    /// The full name of the branch that a clone checks out.
    pub head: Option<String>,
    /// Branches and tags by their full names.
    pub refs: BTreeMap<String, CommitId>,
    /// Lists of older packs, the oldest first.
    pub lists: Vec<ListInfo>,
    /// The newer packs. References lead only to objects of earlier packs or of the same.
    pub packs: Vec<PackInfo>,
    /// The last swaps, the newest last.
    pub swaps: Vec<SwapId>,
}

impl Manifest {
    /// Returns the manifest's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(7);
        writer.uint(VERSION);
        writer.uint(self.generation);
        match &self.head {
            Some(name) => writer.text(name),
            None => writer.null(),
        }
        writer.array(self.refs.len());
        for (name, commit) in &self.refs {
            writer.array(2);
            writer.text(name);
            writer.id(*commit);
        }
        writer.array(self.lists.len());
        for list in &self.lists {
            writer.array(2);
            writer.id(list.id);
            writer.uint(list.packs);
        }
        write_packs(&mut writer, &self.packs);
        writer.array(self.swaps.len());
        self.swaps.iter().for_each(|swap| writer.bytes(swap));
        // Nothing else names the manifest by its content.
        let hash = blake3::hash(writer.bytes_so_far());
        writer.raw(hash.as_bytes());
        writer.into_bytes()
    }

    /// Returns the manifest in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let (bytes, hash) = bytes.split_at(bytes.len().saturating_sub(ID_LEN));
        let reader = &mut Reader::new(bytes);
        if blake3::hash(bytes).as_bytes() != hash {
            return Err(reader.fault(FaultKind::Payload, "the hash over it does not match"));
        }
        reader.array_of(7)?;
        match reader.uint()? {
            VERSION => {}
            other => return Err(reader.fault(FaultKind::Header, format!("manifest {other}"))),
        }
        let generation = reader.uint()?;
        let head = if reader.is_null() {
            None
        } else {
            Some(read_name(reader)?)
        };
        let mut refs = BTreeMap::new();
        for _ in 0..reader.array()? {
            reader.array_of(2)?;
            let name = read_name(reader)?;
            if refs.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(reader.fault(FaultKind::Payload, "refs out of order"));
            }
            refs.insert(name, reader.id()?);
        }
        let mut lists = Vec::new();
        for _ in 0..reader.array()? {
            reader.array_of(2)?;
            lists.push(ListInfo {
                id: read_id(reader)?,
                packs: reader.uint()?,
            });
        }
        let packs = read_packs(reader)?;
        let mut swaps = Vec::new();
        for _ in 0..reader.array()? {
            let swap = reader.bytes()?.try_into();
            swaps.push(swap.map_err(|_| reader.fault(FaultKind::Bounds, "a swap has 16 bytes"))?);
        }
        reader.finish()?;
        Ok(Self {
            generation,
            head,
            refs,
            lists,
            packs,
            swaps,
        })
    }

    /// Notes a swap.
    pub fn note(&mut self, swap: SwapId) {
        self.swaps.push(swap);
        let many = self.swaps.len().saturating_sub(SWAPS);
        self.swaps.drain(..many);
    }

    /// Moves the oldest packs into a list of their own, if there are many; its bytes.
    pub fn shorten(&mut self) -> Option<Vec<u8>> {
        if self.packs.len() <= RECENT {
            return None;
        }
        let old: Vec<_> = self.packs.drain(..RECENT).collect();
        let bytes = encode_list(self.generation, &old);
        self.lists.push(ListInfo {
            id: ObjectId::of(&bytes),
            packs: old.len() as u64,
        });
        Some(bytes)
    }
}

/// Returns the bytes of a list of packs. The generation is in it so that the same list gets
/// another name after a garbage collection, which may just be deleting the old one.
pub(super) fn encode_list(generation: u64, packs: &[PackInfo]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3);
    writer.uint(VERSION);
    writer.uint(generation);
    write_packs(&mut writer, packs);
    writer.into_bytes()
}

/// Returns the packs in these bytes of a list.
pub(super) fn decode_list(bytes: &[u8]) -> Result<Vec<PackInfo>, Fault> {
    let reader = &mut Reader::new(bytes);
    reader.array_of(3)?;
    match reader.uint()? {
        VERSION => {}
        other => return Err(reader.fault(FaultKind::Header, format!("list {other}"))),
    }
    reader.uint()?;
    let packs = read_packs(reader)?;
    reader.finish()?;
    Ok(packs)
}

pub(super) fn write_packs(writer: &mut Writer, packs: &[PackInfo]) {
    writer.array(packs.len());
    for pack in packs {
        writer.array(5);
        writer.id(pack.id);
        writer.uint(pack.bytes);
        writer.uint(pack.index);
        writer.uint(pack.objects);
        writer.uint(u64::from(pack.rewritten));
    }
}

pub(super) fn read_packs(reader: &mut Reader<'_>) -> Result<Vec<PackInfo>, Fault> {
    let mut packs = Vec::new();
    for _ in 0..reader.array()? {
        reader.array_of(5)?;
        let pack = PackInfo {
            id: read_id(reader)?,
            bytes: reader.uint()?,
            index: reader.uint()?,
            objects: reader.uint()?,
            rewritten: match reader.uint()? {
                0 => false,
                1 => true,
                other => return Err(reader.fault(FaultKind::Payload, format!("mark {other}"))),
            },
        };
        if !pack.is_sane() {
            return Err(reader.fault(FaultKind::Bounds, "the numbers of a pack do not agree"));
        }
        packs.push(pack);
    }
    Ok(packs)
}

pub(super) fn read_id(reader: &mut Reader<'_>) -> Result<ObjectId, Fault> {
    Ok(reader.id::<CommitId>()?.into())
}

/// Reads the full name of a branch or tag.
fn read_name(reader: &mut Reader<'_>) -> Result<String, Fault> {
    let text = reader.text()?;
    if is_ref(text) {
        return Ok(text.to_owned());
    }
    let start: String = text.chars().take(64).collect();
    Err(reader.fault(
        FaultKind::Payload,
        format!("{start:?} is not the name of a branch or tag"),
    ))
}

/// Returns whether `text` is the full name of a branch or tag.
pub(super) fn is_ref(text: &str) -> bool {
    let full = match (text.strip_prefix(HEADS), text.strip_prefix(TAGS)) {
        (Some(name), _) => refs::branch_ref(name),
        (_, Some(name)) => refs::tag_ref(name),
        _ => return false,
    };
    full.is_ok_and(|full| full == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TypedId;

    fn pack(number: u8) -> PackInfo {
        PackInfo {
            id: ObjectId::of(&[number]),
            bytes: 100 + 12 + 32,
            index: 100,
            objects: 1,
            rewritten: number.is_multiple_of(2),
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let mut manifest = Manifest {
            generation: 7,
            head: Some("heads/main".to_owned()),
            packs: (0..9).map(pack).collect(),
            ..Manifest::default()
        };
        for name in ["heads/main", "heads/a/b", "tags/v1"] {
            let commit = CommitId::from_object(ObjectId::of(name.as_bytes()));
            manifest.refs.insert(name.to_owned(), commit);
        }
        manifest.note([1; 16]);
        let bytes = manifest.encode();
        assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
        for end in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..end]).is_err());
        }
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x80;
            assert!(Manifest::decode(&wrong).is_err());
            // With a hash that fits it is read as it is, or refused.
            wrong.truncate(bytes.len() - ID_LEN);
            wrong.extend(blake3::hash(&wrong).as_bytes());
            if let Ok(read) = Manifest::decode(&wrong) {
                assert_eq!(read.encode(), wrong);
            }
        }
    }

    #[test]
    fn many_packs_go_into_lists() {
        let mut manifest = Manifest::default();
        let mut lists = Vec::new();
        for number in 0..=RECENT {
            manifest
                .packs
                .push(pack(u8::try_from(number % 200).unwrap()));
            lists.extend(manifest.shorten());
        }
        assert_eq!((lists.len(), manifest.packs.len()), (1, 1));
        assert_eq!(decode_list(&lists[0]).unwrap().len(), RECENT);
        assert_eq!(manifest.lists[0].id, ObjectId::of(&lists[0]));
    }

    #[test]
    fn names_that_no_ref_may_have_are_refused() {
        for name in ["heads/main", "tags/a/b"] {
            assert!(is_ref(name));
        }
        for name in [
            "HEAD",
            "heads/",
            "heads/../x",
            "remotes/a/b",
            "heads/a b",
            "x",
            "",
        ] {
            assert!(!is_ref(name), "{name}");
        }
    }
}
