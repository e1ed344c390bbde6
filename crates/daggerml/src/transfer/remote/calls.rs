//! Shared results: what came of a call, for everybody who makes the same call.
//!
//! A blob for each key of a call holds who ran it, when, and a full bundle of the DAG that it
//! made and of its exec records. So an answer takes one request. A result that is too large for that
//! is in [packs](super::packed), which the blob names. While the call is run, the
//! same blob is the [claim](super::claims) of whoever does: a result and a claim cannot miss
//! each other.

use std::path::Path;

use crate::cbor::{Reader, Writer};
use crate::config::{Config, Scope};
use crate::error::{Error, Fault, FaultKind, Result};
use crate::id::{CommitId, ObjectId};
use crate::record::{CallKey, Time};
use crate::repo::Repository;
use crate::transfer::transport::{Address, Etag, Got, Key, Swap};
use crate::well_known::TRUSTED_REMOTES;

use super::Remote;
use super::claims::RemoteClaim;
use super::pack::blob_key;
use super::packed::Packed;

/// The version of a blob.
pub(super) const VERSION: u64 = 1;

/// The most bytes of a bundle that is shared. A larger result is in packs: a bundle is held in memory.
pub(crate) const LARGEST: usize = 16 << 20;

/// The most bytes around it.
pub(super) const AROUND: u64 = 4096;

/// The folder of the blobs.
pub(super) const FOLDER: &str = "calls";

/// How often a swap is tried again when others change the blob at the same time.
pub(super) const TRIES: usize = 5;

/// The most bytes of a name.
const LONGEST_NAME: usize = 1024;

/// What is at a remote of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SharedCall {
    /// Who offered the result, runs the call or invalidated its result.
    pub who: String,
    /// Since when.
    pub when: Time,
    /// How far the call is.
    pub state: SharedState,
}

/// How far a call is at a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SharedState {
    /// It has a result: a bundle of the DAG, the exec record of the call and those of its
    /// nested calls.
    Made(Vec<u8>),
    /// It has a result that is too large for this blob.
    Packed(Packed),
    /// Somebody runs it.
    Claimed(RemoteClaim),
    /// There is nothing: the result was invalidated, or whoever ran it has none to share.
    Nothing,
}

impl SharedState {
    /// Returns whether it answers the call.
    pub fn is_result(&self) -> bool {
        matches!(self, Self::Made(_) | Self::Packed(_))
    }
}

impl SharedCall {
    pub(super) fn encode(&self, key: CallKey) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(5);
        writer.uint(VERSION);
        writer.id(ObjectId::from_bytes(*key.as_bytes()));
        writer.text(&self.who);
        writer.int(self.when.0);
        match &self.state {
            SharedState::Made(bundle) => writer.bytes(bundle),
            SharedState::Packed(packed) => packed.encode(&mut writer),
            SharedState::Claimed(claim) => claim.encode(&mut writer),
            SharedState::Nothing => writer.null(),
        }
        writer.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8], key: CallKey) -> Result<Self, Fault> {
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
            state: if reader.is_null() {
                SharedState::Nothing
            } else if reader.is_array() {
                match reader.array()? {
                    2 => SharedState::Packed(Packed::decode(reader)?),
                    3 => SharedState::Claimed(RemoteClaim::decode(reader)?),
                    other => {
                        let detail = format!("an array of {other} items");
                        return Err(reader.fault(FaultKind::Payload, detail));
                    }
                }
            } else {
                SharedState::Made(reader.bytes()?.to_vec())
            },
        };
        reader.finish()?;
        Ok(found)
    }
}

/// A call at a remote, as it was read.
pub(crate) enum Seen {
    /// It is the version that was known.
    Unchanged,
    /// There is nothing that answers the call, and nobody runs it. The mark of what may be
    /// replaced, if something is there.
    Free(Option<Etag>),
    /// It is run, or has a result.
    There(Etag, SharedCall),
}

