//! Reading single objects of a remote: found by the indexes of packs, and read by ranges.
//!
//! Objects that lie close together are read with what is between them, and what was read
//! lately is kept for a while: an object mostly lies just after what it refers to. So requests
//! grow with megabytes and not with objects.
//!
//! The bytes of a range cannot be compared with the pack's id. Each object is compared with its
//! own id instead, so an index that lies leads to nothing but an error.

use std::collections::{HashSet, VecDeque};

use crate::cbor::Reader;
use crate::error::{Error, RemoteError, Result};
use crate::id::ObjectId;
use crate::record::{AnyRecord, Reference};
use crate::transfer::object::decode;
use crate::transfer::transport::Got;

use super::Remote;
use super::collect::place_of;
use super::manifest::Manifest;
use super::pack::{Index, LARGEST, PackInfo};

/// A pack up to this length is read whole instead of its index.
const SMALL: u64 = 256 << 10;

/// Objects that are this near to each other in a pack are read at once.
const GAP: u64 = 64 << 10;

/// The most bytes that are read at once, unless one object alone has more.
const RUN: u64 = 4 << 20;

/// The most bytes that are kept of what was read lately.
const KEPT: usize = 16 << 20;

/// How many requests are under way at once.
const AT_ONCE: usize = 4;

/// Where an object is at a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The number of the pack.
    pack: usize,
    /// Where its byte string begins.
    pub at: u64,
    /// Where it ends.
    end: u64,
    /// Whether it is a datum that refers to blobs.
    pub has_blobs: bool,
}

impl Place {
    /// Returns how many bytes the object has, without the head of its byte string.
    pub fn bytes(&self) -> u64 {
        let whole = self.end.saturating_sub(self.at);
        let head = match whole {
            0..=24 => 1,
            25..=257 => 2,
            258..=65_538 => 3,
            _ => 5,
        };
        whole.saturating_sub(head)
    }
}

/// What is called with each object that was read, its bytes and its record.
pub(super) type Visit<'v> = &'v mut dyn FnMut(Reference, &[u8], &AnyRecord) -> Result<()>;

/// A pack whose index was read.
struct Opened {
    index: Index,
    /// Where the objects are, in order.
    places: Vec<u32>,
}

/// Bytes of a pack that were read.
struct Run {
    pack: usize,
    at: u64,
    bytes: Vec<u8>,
}

/// Finds and reads objects of a remote.
pub(super) struct Seeker<'s> {
    remote: &'s Remote,
    manifest: &'s Manifest,
    /// In the order in which they are searched: the newest first, and first of all those that
    /// are new.
    packs: Vec<PackInfo>,
    /// Whether `packs` has those of all lists.
    listed: bool,
    /// The indexes of the first of `packs`.
    opened: Vec<Opened>,
    /// What was read lately, the oldest first.
    runs: VecDeque<Run>,
    /// How many bytes were read.
    pub bytes: u64,
}

impl<'s> Seeker<'s> {
    /// Begins to look for objects in the packs of a manifest: first in those that are not
    /// `known`.
    pub fn new(
        remote: &'s Remote,
        manifest: &'s Manifest,
        known: &HashSet<ObjectId>,
    ) -> Result<Self> {
        let mut packs = remote.packs(manifest, known)?;
        packs.reverse();
        let is_known = |pack: &PackInfo| known.contains(&pack.id);
        crate::sorting::sort_by(&mut packs, |a, b| is_known(a).cmp(&is_known(b)));
        Ok(Self {
            remote,
            manifest,
            packs,
            listed: known.is_empty(),
            opened: Vec::new(),
            runs: VecDeque::new(),
            bytes: 0,
        })
    }

    /// Returns how many packs were looked into.
    pub fn packs(&self) -> u64 {
        self.opened.len() as u64
    }

    /// Returns the pack of a place.
    pub fn pack_of(&self, place: &Place) -> ObjectId {
        let pack = self.packs.get(place.pack);
        pack.map_or(ObjectId::of(&[]), |pack| pack.id)
    }

    /// Returns where the objects are, in the order of `wanted`; an error when one is nowhere.
    pub fn locate(&mut self, wanted: &[Reference]) -> Result<Vec<Place>> {
        let found = self.find(wanted)?;
        let pairs = found.into_iter().zip(wanted);
        pairs
            .map(|(place, reference)| {
                place.ok_or_else(|| {
                    RemoteError::Incomplete {
                        remote: self.remote.address.clone(),
                        reference: *reference,
                    }
                    .into()
                })
            })
            .collect()
    }

