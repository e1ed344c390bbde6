//! Remotes: where several repositories meet.
//!
//! A remote is a place of blobs that any [`Transport`] speaks to. Everything else is here:
//! packs of objects, refs that change by compare-and-swap, and what is sent and taken in.
//! The layout and the guarantees are specified in `docs/spec/remotes.md`.
//!
//! # How it is used
//!
//! ```no_run
//! # fn main() -> daggerml::Result<()> {
//! use daggerml::Repository;
//! use daggerml::transfer::remote::{FetchOptions, PullOptions, PushOptions, Remote};
//!
//! let repository = Repository::discover(".".as_ref())?;
//! repository.add_remote("origin", "/srv/team")?;
//! let origin = Remote::open(&repository, "origin")?;
//! origin.push(&repository, &PushOptions::default(), &())?;
//! let fetched = origin.fetch(&repository, &FetchOptions::default(), &())?;
//! println!("{} refs changed", fetched.changes.len());
//! origin.pull(&repository, &PullOptions::default(), &())?;
//! # Ok(())
//! # }
//! ```
//!
//! - Which remotes there are: [`Repository::remotes`], [`Repository::add_remote`],
//!   [`Repository::set_remote_url`], [`Repository::remove_remote`]. They are settings of the
//!   repository: `remote.NAME.url`.
//! - What a branch follows: [`Repository::upstream`], [`Repository::set_upstream`] and
//!   [`Repository::ahead_behind`].
//! - [`Remote::open`] does not ask the remote anything. [`Remote::push`], [`Remote::fetch`],
//!   [`Remote::pull`] and [`clone()`] do, and tell a [`Listener`] how far they are.
//! - After a fetch, `remotes/NAME/BRANCH` says where the remote's branches are. Revisions
//!   read them: `origin/main`.
//!
//! | file | holds |
//! |---|---|
//! | `default` | which remote is meant where none is named |
//! | `settings` | which remotes there are, and what branches follow |
//! | `blob` | the bytes of a pack while they wait |
//! | `pack` | the blobs that hold objects |
//! | `manifest` | the blob that says what a remote holds |
//! | `session` | reading and swapping the manifest |
//! | `plan` | which objects the other side lacks, in order |
//! | `send` | making packs and sending several at once |
//! | `push` | refs that move there |
//! | `receive` | taking packs in, safe beside garbage collection |
//! | `round` | some packs of these, verified and written |
//! | `fetch` | refs that moved there |
//! | `seek` | single objects, read by ranges |
//! | `promised` | values that stay there until they are read |
//! | `partial` | a part of what is there, taken in |
//! | `clone`, `pull` | the same, and then a branch here |
//! | `collect` | garbage there, and many small packs |
//! | `fsck` | damage there |
//! | `calls` | results of calls that are shared there |
//! | `packed` | those that are too large for one blob |
//! | `results` | results that grow old or are damaged |
//! | `claims` | who runs a call now, of all who share its result |

mod blob;
mod calls;
mod claims;
mod clone;
mod collect;
mod default;
mod fetch;
mod fsck;
mod manifest;
mod pack;
mod packed;
mod partial;
mod plan;
mod promised;
mod pull;
mod push;
mod receive;
mod results;
mod round;
mod seek;
mod send;
mod session;
mod settings;

use std::ops::Range;
use std::time::Duration;

pub use calls::Sharing;
pub(crate) use calls::{LARGEST as LARGEST_RESULT, Seen as SeenCall, SharedCall, SharedState};
pub(crate) use claims::{Claiming, Over, RemoteClaim};
#[doc(hidden)]
pub use clone::clone_from;
pub use clone::{CloneOptions, Cloned, clone};
pub use collect::{RemoteGcOptions, RemoteGcReport};
pub use default::ORIGIN;
pub use fetch::{FetchOptions, FetchReport};
pub use fsck::RemoteFsckReport;
pub(crate) use packed::{ReceivedResult, is_unsound};
pub use partial::Depth;
pub use promised::Filter;
pub(crate) use promised::OnRead;
pub use pull::{PullOptions, Pulled};
pub use push::{Force, PushOptions, PushReport, Update};
pub(crate) use receive::{Held, before_gc, unless_fetching};
pub use settings::{RemoteInfo, Upstream, checked_setting};

use super::transport::{self, Address, Entry, Etag, Got, Key, OpenOptions, Put, Transport};
use crate::error::{Error, RemoteError, Result};
use crate::id::CommitId;
use crate::repo::Repository;

/// How often a request that failed is tried again.
const RETRIES: u32 = 4;

/// A remote, and the way to it.
pub struct Remote {
    name: String,
    address: String,
    transport: Box<dyn Transport>,
    /// How long the first pause before another try is. Each is four times the one before.
    patience: Duration,
}

/// What is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Another process of this repository fetches; it ends first.
    #[default]
    Waiting,
    /// Objects are sent.
    Sending,
    /// Objects are taken in.
    Receiving,
    /// What is at the remote is looked through.
    Checking,
}

impl Phase {
    /// Returns the phase's name in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Receiving => "receiving",
            Self::Checking => "checking",
        }
    }
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What is being done.
    pub phase: Phase,
    /// How many objects were sent or taken in.
    pub objects: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Of how many bytes, where that is known.
    pub total: Option<u64>,
}

