//! Values that stay at a remote until they are read.
//!
//! A filter says which values a fetch leaves there. Each is noted with where it is (see
//! `store::absent`). Whoever reads such a value has it fetched, verified, and kept from then on.
//! When values are read one after the other as they lie in a pack, those after them come along,
//! more of them each time: so requests grow with megabytes and not with values.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cbor::Reader;
use crate::config::{Config, Scope};
use crate::error::{Error, RemoteError, Result};
use crate::id::ObjectId;
use crate::record::{Kind, Reference, has_blobs};
use crate::repo::Repository;
use crate::store::absent::Bring;
use crate::store::{Absent, Store};
use crate::transfer::transport::{Got, Key};

use super::pack::{LARGEST, blob_key};
use super::seek::{Seeker, sound};
use super::{Listener, Phase, Remote, Step, check};

/// The smallest limit: to note a value that stays away takes nearly as much.
const LEAST: u64 = 1024;

/// The most bytes that come along with a value.
const AHEAD: u64 = 8 << 20;

/// How much comes along when values are first read in a row.
const FIRST: u64 = 1 << 20;

/// Values that are this near to each other in a pack are read at once.
const GAP: u64 = 64 << 10;

/// Which values a fetch brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    #[default]
    None,
    /// Those of at most this many bytes. The others stay at the remote until they are read.
    Values {
        /// How many bytes; at least 1,024.
        most: u64,
    },
}

impl Filter {
    /// Reads a filter: `none`, `values` (all but the smallest stay away) or `values:SIZE`, with a
    /// size such as `500`, `100k`, `10m`, `1GiB`. As in Git, `blob:limit=SIZE` and `blob:none`
    /// mean the same.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::Invalid {
            message: format!(
                "{text:?} is not a filter; write values:SIZE (values over that size stay at \
                 the remote), such as values:1MiB, or none"
            ),
        };
        let size = match text {
            "none" => return Ok(Self::None),
            "values" | "blob:none" => "0",
            _ => text
                .strip_prefix("values:")
                .or_else(|| text.strip_prefix("blob:limit="))
                .ok_or_else(wrong)?,
        };
        let digits = size.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = size.get(digits.len()..).unwrap_or_default();
        let shift = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            _ => return Err(wrong().into()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let most = number.checked_mul(1 << shift).ok_or_else(wrong)?;
        Ok(Self::Values {
            most: most.max(LEAST),
        })
    }

    /// Returns the most bytes that a value may have to come along.
    pub(super) fn most(self) -> u64 {
        match self {
            Self::None => u64::MAX,
            Self::Values { most } => most,
        }
    }
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Values { most } => write!(f, "values:{most}"),
        }
    }
}

fn filter_key(remote: &str) -> String {
    format!("remote.{remote}.filter")
}

impl Repository {
    /// Returns which values a fetch from the remote `name` brings.
    pub fn remote_filter(&self, name: &str) -> Result<Filter> {
        let key = filter_key(name);
        let Some(setting) = Config::of(Some(self.root()))?.get(&key)? else {
            return Ok(Filter::None);
        };
        Filter::parse(&setting.value).map_err(|error| {
            Error::Invalid {
                message: format!("the setting {key}: {error}"),
            }
            .into()
        })
    }

    /// Says which values later fetches from the remote `name` bring.
    pub(super) fn set_filter(&self, name: &str, filter: Filter) -> Result<()> {
        if self.remote_filter(name)? == filter {
            return Ok(());
        }
        let mut config = Config::of(Some(self.root()))?;
        let key = filter_key(name);
        config.set(Scope::Repository, &key, &filter.to_string())?;
        Ok(())
    }
}

impl Remote {
    /// Fetches all values that a filter left at the remote. Returns how many, and their bytes.
    pub(super) fn bring_all(
        &self,
        repository: &Repository,
        listener: &dyn Listener,
    ) -> Result<(u64, u64)> {
        let store = repository.store();
        let mut wanted = repository.snapshot()?.absents()?;
        wanted.retain(|(_, absent)| absent.kind == Kind::Datum && absent.remote == self.name);
        crate::sorting::sort_by(&mut wanted, |(_, a), (_, b)| {
            (a.pack, a.at).cmp(&(b.pack, b.at))
        });
        let (mut count, mut bytes) = (0, 0);
        let mut rest = wanted.as_slice();
        while !rest.is_empty() {
            check(listener)?;
            let run = rest.len().min(run_of(rest, AHEAD));
            let (some, later) = rest.split_at(run);
            rest = later;
            for (_, value) in self.bring(store, some)? {
                count += 1;
                bytes += value.len() as u64;
            }
            listener.step(&Step {
                phase: Phase::Receiving,
                objects: count,
                bytes,
                total: None,
            });
        }
        Ok((count, bytes))
    }

