//! When a call that is under way must stop.

use std::time::{Duration, Instant};

use super::turns::Place;
use crate::execution::adapter::process::TICK;
use crate::execution::claim;
use crate::execution::claim::OwnerId;
use crate::execution::options::{Event, Observer, Progress};
use crate::record::CallKey;
use crate::store::Store;

/// How often the owner of a claim looks whether it still is, and may go on.
const LOOK: Duration = Duration::from_secs(1);

/// Why a call must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its caller wants it.
    Canceled,
    /// Somebody asked for it in the claim.
    Requested,
    /// Its time is over.
    Timeout,
    /// The claim is another's.
    Lost,
}

/// What stops a call, and who is told of it.
pub(crate) struct Control<'c> {
    pub key: CallKey,
    item: usize,
    observer: &'c dyn Observer,
    timeout: Option<Duration>,
    pub deadline: Option<Instant>,
    /// Its place in a map.
    place: Option<&'c mut Place>,
    store: &'c Store,
    /// The owner, while there is a claim, and when it was last looked at.
    claimed: Option<(OwnerId, Instant)>,
    /// What the log of the call should say.
    notices: Vec<String>,
}

impl<'c> Control<'c> {
    pub fn new(
        store: &'c Store,
        key: CallKey,
        item: usize,
        observer: &'c dyn Observer,
        timeout: Option<Duration>,
    ) -> Self {
        Self {
            key,
            item,
            observer,
            timeout,
            deadline: timeout.and_then(|time| Instant::now().checked_add(time)),
            place: None,
            store,
            claimed: None,
            notices: Vec::new(),
        }
    }

    /// Makes it a call of a map. It waits for its turn before it is run.
    pub fn in_map(&mut self, place: Option<&'c mut Place>) {
        self.place = place;
    }

    /// Returns whether it is of a map that ended before the call had its turn.
    pub fn was_not_begun(&self) -> bool {
        let place = self.place.as_ref();
        place.is_some_and(|place| place.is_over() && !place.had_turn())
    }

    /// Waits for its turn, but not longer than `limit`. Returns whether it has it. Its time
    /// counts from then on.
    pub fn take_turn(&mut self, limit: Duration) -> bool {
        let Some(place) = &mut self.place else {
            return true;
        };
        let first = !place.had_turn();
        let taken = place.take_turn(limit);
        if first && taken {
            self.deadline = self
                .timeout
                .and_then(|time| Instant::now().checked_add(time));
        }
        taken
    }

    /// Waits for its turn, holding nothing that others wait for. Its time does not count yet.
    pub fn wait_for_turn(&mut self) -> Option<Stop> {
        while !self.take_turn(TICK) {
            if self.was_not_begun() {
                return Some(Stop::Canceled);
            }
            if self.observer.interrupted() {
                return Some(Stop::Canceled);
            }
        }
        None
    }

    /// Goes on with a call that had its turn before. It does not wait for long, because a
    /// call that has a turn may wait for what this one has claimed.
    pub fn go_on(&mut self, limit: Duration) {
        if !self.take_turn(limit)
            && let Some(place) = &mut self.place
        {
            place.go_on();
        }
    }

    /// Ends its turn: what is left to do needs no process.
    pub fn end_turn(&mut self) {
        if let Some(place) = &mut self.place {
            place.end_turn();
        }
    }

    /// Tells something that the user should know, and notes it for the log.
    pub fn notice(&mut self, text: String) {
        let reason = text.clone();
        self.tell(0, Progress::Notice { reason });
        self.notices.push(text);
    }

    /// Returns the notices since this was last asked for.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// From here on looks after the claim too.
    pub fn claimed(&mut self, owner: Option<OwnerId>) {
        self.claimed = owner.map(|owner| (owner, Instant::now()));
    }

    pub fn tell(&self, attempt: u64, progress: Progress) {
        self.observer.event(&Event {
            item: self.item,
            key: self.key,
            attempt,
            progress,
        });
    }

    /// Returns what is left of the call's time.
    pub fn left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Returns whether the call must stop, and why.
    pub fn stop(&mut self) -> Option<Stop> {
        if self.observer.interrupted() {
            return Some(Stop::Canceled);
        }
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            return Some(Stop::Timeout);
        }
        let (owner, looked) = self.claimed.as_mut()?;
        if now.saturating_duration_since(*looked) < LOOK {
            return None;
        }
        *looked = now;
        // An error here comes up again when the result is written.
        let found = claim::find(&self.store.snapshot().ok()?, self.key).ok()?;
        match found {
            Some(claim) if claim.owner == *owner => claim.cancel.then_some(Stop::Requested),
            _ => Some(Stop::Lost),
        }
    }

    /// Waits, unless it must stop.
    pub fn sleep(&mut self, time: Duration) -> Option<Stop> {
        let until = Instant::now() + time;
        loop {
            if let Some(stop) = self.stop() {
                return Some(stop);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            std::thread::sleep(left.min(TICK));
        }
    }
}
