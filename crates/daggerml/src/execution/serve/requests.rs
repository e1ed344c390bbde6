//! For adapters: the lines of standard input, read as they come.
//!
//! A thread of its own reads them, so that the end of the input is noticed at once, also while
//! a request is worked on: then the process and all that it started end.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::guard;

/// What a wait for a line came to.
#[derive(Debug, PartialEq, Eq)]
pub enum NextLine {
    /// A line, with what ends it.
    Line(Vec<u8>),
    /// The input has ended.
    End,
    /// Nothing came in time.
    Nothing,
}

/// The requests on standard input. Whoever uses standard input afterwards does not get them.
pub struct Requests(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    ended: bool,
    busy: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads all lines. Blank ones are skipped.
    fn read(&self, input: File) {
        let mut input = BufReader::with_capacity(64 << 10, input);
        loop {
            let mut line = Vec::new();
            let read = input.read_until(b'\n', &mut line);
            let mut state = self.state();
            if !matches!(read, Ok(length) if length > 0) {
                state.ended = true;
                if state.busy {
                    guard::end_group();
                }
                self.changed.notify_all();
                return;
            }
            if !line.trim_ascii().is_empty() {
                state.lines.push_back(line);
                self.changed.notify_all();
            }
        }
    }
}

impl Requests {
    /// Begins to read standard input.
    pub fn new() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (reads, input) = (Arc::clone(&shared), input()?);
        crate::threads::start("dml-requests", Box::new(move || reads.read(input)))?;
        Ok(Self(shared))
    }

    /// Waits for the next line, but not longer than `limit`.
    pub fn next(&self, limit: Duration) -> NextLine {
        let state = self.0.state();
        let (mut state, _) = self
            .0
            .changed
            .wait_timeout_while(state, limit, |state| state.lines.is_empty() && !state.ended)
            .unwrap_or_else(PoisonError::into_inner);
        match state.lines.pop_front() {
            Some(line) => NextLine::Line(line),
            None if state.ended => NextLine::End,
            None => NextLine::Nothing,
        }
    }

    /// Says whether a request is worked on, so that the end of the input must end this process
    /// with all that it started. If the input has ended already, that is now.
    pub fn set_busy(&self, busy: bool) {
        let mut state = self.0.state();
        state.busy = busy;
        if busy && state.ended {
            guard::end_group();
        }
    }
}

/// Returns standard input under a number of its own.
fn input() -> io::Result<File> {
    #[cfg(unix)]
    let own = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?;
    #[cfg(windows)]
    let own = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned()?;
    Ok(File::from(own))
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    #[test]
    fn lines_come_in_order_and_blank_ones_are_skipped() {
        let mut input = tempfile::tempfile().unwrap();
        input.write_all(b"one\n\n  \ntwo\nhalf").unwrap();
        input.rewind().unwrap();
        let requests = Requests(Arc::default());
        assert_eq!(requests.next(Duration::ZERO), NextLine::Nothing);
        requests.0.read(input);
        for line in [&b"one\n"[..], b"two\n", b"half"] {
            assert_eq!(requests.next(Duration::ZERO), NextLine::Line(line.to_vec()));
        }
        assert_eq!(requests.next(Duration::MAX), NextLine::End);
        requests.set_busy(false);
        assert_eq!(requests.next(Duration::MAX), NextLine::End);
    }
}