/// Which results a repository shares with a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
pub struct Sharing {
    /// The name of the remote.
    pub remote: String,
    /// Whether calls are answered from there.
    pub read: bool,
    /// Whether results are offered there.
    pub write: bool,
    /// Whether calls that others claimed there are waited for, and, with `read` and `write`,
    /// claimed: so one machine at a time runs each.
    pub claims: bool,
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
                let claims = config.get(&format!("remote.{}.claims", remote.name))?;
                found.push(Sharing {
                    claims: claims.is_none_or(|setting| setting.value != "false"),
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
    /// Returns what is at the remote of the call `key`. One request.
    pub(crate) fn shared_call(&self, key: CallKey, known: Option<&Etag>) -> Result<Seen> {
        let blob = call_blob(key)?;
        let (etag, bytes) = match self.get(&blob, None, known, LARGEST as u64 + AROUND)? {
            Got::Found { etag, bytes, .. } => (etag, bytes),
            Got::Unchanged => return Ok(Seen::Unchanged),
            Got::Missing => return Ok(Seen::Free(None)),
        };
        match SharedCall::decode(&bytes, key) {
            Ok(call) if call.state == SharedState::Nothing => Ok(Seen::Free(Some(etag))),
            Ok(call) => Ok(Seen::There(etag, call)),
            // Somebody with a newer version made it.
            Err(fault) if fault.kind() == FaultKind::Header => Err(self.faulty(&blob, &fault)),
            // What cannot be read is of no use to anybody, so the next result replaces it.
            Err(_) => Ok(Seen::Free(Some(etag))),
        }
    }

    /// Offers a result of the call `key`. One that is there already stays, unless its mark is
    /// `expected`. Returns whether it was taken.
    pub(crate) fn offer_result(
        &self,
        key: CallKey,
        result: &SharedCall,
        expected: Option<Etag>,
    ) -> Result<bool> {
        let mut expected = expected;
        for _ in 0..TRIES {
            if self.swap_call(key, result, expected.as_ref())?.is_some() {
                return Ok(true);
            }
            expected = match self.shared_call(key, None)? {
                Seen::There(_, call) if call.state.is_result() => {
                    return Ok(call == *result); // The answer to the swap may have been lost.
                }
                // A result is worth more than the claim of somebody who still works on it.
                Seen::There(etag, _) => Some(etag),
                Seen::Free(etag) => etag,
                Seen::Unchanged => None,
            };
        }
        Ok(false)
    }

    /// Lets nobody be answered any more by what is shared of the call `key`. Returns whether
    /// something was.
    pub(crate) fn invalidate_result(&self, key: CallKey, who: &str) -> Result<bool> {
        let Seen::There(etag, call) = self.shared_call(key, None)? else {
            return Ok(false);
        };
        if !call.state.is_result() {
            return Ok(false);
        }
        // Whoever changed it meanwhile offered a newer result, or did the same.
        let nothing = nothing(who);
        Ok(self.swap_call(key, &nothing, Some(&etag))?.is_some())
    }

    /// Writes what is at the remote of a call, if the mark of what is there is `expected`.
    /// Returns the new mark.
    pub(super) fn swap_call(
        &self,
        key: CallKey,
        call: &SharedCall,
        expected: Option<&Etag>,
    ) -> Result<Option<Etag>> {
        let bytes = call.encode(key);
        Ok(
            match self.transport.swap(&call_blob(key)?, &bytes, expected)? {
                Swap::Swapped(etag) => Some(etag),
                Swap::Changed => None,
            },
        )
    }
}

/// Returns what is at a remote where nothing answers a call any more.
pub(super) fn nothing(who: &str) -> SharedCall {
    SharedCall {
        who: who.to_owned(),
        when: Time::now(),
        state: SharedState::Nothing,
    }
}

/// Returns the name of the blob of a call.
pub(super) fn call_blob(key: CallKey) -> Result<Key> {
    blob_key(FOLDER, ObjectId::from_bytes(*key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::pack::PackInfo;
    use super::*;
    use crate::record::{Kind, Reference};

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let key = CallKey::from_bytes([7; 32]);
        let claim = RemoteClaim {
            token: [5; 16],
            beat: 3,
            lease: Duration::from_mins(1),
        };
        let packed = Packed {
            roots: vec![Reference {
                kind: Kind::Dag,
                id: ObjectId::of(b"dag"),
            }],
            packs: vec![PackInfo {
                id: ObjectId::of(b"pack"),
                bytes: 100 + 12 + 32,
                index: 100,
                objects: 1,
                rewritten: false,
            }],
        };
        for state in [
            SharedState::Nothing,
            SharedState::Made(vec![1, 2, 3]),
            SharedState::Packed(packed),
            SharedState::Claimed(claim),
        ] {
            let call = SharedCall {
                who: "me".to_owned(),
                when: Time(-3),
                state,
            };
            let bytes = call.encode(key);
            assert_eq!(SharedCall::decode(&bytes, key), Ok(call));
            let other = CallKey::from_bytes([8; 32]);
            assert!(SharedCall::decode(&bytes, other).is_err());
            for end in 0..bytes.len() {
                assert!(SharedCall::decode(&bytes[..end], key).is_err());
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
