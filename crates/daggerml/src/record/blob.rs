//! Blob records: where the bytes of a blob are.
//!
//! The bytes are in chunks of [`CHUNK`] bytes, the last of which may be shorter. Each chunk is a datum
//! of its own. The chunks of a blob are listed in one record, as long as they are few; else its record
//! lists blobs in turn, each of them with as many bytes as one list of chunks can have, and so on. So
//! equal bytes have equal ids on every machine, and a large blob that has grown shares what was there.

use crate::fault::{Fault, FaultKind, ValueError};
use crate::id::{BlobId, DatumId, ObjectId, TypedId};
use crate::value::{Blob, Value};

use super::{Datum, Record, RecordReader, RecordWriter, Reference};

/// How many bytes a chunk has, unless it is the last one.
pub const CHUNK: usize = 4 << 20;

/// The most parts in one record.
pub const MOST_PARTS: usize = 1024;

/// The parts of a blob, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobList {
    /// How many bytes the blob has.
    pub size: u64,
    /// The parts: chunks, or smaller blobs.
    pub parts: Vec<ObjectId>,
}

/// A part of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The chunk, or the smaller blob.
    pub reference: Reference,
    /// Where in the blob it begins.
    pub at: u64,
    /// How many bytes it has.
    pub size: u64,
}

/// Returns how many bytes each part of a blob has, but for the last one.
fn span(size: u64) -> u64 {
    let mut span = CHUNK as u64;
    while size.div_ceil(span) > MOST_PARTS as u64 {
        span = span.saturating_mul(MOST_PARTS as u64);
    }
    span
}

impl BlobList {
    /// Returns the part that has the byte at `at`.
    pub fn part(&self, at: u64) -> Option<Part> {
        let span = span(self.size);
        let number = at / span;
        let id = *self.parts.get(usize::try_from(number).ok()?)?;
        let begin = number * span;
        Some(Part {
            reference: if span == CHUNK as u64 {
                DatumId::from_object(id).into()
            } else {
                BlobId::from_object(id).into()
            },
            at: begin,
            size: span.min(self.size - begin),
        })
    }

    /// Returns the parts, in order.
    pub fn each(&self) -> impl Iterator<Item = Part> {
        let span = span(self.size);
        (0..self.parts.len() as u64).filter_map(move |number| self.part(number * span))
    }
}

impl Record for BlobList {
    type Id = BlobId;

    fn items(&self) -> usize {
        2
    }

    fn write(&self, writer: &mut RecordWriter) -> Result<(), ValueError> {
        writer.uint(self.size);
        writer.array(self.parts.len());
        self.parts.iter().for_each(|part| writer.id(*part));
        Ok(())
    }

    fn read(reader: &mut RecordReader<'_>, items: usize) -> Result<Self, Fault> {
        reader.expect_items(items, 2)?;
        let size = reader.uint()?;
        let count = reader.array()?;
        let wanted = size.div_ceil(span(size));
        if count as u64 != wanted {
            let detail = format!("{count} parts where {size} bytes have {wanted}");
            return Err(reader.fault(FaultKind::Bounds, detail));
        }
        let parts = (0..count).map(|_| reader.id::<BlobId>().map(ObjectId::from));
        Ok(Self {
            size,
            parts: parts.collect::<Result<_, _>>()?,
        })
    }

    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        self.each().for_each(|part| visit(part.reference));
    }
}

/// Makes the records of a blob from its chunks, as they come.
#[derive(Default)]
pub(crate) struct BlobLists {
    /// Parts that are in no record yet, with their sizes: chunks first, then lists of these, and so
    /// on.
    levels: Vec<Vec<(ObjectId, u64)>>,
}

/// Takes a record that was made.
pub(crate) type Made<'m> = &'m mut dyn FnMut(ObjectId, Vec<u8>);

