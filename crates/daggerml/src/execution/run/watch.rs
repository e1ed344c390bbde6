//! How long somebody else's claim at a remote is waited for.
//!
//! Clocks of machines are not compared. Whoever waits measures by its own clock how long the claim
//! did not change, which is never longer than it really was.

use std::time::{Duration, Instant};

use crate::transfer::remote::{RemoteClaim, SeenCall, SharedState};
use crate::transfer::transport::Etag;

/// Somebody else's claim, as it was seen last.
pub(super) struct Watch {
    /// Its mark.
    pub etag: Etag,
    lease: Duration,
    /// Since when it has been like that, as far as is known.
    since: Instant,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// It did not change.
    Unchanged,
    /// It was renewed, or another one took its place.
    Renewed,
    /// There is no claim any more: a result, or nothing.
    Gone,
}

impl Watch {
    /// Begins to watch a claim that was just seen.
    pub fn new(etag: Etag, claim: &RemoteClaim, now: Instant) -> Self {
        Self {
            etag,
            lease: claim.lease,
            since: now,
        }
    }

    /// Takes note of what is there now.
    pub fn see(&mut self, seen: SeenCall, now: Instant) -> Watched {
        match seen {
            SeenCall::Unchanged => Watched::Unchanged,
            SeenCall::There(etag, call) => match call.state {
                SharedState::Claimed(claim) => {
                    *self = Self::new(etag, &claim, now);
                    Watched::Renewed
                }
                _ => Watched::Gone,
            },
            SeenCall::Free(_) => Watched::Gone,
        }
    }

    /// Takes note that what was seen last is of this age.
    pub fn is_aged(&mut self, age: Duration, now: Instant) {
        let began = now.checked_sub(age).unwrap_or(self.since);
        self.since = self.since.min(began);
    }

    /// Returns whether the claim counts no longer.
    pub fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= self.lease
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::record::{CallKey, Time};
    use crate::transfer::remote::{Claiming, Over, Remote, SharedCall};
    use crate::transfer::transport::Address;

    const LEASE: Duration = Duration::from_mins(1);
    /// How long a run takes, by the clock of who runs it.
    const RUN: Duration = Duration::from_secs(150);
    /// The longest time between two moments at which something happens.
    const STEP: u64 = 9_000;

    fn key() -> CallKey {
        CallKey::from_bytes([7; 32])
    }

    enum Doing {
        Nothing(Over),
        Waiting(Watch),
        Running {
            etag: Etag,
            beat: u64,
            renewed: Instant,
            ends: Instant,
        },
        Done(Vec<u8>),
    }

    /// A machine with a clock of its own, which shows another time and goes at another pace.
    struct Machine {
        remote: Remote,
        started: Instant,
        pace: u32,
        token: u8,
        doing: Doing,
        /// Until when it sleeps, by the time that passes.
        asleep: u64,
    }

    /// All machines, the time in milliseconds, and what really happened.
    struct World {
        machines: Vec<Machine>,
        place: std::path::PathBuf,
        now: u64,
        /// The blob of the call, and since when it is like that.
        blob: Option<Vec<u8>>,
        changed: u64,
        runs: usize,
        tokens: u8,
    }

    fn call(state: SharedState) -> SharedCall {
        SharedCall {
            who: "me".to_owned(),
            when: Time(0),
            state,
        }
    }

    fn claim(token: u8, beat: u64) -> SharedCall {
        call(SharedState::Claimed(RemoteClaim {
            token: [token; 16],
            beat,
            lease: LEASE,
        }))
    }

    impl World {
        fn new(folder: &Path, paces: &[u32]) -> Self {
            let place = folder.join("remote");
            let address = Address::parse(place.to_str().unwrap(), folder).unwrap();
            let base = Instant::now();
            let machines = paces.iter().enumerate().map(|(number, pace)| Machine {
                remote: Remote::at("origin", &address).unwrap(),
                started: base + Duration::from_secs(1_000_000 * number as u64),
                pace: *pace,
                token: u8::try_from(number).unwrap(),
                doing: Doing::Nothing(Over::default()),
                asleep: 0,
            });
            Self {
                machines: machines.collect(),
                place,
                now: 0,
                blob: None,
                changed: 0,
                runs: 0,
                tokens: u8::try_from(paces.len()).unwrap(),
            }
        }

        /// What a time that passes is on the clock of a machine.
        fn by(machine: &Machine, time: u64) -> Duration {
            Duration::from_millis(time * u64::from(machine.pace) / 100)
        }

        fn read(&self) -> Option<Vec<u8>> {
            let name = crate::id::ObjectId::from_bytes(*key().as_bytes()).to_string();
            std::fs::read(self.place.join("calls").join(&name[..2]).join(name)).ok()
        }

