//! Packs: the blobs that hold a remote's objects.
//!
//! A pack is a magic number, a header, objects with references before referrers, and an
//! index of them at its end. The index is in the same blob, so a small push writes one blob
//! and not two, and no pack is without its index; the manifest says where it begins, so it
//! can be read alone. It holds 12 bytes for each object, since the ids can be told from the
//! objects: a remote of many small objects would otherwise be a third larger.

use crate::cbor::{Reader, Writer, major};
use crate::error::{Fault, FaultKind, Result};
use crate::id::{ID_LEN, ObjectId};
use crate::record::has_blobs;
use crate::store::Store;
use crate::transfer::transport::Key;

use super::blob::{Blob, BlobWriter};
use super::send::Purpose;

/// The first bytes of a pack.
const MAGIC: [u8; 8] = *b"\x89DMP\r\n\x1a\n";

/// The folder of the packs that manifests name.
pub(super) const PACKS: &str = "packs";

/// The version of the format.
const VERSION: u64 = 1;

/// The bytes from which a pack gets no more objects. One is in memory while it is made.
pub(super) const TARGET: usize = 8 << 20;

/// The most bytes of a pack: an object of the largest size, and what is around it.
pub(super) const LARGEST: u64 = (1 << 30) + (1 << 20);

/// Set in the place of a datum that refers to blobs. No pack is as long as this.
const HAS_BLOBS: u32 = 1 << 31;

/// The bytes of each object in the index.
pub(super) const INDEXED: usize = 12;

/// What the manifest says of a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackInfo {
    /// The BLAKE3 hash of its bytes.
    pub id: ObjectId,
    /// How many bytes it has.
    pub bytes: u64,
    /// Where the index begins.
    pub index: u64,
    /// How many objects it has.
    pub objects: u64,
    /// Whether its objects were in other packs before.
    pub rewritten: bool,
}

impl PackInfo {
    /// Returns the name of the blob.
    pub fn key(&self) -> Result<Key> {
        blob_key(PACKS, self.id)
    }

    /// Returns whether the numbers can be true.
    pub fn is_sane(&self) -> bool {
        let index = self.objects.checked_mul(INDEXED as u64);
        let index = index.and_then(|bytes| bytes.checked_add(ID_LEN as u64));
        self.objects > 0
            && self.bytes <= LARGEST
            && index.and_then(|bytes| bytes.checked_add(self.index)) == Some(self.bytes)
    }
}

/// Returns the name of a blob that is named by its content.
pub(super) fn blob_key(folder: &str, id: ObjectId) -> Result<Key> {
    let text = id.to_string();
    let first = text.get(..2).unwrap_or_default();
    Key::new(&format!("{folder}/{first}/{text}"))
}

/// A pack that is being made.
pub(super) struct PackWriter {
    writer: Writer,
    index: Vec<(u64, u32)>,
}

impl PackWriter {
    /// Begins a pack for a remote of this generation.
    pub fn new(generation: u64) -> Self {
        Self {
            writer: begin(generation),
            index: Vec::new(),
        }
    }

    /// Returns whether there is room for `bytes` more.
    pub fn has_room(&self, bytes: usize) -> bool {
        let index = INDEXED * (self.index.len() + 1);
        self.index.is_empty() || self.writer.len() + bytes + index <= TARGET
    }

    /// Returns how many objects it has.
    pub fn objects(&self) -> usize {
        self.index.len()
    }

    /// Adds the object `id`.
    pub fn add(&mut self, id: ObjectId, bytes: &[u8]) {
        let at = u32::try_from(self.writer.len()).unwrap_or(u32::MAX);
        self.index.push(indexed(id, at, bytes));
        self.writer.bytes(bytes);
    }

    /// Returns the pack's bytes and what the manifest says of it.
    pub fn finish(mut self, rewritten: bool) -> (PackInfo, Vec<u8>) {
        self.index.sort_unstable();
        let index = encode_index(&self.index);
        let at = self.writer.len() as u64;
        self.writer.raw(&index);
        self.writer.raw(blake3::hash(&index).as_bytes());
        let bytes = self.writer.into_bytes();
        let info = PackInfo {
            id: ObjectId::of(&bytes),
            bytes: bytes.len() as u64,
            index: at,
            objects: self.index.len() as u64,
            rewritten,
        };
        (info, bytes)
    }
}

/// Returns what comes before the objects.
fn begin(generation: u64) -> Writer {
    let mut writer = Writer::new();
    writer.raw(&MAGIC);
    writer.array(2);
    writer.uint(VERSION);
    writer.uint(generation);
    writer
}