    /// Fetches values that lie near to each other in one pack. They are kept in the store, if
    /// that can be written.
    fn bring(
        &self,
        store: &Store,
        some: &[(ObjectId, Absent)],
    ) -> Result<Vec<(ObjectId, Vec<u8>)>> {
        let mut found = Vec::new();
        let mut lost = Vec::new();
        let span = self.span(some)?;
        for (id, absent) in some {
            let reference = Reference {
                kind: absent.kind,
                id: *id,
            };
            let from = some.first().map_or(0, |(_, first)| first.at);
            let at = usize::try_from(absent.at.saturating_sub(from)).unwrap_or(usize::MAX);
            let bytes = span.get(at..).map(Reader::new);
            let bytes = bytes.and_then(|mut reader| reader.bytes().ok());
            // What leads to other objects does not stay at a remote that tells the truth of it.
            let is_sound = |bytes: &&[u8]| sound(reference, bytes).is_some() && !has_blobs(bytes);
            match bytes.filter(is_sound) {
                Some(bytes) => found.push((*id, bytes.to_vec())),
                None => lost.push(reference),
            }
        }
        if !lost.is_empty() {
            // A garbage collection there has moved them, or removed some: those stay noted.
            let manifest = self.manifest(None)?.manifest;
            let mut seeker = Seeker::new(self, &manifest, &std::collections::HashSet::new())?;
            let places = seeker.find(&lost)?.into_iter().zip(lost);
            let lost: Vec<_> = places
                .filter_map(|(place, reference)| Some((place?, reference)))
                .collect();
            seeker.read(&lost, 0, &mut |reference, bytes, _| {
                if !has_blobs(bytes) {
                    found.push((reference.id, bytes.to_vec()));
                }
                Ok(())
            })?;
        }
        if store.read_only().is_none() {
            store.write(|txn| {
                found
                    .iter()
                    .try_for_each(|(id, bytes)| txn.put_object(*id, bytes))
            })?;
        }
        Ok(found)
    }

    /// Reads the part of a pack that has all of these values; empty when the pack is gone.
    fn span(&self, some: &[(ObjectId, Absent)]) -> Result<Vec<u8>> {
        let (Some((_, first)), Some((_, last))) = (some.first(), some.last()) else {
            return Ok(Vec::new());
        };
        let key: Key = blob_key("packs", first.pack)?;
        let (from, to) = (first.at, end(last));
        let limit = to.saturating_sub(from).min(LARGEST);
        let ranges = self.transport.describe()?.ranges;
        let got = if ranges {
            self.get(&key, Some(&(from..to)), None, limit)?
        } else {
            self.get(&key, None, None, LARGEST)?
        };
        let Got::Found { mut bytes, .. } = got else {
            return Ok(Vec::new());
        };
        if !ranges {
            let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
            bytes.drain(..from);
        }
        Ok(bytes)
    }
}

/// Returns where a value ends in its pack.
fn end(absent: &Absent) -> u64 {
    absent.at.saturating_add(absent.bytes).saturating_add(9)
}

/// Returns how many of these values, in order of their places, are read at once: those that lie
/// near to each other, within `most` bytes after the first.
fn run_of(values: &[(ObjectId, Absent)], most: u64) -> usize {
    let Some((_, first)) = values.first() else {
        return 0;
    };
    let pairs = values.iter().zip(values.iter().skip(1));
    let near = pairs.take_while(|((_, before), (_, next))| {
        next.pack == first.pack
            && next.at <= end(before).saturating_add(GAP)
            && end(next).saturating_sub(first.at) <= end(first).saturating_sub(first.at).max(most)
    });
    near.count() + 1
}

/// Fetches values when they are read.
pub(crate) struct OnRead {
    root: Arc<Path>,
    /// Where the value that was read last ends, and how much came along with it.
    last: Mutex<Option<(ObjectId, u64, u64)>>,
}

impl OnRead {
    /// Makes what fetches values for the repository in the folder `root`.
    pub fn new(root: Arc<Path>) -> Self {
        Self {
            root,
            last: Mutex::default(),
        }
    }

    /// Returns how many bytes may come along with a value.
    fn ahead(&self, absent: &Absent) -> u64 {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last {
            Some((pack, at, ahead)) if pack == absent.pack && at <= absent.at => {
                (ahead * 2).clamp(FIRST, AHEAD)
            }
            _ => 0,
        }
    }
}

impl Bring for OnRead {
    fn bring(&self, store: &Store, id: ObjectId, absent: &Absent) -> Result<Vec<u8>> {
        let repository = Repository::with_store(&self.root, store.clone());
        let remote = Remote::open(&repository, &absent.remote)?;
        let ahead = self.ahead(absent);
        let mut wanted = vec![(id, absent.clone())];
        if ahead > 0 {
            let mut others = store.snapshot()?.absents()?;
            others.retain(|(_, other)| {
                other.kind == Kind::Datum && other.pack == absent.pack && other.at > absent.at
            });
            crate::sorting::sort_by(&mut others, |(_, a), (_, b)| a.at.cmp(&b.at));
            wanted.extend(others);
            wanted.truncate(run_of(&wanted, ahead));
        }
        let found = remote.bring(store, &wanted)?;
        let read = wanted.last().map_or(0, |(_, last)| last.at);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((absent.pack, read, ahead));
        let value = found.into_iter().find(|(found, _)| *found == id);
        value.map(|(_, bytes)| bytes).ok_or_else(|| {
            RemoteError::Incomplete {
                remote: remote.address.clone(),
                reference: Reference {
                    kind: absent.kind,
                    id,
                },
            }
            .into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_as_in_git() {
        for (text, most) in [
            ("values", 1024),
            ("values:0", 1024),
            ("values:5000", 5000),
            ("values:100k", 100 << 10),
            ("values:1MiB", 1 << 20),
            ("blob:limit=2g", 2 << 30),
            ("blob:none", 1024),
        ] {
            let filter = Filter::parse(text).unwrap();
            assert_eq!(filter, Filter::Values { most }, "{text}");
            assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter);
        }
        assert_eq!(Filter::parse("none").unwrap(), Filter::None);
        for text in [
            "",
            "values:",
            "values:x",
            "values:-1",
            "values:1t",
            "tree:0",
            "values:99999999999999999999",
        ] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
        assert!(Filter::parse("values:18446744073709551615k").is_err());
    }
}
