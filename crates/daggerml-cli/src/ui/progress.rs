//! How far a long operation is: one line on standard error, only on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use daggerml::maintenance::Step;
use daggerml::transfer::remote;

use super::text;

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
        let Step { phase, done, total } = step;
        self.show(|| match total {
            Some(total) if total > 0 => {
                let percent = done.min(total) * 100 / total;
                format!("{phase}: {percent}% ({done} of {total})")
            }
            _ => format!("{phase}: {done}"),
        });
    }

    /// Tells how much was carried to or from a remote.
    pub fn carried(&mut self, step: &remote::Step) {
        self.show(|| {
            let phase = step.phase.as_str();
            let objects = text::count(step.objects, "object");
            let bytes = text::size(step.bytes);
            match step.total {
                Some(total) if total > 0 => {
                    let percent = step.bytes.min(total) * 100 / total;
                    format!("{phase}: {percent}% ({objects}, {bytes})")
                }
                _ => format!("{phase}: {objects}, {bytes}"),
            }
        });
    }

    /// Writes the line, if it is time for that.
    fn show(&mut self, line: impl FnOnce() -> String) {
        if !self.wanted || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + PACE;
        self.shown = true;
        let mut err = io::stderr().lock();
        let _ = write!(err, "\r\x1b[K{}", line());
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