    /// Returns where the objects are, in the order of `wanted`; `None` for one that is nowhere.
    pub fn find(&mut self, wanted: &[Reference]) -> Result<Vec<Option<Place>>> {
        let mut found: Vec<Option<Place>> = vec![None; wanted.len()];
        let mut left: Vec<usize> = (0..wanted.len()).collect();
        let mut pack = 0;
        while !left.is_empty() && self.open(pack)? {
            left.retain(|number| {
                let id = wanted.get(*number).map(|reference| reference.id);
                let place = id.and_then(|id| self.places(pack, id).next());
                if let Some(slot) = found.get_mut(*number) {
                    *slot = place;
                }
                place.is_none()
            });
            pack += 1;
        }
        Ok(found)
    }

    /// Returns where the object `id` may be in the pack number `pack`, which is open.
    fn places(&self, pack: usize, id: ObjectId) -> impl Iterator<Item = Place> {
        let opened = self.opened.get(pack);
        let end = self.packs.get(pack).map_or(0, |info| info.index);
        let places = opened.map(|opened| opened.index.places(id.first_bytes()));
        places.into_iter().flatten().map(move |(at, has_blobs)| {
            let after = opened.map_or(&[][..], |opened| &opened.places);
            let next = after.get(after.partition_point(|other| *other <= at));
            Place {
                pack,
                at: at.into(),
                end: next.map_or(end, |next| u64::from(*next)),
                has_blobs,
            }
        })
    }

    /// Opens packs up to the number `pack`. Returns whether there is such a pack.
    fn open(&mut self, pack: usize) -> Result<bool> {
        if pack >= self.packs.len() && !self.listed {
            self.listed = true;
            let have: HashSet<_> = self.packs.iter().map(|pack| pack.id).collect();
            let mut all = self.remote.packs(self.manifest, &HashSet::new())?;
            all.retain(|pack| !have.contains(&pack.id));
            all.reverse();
            self.packs.extend(all);
        }
        while self.opened.len() <= pack {
            // Whoever searches far is likely to search further.
            let from = self.opened.len();
            let some: Vec<PackInfo> = self
                .packs
                .iter()
                .skip(from)
                .take(AT_ONCE.min(from + 1))
                .copied()
                .collect();
            if some.is_empty() {
                return Ok(false);
            }
            let remote = self.remote;
            let read = at_once(&some, |info| {
                if info.bytes > SMALL {
                    return Ok((remote.index(info)?, None));
                }
                let bytes = remote.whole_pack(info)?;
                let at = usize::try_from(info.index).unwrap_or(usize::MAX);
                let index = Index::parse(bytes.get(at..).unwrap_or_default(), info.objects)
                    .map_err(|fault| remote.damaged_pack(info, &fault.to_string()))?;
                Ok((index, Some(bytes)))
            });
            for (number, (info, opened)) in some.iter().zip(read).enumerate() {
                let (index, whole) = opened?;
                self.bytes += whole
                    .as_ref()
                    .map_or(info.bytes - info.index, |_| info.bytes);
                let places = index.all_places();
                if places.last().is_some_and(|at| u64::from(*at) >= info.index) {
                    let detail = "its index leads out of its objects";
                    return Err(remote.damaged_pack(info, detail));
                }
                self.opened.push(Opened { index, places });
                if let Some(bytes) = whole {
                    self.keep(Run {
                        pack: from + number,
                        at: 0,
                        bytes,
                    });
                }
            }
        }
        Ok(true)
    }

    fn keep(&mut self, run: Run) {
        self.runs.push_back(run);
        let kept = |runs: &VecDeque<Run>| runs.iter().map(|run| run.bytes.len()).sum::<usize>();
        while self.runs.len() > 1 && kept(&self.runs) > KEPT {
            self.runs.pop_front();
        }
    }

