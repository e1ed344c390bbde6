//! The other side of a helper: serves a place of blobs by lines of JSON and bodies.

use std::io::{BufRead, Write};

use serde_json::{Map, Value, json};

use super::helper::message::{self, MAX_BODY, Members, PROTOCOL};
use super::{Etag, Got, Key, Put, Swap, Transport};
use crate::error::{Error, RemoteError, Result};

/// The most entries and bytes of what is answered at once.
const MAX_PAGE: u64 = 1000;

/// Serves `transport` until `input` ends, one request after the other.
///
/// With `read_only`, what would change a blob is denied.
pub fn serve(
    transport: &dyn Transport,
    read_only: bool,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<()> {
    let greeting = json!({
        "helper": "dml",
        "version": env!("CARGO_PKG_VERSION"),
        "protocols": [PROTOCOL],
    });
    write(output, greeting, &[])?;
    loop {
        match next(transport, read_only, input) {
            Ok(None) => return Ok(()),
            Ok(Some((answer, body))) => write(output, answer, &body)?,
            Err(detail) => {
                let message = format!("what came on standard input is not a request: {detail}");
                let mut answer = error("invalid", &message);
                answer["id"] = Value::Null;
                write(output, answer, &[])?;
                return Err(Error::Invalid { message }.into());
            }
        }
    }
}

fn write(output: &mut dyn Write, answer: Value, body: &[u8]) -> Result<()> {
    let Value::Object(members) = answer else {
        return Ok(());
    };
    message::write(output, members, body).map_err(|source| {
        Error::Io {
            action: "write",
            path: "standard output".into(),
            source,
        }
        .into()
    })
}

/// Reads a request and carries it out; `None` at the end. The error says what was no request.
fn next(
    transport: &dyn Transport,
    read_only: bool,
    input: &mut dyn BufRead,
) -> Result<Option<(Value, Vec<u8>)>, String> {
    let Some(members) = message::read(input)? else {
        return Ok(None);
    };
    let length = message::body_length(&members)?;
    let request = Request {
        members: &members,
        read_only,
    };
    let (mut answer, body) = match request.check() {
        Ok(()) => {
            let given = message::read_body(input, length)?;
            request
                .answer(transport, &given)
                .unwrap_or_else(|refused| (refused, Vec::new()))
        }
        Err(refused) => {
            message::skip_body(input, length)?;
            (refused, Vec::new())
        }
    };
    answer["id"] = members.get("id").cloned().unwrap_or_default();
    Ok(Some((answer, body)))
}

struct Request<'r> {
    members: &'r Members,
    read_only: bool,
}

/// An answer: its members and its body. An error is an answer, too.
type Answered = Result<(Value, Vec<u8>), Value>;