/// Who is told how far an operation is, on the thread that asked for it.
pub trait Listener {
    /// Something was done.
    fn step(&self, _step: &Step) {}

    /// Returns whether the operation should stop. What was done so far is kept where it
    /// helps the next try.
    fn interrupted(&self) -> bool {
        false
    }
}

/// Nobody.
impl Listener for () {}

/// Stops when it was asked to.
fn check(listener: &dyn Listener) -> Result<()> {
    if listener.interrupted() {
        return Err(RemoteError::Interrupted.into());
    }
    Ok(())
}

/// What became of a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was there already.
    Unchanged,
    /// It is new.
    Created,
    /// It moved to a commit that follows the one before.
    FastForward,
    /// It moved to a commit that does not follow the one before.
    Forced,
    /// It moved; whether forward is not known before it is fetched.
    Moved,
    /// It is gone.
    Deleted,
    /// A tag here is another commit and was left as it is.
    Kept,
}

impl ChangeKind {
    /// Returns the kind's name in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Created => "created",
            Self::FastForward => "fast_forward",
            Self::Forced => "forced",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Kept => "kept",
        }
    }
}

/// A ref that moved, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefChange {
    /// Its full name: at the remote after a push (`heads/main`), here after a fetch
    /// (`remotes/origin/main`).
    pub name: String,
    /// The commit before; `None` when it was not there.
    pub before: Option<CommitId>,
    /// The commit after; `None` when it is gone.
    pub after: Option<CommitId>,
    /// What became of it.
    pub kind: ChangeKind,
}

/// A number of objects that were carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// How many packs.
    pub packs: u64,
    /// How many objects.
    pub objects: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl Remote {
    /// Opens the remote `name` of a repository, as its settings say. Nothing is asked of it.
    pub fn open(repository: &Repository, name: &str) -> Result<Self> {
        let info = repository.remote(name)?;
        let address = Address::parse(&info.url, repository.root())?;
        Self::at(name, &address)
    }

    /// Opens the remote at `address`, which is called `name` in tracking refs.
    pub fn at(name: &str, address: &Address) -> Result<Self> {
        let transport = transport::open(address, &OpenOptions::default())?;
        Self::with_transport(name, address, transport)
    }

    /// Makes a remote that is spoken to by `transport`.
    pub fn with_transport(
        name: &str,
        address: &Address,
        transport: Box<dyn Transport>,
    ) -> Result<Self> {
        settings::check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            address: address.to_string(),
            transport,
            patience: Duration::from_millis(100),
        })
    }

    /// Sets how long the first pause before another try of a request is.
    #[must_use]
    pub fn patience(mut self, pause: Duration) -> Self {
        self.patience = pause;
        self
    }

    /// Returns the remote's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the address without credentials.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the remote's branches and tags by their full names, asked for now.
    pub fn refs(&self) -> Result<Vec<crate::repo::branches::RefInfo>> {
        let seen = self.manifest(None)?;
        let refs = seen.manifest.refs.into_iter();
        Ok(refs
            .map(|(full_name, commit)| crate::repo::branches::RefInfo { full_name, commit })
            .collect())
    }

    /// Asks until there is an answer, or an error that to ask again does not mend.
    fn persistent<T>(&self, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
        let mut pause = self.patience;
        for _ in 0..RETRIES {
            match ask() {
                Err(error) if matches!(&*error, Error::Remote(error) if error.is_transient()) => {
                    std::thread::sleep(pause);
                    pause *= 4;
                }
                answer => return answer,
            }
        }
        ask()
    }

    fn get(
        &self,
        key: &Key,
        range: Option<&Range<u64>>,
        known: Option<&Etag>,
        limit: u64,
    ) -> Result<Got> {
        let got = self.persistent(|| self.transport.get(key, range.cloned(), known, limit))?;
        match got {
            Got::Found { bytes, .. } if bytes.len() as u64 > limit => {
                Err(self.too_large(key, limit))
            }
            got => Ok(got),
        }
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> Result<Put> {
        self.persistent(|| self.transport.put(key, bytes))
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>> {
        self.persistent(|| self.transport.list(prefix, after))
    }

    fn too_large(&self, key: &Key, limit: u64) -> Box<Error> {
        RemoteError::TooLarge {
            remote: self.address.clone(),
            key: key.to_string(),
            limit,
        }
        .into()
    }

    fn damaged(&self, key: &Key, detail: impl Into<String>) -> Box<Error> {
        RemoteError::Damaged {
            remote: self.address.clone(),
            key: key.to_string(),
            detail: detail.into(),
        }
        .into()
    }
}

/// Reads bytes as the parts of a remote, for the fuzzer: whatever they are, nothing panics.
#[doc(hidden)]
pub fn read_any(bytes: &[u8]) {
    // A fuzzer does not find hashes.
    let hashed = [bytes, blake3::hash(bytes).as_bytes()].concat();
    if let Ok(manifest) = manifest::Manifest::decode(&hashed) {
        assert_eq!(manifest.encode(), hashed);
    }
    let _ = manifest::decode_list(bytes);
    let objects = bytes.first().copied().unwrap_or_default().into();
    let _ = pack::Index::parse(&hashed, objects);
    let _ = pack::each_object(bytes, bytes.len() as u64, objects, &mut |_, _| Ok(()));
}
