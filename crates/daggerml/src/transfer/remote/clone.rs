//! Clone: a new repository that begins as a remote is.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::folder::Sharing;
use crate::repo::Repository;
use crate::repo::branches::HEADS;
use crate::repo::refs::{self, HEAD, ReadRefs, Target};
use crate::transfer::transport::Address;

use super::settings::{follow, tracking, upstream_ref};
use super::{Depth, FetchOptions, FetchReport, Filter, Listener, Remote};

/// How to clone.
#[derive(Clone, Debug)]
pub struct CloneOptions {
    /// What the remote is called.
    pub remote: String,
    /// The branch to check out; `None` is the one that the remote names.
    pub branch: Option<String>,
    /// Whether tags come along.
    pub tags: bool,
    /// How much history comes along.
    pub depth: Depth,
    /// Which values come along, now and with later fetches.
    pub filter: Filter,
    /// Who may use the new repository.
    pub sharing: Sharing,
}

impl Default for CloneOptions {
    fn default() -> Self {
        Self {
            remote: "origin".to_owned(),
            branch: None,
            tags: true,
            depth: Depth::Keep,
            filter: Filter::None,
            sharing: Sharing::default(),
        }
    }
}

/// A repository that was cloned.
pub struct Cloned {
    /// The repository.
    pub repository: Repository,
    /// What was fetched.
    pub fetched: FetchReport,
    /// The branch that is checked out, without `heads/`.
    pub branch: String,
}

/// Makes a repository in the folder `root` and fetches all of the remote at `address` into it.
/// When that fails, no repository is left there. A clone of the same remote that was
/// interrupted there goes on.
pub fn clone(
    address: &Address,
    root: &Path,
    options: &CloneOptions,
    listener: &dyn Listener,
) -> Result<Cloned> {
    let remote = Remote::at(&options.remote, address)?;
    clone_from(&remote, address, root, options, listener)
}

/// Does the same from a remote that is open.
#[doc(hidden)]
pub fn clone_from(
    remote: &Remote,
    address: &Address,
    root: &Path,
    options: &CloneOptions,
    listener: &dyn Listener,
) -> Result<Cloned> {
    // Before anything is made: is there a remote, and has it the branch?
    let head = remote.manifest(None)?.manifest.head;
    let (repository, is_new) = match Repository::init_for(root, options.sharing) {
        Err(error) if error.kind() == ErrorKind::Exists => {
            (begun(root, address, options)?.ok_or(error)?, false)
        }
        made => (made?, true),
    };
    let fetch = FetchOptions {
        tags: options.tags,
        // What was begun with other options becomes what these say. In a new repository nothing is
        // left out yet, so nothing is to be looked for.
        depth: match options.depth {
            Depth::Keep => Depth::Full,
            depth => depth,
        },
        filter: (!is_new || options.filter != Filter::None).then_some(options.filter),
        ..FetchOptions::default()
    };
    let fill = || fill(remote, &repository, &fetch, head, options, listener);
    if !is_new {
        return fill();
    }
    let filled = repository
        .add_remote(&options.remote, address.as_str())
        .and_then(|_| fill());
    if filled.is_err() {
        drop(repository);
        remove(root);
    }
    filled
}

/// Returns the repository of a clone of this remote that was interrupted: nothing is in it
/// but what was fetched.
fn begun(root: &Path, address: &Address, options: &CloneOptions) -> Result<Option<Repository>> {
    let repository = Repository::open(root)?;
    let is_its = repository
        .remote(&options.remote)
        .is_ok_and(|remote| remote.url == address.as_str());
    let is_empty = repository.head()?.is_none()
        && repository.branches()?.is_empty()
        && repository.drafts()?.is_empty();
    Ok((is_its && is_empty).then_some(repository))
}

fn fill(
    remote: &Remote,
    repository: &Repository,
    fetch: &FetchOptions,
    head: Option<String>,
    options: &CloneOptions,
    listener: &dyn Listener,
) -> Result<Cloned> {
    let fetched = remote.fetch(repository, fetch, listener)?;
    let first = crate::repo::FIRST_BRANCH;
    let full_name = match &options.branch {
        Some(branch) => refs::branch_ref(branch)?,
        None => fetched.head.clone().or(head).unwrap_or(first.to_owned()),
    };
    let branch = full_name
        .strip_prefix(HEADS)
        .unwrap_or(&full_name)
        .to_owned();
    let key = upstream_ref(&branch)?;
    let tracked = tracking(&options.remote, &branch);
    repository.store().write(|txn| {
        match txn.target(&tracked)? {
            Some(target @ Target::Commit(_)) => refs::set(txn, &full_name, &target)?,
            _ if options.branch.is_some() => {
                return Err(Error::NotFound {
                    what: "branch",
                    name: branch.clone(),
                    place: remote.address().to_owned(),
                }
                .into());
            }
            _ => {}
        }
        refs::set(txn, HEAD, &Target::Ref(full_name.clone()))?;
        follow(txn, &key, &options.remote, &branch)
    })?;
    Ok(Cloned {
        repository: repository.clone(),
        fetched,
        branch,
    })
}

/// Removes a repository that was just made. The failure that led here is what to report.
#[expect(clippy::disallowed_methods, reason = "this process has just made it")]
fn remove(root: &Path) {
    let _ = std::fs::remove_dir_all(root.join(crate::repo::FOLDER));
    let _ = std::fs::remove_dir(root); // Only when nothing else is in it.
}
