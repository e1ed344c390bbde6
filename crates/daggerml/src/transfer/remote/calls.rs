//! Shared results: what came of a call, for everybody who makes the same call.
//!
//! A blob for each key of a call holds who ran it, when, and a full bundle of the DAG that it
//! made and of its exec records. So an answer takes one request.

use std::path::Path;

use crate::cbor::{Reader, Writer};
use crate::config::{Config, Scope};
use crate::error::{Error, Fault, FaultKind, Result};
use crate::id::{CommitId, ObjectId};
use crate::record::{CallKey, Time};
use crate::repo::Repository;
use crate::transfer::transport::{Address, Got, Key, Swap};
use crate::well_known::TRUSTED_REMOTES;

use super::Remote;
use super::pack::blob_key;

/// The version of a blob.
const VERSION: u64 = 1;

/// The most bytes of a bundle that is shared. A larger result is not: it would be read whole
/// by everybody who makes the call, and held in memory.
pub(crate) const LARGEST: usize = 16 << 20;

/// The most bytes around it.
const AROUND: u64 = 4096;

/// The most bytes of a name.
const LONGEST_NAME: usize = 1024;

/// A result that somebody shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedResult {
    /// Who offered it.
    pub who: String,
    /// When.
    pub when: Time,
    /// A bundle of the DAG, the exec record of the call and those of its nested calls; `None`
    /// when the result was invalidated.
    pub bundle: Option<Vec<u8>>,
}

impl SharedResult {
    fn encode(&self, key: CallKey) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(5);
        writer.uint(VERSION);
        writer.id(ObjectId::from_bytes(*key.as_bytes()));
        writer.text(&self.who);
        writer.int(self.when.0);
        match &self.bundle {
            Some(bundle) => writer.bytes(bundle),
            None => writer.null(),
        }
        writer.into_bytes()
    }

    fn decode(bytes: &[u8], key: CallKey) -> Result<Self, Fault> {
        let reader = &mut Reader::new(bytes);
        reader.array_of(5)?;
        match reader.uint()? {
            VERSION => {}
            other => return Err(reader.fault(FaultKind::Header, format!("result {other}"))),
        }
        let id: CommitId = reader.id()?;
        if ObjectId::from(id).as_bytes() != key.as_bytes() {
            return Err(reader.fault(FaultKind::Payload, "the result of another call"));
        }
        let who = reader.text()?;
        if who.len() > LONGEST_NAME {
            return Err(reader.fault(FaultKind::Bounds, "a very long name"));
        }
        let found = Self {
            who: who.to_owned(),
            when: Time(reader.int()?),
            bundle: if reader.is_null() {
                None
            } else {
                Some(reader.bytes()?.to_vec())
            },
        };
        reader.finish()?;
        Ok(found)
    }
}

/// Which results a repository shares with a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// The name of the remote.
    pub remote: String,
    /// Whether calls are answered from there.
    pub read: bool,
    /// Whether results are offered there.
    pub write: bool,
    /// Whether the user's own settings trust the remote. If not, nothing is shared.
    pub trusted: bool,
}

impl Repository {
    /// Returns which results are shared with which remotes: those whose setting
    /// `remote.NAME.calls` is other than `off`.
    pub fn sharing(&self) -> Result<Vec<Sharing>> {
        let config = Config::of(Some(self.root()))?;
        let trusted = config.get_list_in(Scope::User, TRUSTED_REMOTES)?;
        let mut found = Vec::new();
        for remote in self.remotes()? {
            let key = format!("remote.{}.calls", remote.name);
            let Some(setting) = config.get(&key)? else {
                continue;
            };
            let (mut read, mut write) = (false, false);
            for word in setting.value.split(',').map(str::trim) {
                match word {
                    "read" => read = true,
                    "write" => write = true,
                    "off" => {}
                    other => {
                        return Err(Error::Invalid {
                            message: format!(
                                "{key} is read, write, read,write or off, not {other:?}"
                            ),
                        }
                        .into());
                    }
                }
            }
            if read || write {
                found.push(Sharing {
                    trusted: trusts(&trusted, &remote.url, self.root()),
                    remote: remote.name,
                    read,
                    write,
                });
            }
        }
        Ok(found)
    }
}

