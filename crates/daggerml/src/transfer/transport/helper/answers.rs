//! What the answers of helpers mean. A helper may be wrong, and a remote hostile.

use std::ops::Range;

use serde_json::Value;

use super::message::Members;
use super::protocol;
use super::running::Trouble;
use super::secrets::without_secrets;
use crate::error::{RemoteError, Result};
use crate::transfer::transport::{Description, Entry, Etag, Got, Key, Put, Swap};

/// The most bytes of a message of a helper that are kept.
const MAX_MESSAGE: usize = 4096;

/// The most entries of a page.
const MAX_PAGE: u64 = 1000;

/// What was asked.
#[derive(Clone, Copy)]
pub(super) struct Question<'q> {
    pub verb: &'static str,
    pub key: &'q str,
    /// The limit of a `get`.
    pub limit: u64,
}

/// An answer that is not an error.
pub(super) struct Answer {
    members: Members,
    body: Vec<u8>,
    remote: String,
    verb: &'static str,
    key: String,
}

impl<'q> Question<'q> {
    pub fn new(verb: &'static str, key: &'q str) -> Self {
        Self {
            verb,
            key,
            limit: 0,
        }
    }

    /// Returns the answer, or the error that was answered.
    pub fn answer(self, remote: &str, members: Members, body: Vec<u8>) -> Result<Answer> {
        let (remote, verb, key) = (remote.to_owned(), self.verb, self.key.to_owned());
        let Some(error) = members.get("error") else {
            return Ok(Answer {
                members,
                body,
                remote,
                verb,
                key,
            });
        };
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut detail = without_secrets(text("message"));
        detail.truncate(detail.floor_char_boundary(MAX_MESSAGE));
        Err(match text("kind") {
            "missing" => RemoteError::NotARemote { remote, detail },
            "denied" => RemoteError::Denied {
                remote,
                verb,
                key,
                detail,
            },
            "unavailable" => RemoteError::Unavailable {
                remote,
                verb,
                key,
                detail,
            },
            "too_large" if verb == "get" => RemoteError::TooLarge {
                remote,
                key,
                limit: self.limit,
            },
            "too_large" | "unsupported" | "invalid" | "internal" => RemoteError::Failed {
                remote,
                verb,
                key,
                detail,
            },
            other => protocol(
                &remote,
                verb,
                &key,
                format!("{other:?} is not a kind of errors"),
            ),
        }
        .into())
    }

    /// Returns the error that there is no answer.
    pub fn failed(self, remote: &str, trouble: Trouble) -> RemoteError {
        let (remote, verb, key) = (remote.to_owned(), self.verb, self.key.to_owned());
        match trouble {
            Trouble::NotStarted(detail) => RemoteError::Failed {
                remote,
                verb,
                key,
                detail,
            },
            Trouble::Refused(detail) => RemoteError::Denied {
                remote,
                verb,
                key,
                detail,
            },
            Trouble::Ended(detail) => RemoteError::Unavailable {
                remote,
                verb,
                key,
                detail,
            },
            Trouble::Garbage(detail) => protocol(&remote, verb, &key, detail),
        }
    }
}

impl Answer {
    fn wrong<T>(&self, detail: impl Into<String>) -> Result<T> {
        Err(protocol(&self.remote, self.verb, &self.key, detail.into()).into())
    }

    fn state(&self) -> &str {
        let state = self.members.get("state").and_then(Value::as_str);
        state.unwrap_or_default()
    }

    fn unknown_state<T>(&self) -> Result<T> {
        let state: String = self.state().chars().take(100).collect();
        self.wrong(format!("{state:?} is not a state that answers it"))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.members.get(name).and_then(Value::as_u64)
    }

    fn etag(&self) -> Result<Etag> {
        let etag = self.members.get("etag").and_then(Value::as_str);
        match etag.map(Etag::new) {
            Some(Ok(etag)) => Ok(etag),
            _ => self.wrong("it has no etag, or one that cannot be one"),
        }
    }

    pub fn description(self, address: &str) -> Result<Description> {
        let flag = |name: &str| self.members.get(name).and_then(Value::as_bool);
        let page = self
            .number("page")
            .filter(|page| (1..=MAX_PAGE).contains(page));
        match (self.state(), flag("writable"), flag("ranges"), page) {
            ("description", Some(writable), Some(ranges), Some(page)) => Ok(Description {
                address: address.to_owned(),
                writable,
                ranges,
                largest: self.number("largest"),
                page,
            }),
            ("description", ..) => self.wrong("the description lacks a member"),
            _ => self.unknown_state(),
        }
    }

    pub fn entries(self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>> {
        if self.state() != "entries" {
            return self.unknown_state();
        }
        let Some(list) = self.members.get("entries").and_then(Value::as_array) else {
            return self.wrong("it has no entries");
        };
        let mut last = after.unwrap_or_default().to_owned();
        let mut entries = Vec::new();
        for item in list {
            let key = item.get("key").and_then(Value::as_str).map(Key::new);
            let bytes = item.get("bytes").and_then(Value::as_u64);
            let (Some(Ok(key)), Some(bytes)) = (key, bytes) else {
                return self.wrong("an entry lacks its key or its length");
            };
            if !key.as_str().starts_with(prefix) || key.as_str() <= &*last {
                return self.wrong(format!("{key} is not in order, or not what was asked for"));
            }
            key.as_str().clone_into(&mut last);
            let modified = item.get("modified").and_then(Value::as_f64);
            entries.push(Entry {
                key,
                bytes,
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "it saturates, as it should"
                )]
                modified: modified.map(|seconds| seconds as i64),
            });
        }
        Ok(entries)
    }

    pub fn got(self, range: Option<Range<u64>>) -> Result<Got> {
        match self.state() {
            "missing" => Ok(Got::Missing),
            "unchanged" => Ok(Got::Unchanged),
            "found" => {
                let etag = self.etag()?;
                let Some(size) = self.number("size") else {
                    return self.wrong("it has no size");
                };
                let expected = range.map_or(size, |range| {
                    range.end.min(size).saturating_sub(range.start.min(size))
                });
                if self.body.len() as u64 != expected {
                    let have = self.body.len();
                    return self.wrong(format!("it has {have} bytes, not {expected}"));
                }
                Ok(Got::Found {
                    etag,
                    size,
                    bytes: self.body,
                })
            }
            _ => self.unknown_state(),
        }
    }

    pub fn put(self) -> Result<Put> {
        match self.state() {
            "created" => Ok(Put::Created),
            "exists" => Ok(Put::Exists),
            _ => self.unknown_state(),
        }
    }

    pub fn swap(self) -> Result<Swap> {
        match self.state() {
            "swapped" => Ok(Swap::Swapped(self.etag()?)),
            "changed" => Ok(Swap::Changed),
            _ => self.unknown_state(),
        }
    }

    pub fn deleted(self) -> Result<()> {
        match self.state() {
            "deleted" => Ok(()),
            _ => self.unknown_state(),
        }
    }
}
