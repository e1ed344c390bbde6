//! Transports: how the places are spoken to where remotes keep their blobs.
//!
//! A remote needs six verbs and nothing else, so whatever has conditional writes can be
//! one. What the blobs mean is not known here. The layout is specified in
//! `docs/spec/remotes.md`.
//!
//! | file | holds |
//! |---|---|
//! | `address` | where a remote is: a folder, or a URL |
//! | `key` | names of blobs, and the marks of their versions |
//! | `file` | a folder: on a shared disk, or on one that is carried |
//! | `helper` | programs that reach places of other schemes |
//! | `ssh` | folders on other machines |
//! | `serve` | the other side of a helper |

mod address;
mod file;
mod helper;
mod key;
mod serve;
mod ssh;

use std::ops::Range;
use std::time::Duration;

pub use address::Address;
pub use helper::commands::{Finder, HelperCommand, set_helper_finder};
pub use key::{Etag, Key};
pub use serve::serve;

use crate::error::{RemoteError, Result};

/// What a transport says of the place that it speaks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The address to show, without credentials.
    pub address: String,
    /// Whether it can be written to, as far as that is known before something is written.
    pub writable: bool,
    /// Whether a part of a blob can be read.
    pub ranges: bool,
    /// The most bytes that a blob may have, where there is a limit.
    pub largest: Option<u64>,
    /// The most entries that one answer of [`Transport::list`] has.
    pub page: u64,
}

/// A blob in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// How many bytes it has.
    pub bytes: u64,
    /// When it was written, in seconds since 1970 by the remote's clock, where that is known.
    pub modified: Option<i64>,
}

/// The answer of [`Transport::get`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// There is no such blob.
    Missing,
    /// It is the version that is known already.
    Unchanged,
    /// The blob, or the range of it that was asked for.
    Found {
        /// The mark of this version.
        etag: Etag,
        /// How many bytes the whole blob has.
        size: u64,
        /// The bytes. A range that ends after the blob does is cut off there.
        bytes: Vec<u8>,
    },
}

/// The answer of [`Transport::put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The blob was made.
    Created,
    /// There is a blob of that name already, which was not changed.
    Exists,
}

/// The answer of [`Transport::swap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The blob has the new bytes; the mark of this version.
    Swapped(Etag),
    /// The blob is not the version that was expected, and was not changed.
    Changed,
}

/// A place of blobs with names: the six verbs that a remote needs.
///
/// A blob appears whole or not at all. Who reads after a write has been answered sees it;
/// [`list`](Self::list) may be late.
pub trait Transport: Send + Sync {
    /// Returns what is to be known of the place. It does not have to ask the place.
    fn describe(&self) -> Result<Description>;

    /// Returns the next entries whose keys begin with `prefix` and come after `after`, in
    /// order of their keys. There are none left when the answer is empty.
    fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>>;

    /// Returns the blob `key`, or a `range` of it. When `known` is its mark, its bytes are
    /// not sent. It is an error when the answer has more than `limit` bytes.
    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        known: Option<&Etag>,
        limit: u64,
    ) -> Result<Got>;

    /// Makes the blob `key`, unless there is one.
    fn put(&self, key: &Key, bytes: &[u8]) -> Result<Put>;

    /// Replaces the blob `key` if its mark is `expected`; `None` means that there is no
    /// such blob.
    fn swap(&self, key: &Key, bytes: &[u8], expected: Option<&Etag>) -> Result<Swap>;

    /// Removes the blob `key`. It is no error when there is none.
    fn delete(&self, key: &Key) -> Result<()>;
}

/// How a transport is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// How long a helper may take to answer, beside 10 s for each MiB that is carried.
    pub patience: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            patience: Duration::from_mins(1),
        }
    }
}

/// Returns the transport that speaks to `address`.
pub fn open(address: &Address, options: &OpenOptions) -> Result<Box<dyn Transport>> {
    if let Some(path) = address.path() {
        return Ok(Box::new(file::File::new(path, address)));
    }
    let command = match address.scheme() {
        "ssh" => Some(ssh::command(address)?),
        scheme => helper::commands::command(scheme, address)?,
    };
    match command {
        Some(command) => Ok(Box::new(helper::Helper::new(
            command,
            address.to_string(),
            options.patience,
        ))),
        None => Err(RemoteError::SchemeUnknown {
            scheme: address.scheme().to_owned(),
        }
        .into()),
    }
}
