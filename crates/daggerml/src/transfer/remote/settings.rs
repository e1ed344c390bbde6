//! Which remotes a repository has, and what its branches follow.
//!
//! A remote is a setting, `remote.NAME.url`. What a branch follows is a ref to a ref:
//! `upstream/BRANCH` is set to `remotes/NAME/BRANCH`.

use std::path::Path;

use crate::config::{Config, Scope};
use crate::error::{Error, Result};
use crate::id::CommitId;
use crate::record::Kind;
use crate::repo::Repository;
use crate::repo::ancestry::count_exclusive;
use crate::repo::branches::{HEADS, REMOTES, UPSTREAM};
use crate::repo::refs::{self, ReadRefs, Target};
use crate::store::{Table, WriteTxn};
use crate::suggest;
use crate::transfer::transport::Address;

use super::promised::Filter;
use super::receive;
use super::session;

/// The longest name of a remote, in bytes.
const LONGEST: usize = 64;

/// A remote that a repository knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteInfo {
    /// Its name.
    pub name: String,
    /// Its address, as it is kept in the settings.
    pub url: String,
}

impl RemoteInfo {
    /// Returns the address without what is not for everybody's eyes.
    pub fn shown(&self, repository: &Repository) -> String {
        Address::parse(&self.url, repository.root())
            .map_or_else(|error| error.to_string(), |address| address.to_string())
    }
}

/// What a branch follows, and how far they are apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The name of the remote.
    pub remote: String,
    /// The name of the branch there, without `heads/`.
    pub branch: String,
    /// Where that was when it was last fetched; `None` when it is not there.
    pub commit: Option<CommitId>,
}

impl Upstream {
    /// Returns the name of the tracking ref without `remotes/`: `origin/main`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.remote, self.branch)
    }
}

/// Checks that `name` can name a remote: it is part of keys of settings and of refs.
pub(super) fn check_name(name: &str) -> Result<()> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !name.is_empty() && name.len() <= LONGEST && !name.starts_with('-') && name.bytes().all(fine)
    {
        return Ok(());
    }
    Err(Error::Invalid {
        message: format!(
            "{name:?} cannot name a remote: it must be 1 to {LONGEST} letters, digits, - and _"
        ),
    }
    .into())
}

/// Returns what the setting `key` of a remote is kept as when somebody sets it to `value`: an
/// address and a filter are read as [`Repository::add_remote`] and a clone read them, and are kept
/// as those keep them. What is no setting of a remote is returned as it is.
pub fn checked_setting(key: &str, value: &str) -> Result<String> {
    let parts = key
        .strip_prefix("remote.")
        .and_then(|rest| rest.rsplit_once('.'));
    let Some((name, last)) = parts else {
        return Ok(value.to_owned());
    };
    check_name(name)?;
    match last {
        "url" => Ok(parsed(value, Path::new("."))?.as_str().to_owned()),
        "filter" => Ok(Filter::parse(value)?.to_string()),
        _ => Ok(value.to_owned()),
    }
}

/// Reads an address. A relative path would mean another folder in each working directory.
fn parsed(url: &str, otherwise: &Path) -> Result<Address> {
    let base = std::env::current_dir().unwrap_or_else(|_| otherwise.to_owned());
    Address::parse(url, &base)
}

fn url_key(name: &str) -> String {
    format!("remote.{name}.url")
}

/// Returns the full name of the ref that says where a branch of a remote was.
pub(super) fn tracking(remote: &str, branch: &str) -> String {
    format!("{REMOTES}{remote}/{branch}")
}

impl Repository {
    /// Returns the remotes, in order of their names.
    pub fn remotes(&self) -> Result<Vec<RemoteInfo>> {
        let mut found: Vec<RemoteInfo> = Vec::new();
        for setting in Config::of(Some(self.root()))?.list() {
            let name = setting.key.strip_prefix("remote.");
            if let Some(name) = name.and_then(|rest| rest.strip_suffix(".url"))
                && check_name(name).is_ok()
            {
                // The repository's comes after the user's and counts.
                found.retain(|other| other.name != name);
                found.push(RemoteInfo {
                    name: name.to_owned(),
                    url: setting.value,
                });
            }
        }
        Ok(found)
    }

    /// Returns the remote `name`.
    pub fn remote(&self, name: &str) -> Result<RemoteInfo> {
        let all = self.remotes()?;
        if let Some(found) = all.iter().find(|remote| remote.name == name) {
            return Ok(found.clone());
        }
        Err(Error::NotFoundNear {
            what: "remote",
            name: name.to_owned(),
            place: self.root().display().to_string(),
            similar: suggest::nearest(name, all.iter().map(|remote| remote.name.as_str())),
        }
        .into())
    }

    /// Adds a remote. `url` is an address, or the path of a folder; nothing is asked of it.
    pub fn add_remote(&self, name: &str, url: &str) -> Result<RemoteInfo> {
        check_name(name)?;
        if self.remotes()?.iter().any(|remote| remote.name == name) {
            return Err(Error::Exists {
                what: "remote",
                name: name.to_owned(),
            }
            .into());
        }
        self.keep_url(name, url)
    }

