//! A helper process. Several threads may ask it at once; answers come in any order.

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::commands::HelperCommand;
use super::message::{self, Members, PROTOCOL};
use super::secrets::without_secrets;
use crate::channel::{Receiver, Sender, channel};
use crate::process::group::{self, Group};
use crate::process::{self, Capture, Started, spawner};
use crate::threads;

/// How long a process that closed its output may take to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// An answer: its members and its body.
pub(super) type Message = (Members, Vec<u8>);

/// Why there is no answer.
pub(super) enum Trouble {
    /// The program could not be started, or ended before it greeted; what happened.
    NotStarted(String),
    /// It could not sign in; what it said.
    Refused(String),
    /// It ended or was too slow: the same request may succeed later.
    Ended(String),
    /// What it wrote is not a message of the protocol.
    Garbage(String),
}

/// Who waits for an answer.
struct Waiter {
    tell: Sender<Message>,
    /// The most bytes of its body.
    most: u64,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Waiter>,
    last_id: u64,
    /// When it last wrote a message.
    heard: Option<Instant>,
    /// Why there are no more answers: garbage, or its end.
    over: Option<Result<(), String>>,
}

/// A helper that has greeted.
pub(super) struct Running {
    state: Arc<Mutex<State>>,
    /// What is to be written; `None` closes its input.
    writes: Option<Sender<(Vec<u8>, Vec<u8>)>>,
    /// `None` when it was given up.
    group: Mutex<Option<Group>>,
    capture: Capture,
    /// The process that started it: a fork of that must leave it alone.
    owner: u32,
}

