//! Reading and swapping the manifest, and what a repository remembers of it.

use std::collections::HashSet;

use crate::cbor::{Reader, Writer};
use crate::error::{Fault, FaultKind, RemoteError, Result};
use crate::id::{CommitId, ObjectId};
use crate::repo::Repository;
use crate::store::{ReadEntries, Store, Table, WriteTxn};
use crate::transfer::transport::{Entry, Etag, Got, Key, Put, Swap};

use super::Remote;
use super::blob::{Blob, BlobWriter};
use super::manifest::{self, Manifest, SwapId, VERSION, decode_list};
use super::pack::{PACKS, PackInfo, blob_key};

/// The blob that says that there is a remote.
const FORMAT_KEY: &str = "daggerml-remote";

/// What it holds.
const FORMAT: &str = "{\"format\":1,\"hash\":\"blake3\"}\n";

/// The most bytes of it.
const LARGEST_FORMAT: u64 = 4096;

/// The blob that holds the manifest.
pub(super) const REFS_KEY: &str = "refs";
/// What is wrong with a remote that has packs and no manifest.
pub(super) const LOST_REFS: &str = "it is not there, though packs are: it was lost, or a first \
                                    push did not end";

/// The folders of shared results, in order, and what no key in them comes after.
const OF_RESULTS: [(&str, &str); 2] = [("calls/", "calls0"), ("results/", "results0")];

/// The most bytes of a pack that is read by one request, where parts can be read.
const WHOLE: u64 = 16 << 20;

/// The bytes that one request reads of a longer pack.
const PART: u64 = 8 << 20;

/// The version of what is remembered.
const STATE: u64 = 1;

/// The manifest, as it was read.
pub(super) struct Seen {
    /// Its mark; `None` when there is no manifest yet.
    pub etag: Option<Etag>,
    pub manifest: Manifest,
    /// Whether it is the one that is remembered.
    pub unchanged: bool,
}

/// What became of a swap.
pub(super) enum Swapped {
    /// It was done; the new mark, if no other swap followed.
    Done(Option<Etag>),
    /// Another manifest took the place of the one that was read.
    Changed,
}

/// What a repository remembers of a remote: the manifest that was read last, and the packs
/// whose objects are here.
pub(super) struct State {
    address: String,
    etag: Etag,
    manifest: Vec<u8>,
    /// The ids of packs, and of lists all of whose packs are known.
    pub known: HashSet<ObjectId>,
}

fn state_key(name: &str) -> String {
    format!("remote/{name}")
}

/// Removes what is remembered of the remote `name`.
pub(super) fn forget(txn: &mut WriteTxn<'_>, name: &str) -> Result<()> {
    txn.delete(Table::Meta, state_key(name).as_bytes())
        .map(drop)
}

impl State {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(5);
        writer.uint(STATE);
        writer.text(&self.address);
        writer.text(self.etag.as_str());
        writer.bytes(&self.manifest);
        writer.array(self.known.len());
        let mut known: Vec<_> = self.known.iter().collect();
        crate::sorting::sort_by(&mut known, Ord::cmp);
        known.into_iter().for_each(|id| writer.id(*id));
        writer.into_bytes()
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let reader = &mut Reader::new(bytes);
        reader.array_of(5)?;
        if reader.uint()? != STATE {
            return Err(reader.fault(FaultKind::Header, "another version").into());
        }
        let state = Self {
            address: reader.text()?.to_owned(),
            etag: Etag::new(reader.text()?)?,
            manifest: reader.bytes()?.to_vec(),
            known: {
                let ids: Vec<CommitId> = reader.ids()?;
                ids.into_iter().map(ObjectId::from).collect()
            },
        };
        reader.finish()?;
        Ok(state)
    }
}

/// Returns random bytes that name a swap.
pub(super) fn new_swap() -> Result<SwapId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| crate::error::Error::Invalid {
        message: format!("the system gives no random numbers: {error}"),
    })?;
    Ok(bytes)
}

impl Remote {
    /// Returns what the repository remembers of this remote. What cannot be read, or is of
    /// another address, is not remembered: it only saves work.
    pub(super) fn remembered(&self, entries: &impl ReadEntries) -> Result<Option<State>> {
        let bytes = entries.entry(Table::Meta, state_key(&self.name).as_bytes())?;
        Ok(bytes
            .and_then(|bytes| State::decode(bytes).ok())
            .filter(|state| state.address == self.address))
    }

