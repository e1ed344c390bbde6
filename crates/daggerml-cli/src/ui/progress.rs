//! How far a long operation is: one line on standard error, only on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use daggerml::maintenance::Step;

/// How often the line is written anew.
const PACE: Duration = Duration::from_millis(100);

/// The line. It is removed when this is dropped.
pub struct Progress {
    wanted: bool,
    shown: bool,
    next: Instant,
}

impl Progress {
    pub(super) fn new(wanted: bool) -> Self {
        let smart = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self {
            wanted: wanted && smart && io::stderr().is_terminal(),
            shown: false,
            // Short operations show nothing.
            next: Instant::now() + 3 * PACE,
        }
    }

    /// Tells how far it is.
    pub fn step(&mut self, step: Step) {
        if !self.wanted || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PACE;
        self.shown = true;
        let Step { phase, done, total } = step;
        let mut err = io::stderr().lock();
        let _ = match total {
            Some(total) if total > 0 => {
                let percent = done.min(total) * 100 / total;
                write!(err, "\r\x1b[K{phase}: {percent}% ({done} of {total})")
            }
            _ => write!(err, "\r\x1b[K{phase}: {done}"),
        };
        let _ = err.flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