    /// Gives a remote another address.
    pub fn set_remote_url(&self, name: &str, url: &str) -> Result<RemoteInfo> {
        self.remote(name)?;
        self.keep_url(name, url)
    }

    fn keep_url(&self, name: &str, url: &str) -> Result<RemoteInfo> {
        let address = parsed(url, self.root())?;
        let mut config = Config::of(Some(self.root()))?;
        config.set(Scope::Repository, &url_key(name), address.as_str())?;
        Ok(RemoteInfo {
            name: name.to_owned(),
            url: address.as_str().to_owned(),
        })
    }

    /// Removes a remote, its tracking refs, and that branches follow it. What is at the
    /// remote stays.
    pub fn remove_remote(&self, name: &str) -> Result<()> {
        self.remote(name)?;
        let absents = self.snapshot()?.absents()?;
        let only = absents.iter().filter(|(_, absent)| absent.remote == name);
        let values = only
            .filter(|(_, absent)| absent.kind == Kind::Datum)
            .count();
        if values > 0 {
            return Err(Error::Conflict {
                message: format!(
                    "the remote {name:?} has values that are not here ({values}); bring them \
                     first: `dml fetch {name} --filter none`"
                ),
            }
            .into());
        }
        let mut config = Config::of(Some(self.root()))?;
        let prefix = format!("remote.{name}.");
        let keys: Vec<_> = config
            .list()
            .into_iter()
            .filter(|setting| setting.scope == Scope::Repository)
            .map(|setting| setting.key)
            .filter(|key| key.starts_with(&prefix))
            .collect();
        if keys.is_empty() {
            return Err(Error::Invalid {
                message: format!(
                    "the remote {name:?} is set in your own settings; remove it there: \
                     `dml config --user --unset {}`",
                    url_key(name)
                ),
            }
            .into());
        }
        for key in keys {
            config.unset(Scope::Repository, &key)?;
        }
        let tracking = tracking(name, "");
        self.store().write(|txn| {
            for key in txn.ref_names(&tracking)? {
                txn.delete(Table::Refs, key.as_bytes())?;
            }
            for key in txn.ref_names(UPSTREAM)? {
                if matches!(txn.target(&key)?, Some(Target::Ref(to)) if to.starts_with(&tracking)) {
                    txn.delete(Table::Refs, key.as_bytes())?;
                }
            }
            session::forget(txn, name)?;
            receive::forget(txn)
        })
    }

    /// Returns what the branch `name` follows; `None` when it follows nothing.
    pub fn upstream(&self, name: &str) -> Result<Option<Upstream>> {
        let key = upstream_ref(name)?;
        let snapshot = self.snapshot()?;
        let Some(Target::Ref(to)) = snapshot.target(&key)? else {
            return Ok(None);
        };
        let Some((remote, branch)) = to.strip_prefix(REMOTES).and_then(|to| to.split_once('/'))
        else {
            return Ok(None);
        };
        Ok(Some(Upstream {
            remote: remote.to_owned(),
            branch: branch.to_owned(),
            commit: match snapshot.target(&to)? {
                Some(Target::Commit(commit)) => Some(commit),
                _ => None,
            },
        }))
    }

    /// Lets the branch `name` follow the branch `branch` of the remote `remote`. It need
    /// not be there yet.
    pub fn set_upstream(&self, name: &str, remote: &str, branch: &str) -> Result<()> {
        let key = upstream_ref(name)?;
        self.remote(remote)?;
        refs::branch_ref(branch)?;
        self.store().write(|txn| follow(txn, &key, remote, branch))
    }

    /// Lets the branch `name` follow nothing. Returns whether it followed something.
    pub fn unset_upstream(&self, name: &str) -> Result<bool> {
        let key = upstream_ref(name)?;
        self.store()
            .write(|txn| txn.delete(Table::Refs, key.as_bytes()))
    }

    /// Returns how many commits `ours` has that `theirs` does not have, and how many the
    /// other way round.
    pub fn ahead_behind(&self, ours: CommitId, theirs: CommitId) -> Result<(u64, u64)> {
        let snapshot = self.snapshot()?;
        Ok((
            count_exclusive(&snapshot, ours, theirs)?,
            count_exclusive(&snapshot, theirs, ours)?,
        ))
    }
}

/// Returns the full name of the ref that says what the branch `name` follows.
pub(super) fn upstream_ref(name: &str) -> Result<String> {
    let full = refs::branch_ref(name)?;
    let name = full.strip_prefix(HEADS).unwrap_or(&full);
    Ok(format!("{UPSTREAM}{name}"))
}

/// Lets the branch of the upstream ref `key` follow a branch of a remote.
pub(super) fn follow(txn: &mut WriteTxn<'_>, key: &str, remote: &str, branch: &str) -> Result<()> {
    refs::set(txn, key, &Target::Ref(tracking(remote, branch)))
}