    /// Remembers a manifest, and that the packs of `known` are here.
    pub(super) fn remember(
        &self,
        txn: &mut WriteTxn<'_>,
        etag: &Etag,
        manifest: &Manifest,
        mut known: HashSet<ObjectId>,
    ) -> Result<()> {
        let lists = manifest.lists.iter().map(|list| list.id);
        let now: HashSet<_> = lists
            .chain(manifest.packs.iter().map(|pack| pack.id))
            .collect();
        known.retain(|id| now.contains(id));
        let state = State {
            address: self.address.clone(),
            etag: etag.clone(),
            manifest: manifest.encode(),
            known,
        };
        txn.put(
            Table::Meta,
            state_key(&self.name).as_bytes(),
            &state.encode(),
        )
    }

    /// Reads the manifest. One that is remembered is not sent again.
    pub(super) fn manifest(&self, state: Option<&State>) -> Result<Seen> {
        self.manifest_or_new(state)?
            .ok_or_else(|| self.not_a_remote("there is nothing there yet"))
    }

    /// Does the same; `None` when there is no remote.
    pub(super) fn manifest_or_new(&self, state: Option<&State>) -> Result<Option<Seen>> {
        let key = Key::new(REFS_KEY)?;
        let known = state.map(|state| &state.etag);
        let (etag, bytes, unchanged) = match self.get(&key, None, known, manifest::LARGEST)? {
            Got::Found { etag, bytes, .. } => (etag, bytes, false),
            Got::Unchanged => match state {
                Some(state) => (state.etag.clone(), state.manifest.clone(), true),
                None => return Err(self.damaged(&key, "it is unchanged, but was not known")),
            },
            Got::Missing if state.is_some() && !self.is_made()? => {
                return Err(self.not_a_remote(
                    "there was one before, and nothing is there now: is the disk there? If it \
                     was removed on purpose, `dml remote remove` it, and add it again",
                ));
            }
            Got::Missing if state.is_some() => {
                let detail = "it was there before, and is gone; if that is meant, remove the \
                              remote here and add it again";
                return Err(self.damaged(&key, detail));
            }
            Got::Missing => {
                return Ok(self.is_made()?.then(|| Seen {
                    etag: None,
                    manifest: Manifest::default(),
                    unchanged: false,
                }));
            }
        };
        let manifest = Manifest::decode(&bytes).map_err(|fault| self.faulty(&key, &fault))?;
        Ok(Some(Seen {
            etag: Some(etag),
            manifest,
            unchanged,
        }))
    }

    /// Makes the error for a remote that has packs and no manifest that names them.
    pub(super) fn lost_refs(&self) -> Result<Box<crate::error::Error>> {
        Ok(self.damaged(&Key::new(REFS_KEY)?, LOST_REFS))
    }

    /// Returns whether somebody made a remote there.
    fn is_made(&self) -> Result<bool> {
        let key = Key::new(FORMAT_KEY)?;
        let Got::Found { bytes, .. } = self.get(&key, None, None, LARGEST_FORMAT)? else {
            return Ok(false);
        };
        if bytes == FORMAT.as_bytes() {
            return Ok(true);
        }
        let format: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match format.get("format").and_then(serde_json::Value::as_u64) {
            Some(VERSION) => Ok(true),
            Some(found) => Err(RemoteError::Unsupported {
                remote: self.address.clone(),
                found,
                known: VERSION,
            }
            .into()),
            None => Err(self.not_a_remote("its format is not one of DaggerML")),
        }
    }

    /// Makes a remote where there is nothing.
    pub(super) fn make(&self) -> Result<Seen> {
        let key = Key::new(FORMAT_KEY)?;
        if !self.is_made()? {
            let mut first = self.list("", None)?.into_iter().next();
            // Results may have been shared before anybody pushed.
            for (folder, after) in OF_RESULTS {
                let is_such = |entry: &Entry| entry.key.as_str().starts_with(folder);
                if first.as_ref().is_some_and(is_such) {
                    first = self.list("", Some(after))?.into_iter().next();
                }
            }
            if let Some(entry) = first
                && entry.key != key
            {
                let detail = format!("other things are there, such as {:?}", entry.key.as_str());
                return Err(self.not_a_remote(&detail));
            }
            let (Put::Created | Put::Exists) = self.put(&key, FORMAT.as_bytes())?;
        }
        Ok(Seen {
            etag: None,
            manifest: Manifest::default(),
            unchanged: false,
        })
    }

    fn not_a_remote(&self, detail: &str) -> Box<crate::error::Error> {
        // Who knows Git clones a repository first.
        let detail = if Repository::open(self.address.as_ref()).is_ok() {
            "it is a repository; push from it to a folder beside it, and use that"
        } else {
            detail
        };
        RemoteError::NotARemote {
            remote: self.address.clone(),
            detail: detail.to_owned(),
        }
        .into()
    }

    pub(super) fn faulty(&self, key: &Key, fault: &Fault) -> Box<crate::error::Error> {
        self.damaged(key, fault.to_string())
    }