impl Running {
    /// Starts a helper and reads its greeting.
    pub fn start(command: &HelperCommand, patience: Duration) -> Result<Self, Trouble> {
        let mut start = Command::new(&command.program);
        start.args(&command.args);
        let program = command.program.to_string_lossy();
        let not_started =
            |error| Trouble::NotStarted(format!("{program} cannot be started: {error}"));
        let Started {
            group,
            stdin,
            stdout,
            capture,
        } = process::start(start).map_err(not_started)?;
        let state = Arc::new(Mutex::new(State::default()));
        let (greet, greeted) = channel();
        let (writes, to_write) = channel();
        let reader = Arc::clone(&state);
        let read = Box::new(move || read_all(stdout, &greet, &reader));
        threads::start("dml-answers", read).map_err(not_started)?;
        let write = Box::new(move || write_all(stdin, &to_write));
        threads::start("dml-requests", write).map_err(not_started)?;
        let running = Self {
            state,
            writes: Some(writes),
            group: Mutex::new(Some(group)),
            capture,
            owner: std::process::id(),
        };
        match greeted.recv_timeout(patience) {
            Ok(Ok(())) => Ok(running),
            Ok(Err(detail)) => Err(Trouble::Garbage(running.about_end(&detail))),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = patience.as_secs();
                Err(Trouble::Ended(format!(
                    "{program} did not greet within {seconds} s"
                )))
            }
            Err(RecvTimeoutError::Disconnected) => Err(running.never_greeted(&program)),
        }
    }

    /// Returns why it ended before it greeted.
    fn never_greeted(&self, program: &str) -> Trouble {
        let (how, code) = self.end();
        let said = self.said();
        let detail = format!("{program} {how} before it greeted{said}");
        match code {
            // What `ssh` says of its own failures.
            Some(255) if said.contains("Permission denied") => Trouble::Refused(detail),
            Some(255) => Trouble::Ended(detail),
            _ => Trouble::NotStarted(detail),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether it can be asked.
    pub fn is_usable(&self) -> bool {
        self.owner == std::process::id() && self.state().over.is_none()
    }

    /// Asks, and waits for the answer, whose body may have `most` bytes.
    pub fn ask(
        &self,
        mut members: Members,
        body: &[u8],
        most: u64,
        patience: Duration,
    ) -> Result<Message, Trouble> {
        let (tell, told) = channel();
        let id = {
            let mut state = self.state();
            if state.over.is_some() {
                drop(state);
                return Err(self.trouble());
            }
            state.last_id += 1;
            let id = state.last_id;
            state.waiting.insert(id, Waiter { tell, most });
            id
        };
        members.insert("protocol".to_owned(), PROTOCOL.into());
        members.insert("id".to_owned(), id.into());
        if let Some(writes) = &self.writes {
            // When it fails the process has ended, which is seen at its output.
            let _ = writes.send((message::line(members, body), body.to_vec()));
        }
        let asked = Instant::now();
        loop {
            let since = self.state().heard.map_or(asked, |heard| heard.max(asked));
            let left = patience.saturating_sub(since.elapsed());
            match told.recv_timeout(left) {
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Disconnected) => return Err(self.trouble()),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                    // Whatever it was doing: nothing else can be asked of it either.
                    let seconds = patience.as_secs();
                    self.state().over.get_or_insert(Ok(()));
                    self.kill();
                    return Err(Trouble::Ended(format!(
                        "there was no answer within {seconds} s{}",
                        self.said()
                    )));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn trouble(&self) -> Trouble {
        let garbage = match &self.state().over {
            Some(Err(detail)) => Some(detail.clone()),
            _ => None,
        };
        match garbage {
            Some(detail) => Trouble::Garbage(self.about_end(&detail)),
            None => Trouble::Ended(format!("its helper {}{}", self.end().0, self.said())),
        }
    }

    /// Kills what wrote garbage; the text about that.
    fn about_end(&self, detail: &str) -> String {
        self.kill();
        format!("{}{}", without_secrets(detail), self.said())
    }

    /// Waits a moment for it to end by itself; how it did, and its exit status.
    fn end(&self) -> (String, Option<i32>) {
        let mut place = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(group) = place.as_mut() else {
            return ("was given up".to_owned(), None);
        };
        let ended = group.wait(LAST_WORDS);
        match group.kill() {
            Some(status) if ended => (group::describe(status), status.code()),
            _ => ("closed its standard output".to_owned(), None),
        }
    }

    fn kill(&self) {
        let mut place = self.group.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut group) = place.take() {
            group.kill();
        }
    }

    /// Returns the end of what it wrote to standard error, without secrets.
    fn said(&self) -> String {
        let end = without_secrets(&self.capture.take().end());
        if end.is_empty() {
            return end;
        }
        format!("; it said: {end}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.writes = None; // Its input ends, and so does it.
        let place = self.group.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = place.take()
            && self.owner == std::process::id()
        {
            spawner::retire(group);
        }
    }
}

fn write_all(mut stdin: ChildStdin, to_write: &Receiver<(Vec<u8>, Vec<u8>)>) {
    while let Ok((line, body)) = to_write.recv() {
        if stdin.write_all(&line).is_err() || stdin.write_all(&body).is_err() {
            return; // It has ended, which is seen at its output.
        }
    }
}

fn read_all(stdout: ChildStdout, greet: &Sender<Result<(), String>>, state: &Mutex<State>) {
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let mut from = BufReader::with_capacity(64 << 10, stdout);
    let ended = match message::read(&mut from) {
        Ok(None) => Ok(()),
        greeting => {
            let greeted = greeting.and_then(|members| greets(&members.unwrap_or_default()));
            let fine = greeted.is_ok();
            let _ = greet.send(greeted);
            if fine {
                answers(&mut from, state)
            } else {
                Ok(())
            }
        }
    };
    let mut state = lock();
    state.over.get_or_insert(ended);
    state.waiting.clear(); // This wakes all who wait.
}

fn greets(members: &Members) -> Result<(), String> {
    let protocols = members.get("protocols").and_then(|list| list.as_array());
    match protocols {
        Some(list) if list.iter().any(|each| each.as_u64() == Some(PROTOCOL)) => Ok(()),
        Some(_) => Err(format!("it does not speak protocol {PROTOCOL}")),
        None => Err("its first line is not a greeting".to_owned()),
    }
}

/// Gives each answer to who waits for it, until the end. The error says what was no answer.
fn answers(from: &mut BufReader<ChildStdout>, state: &Mutex<State>) -> Result<(), String> {
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(members) = message::read(from)? {
        let id = members.get("id").and_then(serde_json::Value::as_u64);
        let Some(waiter) = id.and_then(|id| lock().waiting.remove(&id)) else {
            let error = members.get("error").map(ToString::to_string);
            return Err(format!(
                "it answered what was not asked: {}",
                error.as_deref().unwrap_or("an id that no request has")
            ));
        };
        let body = match body_of(from, &members, waiter.most) {
            Ok(body) => body,
            Err(detail) => {
                // Before the waiter is dropped, which wakes who waits.
                lock().over.get_or_insert(Err(detail.clone()));
                return Err(detail);
            }
        };
        lock().heard = Some(Instant::now());
        let _ = waiter.tell.send((members, body));
    }
    Ok(())
}

fn body_of(
    from: &mut BufReader<ChildStdout>,
    members: &Members,
    most: u64,
) -> Result<Vec<u8>, String> {
    let length = message::body_length(members)?;
    if length > most {
        return Err(format!(
            "it answered {length} bytes where {most} are the most"
        ));
    }
    message::read_body(from, length)
}