/// Returns whether the user's list of trusted remotes has the address `url`: as it is, or by
/// an entry that ends in `/*` and stands for all below.
fn trusts(trusted: &[String], url: &str, root: &Path) -> bool {
    let Ok(address) = Address::parse(url, root) else {
        return false;
    };
    // `..` would lead out of what an entry stands for.
    let leads_out = |path: &str| path.split(['/', '\\']).any(|part| part == "..");
    trusted.iter().any(|entry| {
        let (entry, below) = match entry.strip_suffix("/*") {
            Some(entry) => (entry, true),
            None => (entry.as_str(), false),
        };
        let Ok(entry) = Address::parse(entry, root) else {
            return false;
        };
        let rest = address.as_str().strip_prefix(entry.as_str());
        address.scheme() == entry.scheme()
            && rest.is_some_and(|rest| {
                rest.is_empty() || (below && rest.starts_with(['/', '\\']) && !leads_out(rest))
            })
    })
}

impl Remote {
    /// Returns the result of the call `key` that somebody shares.
    pub(crate) fn find_result(&self, key: CallKey) -> Result<Option<SharedResult>> {
        let blob = result_key(key)?;
        match self.get(&blob, None, None, LARGEST as u64 + AROUND)? {
            Got::Found { bytes, .. } => SharedResult::decode(&bytes, key)
                .map(Some)
                .map_err(|fault| self.faulty(&blob, &fault)),
            Got::Missing | Got::Unchanged => Ok(None),
        }
    }

    /// Offers a result of the call `key`. One that is there already stays, unless it was
    /// invalidated. Returns whether it was taken.
    pub(crate) fn offer_result(&self, key: CallKey, result: &SharedResult) -> Result<bool> {
        let blob = result_key(key)?;
        let bytes = result.encode(key);
        if let Swap::Swapped(_) = self.transport.swap(&blob, &bytes, None)? {
            return Ok(true);
        }
        let Got::Found {
            etag, bytes: there, ..
        } = self.get(&blob, None, None, LARGEST as u64 + AROUND)?
        else {
            return Ok(false);
        };
        if SharedResult::decode(&there, key).is_ok_and(|there| there.bundle.is_some()) {
            return Ok(false);
        }
        let swapped = self.transport.swap(&blob, &bytes, Some(&etag))?;
        Ok(matches!(swapped, Swap::Swapped(_)))
    }

    /// Lets nobody be answered any more by what is shared of the call `key`. Returns whether
    /// something was.
    pub(crate) fn invalidate_result(&self, key: CallKey, who: &str) -> Result<bool> {
        let blob = result_key(key)?;
        let Got::Found { etag, bytes, .. } =
            self.get(&blob, None, None, LARGEST as u64 + AROUND)?
        else {
            return Ok(false);
        };
        if SharedResult::decode(&bytes, key).is_ok_and(|there| there.bundle.is_none()) {
            return Ok(false);
        }
        let nothing = SharedResult {
            who: who.to_owned(),
            when: Time::now(),
            bundle: None,
        };
        // Whoever changed it meanwhile offered a newer result, or did the same.
        let swapped = self
            .transport
            .swap(&blob, &nothing.encode(key), Some(&etag))?;
        Ok(matches!(swapped, Swap::Swapped(_)))
    }
}

fn result_key(key: CallKey) -> Result<Key> {
    blob_key("calls", ObjectId::from_bytes(*key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let key = CallKey::from_bytes([7; 32]);
        for bundle in [None, Some(vec![1, 2, 3])] {
            let result = SharedResult {
                who: "me".to_owned(),
                when: Time(-3),
                bundle,
            };
            let bytes = result.encode(key);
            assert_eq!(SharedResult::decode(&bytes, key), Ok(result));
            let other = CallKey::from_bytes([8; 32]);
            assert!(SharedResult::decode(&bytes, other).is_err());
            for end in 0..bytes.len() {
                assert!(SharedResult::decode(&bytes[..end], key).is_err());
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn only_what_is_listed_is_trusted() {
        let list = ["s3://team/*", "/srv/one", "https://host/x"].map(str::to_owned);
        let root = Path::new("/work");
        for url in [
            "s3://team/a",
            "s3://team/a/b",
            "s3://team",
            "/srv/one",
            "file:///srv/one",
        ] {
            assert!(trusts(&list, url, root), "{url}");
        }
        for url in [
            "s3://team2/a",
            "s3://team/../x",
            "/srv/one/x",
            "/srv/on",
            "https://host/xy",
            "http://host/x",
            "",
        ] {
            assert!(!trusts(&list, url, root), "{url}");
        }
    }
}
