//! Places of blobs for tests: in memory, counted, and failing as asked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use daggerml::error::RemoteError;
use daggerml::transfer::remote::Remote;
use daggerml::transfer::transport::{
    Address, Description, Entry, Etag, Got, Key, Put, Swap, Transport,
};
use daggerml::{Repository, Result};

use super::Random;

/// The blobs of a place, shared by all that speak to it.
#[derive(Default)]
pub struct Blobs {
    pub all: BTreeMap<String, Vec<u8>>,
    /// How often each verb was asked for.
    pub requests: BTreeMap<&'static str, u64>,
    pub bytes_sent: u64,
    /// When each blob was written, and what the clock says.
    pub times: BTreeMap<String, i64>,
    pub clock: i64,
    /// Names that lists do not show yet.
    pub late: Vec<String>,
}

/// A place in memory. With `faults`, requests fail now and then: before they are done, or
/// after, when only the answer is lost.
#[derive(Clone, Default)]
pub struct Place {
    pub blobs: Arc<Mutex<Blobs>>,
    pub faults: Option<Arc<Mutex<Random>>>,
}

enum Fate {
    Fine,
    FailsBefore,
    FailsAfter,
    DoneTwice,
}

impl Place {
    pub fn faulty(&self, seed: u64) -> Self {
        Self {
            blobs: Arc::clone(&self.blobs),
            faults: Some(Arc::new(Mutex::new(Random::new(seed)))),
        }
    }

    pub fn remote(&self) -> Remote {
        let address = Address::parse("test://place", "/".as_ref()).unwrap();
        Remote::with_transport("origin", &address, Box::new(self.clone()))
            .unwrap()
            .patience(std::time::Duration::from_micros(10))
    }

    /// A remote that runs `then` just before its first swap.
    pub fn before_swap(&self, then: impl Fn(&Self) + Send + Sync + 'static) -> Remote {
        let transport = Before {
            place: self.clone(),
            then: Mutex::new(Some(Box::new(then))),
        };
        let address = Address::parse("test://place", "/".as_ref()).unwrap();
        Remote::with_transport("origin", &address, Box::new(transport)).unwrap()
    }

    pub fn requests(&self) -> u64 {
        self.blobs.lock().unwrap().requests.values().sum()
    }

    fn ask(&self, verb: &'static str) -> Fate {
        *self.blobs.lock().unwrap().requests.entry(verb).or_default() += 1;
        let Some(faults) = &self.faults else {
            return Fate::Fine;
        };
        let dice = faults.lock().unwrap().below(100);
        match dice {
            0..6 => Fate::FailsBefore,
            6..12 => Fate::FailsAfter,
            12..16 => Fate::DoneTwice,
            16..20 => {
                std::thread::sleep(std::time::Duration::from_micros(dice * 50));
                Fate::Fine
            }
            _ => Fate::Fine,
        }
    }

    fn run<T>(&self, verb: &'static str, key: &str, run: impl Fn(&mut Blobs) -> T) -> Result<T> {
        let failed = || {
            Err(RemoteError::Unavailable {
                remote: "test://place".to_owned(),
                verb,
                key: key.to_owned(),
                detail: "as the test wants".to_owned(),
            }
            .into())
        };
        let fate = self.ask(verb);
        let mut blobs = self.blobs.lock().unwrap();
        match fate {
            Fate::FailsBefore => failed(),
            Fate::Fine => Ok(run(&mut blobs)),
            Fate::FailsAfter => {
                run(&mut blobs);
                failed()
            }
            Fate::DoneTwice => {
                run(&mut blobs);
                Ok(run(&mut blobs))
            }
        }
    }
}

fn etag(bytes: &[u8]) -> Etag {
    Etag::new(&daggerml::id::ObjectId::of(bytes).to_string()).unwrap()
}

impl Transport for Place {
    fn describe(&self) -> Result<Description> {
        Ok(Description {
            address: "test://place".to_owned(),
            writable: true,
            ranges: true,
            largest: None,
            page: 7,
        })
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>> {
        self.run("list", prefix, |blobs| {
            let late = blobs.late.clone();
            blobs
                .all
                .iter()
                .filter(|(key, _)| key.starts_with(prefix) && after.is_none_or(|a| &***key > a))
                .filter(|(key, _)| !late.contains(key))
                .take(7)
                .map(|(key, bytes)| Entry {
                    key: Key::new(key).unwrap(),
                    bytes: bytes.len() as u64,
                    modified: blobs.times.get(key).copied(),
                })
                .collect()
        })
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        known: Option<&Etag>,
        _limit: u64,
    ) -> Result<Got> {
        self.run("get", key.as_str(), |blobs| {
            let Some(bytes) = blobs.all.get(key.as_str()) else {
                return Got::Missing;
            };
            let etag = etag(bytes);
            if known == Some(&etag) {
                return Got::Unchanged;
            }
            let size = bytes.len() as u64;
            let range = range.clone().unwrap_or(0..size);
            let place = |at: u64| usize::try_from(at.min(size)).unwrap();
            Got::Found {
                etag,
                size,
                bytes: bytes[place(range.start)..place(range.end)].to_vec(),
            }
        })
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> Result<Put> {
        self.run("put", key.as_str(), |blobs| {
            blobs.bytes_sent += bytes.len() as u64;
            if blobs.all.contains_key(key.as_str()) {
                return Put::Exists;
            }
            blobs.all.insert(key.to_string(), bytes.to_vec());
            let now = blobs.clock;
            blobs.times.insert(key.to_string(), now);
            if self
                .faults
                .as_ref()
                .is_some_and(|dice| dice.lock().unwrap().below(5) == 0)
            {
                blobs.late.push(key.to_string());
            }
            Put::Created
        })
    }

    fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Etag>) -> Result<Swap> {
        self.run("swap", key.as_str(), |blobs| {
            let now = blobs.all.get(key.as_str()).map(|bytes| etag(bytes));
            if now.as_ref() != expected {
                return Swap::Changed;
            }
            blobs.all.insert(key.to_string(), bytes.to_vec());
            Swap::Swapped(etag(bytes))
        })
    }

    fn delete(&self, key: &Key) -> Result<()> {
        self.run("delete", key.as_str(), |blobs| {
            blobs.all.remove(key.as_str());
        })
    }
}

type Then = Box<dyn Fn(&Place) + Send + Sync>;

/// Does something before the first swap.
struct Before {
    place: Place,
    then: Mutex<Option<Then>>,
}

impl Transport for Before {
    fn describe(&self) -> Result<Description> {
        self.place.describe()
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>> {
        self.place.list(prefix, after)
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        known: Option<&Etag>,
        limit: u64,
    ) -> Result<Got> {
        self.place.get(key, range, known, limit)
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> Result<Put> {
        self.place.put(key, bytes)
    }

    fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Etag>) -> Result<Swap> {
        let then = self.then.lock().unwrap().take();
        if let Some(then) = then {
            then(&self.place);
        }
        self.place.swap(key, bytes, expected)
    }

    fn delete(&self, key: &Key) -> Result<()> {
        self.place.delete(key)
    }
}

/// The names of the DAGs in what is checked out, with their DAGs.
pub fn names(repository: &Repository) -> Vec<String> {
    let dags = repository.dags().unwrap();
    dags.iter()
        .map(|(name, dag)| format!("{name} {dag}"))
        .collect()
}