impl BlobLists {
    /// Adds a chunk of `size` bytes.
    pub fn push(&mut self, chunk: DatumId, size: u64, made: Made<'_>) -> Result<(), ValueError> {
        let mut part = (chunk.object(), size);
        for list in &mut self.levels {
            if list.len() < MOST_PARTS {
                list.push(part);
                return Ok(());
            }
            // That it is full says that more come after it, so it is a part of another record.
            part = record(&std::mem::replace(list, vec![part]), made)?;
        }
        self.levels.push(vec![part]);
        Ok(())
    }

    /// Returns the blob of all chunks.
    pub fn finish(self, made: Made<'_>) -> Result<Blob, ValueError> {
        let mut last = None;
        for (level, mut list) in self.levels.into_iter().enumerate() {
            list.extend(last.take());
            last = match list.as_slice() {
                [] => None,
                [one] if level > 0 => Some(*one),
                parts => Some(record(parts, made)?),
            };
        }
        let (id, size) = match last {
            Some(last) => last,
            None => record(&[], made)?,
        };
        Ok(Blob {
            id: BlobId::from_object(id),
            size,
        })
    }
}

fn record(parts: &[(ObjectId, u64)], made: Made<'_>) -> Result<(ObjectId, u64), ValueError> {
    let list = BlobList {
        size: parts.iter().map(|(_, size)| size).sum(),
        parts: parts.iter().map(|(id, _)| *id).collect(),
    };
    let bytes = list.encode()?;
    let id = ObjectId::of(&bytes);
    made(id, bytes);
    Ok((id, list.size))
}