impl Request<'_> {
    fn verb(&self) -> &str {
        let verb = self.members.get("verb").and_then(Value::as_str);
        verb.unwrap_or_default()
    }

    /// Checks what decides whether the body is worth reading.
    fn check(&self) -> Result<(), Value> {
        if self.members.get("id").and_then(Value::as_u64).is_none() {
            return Err(error("invalid", "the request has no integer \"id\""));
        }
        if self.members.get("protocol").and_then(Value::as_u64) != Some(PROTOCOL) {
            let text = format!("the request is not of protocol {PROTOCOL}");
            return Err(error("unsupported", &text));
        }
        match self.verb() {
            "describe" | "list" => Ok(()),
            "get" => self.key().map(drop),
            "put" | "swap" | "delete" => {
                self.key()?;
                if self.read_only {
                    return Err(error("denied", "it is served to be read only"));
                }
                Ok(())
            }
            _ => Err(error("unsupported", "there is no such verb")),
        }
    }

    fn key(&self) -> Result<Key, Value> {
        let key = self.members.get("key").and_then(Value::as_str);
        Key::new(key.unwrap_or_default()).map_err(|problem| told(&problem))
    }

    /// Returns the member `name`, when it is there and not null.
    fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Value> {
        let wrong = || error("invalid", &format!("{name:?} is not text"));
        self.member(name)
            .map(|value| value.as_str().ok_or_else(wrong))
            .transpose()
    }

    fn etag(&self, name: &str) -> Result<Option<Etag>, Value> {
        let text = self.text(name)?.map(Etag::new).transpose();
        text.map_err(|problem| told(&problem))
    }

    fn answer(&self, transport: &dyn Transport, body: &[u8]) -> Answered {
        let told = |problem: Box<Error>| told(&problem);
        let answer = match self.verb() {
            "list" => return self.list(transport),
            "get" => return self.get(transport),
            "put" => match transport.put(&self.key()?, body).map_err(told)? {
                Put::Created => json!({"state": "created"}),
                Put::Exists => json!({"state": "exists"}),
            },
            "swap" => {
                let expected = self.etag("expected")?;
                let swapped = transport.swap(&self.key()?, body, expected.as_ref());
                match swapped.map_err(told)? {
                    Swap::Swapped(etag) => json!({"state": "swapped", "etag": etag.as_str()}),
                    Swap::Changed => json!({"state": "changed"}),
                }
            }
            "delete" => {
                transport.delete(&self.key()?).map_err(told)?;
                json!({"state": "deleted"})
            }
            _ => {
                let found = transport.describe().map_err(told)?;
                json!({
                    "state": "description",
                    "address": found.address,
                    "writable": found.writable && !self.read_only,
                    "ranges": found.ranges,
                    "lists": true,
                    "largest": found.largest.unwrap_or(MAX_BODY).min(MAX_BODY),
                    "page": found.page.min(MAX_PAGE),
                })
            }
        };
        Ok((answer, Vec::new()))
    }

    fn list(&self, transport: &dyn Transport) -> Answered {
        let prefix = self.text("prefix")?.unwrap_or_default();
        let after = self.text("after")?;
        if ![prefix, after.unwrap_or_default()]
            .iter()
            .all(|text| begins_a_key(text))
        {
            return Err(error("invalid", "the prefix is not the beginning of a key"));
        }
        let entries = transport
            .list(prefix, after)
            .map_err(|problem| told(&problem))?;
        let entries = entries.into_iter().map(|entry| {
            json!({"key": entry.key.as_str(), "bytes": entry.bytes, "modified": entry.modified})
        });
        let entries: Vec<_> = entries.collect();
        Ok((json!({"state": "entries", "entries": entries}), Vec::new()))
    }

    fn get(&self, transport: &dyn Transport) -> Answered {
        let range = match self.member("range") {
            None => None,
            Some(value) => match value.as_array().map(Vec::as_slice) {
                Some([first, last]) => match (first.as_u64(), last.as_u64()) {
                    (Some(first), Some(last)) if first <= last => Some(first..last),
                    _ => return Err(error("invalid", "the range is not two positions in order")),
                },
                _ => return Err(error("invalid", "the range is not two positions")),
            },
        };
        let limit = match self.member("limit") {
            None => MAX_BODY,
            Some(limit) => limit
                .as_u64()
                .ok_or_else(|| error("invalid", "the limit is not a number of bytes"))?,
        };
        let known = self.etag("known")?;
        let got = transport.get(&self.key()?, range, known.as_ref(), limit.min(MAX_BODY));
        Ok(match got.map_err(|problem| told(&problem))? {
            Got::Missing => (json!({"state": "missing"}), Vec::new()),
            Got::Unchanged => (json!({"state": "unchanged"}), Vec::new()),
            Got::Found { etag, size, bytes } => {
                let found = json!({"state": "found", "etag": etag.as_str(), "size": size});
                (found, bytes)
            }
        })
    }
}

/// Returns whether `text` can be the beginning of a key.
fn begins_a_key(text: &str) -> bool {
    text.is_empty() || Key::new(text.strip_suffix('/').unwrap_or(text)).is_ok()
}

/// Returns the answer that tells of a failure here.
fn told(problem: &Error) -> Value {
    let kind = match problem {
        Error::Remote(problem) => match problem {
            RemoteError::NotARemote { .. } => "missing",
            RemoteError::Denied { .. } => "denied",
            RemoteError::Unavailable { .. } => "unavailable",
            RemoteError::TooLarge { .. } => "too_large",
            RemoteError::KeyInvalid { .. } | RemoteError::EtagInvalid { .. } => "invalid",
            _ => "internal",
        },
        _ => "internal",
    };
    error(kind, &problem.to_string())
}

fn error(kind: &str, message: &str) -> Value {
    let mut members = Map::new();
    members.insert("state".to_owned(), "error".into());
    members.insert(
        "error".to_owned(),
        json!({"kind": kind, "message": message}),
    );
    Value::Object(members)
}
