//! What executor and adapters say to each other: one JSON object on a line each.
//!
//! Specified in `docs/spec/execution.md`.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::execution::claim::MAX_TOKEN;
use crate::id::DagId;
use crate::record::CallKey;

/// The protocol's version.
pub const PROTOCOL: u32 = 1;

/// The longest answer, in bytes.
pub const MAX_ANSWER: u64 = 512 << 20;

/// How much of a text of the adapter's goes into an error.
const SHOWN: usize = 200;

/// The most bytes of the kind and of the message of an adapter's error that are kept.
const MAX_KIND: usize = 100;
const MAX_MESSAGE: usize = 64 << 10;

/// What is asked of an adapter.
#[derive(Clone, Copy, Debug)]
pub enum Request<'r> {
    /// To run a call.
    Invoke {
        /// The call's bundle.
        bundle: &'r [u8],
        /// The calls that it is nested in.
        ancestors: &'r [CallKey],
        /// What is left of its time.
        timeout: Option<Duration>,
        /// The repository, if the adapter shares it.
        repository: Option<&'r Path>,
    },
    /// How the call with this token is.
    Poll(&'r str),
    /// To stop the call with this token.
    Cancel(&'r str),
}

#[derive(Serialize)]
struct Line<'r> {
    protocol: u32,
    id: u64,
    op: &'static str,
    key: String,
    attempt: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ancestors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<Cow<'r, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
}

impl Request<'_> {
    /// Returns the line that asks this, while `waiting` further requests wait for a process.
    pub fn line(&self, id: u64, key: CallKey, attempt: u64, waiting: usize) -> Vec<u8> {
        let mut line = Line {
            protocol: PROTOCOL,
            id,
            op: "invoke",
            key: key.to_string(),
            attempt,
            token: None,
            ancestors: None,
            timeout_ms: None,
            repository: None,
            waiting: None,
            bundle: None,
        };
        match self {
            Self::Invoke {
                bundle,
                ancestors,
                timeout,
                repository,
            } => {
                line.ancestors = Some(ancestors.iter().map(ToString::to_string).collect());
                line.timeout_ms = timeout.map(millis);
                line.repository = repository.map(Path::to_string_lossy);
                line.waiting = (waiting > 0).then_some(waiting);
                line.bundle = Some(STANDARD.encode(bundle));
            }
            Self::Poll(token) => (line.op, line.token) = ("poll", Some(*token)),
            Self::Cancel(token) => (line.op, line.token) = ("cancel", Some(*token)),
        }
        // Never fails: all keys are text.
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What an adapter answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It works on it.
    Pending {
        /// What to ask with.
        token: String,
        /// How long to wait before.
        retry_after: Option<Duration>,
    },
    /// The call ended.
    Done {
        /// The result's bundle.
        bundle: Vec<u8>,
        /// The call's DAG.
        dag: DagId,
        /// More for the log.
        log: String,
        /// How long to wait at least before the call is tried again, if its error is
        /// transient.
        retry_after: Option<Duration>,
        /// Whether a call within it was tried again already, so that it need not be.
        retried: bool,
    },
    /// The adapter failed.
    Error {
        /// The kind of error, in one word.
        kind: String,
        /// What went wrong, in one sentence.
        message: String,
        /// Whether trying again can help.
        transient: bool,
        /// More for the log.
        log: String,
    },
    /// The call was stopped.
    Canceled,
}

#[derive(Deserialize)]
struct RawAnswer<'a> {
    id: u64,
    #[serde(borrow)]
    state: Cow<'a, str>,
    token: Option<String>,
    retry_after_ms: Option<u64>,
    #[serde(borrow)]
    bundle: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dag: Option<Cow<'a, str>>,
    log: Option<String>,
    #[serde(default)]
    retried: bool,
    error: Option<RawError>,
}

#[derive(Deserialize)]
struct RawError {
    kind: String,
    message: String,
    transient: bool,
}

impl Answer {
    /// Returns the answer in a line, which must be to the request `id`. The error says what
    /// is wrong with it.
    pub fn decode(line: &[u8], id: u64) -> Result<Self, String> {
        let raw: RawAnswer<'_> = serde_json::from_slice(line)
            .map_err(|error| format!("its answer is none: {error}: {}", excerpt(line)))?;
        if raw.id != id {
            return Err(format!(
                "its answer is to request {}, not {id}: {}",
                raw.id,
                excerpt(line)
            ));
        }
        let lacks = |member: &str| {
            format!(
                "its answer {:?} has no {member}: {}",
                raw.state,
                excerpt(line)
            )
        };
        let log = raw.log.unwrap_or_default();
        Ok(match &*raw.state {
            "pending" => {
                let token = raw.token.ok_or_else(|| lacks("token"))?;
                if token.is_empty() || token.len() > MAX_TOKEN {
                    return Err(format!("its token has {} bytes", token.len()));
                }
                Self::Pending {
                    token,
                    retry_after: raw.retry_after_ms.map(Duration::from_millis),
                }
            }
            "done" => {
                let bundle = raw.bundle.ok_or_else(|| lacks("bundle"))?;
                let dag = raw.dag.ok_or_else(|| lacks("dag"))?;
                Self::Done {
                    bundle: STANDARD
                        .decode(bundle.as_bytes())
                        .map_err(|error| format!("its bundle is not base64: {error}"))?,
                    dag: dag
                        .parse()
                        .map_err(|error| format!("its DAG's id is none: {error}"))?,
                    log,
                    retry_after: raw.retry_after_ms.map(Duration::from_millis),
                    retried: raw.retried,
                }
            }
            "error" => {
                let error = raw.error.ok_or_else(|| lacks("error"))?;
                Self::Error {
                    kind: shortened(error.kind, MAX_KIND),
                    message: shortened(error.message, MAX_MESSAGE),
                    transient: error.transient,
                    log,
                }
            }
            "canceled" => Self::Canceled,
            _ => {
                return Err(format!(
                    "its answer has an unknown state: {}",
                    excerpt(line)
                ));
            }
        })
    }
}

