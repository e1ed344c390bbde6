//! Pull: a fetch, and then what is checked out takes over what its upstream has.

use crate::error::{Error, Result};
use crate::history::{FastForward, Favor, Merge, MergeOptions};
use crate::repo::Repository;
use crate::repo::branches::Head;
use crate::repo::refs::{ReadRefs, Target};

use super::settings::tracking;
use super::{FetchOptions, FetchReport, Listener, Remote};

/// How to pull.
#[derive(Clone, Debug, Default)]
pub struct PullOptions {
    /// The branch there; `None` is the one that is followed, or that of the same name.
    pub branch: Option<String>,
    /// How to fetch.
    pub fetch: FetchOptions,
    /// Whether the branch may move without a merge commit.
    pub fast_forward: FastForward,
    /// Which side is right in a conflict.
    pub favor: Favor,
}

/// What a pull did.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// What was fetched.
    pub fetched: FetchReport,
    /// The tracking ref that was merged, without `remotes/`: `origin/main`.
    pub from: String,
    /// What became of the branch here.
    pub merge: Merge,
}

impl Remote {
    /// Fetches, and merges a branch of the remote into what is checked out: by moving the
    /// branch forward where that is possible. A conflict waits for choices, as that of
    /// [`Repository::merge`] does.
    pub fn pull(
        &self,
        repository: &Repository,
        options: &PullOptions,
        listener: &dyn Listener,
    ) -> Result<Pulled> {
        let branch = match &options.branch {
            Some(branch) => branch.clone(),
            None => match repository.head_state()? {
                Head::Branch { name, .. } => {
                    let upstream = repository.upstream(&name)?;
                    let upstream = upstream.filter(|upstream| upstream.remote == self.name);
                    upstream.map_or(name, |upstream| upstream.branch)
                }
                Head::Detached(_) => {
                    return Err(Error::Invalid {
                        message: "no branch is checked out; name the branch to pull".to_owned(),
                    }
                    .into());
                }
            },
        };
        let fetched = self.fetch(repository, &options.fetch, listener)?;
        let from = format!("{}/{branch}", self.name);
        let full_name = tracking(&self.name, &branch);
        let Some(Target::Commit(theirs)) = repository.snapshot()?.target(&full_name)? else {
            return Err(Error::NotFound {
                what: "branch",
                name: branch,
                place: self.address.clone(),
            }
            .into());
        };
        let merge = repository.merge(
            theirs,
            &MergeOptions {
                fast_forward: options.fast_forward,
                favor: options.favor,
                message: None,
                label: Some(from.clone()),
            },
        )?;
        Ok(Pulled {
            fetched,
            from,
            merge,
        })
    }
}