/// Returns the record of a chunk.
pub(crate) fn chunk(bytes: Vec<u8>) -> Result<Vec<u8>, ValueError> {
    Datum {
        value: Value::Bytes(bytes),
    }
    .encode()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Makes the records of a blob of so many bytes, whose chunks are told apart by their numbers.
    fn made(size: u64) -> (Blob, HashMap<ObjectId, Vec<u8>>) {
        let mut records = HashMap::new();
        let mut lists = BlobLists::default();
        let mut at = 0;
        while at < size {
            let length = (size - at).min(CHUNK as u64);
            let id = DatumId::from_object(ObjectId::of(&at.to_be_bytes()));
            lists
                .push(id, length, &mut |id, bytes| {
                    records.insert(id, bytes);
                })
                .unwrap();
            at += length;
        }
        let blob = lists.finish(&mut |id, bytes| {
            records.insert(id, bytes);
        });
        (blob.unwrap(), records)
    }

    /// Returns the part with the byte at `at` of the smallest blob that has it.
    fn chunk_at(blob: Blob, records: &HashMap<ObjectId, Vec<u8>>, at: u64) -> Part {
        let mut id = blob.id.object();
        let mut begin = 0;
        loop {
            let list = BlobList::decode(&records[&id]).unwrap();
            let part = list.part(at - begin).unwrap();
            if part.reference.kind == crate::record::Kind::Datum {
                return Part {
                    at: begin + part.at,
                    ..part
                };
            }
            begin += part.at;
            id = part.reference.id;
            assert_eq!(BlobList::decode(&records[&id]).unwrap().size, part.size);
        }
    }

    const CHUNK_: u64 = CHUNK as u64;
    const LIST: u64 = CHUNK_ * MOST_PARTS as u64;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_byte_is_found_in_its_chunk(
            lists in 0..3u64,
            chunks in prop_oneof![Just(0u64), Just(1), Just(1023), 0..1024u64],
            rest in prop_oneof![Just(0u64), Just(1), Just(CHUNK_ - 1), 0..CHUNK_],
            ats in prop::collection::vec(any::<prop::sample::Index>(), 8),
        ) {
            let size = lists * LIST + chunks * CHUNK_ + rest;
            let (blob, records) = made(size);
            prop_assert_eq!(blob.size, size);
            let count = size.div_ceil(LIST);
            prop_assert_eq!(records.len() as u64, count.max(1) + u64::from(count > 1));
            let mut places: Vec<u64> = ats.iter().map(|at| at.index(1 << 30) as u64).collect();
            places.extend([0, LIST - 1, LIST, size.saturating_sub(1)]);
            for at in places.into_iter().filter(|at| *at < size) {
                let begin = at / CHUNK_ * CHUNK_;
                let part = chunk_at(blob, &records, at);
                prop_assert_eq!(part.at, begin);
                prop_assert_eq!(part.size, CHUNK_.min(size - begin));
                prop_assert_eq!(part.reference.id, ObjectId::of(&begin.to_be_bytes()));
            }
        }
    }

    #[test]
    fn three_levels_are_lists_of_lists_of_lists() {
        // Lists as if each of 1,024 x 1,024 chunks were there: made of the parts of a level each.
        let size = LIST * MOST_PARTS as u64;
        assert_eq!(span(size), LIST);
        assert_eq!(span(size + 1), size);
        assert_eq!(span(u64::MAX), 1 << 62);
        let list = BlobList {
            size: size + 5,
            parts: vec![ObjectId::of(b"full"), ObjectId::of(b"rest")],
        };
        assert_eq!(BlobList::decode(&list.encode().unwrap()).unwrap(), list);
        let sizes: Vec<_> = list.each().map(|part| (part.at, part.size)).collect();
        assert_eq!(sizes, [(0, size), (size, 5)]);
    }

    #[test]
    fn a_list_whose_bytes_differ_is_refused_or_another_list() {
        let (blob, records) = made(3 * CHUNK_ + 17);
        let bytes = &records[&blob.id.object()];
        let list = BlobList::decode(bytes).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut wrong = bytes.clone();
                wrong[at] ^= 1 << bit;
                match BlobList::decode(&wrong) {
                    Ok(other) => {
                        assert_ne!(other, list);
                        assert_eq!(other.encode().unwrap(), wrong);
                    }
                    Err(fault) => assert!(fault.offset() <= wrong.len(), "{fault}"),
                }
            }
            assert!(BlobList::decode(&bytes[..at]).is_err());
        }
    }

    #[test]
    fn a_datum_tells_by_its_version_whether_it_has_blobs() {
        let (blob, _) = made(5);
        let value = Value::from(vec![Value::from(1), Value::from(blob)]);
        let bytes = Datum { value }.encode().unwrap();
        assert!(crate::record::has_blobs(&bytes) && !crate::record::is_bytes(&bytes));
        let datum = Datum::decode(&bytes).unwrap();
        let mut found = Vec::new();
        datum.references(&mut |reference| found.push(reference));
        assert_eq!(found, [blob.id.into()]);
        // Neither version may be used for the other.
        let mut wrong = bytes.clone();
        wrong[2] = 1;
        assert_eq!(
            Datum::decode(&wrong).unwrap_err().kind(),
            FaultKind::Payload
        );
        let mut wrong = Datum::encode(&Datum { value: true.into() }).unwrap();
        assert!(!crate::record::has_blobs(&wrong));
        wrong[2] = 2;
        assert_eq!(
            Datum::decode(&wrong).unwrap_err().kind(),
            FaultKind::Payload
        );
        // Engines that know version 1 alone see the version first.
        wrong[2] = 3;
        assert_eq!(Datum::decode(&wrong).unwrap_err().kind(), FaultKind::Header);
    }

    #[test]
    fn a_chunk_is_known_without_decoding_it() {
        for length in [0, 1, 24, 300, 70_000] {
            let bytes = chunk(vec![7; length]).unwrap();
            assert!(crate::record::is_bytes(&bytes));
            assert!(!crate::record::is_bytes(&bytes[..bytes.len() - 1]));
            let longer = [&bytes[..], &[0]].concat();
            assert!(!crate::record::is_bytes(&longer));
        }
        let text = Datum { value: "x".into() }.encode().unwrap();
        assert!(!crate::record::is_bytes(&text));
    }
}