    /// Calls `visit` with each object, verified, in the order of their places. At most `before`
    /// bytes before each are read too.
    pub fn read(
        &mut self,
        wanted: &[(Place, Reference)],
        before: u64,
        visit: Visit<'_>,
    ) -> Result<()> {
        let mut wanted = wanted.to_vec();
        crate::sorting::sort_by(&mut wanted, Ord::cmp);
        let mut rest = wanted.as_slice();
        while !rest.is_empty() {
            // What one step reads is kept until it was visited.
            let mut spans: Vec<(usize, u64, u64)> = Vec::new();
            let mut bytes = 0;
            let mut count = 0;
            for (place, _) in rest {
                let begin = place.at.saturating_sub(before);
                let last = spans.last_mut();
                if self.kept(place).is_some() {
                    // Nothing to read.
                } else if let Some((_, from, to)) = last.filter(|(pack, from, to)| {
                    *pack == place.pack && begin <= *to + GAP && place.end - *from <= RUN
                }) {
                    bytes += place.end.saturating_sub(*to);
                    *to = place.end.max(*to);
                    *from = begin.min(*from);
                } else {
                    if spans.len() >= AT_ONCE
                        || bytes > 0 && bytes + place.end - begin > KEPT as u64 / 2
                    {
                        break;
                    }
                    bytes += place.end - begin;
                    spans.push((place.pack, begin, place.end));
                }
                count += 1;
            }
            let read = {
                let this = &*self;
                at_once(&spans, |span| this.range(*span))
            };
            let mut fresh = Vec::new();
            for run in read {
                let run = run?;
                self.bytes += run.bytes.len() as u64;
                fresh.push(run);
            }
            let (now, later) = rest.split_at(count.max(1).min(rest.len()));
            rest = later;
            for (place, reference) in now {
                let bytes = fresh.iter().find_map(|run| run.object(place));
                let bytes = bytes.or_else(|| self.kept(place));
                let sound = bytes.and_then(|bytes| Some((bytes, sound(*reference, bytes)?)));
                if let Some((bytes, record)) = sound {
                    visit(*reference, bytes, &record)?;
                } else {
                    let bytes = self.search(*reference)?;
                    let record = decode(*reference, &bytes)?;
                    visit(*reference, &bytes, &record)?;
                }
            }
            fresh.into_iter().for_each(|run| self.keep(run));
        }
        Ok(())
    }

    fn kept(&self, place: &Place) -> Option<&[u8]> {
        self.runs.iter().rev().find_map(|run| run.object(place))
    }

    fn range(&self, (pack, from, to): (usize, u64, u64)) -> Result<Run> {
        let info = self.packs.get(pack).ok_or_else(|| Error::Invalid {
            message: "a pack without a number".to_owned(),
        })?;
        let bytes = self.remote.part_of_pack(info, from, to)?;
        Ok(Run {
            pack,
            at: from,
            bytes,
        })
    }

    /// Looks for an object at every place that its id may have: the first bytes of two ids may
    /// be the same, if somebody took the trouble.
    fn search(&mut self, reference: Reference) -> Result<Vec<u8>> {
        let mut pack = 0;
        while self.open(pack)? {
            let places: Vec<_> = self.places(pack, reference.id).collect();
            for place in places {
                let run = self.range((pack, place.at, place.end))?;
                if let Some(bytes) = run.object(&place)
                    && sound(reference, bytes).is_some()
                {
                    return Ok(bytes.to_vec());
                }
            }
            pack += 1;
        }
        Err(RemoteError::Incomplete {
            remote: self.remote.address.clone(),
            reference,
        }
        .into())
    }
}

impl Run {
    /// Returns the object at a place, if all of it was read.
    fn object(&self, place: &Place) -> Option<&[u8]> {
        if self.pack != place.pack {
            return None;
        }
        let from = usize::try_from(place.at.checked_sub(self.at)?).ok()?;
        let to = usize::try_from(place.end.checked_sub(self.at)?).ok()?;
        Reader::new(self.bytes.get(from..to)?).bytes().ok()
    }
}

/// Returns the record in `bytes`, if it is what the reference says.
pub(super) fn sound(reference: Reference, bytes: &[u8]) -> Option<AnyRecord> {
    if place_of(bytes) != reference.id {
        return None;
    }
    decode(reference, bytes).ok()
}

/// Does something for several things at once.
fn at_once<T: Sync, U: Send>(things: &[T], run: impl Fn(&T) -> Result<U> + Sync) -> Vec<Result<U>> {
    if let [one] = things {
        return vec![run(one)];
    }
    std::thread::scope(|scope| {
        let run = &run;
        let each: Vec<_> = things
            .iter()
            .map(|thing| scope.spawn(move || run(thing)))
            .collect();
        each.into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| {
                    Err(Error::Invalid {
                        message: "a thread that reads from the remote ended unexpectedly"
                            .to_owned(),
                    }
                    .into())
                })
            })
            .collect()
    })
}

impl Remote {
    fn damaged_pack(&self, info: &PackInfo, detail: &str) -> Box<Error> {
        match info.key() {
            Ok(key) => self.damaged(&key, detail),
            Err(error) => error,
        }
    }

    /// Returns the bytes of a pack from `from` to `to`.
    fn part_of_pack(&self, info: &PackInfo, from: u64, to: u64) -> Result<Vec<u8>> {
        let key = info.key()?;
        let whole = !self.transport.describe()?.ranges;
        let range = from..to;
        let got = if whole {
            self.get(&key, None, None, LARGEST)?
        } else {
            self.get(&key, Some(&range), None, to - from)?
        };
        let Got::Found { mut bytes, .. } = got else {
            return Err(self.damaged(&key, "it is not there"));
        };
        if whole {
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            let (from, to) = (place(from), place(to));
            bytes.truncate(to);
            bytes.drain(..from);
        }
        Ok(bytes)
    }
}
