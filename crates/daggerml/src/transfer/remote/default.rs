//! Which remote is meant where none is named.

use crate::error::{Error, Result};
use crate::repo::Repository;
use crate::repo::branches::Head;

use super::RemoteInfo;

/// The usual name of the first remote.
pub const ORIGIN: &str = "origin";

impl Repository {
    /// Returns the remote that is meant where none is named: the one that the branch that
    /// is checked out follows, else `origin`, else the only one.
    pub fn default_remote(&self) -> Result<RemoteInfo> {
        if let Head::Branch { name, .. } = self.head_state()?
            && let Some(upstream) = self.upstream(&name)?
        {
            return self.remote(&upstream.remote);
        }
        let all = self.remotes()?;
        if all.len() > 1 && all.iter().all(|remote| remote.name != ORIGIN) {
            let names: Vec<_> = all.into_iter().map(|remote| remote.name).collect();
            return Err(Error::Invalid {
                message: format!(
                    "no remote is named, and several could be meant: {}",
                    names.join(", ")
                ),
            }
            .into());
        }
        match all.into_iter().max_by_key(|remote| remote.name == ORIGIN) {
            Some(remote) => Ok(remote),
            None => self.remote(ORIGIN),
        }
    }
}
