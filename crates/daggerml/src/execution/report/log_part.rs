//! The log of a call, part by part as it comes.

use super::Attempt;
use crate::error::Result;
use crate::execution::cache;
use crate::execution::claim;
use crate::execution::claim::owner::is_dead;
use crate::execution::live_log;
use crate::process::rest_of;
use crate::record::{CallKey, Time};
use crate::repo::Repository;
use crate::store::Snapshot;

/// Up to where the log of a call was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// When the run began. If nothing was read of it: when it began at the earliest.
    pub started: Time,
    /// How many bytes of its log were read.
    pub offset: u64,
}

/// A part of the log of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// What was written.
    pub bytes: Vec<u8>,
    /// Where to go on.
    pub position: LogPosition,
    /// Whether the bytes are of another run than those before.
    pub begins: bool,
    /// Whether more may come.
    pub live: bool,
}

impl Repository {
    /// Returns what the newest run of the call `key` wrote to standard error, also when it
    /// still runs; or what came `after` a part, of its run and the next ones.
    ///
    /// Whoever asks often enough misses nothing. Where something was missed, a line in the
    /// log says how much.
    pub fn log_part(&self, key: CallKey, after: Option<LogPosition>) -> Result<LogPart> {
        let snapshot = self.snapshot()?;
        let claim = claim::find(&snapshot, key)?;
        let live = match &claim {
            Some(claim) => !is_dead(self.store().folder(), &claim.owner)?,
            None => false,
        };
        let ended = match after {
            Some(after) => first_since(&snapshot, key, after.started)?,
            None if claim.is_some() => None,
            None => newest(&snapshot, key)?.map(|made| (made, true)),
        };
        if let Some((made, newest)) = ended {
            let log = self.log_of(&made.exec)?;
            let seen = after.filter(|after| after.started == made.exec.started);
            let seen = seen.map_or(0, |after| after.offset);
            return Ok(LogPart {
                bytes: rest_of(&log, seen),
                position: LogPosition {
                    started: Time(made.exec.started.0.saturating_add(1)),
                    offset: 0,
                },
                begins: seen == 0,
                live: live || !newest,
            });
        }
        let after = after.unwrap_or(LogPosition {
            started: claim.as_ref().map_or(Time(0), |claim| claim.since),
            offset: 0,
        });
        let read = match &claim {
            Some(claim) => live_log::read(
                self.store().folder(),
                (&claim.owner, claim.attempt, key),
                Some((after.started, after.offset)),
            )?,
            None => None,
        };
        Ok(match read {
            Some(read) => LogPart {
                begins: read.started != after.started || after.offset == 0,
                position: LogPosition {
                    started: read.started,
                    offset: read.end,
                },
                bytes: read.bytes,
                live,
            },
            // It wrote nothing yet, or has just ended: then it is recorded by now.
            None => LogPart {
                bytes: Vec::new(),
                position: after,
                begins: false,
                live,
            },
        })
    }
}

fn newest(snapshot: &Snapshot, key: CallKey) -> Result<Option<Attempt>> {
    match cache::lookup(snapshot, key)? {
        Some(entry) => Attempt::load(snapshot, entry.newest).map(Some),
        None => Ok(None),
    }
}

/// Returns the first run that ended of those that began at `since` or later, and whether it is
/// the newest of all.
fn first_since(snapshot: &Snapshot, key: CallKey, since: Time) -> Result<Option<(Attempt, bool)>> {
    let (mut found, mut next) = (None, newest(snapshot, key)?);
    while let Some(made) = next.take().filter(|made| made.exec.started >= since) {
        next = match made.exec.previous {
            Some(id) => Some(Attempt::load(snapshot, id)?),
            None => None,
        };
        found = Some((made, found.is_none()));
    }
    Ok(found)
}
