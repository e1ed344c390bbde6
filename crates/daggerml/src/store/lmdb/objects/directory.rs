//! The directory: which runs and chunks a version has.

use std::sync::{Arc, PoisonError};

use crate::id::ObjectId;
use crate::store::Table;
use crate::store::lmdb::pages::{Checked, Damage, Root, View};
use crate::store::lmdb::seal;
use crate::store::table::Tables;

use super::KnownRuns;
use super::frame::{Frame, Match};
use super::merge::Merge;
use super::run::{Entry, PART, Place, Run, part_key};

/// The key of the directory in [`Table::Meta`].
pub(crate) const KEY: &[u8] = b"objects";

/// What the directory says of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunInfo {
    pub number: u32,
    pub entries: u32,
    /// How many of the entries say that an object was removed.
    pub removals: u32,
}

impl RunInfo {
    /// Returns the keys of its parts.
    pub fn keys(self) -> impl Iterator<Item = [u8; 8]> {
        let parts = (self.entries as usize).div_ceil(PART);
        (0..parts).map(move |part| part_key(self.number, part))
    }
}

/// Which runs a version has, the oldest first, and the numbers that come next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    /// The number of the next chunk.
    pub chunk: u32,
    /// The number of the next run.
    pub run: u32,
    /// How many objects there are.
    pub count: u64,
    pub runs: Vec<RunInfo>,
}

impl Directory {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + 12 * self.runs.len());
        bytes.extend_from_slice(&self.chunk.to_be_bytes());
        bytes.extend_from_slice(&self.run.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        for run in &self.runs {
            bytes.extend_from_slice(&run.number.to_be_bytes());
            bytes.extend_from_slice(&run.entries.to_be_bytes());
            bytes.extend_from_slice(&run.removals.to_be_bytes());
        }
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<16>()?;
        let number = |bytes: &[u8], at: usize| -> Option<u32> {
            let bytes = bytes.get(at..at + 4)?;
            bytes.try_into().ok().map(u32::from_be_bytes)
        };
        let count = head.get(8..)?.try_into().ok().map(u64::from_be_bytes)?;
        let run = |bytes: &[u8]| {
            Some(RunInfo {
                number: number(bytes, 0)?,
                entries: number(bytes, 4)?,
                removals: number(bytes, 8)?,
            })
        };
        if !rest.len().is_multiple_of(12) {
            return None;
        }
        Some(Self {
            chunk: number(head, 0)?,
            run: number(head, 4)?,
            count,
            runs: rest.chunks_exact(12).map(run).collect::<Option<_>>()?,
        })
    }
}

/// The objects of a version.
pub(crate) struct Objects {
    pub directory: Directory,
    /// The runs, the oldest first.
    pub runs: Vec<Arc<Run>>,
    /// The table of chunks.
    chunks: Root,
}

impl Objects {
    /// Reads the directory of a version, and finds its runs.
    pub fn load(view: &View, roots: &Tables<Option<Root>>, known: &KnownRuns) -> Checked<Self> {
        let root = |table| roots.get(table).unwrap_or(Root::EMPTY);
        let wrong = |detail: &str| Damage::new(root(Table::Meta).page, detail);
        let found = root(Table::Meta).find(view, KEY, true)?;
        let (leaf, index) = found.ok_or_else(|| wrong("the directory of objects is missing"))?;
        let directory = seal::unseal(Table::Meta, KEY, leaf.value(view, index)?);
        let directory = directory
            .and_then(Directory::decode)
            .ok_or_else(|| wrong("the directory of objects is not what was written"))?;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut runs = Vec::with_capacity(directory.runs.len());
        for info in &directory.runs {
            let entries = usize::try_from(info.entries).unwrap_or(usize::MAX);
            let same = |run: &&Arc<Run>| run.number == info.number && run.entries == entries;
            runs.push(match known.iter().find(same) {
                Some(run) => Arc::clone(run),
                None => Arc::new(Run::load(view, &root(Table::Runs), *info)?),
            });
        }
        let stays = runs.iter().filter(|run| run.stays(view));
        *known = stays.map(Arc::clone).collect();
        Ok(Self {
            directory,
            runs,
            chunks: root(Table::Objects),
        })
    }

