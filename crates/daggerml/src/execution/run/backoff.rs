//! How long to wait before trying again, and how often at all.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The first wait before a retry ...
const FIRST: Duration = Duration::from_millis(200);

/// ... and the longest.
const LONGEST: Duration = Duration::from_secs(30);

/// The longest wait that a failed call can ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// The first look whether another's call has ended ...
const FIRST_LOOK: Duration = Duration::from_millis(1);

/// ... and the longest wait between two looks.
const LONGEST_LOOK: Duration = Duration::from_millis(100);

/// The first look at a remote whether somebody else's call has ended ...
const FIRST_LOOK_THERE: Duration = Duration::from_millis(200);

/// ... and the longest wait between two looks.
const LONGEST_LOOK_THERE: Duration = Duration::from_secs(5);

/// `time` shortened at random, to a half at most, so that many do not act at once.
fn jittered(time: Duration) -> Duration {
    // Without random numbers the full time will do.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    time.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(20)).min(longest)
}

/// Returns how long to wait after the failure with this number, from 0; not less than what was
/// `asked` for, within reason.
pub(crate) fn retry(failures: u32, asked: Option<Duration>) -> Duration {
    jittered(doubled(FIRST, failures, LONGEST)).max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// Returns how long to wait before the look with this number, from 0.
pub(crate) fn look(looks: u32) -> Duration {
    jittered(doubled(FIRST_LOOK, looks, LONGEST_LOOK))
}

/// Returns how long to wait before the look at a remote with this number, from 0.
pub(crate) fn look_there(looks: u32) -> Duration {
    jittered(doubled(FIRST_LOOK_THERE, looks, LONGEST_LOOK_THERE))
}

/// Allows retries as a share of the calls, so that an outage is not made worse.
pub(crate) struct Budget(Mutex<f64>);

impl Budget {
    const START: f64 = 10.0;
    const EACH_CALL: f64 = 0.2;
    const MOST: f64 = 100.0;

    pub fn new() -> Self {
        Self(Mutex::new(Self::START))
    }

    /// Notes that a call is run.
    pub fn call(&self) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = (*left + Self::EACH_CALL).min(Self::MOST);
    }

    /// Takes a retry out. Returns whether there was one.
    pub fn retry(&self) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *left >= 1.0;
        if enough {
            *left -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit() {
        for failures in 0..100 {
            let full = doubled(FIRST, failures, LONGEST);
            let wait = retry(failures, None);
            assert!(wait <= full && wait >= full / 2, "{failures}: {wait:?}");
            assert!(look(failures) <= LONGEST_LOOK);
        }
        assert!(retry(100, None) >= LONGEST / 2);
        assert_eq!(
            retry(0, Some(Duration::from_secs(7))),
            Duration::from_secs(7)
        );
        assert_eq!(retry(0, Some(Duration::MAX)), LONGEST_ASKED);
    }

    #[test]
    fn the_budget_runs_out_and_fills_with_calls() {
        let budget = Budget::new();
        let allowed = (0..100).filter(|_| budget.retry()).count();
        assert_eq!(allowed, 10);
        (0..6).for_each(|_| budget.call());
        assert!(budget.retry() && !budget.retry());
        (0..10_000).for_each(|_| budget.call());
        assert_eq!((0..1000).filter(|_| budget.retry()).count(), 100);
    }
}
