//! Helpers: programs that reach remotes of other schemes, by the six verbs.
//!
//! Specified in `docs/spec/remotes.md`.
//!
//! | file | holds |
//! |---|---|
//! | `message` | a line of JSON and a body |
//! | `secrets` | takes secrets out of a text |
//! | `commands` | which program reaches a scheme |
//! | `running` | a helper process: requests in, answers out |
//! | `answers` | what an answer means |

mod answers;
pub(super) mod commands;
pub(super) mod message;
mod running;
mod secrets;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use self::answers::Question;
use self::commands::HelperCommand;
use self::message::MAX_BODY;
use self::running::{Running, Trouble};
use super::{Description, Entry, Etag, Got, Key, Put, Swap, Transport};
use crate::error::{RemoteError, Result};

/// How long each MiB of a body may take in addition.
const PATIENCE_PER_MIB: u64 = 10;

/// The most bytes of an answer that has no limit of its own.
const NO_BODY: u64 = 0;

/// A remote that a helper reaches. The helper is started when it is first asked, and again
/// after it failed.
pub(super) struct Helper {
    command: HelperCommand,
    /// The address to show.
    address: String,
    patience: Duration,
    running: Mutex<Option<Arc<Running>>>,
}

impl Helper {
    pub fn new(command: HelperCommand, address: String, patience: Duration) -> Self {
        Self {
            command,
            address,
            patience,
            running: Mutex::new(None),
        }
    }

    /// Returns the process, which is started if there is none that can be asked.
    fn running(&self) -> Result<Arc<Running>, Trouble> {
        let mut place = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = place.as_ref().filter(|running| running.is_usable()) {
            return Ok(Arc::clone(running));
        }
        *place = None;
        let running = Arc::new(Running::start(&self.command, self.patience)?);
        *place = Some(Arc::clone(&running));
        Ok(running)
    }

    /// Asks a question; the answer's members and its body.
    fn ask(
        &self,
        question: Question<'_>,
        mut members: Map<String, Value>,
        body: &[u8],
        most: u64,
    ) -> Result<answers::Answer> {
        members.insert("verb".to_owned(), question.verb.into());
        let mebibytes = (body.len() as u64).saturating_add(most) >> 20;
        let patience =
            self.patience + Duration::from_secs(PATIENCE_PER_MIB.saturating_mul(mebibytes));
        let asked = self
            .running()
            .and_then(|running| running.ask(members, body, most, patience));
        match asked {
            Ok((members, body)) => question.answer(&self.address, members, body),
            Err(trouble) => Err(question.failed(&self.address, trouble).into()),
        }
    }
}

/// Returns the members of a request about a blob.
fn about(key: &Key) -> Map<String, Value> {
    member("key", key.as_str())
}

fn member(name: &str, text: &str) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert(name.to_owned(), text.into());
    members
}

fn with_etag(members: &mut Map<String, Value>, name: &str, etag: Option<&Etag>) {
    if let Some(etag) = etag {
        members.insert(name.to_owned(), etag.as_str().into());
    }
}

impl Transport for Helper {
    fn describe(&self) -> Result<Description> {
        let question = Question::new("describe", "");
        let answer = self.ask(question, Map::new(), &[], NO_BODY)?;
        answer.description(&self.address)
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>> {
        let mut members = member("prefix", prefix);
        if let Some(after) = after {
            members.insert("after".to_owned(), after.into());
        }
        let answer = self.ask(Question::new("list", prefix), members, &[], NO_BODY)?;
        answer.entries(prefix, after)
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        known: Option<&Etag>,
        limit: u64,
    ) -> Result<Got> {
        let mut members = about(key);
        if let Some(range) = &range {
            members.insert("range".to_owned(), vec![range.start, range.end].into());
        }
        with_etag(&mut members, "known", known);
        let limit = limit.min(MAX_BODY);
        members.insert("limit".to_owned(), limit.into());
        let length = range
            .as_ref()
            .map(|range| range.end - range.start.min(range.end));
        let most = length.map_or(limit, |length| length.min(limit));
        let mut question = Question::new("get", key.as_str());
        question.limit = limit;
        self.ask(question, members, &[], most)?.got(range)
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> Result<Put> {
        let question = Question::new("put", key.as_str());
        self.ask(question, about(key), bytes, NO_BODY)?.put()
    }

    fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Etag>) -> Result<Swap> {
        let mut members = about(key);
        with_etag(&mut members, "expected", expected);
        let question = Question::new("swap", key.as_str());
        self.ask(question, members, bytes, NO_BODY)?.swap()
    }

    fn delete(&self, key: &Key) -> Result<()> {
        let question = Question::new("delete", key.as_str());
        self.ask(question, about(key), &[], NO_BODY)?.deleted()
    }
}

/// Returns an error of the protocol.
fn protocol(remote: &str, verb: &'static str, key: &str, detail: String) -> RemoteError {
    RemoteError::Protocol {
        remote: remote.to_owned(),
        verb,
        key: key.to_owned(),
        detail,
    }
}
