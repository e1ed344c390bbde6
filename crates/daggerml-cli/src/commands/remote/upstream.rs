//! What a branch follows, as `status` and `branch` show it.

use daggerml::id::CommitId;
use daggerml::{Error, Repository};
use serde::Serialize;

/// What a branch follows, and how far the two are apart.
#[derive(Serialize)]
pub struct UpstreamReport {
    /// `origin/main`.
    pub name: String,
    remote: String,
    branch: String,
    /// Where it was when it was last fetched; `None` before.
    commit: Option<String>,
    /// How many commits only the branch here has; `None` where `commit` is.
    ahead: Option<u64>,
    /// How many commits only the one there has.
    behind: Option<u64>,
}

impl UpstreamReport {
    /// Returns what `branch`, which is at `here`, follows.
    pub fn of(
        repository: &Repository,
        branch: &str,
        here: Option<CommitId>,
    ) -> Result<Option<Self>, Box<Error>> {
        let Some(upstream) = repository.upstream(branch)? else {
            return Ok(None);
        };
        let apart = match (here, upstream.commit) {
            (Some(ours), Some(theirs)) => Some(repository.ahead_behind(ours, theirs)?),
            _ => None,
        };
        Ok(Some(Self {
            name: upstream.name(),
            commit: upstream.commit.map(|id| id.to_string()),
            ahead: apart.map(|(ahead, _)| ahead),
            behind: apart.map(|(_, behind)| behind),
            remote: upstream.remote,
            branch: upstream.branch,
        }))
    }

    /// Says how far the two are apart.
    pub fn apart(&self) -> String {
        match (self.ahead, self.behind) {
            (Some(0), Some(0)) => "up to date".to_owned(),
            (Some(ahead), Some(0)) => format!("ahead {ahead}"),
            (Some(0), Some(behind)) => format!("behind {behind}"),
            (Some(ahead), Some(behind)) => format!("ahead {ahead}, behind {behind}"),
            _ if self.commit.is_some() => "no commits here yet".to_owned(),
            _ => "not there yet, or not fetched yet".to_owned(),
        }
    }
}
