//! Shared results that grow old or are damaged.
//!
//! A result at a remote is a copy that saves work: what a commit names of a call is in packs.
//! So results can be removed at any time, and a call whose result is gone is run again.

use std::time::Duration;

use crate::cbor::Reader;
use crate::config::Config;
use crate::error::{Fault, Result};
use crate::id::{CommitId, ObjectId};
use crate::record::{AnyRecord, CallKey, ExecStatus, Kind, Reference};
use crate::repo::Repository;
use crate::transfer::bundle;
use crate::transfer::transport::{Got, Key};

use super::calls::{AROUND, FOLDER, LARGEST, SharedCall, SharedState, VERSION};
use super::collect::{Blobs, Live, start};
use super::fsck::{Met, RemoteFsckReport, harmless, look};
use super::pack::blob_key;
use super::packed::{FOLDER as PACKED, Packed, read_root};
use super::{Listener, Phase, Remote, RemoteGcOptions, RemoteGcReport, Step, check};

/// For how many days a result stays that no branch or tag names, unless a setting says more.
const DAYS: u64 = 90;

/// How old claims and what is no result must be. No claim that counts is as old.
const OLD: Duration = Duration::from_hours(1);

/// How many bytes of a result are read to find out what it is.
const HEAD: u64 = 4096;

/// What a blob of a call is, as far as garbage collection is concerned.
#[derive(Debug, PartialEq, Eq)]
enum What {
    /// A result, with this DAG.
    Result(ObjectId),
    /// A result in packs, with this DAG.
    Packed(ObjectId),
    /// A claim, or nothing that answers a call.
    Rest,
    /// Something that a newer version wrote.
    Newer,
}

impl Remote {
    /// Returns how old a result may be that no branch or tag names.
    fn oldest_result(
        &self,
        repository: &Repository,
        options: &RemoteGcOptions,
    ) -> Result<Duration> {
        let days = match options.result_days {
            Some(days) => days,
            None => Config::of(Some(repository.root()))?
                .get(&format!("remote.{}.result-days", self.name()))?
                .and_then(|setting| setting.value.parse().ok())
                .unwrap_or(DAYS),
        };
        Ok(Duration::from_secs(days.saturating_mul(24 * 3600)))
    }

    /// Removes results that are old and not reached by refs, claims of the dead, and what is of
    /// no use to anybody. `live` is what refs reach, `now` what the remote's clock says.
    pub(super) fn collect_results(
        &self,
        repository: &Repository,
        live: Option<&Live>,
        now: Option<i64>,
        options: &RemoteGcOptions,
        report: &mut RemoteGcReport,
        listener: &dyn Listener,
    ) -> Result<()> {
        let blobs: Blobs = self.blobs(&["calls/", "clock/"], listener)?;
        let now = now.max(blobs.values().filter_map(|(_, modified)| *modified).max());
        let old = self.oldest_result(repository, options)?.max(options.grace);
        let rest = OLD.max(options.grace);
        let mut kept = Vec::new();
        for (key, (bytes, modified)) in &blobs {
            check(listener)?;
            let (Some(written), Some(now)) = (modified, now) else {
                report.results += 1; // Its age is not known.
                kept.push(key);
                continue;
            };
            let age = u64::try_from(now.saturating_sub(*written)).unwrap_or_default();
            let is_older = |than: Duration| age >= than.as_secs();
            let doomed = if call_of(key).is_none() {
                key.as_str().starts_with("clock/") && is_older(rest)
            } else if is_older(old.min(rest)) {
                match self.what(key)? {
                    What::Result(dag) | What::Packed(dag) => {
                        is_older(old) && !live.is_some_and(|live| live.has(dag))
                    }
                    What::Rest => is_older(rest),
                    What::Newer => false,
                }
            } else {
                false
            };
            if !doomed {
                report.results += u64::from(call_of(key).is_some());
                kept.push(key);
                continue;
            }
            if !options.dry_run {
                self.persistent(|| self.transport.delete(key))?;
            }
            report.deleted += 1;
            report.bytes += bytes;
            report.results_deleted += 1;
        }
        let mut packs = self.blobs(&["results/"], listener)?;
        packs.retain(|_, (_, modified)| {
            let age = now.zip(*modified);
            let age = age.map(|(now, written)| now.saturating_sub(written));
            age.is_some_and(|age| u64::try_from(age).unwrap_or_default() >= rest.as_secs())
        });
        self.collect_packs(packs, &kept, options, report, listener)
    }

    /// Removes packs of results that none of the calls `kept` names. They are `old` enough that
    /// nobody is about to name them.
    fn collect_packs(
        &self,
        mut old: Blobs,
        kept: &[&Key],
        options: &RemoteGcOptions,
        report: &mut RemoteGcReport,
        listener: &dyn Listener,
    ) -> Result<()> {
        for key in kept {
            if old.is_empty() {
                return Ok(());
            }
            check(listener)?;
            let Some(call) = call_of(key) else {
                continue;
            };
            if let What::Packed(_) = self.what(key)?
                && let Got::Found { bytes, .. } =
                    self.get(key, None, None, LARGEST as u64 + AROUND)?
                && let Ok(SharedCall {
                    state: SharedState::Packed(packed),
                    ..
                }) = SharedCall::decode(&bytes, call)
            {
                for pack in &packed.packs {
                    old.remove(&blob_key(PACKED, pack.id)?);
                }
            }
        }
        for (key, (bytes, _)) in &old {
            check(listener)?;
            if !options.dry_run {
                self.persistent(|| self.transport.delete(key))?;
            }
            report.deleted += 1;
            report.bytes += bytes;
        }
        Ok(())
    }

