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
use super::collect::{Blobs, Live};
use super::fsck::{RemoteFsckReport, harmless};
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
        for (key, (bytes, modified)) in &blobs {
            check(listener)?;
            let (Some(written), Some(now)) = (modified, now) else {
                report.results += 1; // Its age is not known.
                continue;
            };
            let age = u64::try_from(now.saturating_sub(*written)).unwrap_or_default();
            let is_older = |than: Duration| age >= than.as_secs();
            let doomed = if call_of(key).is_none() {
                key.as_str().starts_with("clock/") && is_older(rest)
            } else if is_older(old.min(rest)) {
                match self.what(key)? {
                    What::Result(dag) => is_older(old) && !live.is_some_and(|live| live.has(dag)),
                    What::Rest => is_older(rest),
                    What::Newer => false,
                }
            } else {
                false
            };
            if !doomed {
                report.results += u64::from(call_of(key).is_some());
                continue;
            }
            if !options.dry_run {
                self.persistent(|| self.transport.delete(key))?;
            }
            report.deleted += 1;
            report.bytes += bytes;
            report.results_deleted += 1;
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
            if let Err(detail) = sound(call, &bytes) {
                report.find(key.as_str(), detail);
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
        if reader.is_null() || reader.is_array() {
            return Ok(What::Rest);
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

/// Checks the blob of a call; what is wrong with it.
fn sound(key: CallKey, bytes: &[u8]) -> Result<(), String> {
    let call = SharedCall::decode(bytes, key).map_err(|fault| fault.to_string())?;
    let SharedState::Made(made) = call.state else {
        return Ok(());
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
        Ok(())
    } else {
        Err("its exec record is of another call".to_owned())
    }
}