/// Makes the pack of one large object, as [`PackWriter`] would, without a copy in memory.
pub(super) fn of_one(
    store: &Store,
    purpose: Purpose,
    id: ObjectId,
    bytes: &[u8],
) -> Result<(PackInfo, Blob)> {
    let mut start = begin(purpose.generation);
    let at = start.len();
    start.head(major::BYTES, bytes.len() as u64);
    let start = start.into_bytes();
    let place = u32::try_from(at).unwrap_or(u32::MAX);
    let index = encode_index(&[indexed(id, place, bytes)]);
    let mut blob = BlobWriter::new(store)?;
    let trailer = blake3::hash(&index);
    let parts = [&start, bytes, &index, trailer.as_bytes()];
    parts.iter().try_for_each(|part| blob.write(part))?;
    let info = PackInfo {
        id: ObjectId::from_bytes(*blob.hasher.finalize().as_bytes()),
        bytes: parts.iter().map(|part| part.len() as u64).sum(),
        index: (start.len() + bytes.len()) as u64,
        objects: 1,
        rewritten: purpose.rewritten,
    };
    Ok((info, blob.finish()?))
}

/// Returns what the index has of the object `id`, whose byte string begins at `at`.
pub(super) fn indexed(id: ObjectId, at: u32, bytes: &[u8]) -> (u64, u32) {
    let mark = if has_blobs(bytes) { HAS_BLOBS } else { 0 };
    (id.first_bytes(), at | mark)
}

fn encode_index(sorted: &[(u64, u32)]) -> Vec<u8> {
    let firsts = sorted.iter().flat_map(|(first, _)| first.to_be_bytes());
    let places = sorted.iter().flat_map(|(_, at)| at.to_be_bytes());
    firsts.chain(places).collect()
}

/// Calls `visit` with the place and the bytes of each object of the pack in `bytes`.
///
/// The order of the objects and the records themselves are not looked at.
pub fn each_object<'b>(
    bytes: &'b [u8],
    index: u64,
    objects: u64,
    visit: &mut dyn FnMut(u32, &'b [u8]) -> Result<()>,
) -> Result<()> {
    let end = usize::try_from(index).ok().and_then(|end| bytes.get(..end));
    let end = end.ok_or_else(|| fault(bytes.len(), "the index begins after the end"))?;
    let Some(rest) = end.strip_prefix(&MAGIC) else {
        return Err(fault(0, "it does not begin like a pack").into());
    };
    let reader = &mut Reader::new(rest);
    reader.array_of(2)?;
    let version = reader.uint()?;
    if version != VERSION {
        return Err(reader
            .fault(FaultKind::Header, format!("pack format {version}"))
            .into());
    }
    reader.uint()?;
    let mut found = 0;
    while reader.position() < rest.len() {
        let at = u32::try_from(reader.position() + MAGIC.len());
        let at = at.map_err(|_| reader.fault(FaultKind::Bounds, "over 4 GiB"))?;
        visit(at, reader.bytes()?)?;
        found += 1;
    }
    if found != objects {
        let detail = format!("{objects} objects announced, {found} found");
        return Err(reader.fault(FaultKind::Bounds, detail).into());
    }
    Ok(())
}

fn fault(offset: usize, detail: &str) -> Fault {
    Fault::new(FaultKind::Header, offset, detail)
}

/// The index of a pack: the first bytes of each id, in order, and the object's place.
pub struct Index(Vec<(u64, u32)>);

impl Index {
    /// Reads the index of `objects` objects and the hash behind it.
    pub fn parse(bytes: &[u8], objects: u64) -> Result<Self, Fault> {
        let length = bytes.len().checked_sub(ID_LEN);
        let (index, hash) = match length.and_then(|at| bytes.split_at_checked(at)) {
            Some((index, hash)) if index.len() as u64 == objects.saturating_mul(INDEXED as u64) => {
                (index, hash)
            }
            _ => return Err(fault(0, "the index has another length")),
        };
        if blake3::hash(index).as_bytes() != hash {
            return Err(fault(0, "the hash over the index does not match"));
        }
        let (firsts, places) = index.split_at(index.len() / 3 * 2);
        let firsts = firsts
            .chunks_exact(8)
            .map(|bytes| u64::from_be_bytes(bytes.first_chunk().copied().unwrap_or_default()));
        let places = places
            .chunks_exact(4)
            .map(|bytes| u32::from_be_bytes(bytes.first_chunk().copied().unwrap_or_default()));
        let all: Vec<_> = firsts.zip(places).collect();
        if !all.is_sorted() {
            return Err(fault(0, "the index is not in order"));
        }
        Ok(Self(all))
    }