        /// Lets a machine do what it would now; whatever it does, the promises hold.
        fn act(&mut self, number: usize) {
            let before = self.blob.clone();
            let held = before.as_deref().and_then(holder);
            let machine = &mut self.machines[number];
            if machine.asleep > self.now {
                return;
            }
            let now = machine.started + Self::by(machine, self.now);
            let doing = std::mem::replace(&mut machine.doing, Doing::Nothing(Over::default()));
            let mut was_running = false;
            machine.doing = match doing {
                Doing::Nothing(over) => {
                    let mine = claim(machine.token, 0);
                    match machine.remote.claim_call(key(), &mine, &over).unwrap() {
                        Claiming::Mine(etag) => {
                            self.runs += 1;
                            if let Some(other) = held {
                                assert_ne!(other, machine.token);
                                let unchanged = Self::by(machine, self.now - self.changed);
                                let exact = Duration::from_millis(1);
                                assert!(unchanged + exact >= LEASE, "after {unchanged:?}");
                            }
                            Doing::Running {
                                etag,
                                beat: 0,
                                renewed: now,
                                ends: now + RUN,
                            }
                        }
                        Claiming::Busy(etag, claim) => {
                            Doing::Waiting(Watch::new(etag, &claim, now))
                        }
                        Claiming::Made(_, call) => Doing::Done(result(&call)),
                    }
                }
                Doing::Waiting(mut watch) => {
                    let seen = machine
                        .remote
                        .shared_call(key(), Some(&watch.etag))
                        .unwrap();
                    match watch.see(seen, now) {
                        Watched::Gone => Doing::Nothing(Over::default()),
                        Watched::Unchanged if watch.is_over(now) => Doing::Nothing(Over {
                            etag: Some(watch.etag),
                            token: None,
                        }),
                        _ => Doing::Waiting(watch),
                    }
                }
                Doing::Running { etag, ends, .. } if ends <= now => {
                    was_running = true;
                    let made = call(SharedState::Made(vec![machine.token]));
                    let taken = machine.remote.offer_result(key(), &made, Some(etag));
                    let first = before.as_deref().is_none_or(|bytes| !is_result(bytes));
                    assert_eq!(taken.unwrap(), first, "the first result stays");
                    Doing::Nothing(Over::default()) // It reads what stayed.
                }
                Doing::Running {
                    etag,
                    beat,
                    renewed,
                    ends,
                } if renewed + LEASE / 3 <= now => {
                    was_running = true;
                    let mine = claim(machine.token, beat + 1);
                    let renewal = machine.remote.renew_claim(key(), &mine, &etag).unwrap();
                    let is_mine = held == Some(machine.token);
                    assert_eq!(renewal.is_some(), is_mine, "who lost a claim is told");
                    Doing::Running {
                        etag: renewal.unwrap_or(etag),
                        beat: beat + 1,
                        renewed: now,
                        ends,
                    }
                }
                doing => doing,
            };
            let after = self.read();
            if let Some(before) = before.as_deref().filter(|bytes| is_result(bytes)) {
                assert_eq!(after.as_deref(), Some(before), "a result stays");
            }
            if was_running && held.is_some_and(|held| held != self.machines[number].token) {
                let is_kept = after == before || after.as_deref().is_some_and(is_result);
                assert!(
                    is_kept,
                    "another's claim makes way for nothing but a result"
                );
            }
            if after != before {
                (self.blob, self.changed) = (after, self.now);
            }
        }

        /// Lets a machine forget everything, as when it is started again.
        fn crash(&mut self, number: usize) {
            let machine = &mut self.machines[number];
            machine.token = self.tokens;
            self.tokens += 1;
            machine.doing = Doing::Nothing(Over::default());
        }

        fn is_done(&self) -> bool {
            let done = |machine: &Machine| matches!(machine.doing, Doing::Done(_));
            self.machines.iter().all(done)
        }

        /// Lets time pass, and every machine act, until all have a result.
        fn end(&mut self) {
            for _ in 0..1000 {
                if self.is_done() {
                    break;
                }
                self.now += STEP / 3;
                for number in 0..self.machines.len() {
                    self.act(number);
                }
            }
            let result = |machine: &Machine| match &machine.doing {
                Doing::Done(result) => result.clone(),
                _ => panic!("somebody waits for ever"),
            };
            let results: Vec<_> = self.machines.iter().map(result).collect();
            assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    fn decoded(bytes: &[u8]) -> SharedState {
        SharedCall::decode(bytes, key()).unwrap().state
    }

    fn is_result(bytes: &[u8]) -> bool {
        decoded(bytes).is_result()
    }

    fn holder(bytes: &[u8]) -> Option<u8> {
        match decoded(bytes) {
            SharedState::Claimed(claim) => Some(claim.token[0]),
            _ => None,
        }
    }

    fn result(call: &SharedCall) -> Vec<u8> {
        match &call.state {
            SharedState::Made(bytes) => bytes.clone(),
            other => panic!("no result: {other:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_promises_of_claims_hold_whatever_clocks_and_machines_do(
            paces in proptest::collection::vec(25_u32..400, 2..5),
            moves in proptest::collection::vec((0_usize..5, 0_u64..STEP, 0_u8..40), 10..80),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut world = World::new(folder.path(), &paces);
            for (who, time, what) in moves {
                world.now += time;
                let who = who % paces.len();
                match what {
                    0 => world.crash(who),
                    1 => world.machines[who].asleep = world.now + 5 * STEP,
                    2 => world.machines[who].asleep = world.now + 50 * STEP,
                    _ => world.act(who),
                }
            }
            world.end();
            prop_assert!(world.runs >= 1);
        }

        #[test]
        fn one_machine_runs_a_call_while_all_are_awake(
            paces in proptest::collection::vec(80_u32..120, 2..5),
            times in proptest::collection::vec(0_u64..STEP, 1..60),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut world = World::new(folder.path(), &paces);
            for time in times {
                world.now += time;
                (0..paces.len()).for_each(|who| world.act(who));
            }
            world.end();
            prop_assert_eq!(world.runs, 1);
        }
    }
}