    fn what(&self, key: &Key) -> Result<What> {
        Ok(match self.get(key, Some(&(0..HEAD)), None, HEAD)? {
            Got::Found { bytes, .. } => what(&bytes),
            Got::Missing | Got::Unchanged => What::Rest,
        })
    }

    /// Reads all shared results, and tells what is damaged.
    pub(super) fn check_results(
        &self,
        report: &mut RemoteFsckReport,
        listener: &dyn Listener,
    ) -> Result<()> {
        for key in self.blobs(&["calls/"], listener)?.keys() {
            let Some(call) = call_of(key) else {
                continue;
            };
            check(listener)?;
            let bytes = match self.get(key, None, None, LARGEST as u64 + AROUND) {
                Ok(Got::Found { bytes, .. }) => bytes,
                Ok(Got::Missing | Got::Unchanged) => continue, // It was removed meanwhile.
                Err(error) => {
                    report.find(key.as_str(), harmless(error)?);
                    continue;
                }
            };
            report.results += 1;
            report.bytes += bytes.len() as u64;
            match sound(call, &bytes) {
                Ok(None) => {}
                Ok(Some(packed)) => {
                    report.bytes += packed.bytes();
                    if let Some(detail) = self.look_at_result(&packed)? {
                        report.find(key.as_str(), detail);
                    }
                }
                Err(detail) => report.find(key.as_str(), detail),
            }
            listener.step(&Step {
                phase: Phase::Checking,
                objects: report.objects,
                bytes: report.bytes,
                total: None,
            });
        }
        Ok(())
    }

    /// Reads the packs of a result; what is wrong with them.
    fn look_at_result(&self, packed: &Packed) -> Result<Option<String>> {
        let mut met = Met::new();
        let mut found = None;
        for pack in &packed.packs {
            match self.whole_pack_in(PACKED, pack) {
                Ok(bytes) => {
                    let looked = look(&bytes, pack, &mut met, &mut |detail| {
                        found.get_or_insert(detail);
                    });
                    if let Err(error) = looked {
                        found.get_or_insert(error.to_string());
                    }
                }
                Err(error) => {
                    found.get_or_insert(harmless(error)?);
                }
            }
        }
        let absent = packed
            .roots
            .iter()
            .find(|root| met.get(&start(root.id)) != Some(&root.kind));
        Ok(found.or_else(|| absent.map(|root| format!("{root} is in none of its packs"))))
    }
}

/// Returns the call that the blob `key` is of.
fn call_of(key: &Key) -> Option<CallKey> {
    let rest = key.as_str().strip_prefix(FOLDER)?.strip_prefix('/')?;
    let (first, digits) = rest.split_once('/')?;
    let id: ObjectId = digits.parse().ok()?;
    (digits.get(..2) == Some(first)).then(|| CallKey::from_bytes(*id.as_bytes()))
}

/// Returns what begins with these bytes.
fn what(bytes: &[u8]) -> What {
    let reader = &mut Reader::new(bytes);
    let mut read = || -> Result<What, Fault> {
        reader.array_of(5)?;
        if reader.uint()? != VERSION {
            return Ok(What::Newer);
        }
        let _: CommitId = reader.id()?;
        reader.text()?;
        reader.int()?;
        if reader.is_null() {
            return Ok(What::Rest);
        }
        if reader.is_array() {
            if reader.array()? != 2 || reader.array()? == 0 {
                return Ok(What::Rest);
            }
            let root = read_root(reader)?;
            return Ok(if root.kind == Kind::Dag {
                What::Packed(root.id)
            } else {
                What::Rest
            });
        }
        reader.head()?;
        let at = reader.position();
        let root = bundle::first_root(bytes.get(at..).unwrap_or_default());
        Ok(match root {
            Ok(root) if root.kind == Kind::Dag => What::Result(root.id),
            _ => What::Rest,
        })
    };
    read().unwrap_or(What::Rest)
}

/// Checks the blob of a call; what is wrong with it. Returns which packs have its result, if
/// that is in packs.
fn sound(key: CallKey, bytes: &[u8]) -> Result<Option<Packed>, String> {
    let call = SharedCall::decode(bytes, key).map_err(|fault| fault.to_string())?;
    let made = match call.state {
        SharedState::Made(made) => made,
        SharedState::Packed(packed) => return Ok(Some(packed)),
        SharedState::Claimed(_) | SharedState::Nothing => return Ok(None),
    };
    let mut found = Vec::new();
    let roots = bundle::verify(&mut made.as_slice(), LARGEST as u64, &mut |object| {
        if let Ok(AnyRecord::Exec(exec)) = AnyRecord::decode(object) {
            found.push((ObjectId::of(object), exec));
        }
    })
    .map_err(|error| error.to_string())?;
    let [dag, exec, ..] = roots.as_slice() else {
        return Err("its bundle is not that of a result".to_owned());
    };
    let of_call = found.iter().any(|(id, record)| {
        *exec
            == Reference {
                kind: Kind::Exec,
                id: *id,
            }
            && record.key == key
            && record.status == ExecStatus::Ok
            && record.dag.map(Reference::from) == Some(*dag)
    });
    if of_call {
        Ok(None)
    } else {
        Err("its exec record is of another call".to_owned())
    }
}
