//! One adapter process: a request in, an answer out.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::protocol::{Answer, MAX_ANSWER};
use super::registry::AdapterCommand;
use crate::channel::{Receiver, channel};
use crate::process::group::{self, Group};
use crate::process::spawner::{self, GRACE};
use crate::process::{self, Capture, Listener, Started, StderrLog};
use crate::threads;

/// How often a waiting caller looks whether it must stop.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// A request up to this length fits into a pipe, so that writing it never waits.
const SHORT: usize = 4096;

/// How long a process that closed its output may take to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why there is no answer.
pub(crate) enum Trouble<S> {
    /// The program could not be started.
    NotStarted(String),
    /// The process ended, or closed its output.
    Crashed(String),
    /// What it wrote is not an answer.
    Garbage(String),
    /// It took too long.
    Late,
    /// The caller wants to stop.
    Stopped(S),
}

enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// A running adapter.
pub(crate) struct Process {
    /// Its number in its pool.
    pub number: u64,
    group: Group,
    stdin: Option<ChildStdin>,
    lines: Receiver<Line>,
    capture: Capture,
    requests: u64,
    /// Since when nothing was asked of it.
    pub idle: Instant,
}

impl Process {
    pub fn start(command: &AdapterCommand, number: u64) -> std::io::Result<Self> {
        let mut start = Command::new(&command.program);
        start.args(&command.args);
        let Started {
            group,
            stdin,
            stdout,
            capture,
        } = process::start(start)?;
        Ok(Self {
            number,
            group,
            stdin: Some(stdin),
            lines: read_lines(stdout)?,
            capture,
            requests: 0,
            idle: Instant::now(),
        })
    }

    /// Sends the line that `line` makes of a request's number, and waits for the
    /// answer until `until`. `stop` is asked now and then whether to give up.
    pub fn ask<S>(
        &mut self,
        line: impl FnOnce(u64) -> Vec<u8>,
        until: Option<Instant>,
        stop: &mut dyn FnMut() -> Option<S>,
    ) -> Result<Answer, Trouble<S>> {
        self.requests += 1;
        let written = self.write(line(self.requests));
        loop {
            if let Some(stopped) = stop() {
                return Err(Trouble::Stopped(stopped));
            }
            let now = Instant::now();
            let wait = match until {
                Some(until) if until <= now => return Err(Trouble::Late),
                Some(until) => TICK.min(until - now),
                None => TICK,
            };
            match self.lines.recv_timeout(wait) {
                Ok(Line::Whole(line)) => {
                    let answer = Answer::decode(&line, self.requests).map_err(Trouble::Garbage)?;
                    self.stdin = written.into_stdin().or(self.stdin.take());
                    self.idle = Instant::now();
                    return Ok(answer);
                }
                Ok(Line::TooLong) => {
                    return Err(Trouble::Garbage(format!(
                        "its answer is longer than {MAX_ANSWER} bytes"
                    )));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.crashed()),
            }
        }
    }

    /// Writes a line: a long one on another thread, since it may have to wait.
    fn write(&mut self, line: Vec<u8>) -> Writing {
        let Some(mut stdin) = self.stdin.take() else {
            return Writing::Done(None);
        };
        if line.len() <= SHORT {
            // When it fails the process has ended, which is seen at its output.
            let _ = stdin.write_all(&line);
            return Writing::Done(Some(stdin));
        }
        let (tell, told) = channel();
        let write = move || {
            let _ = stdin.write_all(&line);
            let _ = tell.send(stdin);
        };
        match threads::start("dml-request", Box::new(write)) {
            Ok(()) => Writing::Elsewhere(told),
            Err(_) => Writing::Done(None), // Its input is closed now, so it will end.
        }
    }

    fn crashed<S>(&mut self) -> Trouble<S> {
        let ended = self.group.wait(LAST_WORDS);
        let detail = match self.group.kill() {
            Some(status) if ended => {
                format!("it {} before it answered", group::describe(status))
            }
            _ => "it closed its standard output before it answered".to_owned(),
        };
        Trouble::Crashed(detail)
    }

    /// Returns the process, if it can be asked.
    pub fn if_usable(mut self) -> Option<Self> {
        (self.stdin.is_some() && !self.group.has_ended()).then_some(self)
    }

    /// Tells `listener`, from now on, what it writes to standard error.
    pub fn tell_log(&self, listener: Option<Listener>) {
        self.capture.tell(listener);
    }

    /// Takes what it wrote to standard error so far.
    pub fn take_log(&self) -> StderrLog {
        self.capture.take()
    }

    /// Lets it end by itself, without waiting.
    pub fn retire(mut self) {
        self.stdin = None;
        spawner::retire(self.group);
    }

    /// Stops it, with all that it started; what it had to say.
    pub fn stop(mut self) -> StderrLog {
        self.stdin = None;
        self.group.terminate();
        self.group.wait(GRACE);
        self.group.kill();
        self.take_log()
    }
}

/// A request on its way.
enum Writing {
    Done(Option<ChildStdin>),
    Elsewhere(Receiver<ChildStdin>),
}

impl Writing {
    /// Standard input, for the next request. After an answer the request was read.
    fn into_stdin(self) -> Option<ChildStdin> {
        match self {
            Self::Done(stdin) => stdin,
            Self::Elsewhere(told) => told.recv_timeout(LAST_WORDS).ok(),
        }
    }
}

fn read_lines(stdout: ChildStdout) -> std::io::Result<Receiver<Line>> {
    let (tell, told) = channel();
    let read = move || {
        let mut from = BufReader::with_capacity(64 << 10, stdout);
        loop {
            let mut line = Vec::new();
            match from
                .by_ref()
                .take(MAX_ANSWER + 1)
                .read_until(b'\n', &mut line)
            {
                Ok(_) if line.last() == Some(&b'\n') => {
                    if tell.send(Line::Whole(line)).is_err() {
                        return;
                    }
                }
                Ok(_) if line.len() as u64 > MAX_ANSWER => {
                    let _ = tell.send(Line::TooLong);
                    return;
                }
                _ => return, // The end, or half a line, which is not an answer.
            }
        }
    };
    threads::start("dml-answers", Box::new(read))?;
    Ok(told)
}