/// Returns the beginning of a text that is longer than `most` bytes.
fn shortened(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push_str("...");
    }
    text
}

/// Returns the beginning of a line, fit to be shown.
fn excerpt(line: &[u8]) -> String {
    let cut = line.get(..SHOWN).unwrap_or(line);
    let dots = if cut.len() < line.len() { "..." } else { "" };
    format!("{:?}{dots}", String::from_utf8_lossy(cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(line: &str) -> String {
        Answer::decode(line.as_bytes(), 1).unwrap_err()
    }

    #[test]
    fn answers_are_read() {
        let line = br#"{"id":1,"state":"pending","token":"a","retry_after_ms":20,"more":[]}"#;
        let pending = Answer::Pending {
            token: "a".to_owned(),
            retry_after: Some(Duration::from_millis(20)),
        };
        assert_eq!(Answer::decode(line, 1), Ok(pending));
        let line = format!(
            r#"{{"id":7,"state":"done","bundle":"AP8=","dag":"{}"}}"#,
            "ab".repeat(32)
        );
        let Answer::Done { bundle, log, .. } = Answer::decode(line.as_bytes(), 7).unwrap() else {
            panic!("done expected");
        };
        assert_eq!((bundle, log), (vec![0, 255], String::new()));
    }

    #[test]
    fn an_error_is_kept_short() {
        let (kind, message) = ("ä".repeat(1000), "ö".repeat(1 << 20));
        let error = format!(r#"{{"kind":"{kind}","message":"{message}","transient":true}}"#);
        let line = format!(r#"{{"id":1,"state":"error","error":{error}}}"#);
        let Answer::Error { kind, message, .. } = Answer::decode(line.as_bytes(), 1).unwrap()
        else {
            panic!("an error expected");
        };
        assert_eq!((kind.len(), message.len()), (103, (64 << 10) + 3));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let hash = "ab".repeat(32);
        for (line, part) in [
            (String::new(), "its answer is none"),
            ("hello".to_owned(), "\"hello\""),
            ("[]".to_owned(), "none"),
            (r#"{"id":1}"#.to_owned(), "state"),
            (r#"{"id":2,"state":"canceled"}"#.to_owned(), "request 2"),
            (r#"{"id":1,"state":"sleeping"}"#.to_owned(), "unknown state"),
            (r#"{"id":1,"state":"pending"}"#.to_owned(), "no token"),
            (
                r#"{"id":1,"state":"pending","token":""}"#.to_owned(),
                "0 bytes",
            ),
            (r#"{"id":1,"state":"done"}"#.to_owned(), "no bundle"),
            (r#"{"id":1,"state":"error"}"#.to_owned(), "no error"),
            (
                format!(r#"{{"id":1,"state":"done","bundle":"%","dag":"{hash}"}}"#),
                "base64",
            ),
            (
                r#"{"id":1,"state":"done","bundle":"","dag":"ab"}"#.to_owned(),
                "DAG",
            ),
            (format!("{{{}", "x".repeat(1000)), "..."),
        ] {
            assert!(wrong(&line).contains(part), "{line}: {}", wrong(&line));
        }
    }

    #[test]
    fn requests_are_one_line() {
        let key = CallKey::from_bytes([1; 32]);
        let line = Request::Poll("a\nb").line(3, key, 2, 5);
        assert_eq!(
            line.iter().position(|byte| *byte == b'\n'),
            Some(line.len() - 1)
        );
        let read: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(read["token"], "a\nb");
        assert_eq!(read["attempt"], 2);
        assert!(read.get("waiting").is_none());
        let invoke = Request::Invoke {
            bundle: &[],
            ancestors: &[],
            timeout: None,
            repository: None,
        };
        for (waiting, told) in [(5, Some(5)), (0, None)] {
            let line = invoke.line(4, key, 1, waiting);
            let read: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(
                read.get("waiting").and_then(serde_json::Value::as_u64),
                told
            );
        }
    }
}
