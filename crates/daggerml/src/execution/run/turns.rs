//! Turns: how many calls of a map run at once, and how many are made ready ahead of that.
//!
//! A call is claimed before it runs and written down afterwards, each in a durable transaction.
//! While calls are short, the next ones are claimed ahead: then several share a transaction,
//! and no process waits for the disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most calls that are claimed ahead.
pub(crate) const MOST_AHEAD: usize = 32;

/// How long a call that is claimed ahead should wait for its turn.
const AHEAD: Duration = Duration::from_millis(20);

/// The turns of a map.
pub(crate) struct Turns {
    state: Mutex<State>,
    /// How many calls run at once.
    most: usize,
    /// Told when a call may be made ready, and when one may run.
    ready: Condvar,
    free: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    /// How many are made ready or wait for their turn.
    waiting: usize,
    /// How long a turn takes, of late.
    usual: Option<Duration>,
    over: bool,
}

impl State {
    /// Returns how many calls may be made ready ahead: none where one runs at a time, since
    /// they begin in order there.
    fn ahead(&self, most: usize) -> usize {
        let Some(usual) = self.usual.filter(|_| most > 1) else {
            return 0;
        };
        let parts = AHEAD.as_nanos() / usual.as_nanos().max(1);
        usize::try_from(parts)
            .unwrap_or(usize::MAX)
            .saturating_mul(most)
            .min(MOST_AHEAD)
    }

    fn has_room(&self, most: usize) -> bool {
        self.over || self.waiting < most.saturating_sub(self.running) + self.ahead(most)
    }
}

impl Turns {
    /// Makes turns for `most` calls at once.
    pub fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            most,
            ready: Condvar::new(),
            free: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets no further call begin.
    pub fn end(&self) {
        self.state().over = true;
        self.ready.notify_all();
        self.free.notify_all();
    }

    /// Waits until a call may be made ready. `None` when no further call may begin.
    pub fn place(self: &Arc<Self>) -> Option<Place> {
        let mut state = self
            .ready
            .wait_while(self.state(), |state| !state.has_room(self.most))
            .unwrap_or_else(PoisonError::into_inner);
        if state.over {
            return None;
        }
        state.waiting += 1;
        if state.has_room(self.most) {
            self.ready.notify_one(); // What ended may have made room for several.
        }
        Some(Place {
            turns: Arc::clone(self),
            at: At::Waiting,
            had_turn: false,
        })
    }
}

enum At {
    Waiting,
    Running(Instant),
    Nowhere,
}

/// The place of a call in a map.
pub(crate) struct Place {
    turns: Arc<Turns>,
    at: At,
    had_turn: bool,
}

impl Place {
    /// Returns whether no further call may begin.
    pub fn is_over(&self) -> bool {
        self.turns.state().over
    }

    /// Returns whether it has run, or runs.
    pub fn had_turn(&self) -> bool {
        self.had_turn
    }

    /// Waits for its turn, but not longer than `limit`. Returns whether it has it.
    pub fn take_turn(&mut self, limit: Duration) -> bool {
        if matches!(self.at, At::Running(_)) {
            return true;
        }
        let turns = Arc::clone(&self.turns);
        let (state, _) = turns
            .free
            .wait_timeout_while(turns.state(), limit, |state| {
                state.running >= turns.most && !state.over
            })
            .unwrap_or_else(PoisonError::into_inner);
        // One that has run goes on: others may wait for what it has claimed.
        let over = state.over && !self.had_turn;
        if over || state.running >= turns.most {
            return false;
        }
        self.run(state);
        true
    }

    /// Takes its turn, whether one is free or not.
    pub fn go_on(&mut self) {
        if !matches!(self.at, At::Running(_)) {
            let turns = Arc::clone(&self.turns);
            self.run(turns.state());
        }
    }

    fn run(&mut self, mut state: MutexGuard<'_, State>) {
        if matches!(self.at, At::Waiting) {
            state.waiting -= 1;
        }
        state.running += 1;
        drop(state);
        self.turns.ready.notify_one();
        self.at = At::Running(Instant::now());
        self.had_turn = true;
    }

    /// Ends its turn: another one may run.
    pub fn end_turn(&mut self) {
        let mut state = self.turns.state();
        match std::mem::replace(&mut self.at, At::Nowhere) {
            At::Waiting => state.waiting -= 1,
            At::Running(since) => {
                state.running -= 1;
                let took = since.elapsed();
                let usual = state.usual.map_or(took, |usual| (usual * 7 + took) / 8);
                state.usual = Some(usual);
            }
            At::Nowhere => {}
        }
        drop(state);
        self.turns.free.notify_one();
        self.turns.ready.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.end_turn();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_made_ready_ahead_before_it_is_known_how_long_they_take() {
        let turns = Arc::new(Turns::new(2));
        let mut first = turns.place().unwrap();
        let mut second = turns.place().unwrap();
        assert!(first.take_turn(Duration::ZERO) && second.take_turn(Duration::ZERO));
        assert!(!turns.state().has_room(2));
        drop(first);
        turns.state().usual = Some(Duration::from_secs(1));
        let mut third = turns.place().unwrap();
        assert!(!turns.state().has_room(2));
        turns.state().usual = Some(Duration::from_millis(1));
        let mut fourth = turns.place().unwrap();
        assert!(third.take_turn(Duration::ZERO));
        assert!(!fourth.take_turn(Duration::ZERO));
        assert!(!fourth.had_turn());
        second.end_turn();
        assert!(fourth.take_turn(Duration::ZERO));
    }

    #[test]
    fn there_are_never_more_ahead_than_the_most() {
        for (most, ready) in [(1, 1), (2, 2 + MOST_AHEAD)] {
            let turns = Arc::new(Turns::new(most));
            turns.state().usual = Some(Duration::ZERO);
            let places: Vec<_> = std::iter::from_fn(|| {
                let room = turns.state().has_room(most);
                room.then(|| turns.place().unwrap())
            })
            .collect();
            assert_eq!(places.len(), ready);
            drop(places);
            assert_eq!(turns.state().waiting, 0);
        }
    }

    #[test]
    fn at_the_end_only_those_go_on_that_have_run() {
        let turns = Arc::new(Turns::new(2));
        turns.state().usual = Some(Duration::ZERO);
        let (mut had, mut had_not) = (turns.place().unwrap(), turns.place().unwrap());
        assert!(had.take_turn(Duration::ZERO));
        had.end_turn();
        turns.end();
        assert!(had.is_over() && turns.place().is_none());
        assert!(!had_not.take_turn(Duration::MAX));
        assert!(had.take_turn(Duration::ZERO));
        had.go_on();
        had_not.go_on();
        assert_eq!(turns.state().running, 2);
        drop((had, had_not));
        let state = turns.state();
        assert_eq!((state.running, state.waiting), (0, 0));
    }
}