    /// Replaces the manifest that was read as `expected`. The new manifest must name the swap
    /// `swap`.
    pub(super) fn swap(
        &self,
        manifest: &Manifest,
        expected: Option<&Etag>,
        swap: SwapId,
    ) -> Result<Swapped> {
        let key = Key::new(REFS_KEY)?;
        let bytes = manifest.encode();
        if bytes.len() as u64 > manifest::LARGEST {
            return Err(self.too_large(&key, manifest::LARGEST));
        }
        let swapped = match self.transport.swap(&key, &bytes, expected) {
            Ok(Swap::Swapped(etag)) => return Ok(Swapped::Done(Some(etag))),
            Ok(Swap::Changed) => Ok(()),
            Err(error) => Err(error),
        };
        // The request may have been done though its answer was lost, and the transport may
        // have asked twice: the manifest itself tells.
        match self.manifest_or_new(None) {
            Ok(Some(seen)) if seen.manifest.swaps.contains(&swap) => {
                let etag = seen.etag.filter(|_| seen.manifest == *manifest);
                Ok(Swapped::Done(etag))
            }
            Ok(_) | Err(_) => swapped.map(|()| Swapped::Changed),
        }
    }

    /// Returns the packs of a manifest, the oldest first. Lists that `known` holds are left
    /// out.
    pub(super) fn packs(
        &self,
        manifest: &Manifest,
        known: &HashSet<ObjectId>,
    ) -> Result<Vec<PackInfo>> {
        let mut packs = Vec::new();
        for list in &manifest.lists {
            if known.contains(&list.id) {
                continue;
            }
            packs.extend(self.list_of_packs(list.id, list.packs)?);
        }
        packs.extend(&manifest.packs);
        Ok(packs)
    }

    fn list_of_packs(&self, id: ObjectId, count: u64) -> Result<Vec<PackInfo>> {
        let key = blob_key("lists", id)?;
        let bytes = self.blob(&key, manifest::LARGEST)?;
        if ObjectId::of(&bytes) != id {
            return Err(self.damaged(&key, "its bytes do not match its name"));
        }
        let packs = decode_list(&bytes).map_err(|fault| self.faulty(&key, &fault))?;
        if packs.len() as u64 != count {
            return Err(self.damaged(&key, "it lists another number of packs"));
        }
        Ok(packs)
    }

    /// Returns a blob that must be there.
    pub(super) fn blob(&self, key: &Key, limit: u64) -> Result<Vec<u8>> {
        match self.get(key, None, None, limit)? {
            Got::Found { bytes, .. } => Ok(bytes),
            Got::Missing | Got::Unchanged => Err(self.damaged(key, "it is not there")),
        }
    }

    /// Returns the pack `info`, whose bytes match its name.
    pub(super) fn whole_pack(&self, info: &PackInfo) -> Result<Vec<u8>> {
        self.whole_pack_in(PACKS, info)
    }

    /// Does the same for a pack in `folder`.
    pub(super) fn whole_pack_in(&self, folder: &str, info: &PackInfo) -> Result<Vec<u8>> {
        let key = blob_key(folder, info.id)?;
        let bytes = self.blob(&key, info.bytes)?;
        if ObjectId::of(&bytes) != info.id {
            return Err(self.other_bytes(&key));
        }
        Ok(bytes)
    }

    /// Does the same. A pack of many bytes waits in a file of the store's folder, and a very large
    /// one, such as that of a large object, is read in parts.
    pub(super) fn pack(&self, info: &PackInfo, store: &Store) -> Result<Blob> {
        self.pack_in(PACKS, info, store)
    }

    /// Does the same for a pack in `folder`.
    pub(super) fn pack_in(&self, folder: &str, info: &PackInfo, store: &Store) -> Result<Blob> {
        if info.bytes <= WHOLE || !self.transport.describe()?.ranges {
            return Blob::new(self.whole_pack_in(folder, info)?, store);
        }
        let key = blob_key(folder, info.id)?;
        let mut writer = BlobWriter::new(store)?;
        let mut at = 0;
        while at < info.bytes {
            let range = at..info.bytes.min(at + PART);
            let length = range.end - range.start;
            match self.get(&key, Some(&range), None, length)? {
                Got::Found { bytes, .. } if bytes.len() as u64 == length => writer.write(&bytes)?,
                Got::Found { .. } => return Err(self.damaged(&key, "it is cut off")),
                Got::Missing | Got::Unchanged => {
                    return Err(self.damaged(&key, "it is not there"));
                }
            }
            at = range.end;
        }
        if writer.hasher.finalize().as_bytes() != info.id.as_bytes() {
            return Err(self.other_bytes(&key));
        }
        writer.finish()
    }

    fn other_bytes(&self, key: &Key) -> Box<crate::error::Error> {
        self.damaged(key, "its bytes do not match its name")
    }
}