    /// Returns the first bytes of the ids, in order.
    pub fn firsts(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|(first, _)| *first)
    }

    /// Returns the places of objects whose ids begin like this, and whether each is a datum that
    /// refers to blobs.
    pub(super) fn places(&self, first: u64) -> impl Iterator<Item = (u32, bool)> {
        let from = self.0.partition_point(|(other, _)| *other < first);
        let same = self.0.iter().skip(from);
        same.take_while(move |(other, _)| *other == first)
            .map(|(_, at)| (at & !HAS_BLOBS, at & HAS_BLOBS != 0))
    }

    /// Returns the places of all objects, in order.
    pub(super) fn all_places(&self) -> Vec<u32> {
        let mut places: Vec<_> = self.0.iter().map(|(_, at)| at & !HAS_BLOBS).collect();
        places.sort_unstable();
        places
    }

    /// Calls `visit` with the first bytes of each id and the size of the object in the pack,
    /// whose objects end at `end`.
    pub(super) fn sizes(&self, end: u64, visit: &mut dyn FnMut(u64, u64)) {
        // As the index has them, so that sorting is compiled once for both.
        let mut places: Vec<(u64, u32)> = (0..)
            .zip(&self.0)
            .map(|(number, (_, at))| (u64::from(at & !HAS_BLOBS), number))
            .collect();
        places.sort_unstable();
        let ends = places.iter().skip(1).map(|(at, _)| *at).chain([end]);
        for ((at, number), end) in places.iter().zip(ends) {
            if let Some((first, _)) = self.0.get(*number as usize) {
                visit(*first, end.saturating_sub(*at));
            }
        }
    }

    /// Returns whether it is the index of exactly these objects.
    pub(super) fn is_of(&self, mut entries: Vec<(u64, u32)>) -> bool {
        entries.sort_unstable();
        self.0 == entries
    }
}

/// Writes the head of a byte string: for tests that make packs by hand.
#[cfg(test)]
pub(super) fn head(length: u64) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.head(major::BYTES, length);
    writer.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Objects = Vec<(ObjectId, Vec<u8>)>;

    fn sample() -> (PackInfo, Vec<u8>, Objects) {
        let objects: Vec<_> = (0..300_u32)
            .map(|n| {
                let bytes = n.to_be_bytes().repeat(n as usize % 7);
                (ObjectId::of(&bytes), bytes)
            })
            .collect();
        let mut writer = PackWriter::new(3);
        for (id, bytes) in &objects {
            writer.add(*id, bytes);
        }
        let (info, bytes) = writer.finish(false);
        (info, bytes, objects)
    }

    #[test]
    fn what_goes_in_comes_out_and_the_index_finds_it() {
        let (info, bytes, objects) = sample();
        assert!(info.is_sane());
        let mut found = Vec::new();
        let mut places = Vec::new();
        each_object(&bytes, info.index, info.objects, &mut |at, object| {
            let id = ObjectId::of(object);
            places.push((id.first_bytes(), at));
            found.push((id, object.to_vec()));
            Ok(())
        })
        .unwrap();
        assert_eq!(found, objects);
        let at = usize::try_from(info.index).unwrap();
        let index = Index::parse(&bytes[at..], info.objects).unwrap();
        assert!(index.is_of(places));
        assert!(!index.is_of(vec![(0, 0)]));
        assert!(index.firsts().is_sorted());
    }

    #[test]
    fn the_pack_of_a_large_object_is_like_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::OpenOptions::default().create(folder.path());
        let bytes = vec![7; 100_000];
        let id = ObjectId::of(&bytes);
        let mut writer = PackWriter::new(5);
        writer.add(id, &bytes);
        let (info, whole) = writer.finish(false);
        let purpose = Purpose::of_manifest(5, false);
        let (alike, blob) = of_one(&store.unwrap(), purpose, id, &bytes).unwrap();
        assert_eq!(alike, info);
        assert!(*blob == *whole);
    }

    #[test]
    fn a_flipped_byte_is_noticed() {
        let (info, bytes, _) = sample();
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert_ne!(ObjectId::of(&wrong), info.id);
            // Nothing panics, whatever comes of it.
            let _ = each_object(&wrong, info.index, info.objects, &mut |_, _| Ok(()));
            let from = usize::try_from(info.index).unwrap();
            assert!(at < from || Index::parse(&wrong[from..], info.objects).is_err());
        }
        let short = [&bytes[..12], &head(1 << 40), &[0]].concat();
        assert!(each_object(&short, short.len() as u64, 1, &mut |_, _| Ok(())).is_err());
        assert!(each_object(&bytes, u64::MAX, 1, &mut |_, _| Ok(())).is_err());
        assert!(Index::parse(&[], u64::MAX).is_err());
    }
}
