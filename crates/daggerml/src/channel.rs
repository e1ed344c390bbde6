//! Channels between threads.
//!
//! Those of the standard library are three kinds in one, and all three are compiled for
//! each type that is sent: 4 kB of a wheel every time. These do what the engine needs: one
//! who receives, several who send, and a limit to the wait. Errors are the library's.

use std::collections::VecDeque;
use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

struct State<T> {
    queue: VecDeque<T>,
    senders: usize,
    received: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// Whether who sends waits until it is taken.
    handed_over: bool,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One end: what is sent comes out of the other, in order.
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The other end.
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

/// Returns the ends of a channel that takes any number at once.
pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    ends(false)
}

/// Returns the ends of a channel in which nothing lies: who sends waits until it is taken,
/// and is the only one who sends.
pub(crate) fn handover<T>() -> (Sender<T>, Receiver<T>) {
    ends(true)
}

fn ends<T>(handed_over: bool) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            queue: VecDeque::new(),
            senders: 1,
            received: true,
        }),
        changed: Condvar::new(),
        handed_over,
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Sends `item`; gives it back when nobody receives any more.
    pub fn send(&self, item: T) -> Result<(), SendError<T>> {
        let shared = &*self.0;
        let mut state = shared.state();
        if !state.received {
            return Err(SendError(item));
        }
        state.queue.push_back(item);
        shared.changed.notify_all();
        if !shared.handed_over {
            return Ok(());
        }
        while state.received && !state.queue.is_empty() {
            let waited = shared.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        // What is left, nobody will take.
        match state.queue.pop_back() {
            Some(item) => Err(SendError(item)),
            None => Ok(()),
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.state().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.state().senders -= 1;
        self.0.changed.notify_all();
    }
}

impl<T> Receiver<T> {
    /// Waits for the next item; an error when there will be none.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.next_until(None).map_err(|_| RecvError)
    }

    /// Waits for the next item, but not longer than `limit`.
    pub fn recv_timeout(&self, limit: Duration) -> Result<T, RecvTimeoutError> {
        self.next_until(Instant::now().checked_add(limit))
    }

    fn next_until(&self, end: Option<Instant>) -> Result<T, RecvTimeoutError> {
        let shared = &*self.0;
        let mut state = shared.state();
        loop {
            if let Some(item) = state.queue.pop_front() {
                if shared.handed_over {
                    shared.changed.notify_all();
                }
                return Ok(item);
            }
            if state.senders == 0 {
                return Err(RecvTimeoutError::Disconnected);
            }
            state = match end {
                None => {
                    let waited = shared.changed.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(RecvTimeoutError::Timeout);
                    }
                    let waited = shared.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.state();
            state.received = false;
            // With handover, whoever waits takes it back.
            if self.0.handed_over {
                VecDeque::new()
            } else {
                std::mem::take(&mut state.queue)
            }
        };
        self.0.changed.notify_all();
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_sent_comes_in_order_until_all_senders_are_gone() {
        let (tell, told) = channel();
        let more = tell.clone();
        thread::spawn(move || (0..1000).for_each(|n| tell.send(n).unwrap()));
        for n in 0..1000 {
            assert_eq!(told.recv(), Ok(n));
        }
        more.send(7).unwrap();
        drop(more);
        assert_eq!(told.recv(), Ok(7));
        assert_eq!(told.recv(), Err(RecvError));
        let nothing = told.recv_timeout(Duration::MAX);
        assert_eq!(nothing, Err(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn a_wait_has_an_end() {
        let (tell, told) = channel::<u8>();
        let limit = Duration::from_millis(1);
        assert_eq!(told.recv_timeout(limit), Err(RecvTimeoutError::Timeout));
        assert_eq!(
            told.recv_timeout(Duration::ZERO),
            Err(RecvTimeoutError::Timeout)
        );
        tell.send(1).unwrap();
        assert_eq!(told.recv_timeout(Duration::ZERO), Ok(1));
    }

    #[test]
    fn what_nobody_takes_is_given_back() {
        let (tell, told) = channel();
        tell.send("lost").unwrap();
        drop(told);
        assert_eq!(tell.send("x").unwrap_err().0, "x");
        let (tell, told) = handover();
        let waits = thread::spawn(move || tell.send("y").unwrap_err().0);
        while told.0.state().queue.is_empty() {
            thread::yield_now();
        }
        drop(told);
        assert_eq!(waits.join().unwrap(), "y");
    }

    #[test]
    fn a_handover_holds_one_at_a_time() {
        let (tell, told) = handover();
        let sends = thread::spawn(move || (0..100).for_each(|n| tell.send(n).unwrap()));
        for n in 0..100 {
            assert!(told.0.state().queue.len() <= 1);
            assert_eq!(told.recv(), Ok(n));
        }
        assert_eq!(told.recv(), Err(RecvError));
        sends.join().unwrap();
    }
}