    /// Returns the bytes of a chunk.
    pub fn chunk<'v>(&self, view: &'v View, number: u32) -> Checked<&'v [u8]> {
        match self.chunks.find(view, &number.to_be_bytes(), false)? {
            Some((leaf, index)) => leaf.value(view, index),
            None => Err(Damage::new(
                self.chunks.page,
                format!("chunk {number} is missing"),
            )),
        }
    }

    /// Returns the numbers of the chunks that there are, and their lengths.
    pub fn chunks<'v>(&self, view: &'v View) -> impl Iterator<Item = Checked<(u32, usize)>> + 'v {
        let page = self.chunks.page;
        self.chunks.scan(view, &[], false).map(move |entry| {
            let (key, chunk) = entry?;
            let number = key.try_into().map(u32::from_be_bytes);
            let number = number.map_err(|_| Damage::new(page, "the key of a chunk is no number"));
            Ok((number?, chunk.len()))
        })
    }

    /// Returns the frame at `place`; `None` when none can be there.
    pub fn frame<'v>(&self, view: &'v View, place: Place) -> Checked<Option<Frame<'v>>> {
        Ok(Frame::read(
            self.chunk(view, place.chunk())?,
            place.offset(),
        ))
    }

    /// Calls `visit` with the places of objects whose ids begin with `prefix`, until it returns true.
    /// Those in `removed` are passed over.
    pub fn places(
        &self,
        view: &View,
        prefix: u64,
        removed: &mut Vec<Place>,
        visit: &mut dyn FnMut(Place) -> Checked<bool>,
    ) -> Checked<bool> {
        for (run, info) in self.runs.iter().zip(&self.directory.runs) {
            if info.removals > 0 {
                each(run, view, prefix, &mut |entry| {
                    if entry.removed() {
                        removed.push(entry.place());
                    }
                    Ok(false)
                })?;
            }
        }
        // Most objects are in the oldest run, which is the largest.
        for run in &self.runs {
            let found = each(run, view, prefix, &mut |entry| {
                let there = !entry.removed() && !removed.contains(&entry.place());
                Ok(there && visit(entry.place())?)
            })?;
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the bytes under `id`. If not `exact`, they may be those of another object, whose id
    /// begins with the same bytes; then nothing was hashed.
    pub fn find<'v>(
        &self,
        view: &'v View,
        id: &ObjectId,
        exact: bool,
    ) -> Checked<Option<&'v [u8]>> {
        let (mut found, mut damaged) = (None, None);
        self.places(view, Place::prefix(id), &mut Vec::new(), &mut |place| {
            let frame = self.frame(view, place)?;
            let bytes = frame.map_or(&[][..], |frame| frame.bytes);
            let is = match frame {
                Some(frame) if !exact && frame.id.is_none() => Match::Same,
                frame => Frame::compare(frame.as_ref(), id),
            };
            match is {
                Match::Same => found = Some(bytes),
                Match::Damaged => damaged = damaged.or(Some(bytes)),
                Match::Other => {}
            }
            Ok(found.is_some())
        })?;
        Ok(found.or(damaged))
    }

    /// Compares the seals of all runs.
    pub fn check_runs(&self, view: &View, damage: &mut Vec<Damage>) {
        for run in &self.runs {
            for index in (0..run.entries).step_by(PART) {
                damage.extend(run.check(view, index).err());
            }
        }
    }

    /// Returns all runs, read as one, from the entries of `prefix` on. If `checked`, their seals
    /// are compared.
    pub fn merge<'v>(&'v self, view: &'v View, prefix: u64, checked: bool) -> Checked<Merge<'v>> {
        let mut merge = Merge::new(view, checked);
        for run in &self.runs {
            let from = match prefix {
                0 => 0,
                prefix => run.lower_bound(view, prefix)?,
            };
            merge.add(run, from)?;
        }
        Ok(merge)
    }
}

/// Calls `visit` with the entries of `prefix` in `run`, until it returns true.
fn each(
    run: &Run,
    view: &View,
    prefix: u64,
    visit: &mut dyn FnMut(Entry) -> Checked<bool>,
) -> Checked<bool> {
    for index in run.lower_bound(view, prefix)?..run.entries {
        let entry = run.entry(view, index)?;
        if entry.prefix != prefix {
            break;
        }
        if visit(entry)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_round_trip() {
        let mut directory = Directory {
            chunk: 7,
            run: 9,
            count: 1 << 40,
            runs: Vec::new(),
        };
        for number in 0..3 {
            assert_eq!(
                Directory::decode(&directory.encode()),
                Some(directory.clone())
            );
            directory.runs.push(RunInfo {
                number,
                entries: 5 << number,
                removals: number,
            });
        }
        let bytes = directory.encode();
        assert_eq!(Directory::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Directory::decode(&[]), None);
    }
}
