//! Branches, tags and what is checked out.

use super::Repository;
use super::ancestry;
use super::refs::{self, HEAD, ReadRefs, Target, check_no_merge};
use crate::error::{Error, Result};
use crate::id::CommitId;
use crate::store::{ReadObjects, Table, WriteTxn};
use crate::suggest;

/// Where branches are among the refs.
pub const HEADS: &str = "heads/";
/// Where tags are.
pub const TAGS: &str = "tags/";
/// Where the branches of remotes are.
pub const REMOTES: &str = "remotes/";
/// Where it is said what branches follow: refs to refs of remotes.
pub(crate) const UPSTREAM: &str = "upstream/";

/// A ref and the commit it is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefInfo {
    /// Its full name: `heads/main`, `tags/v1`, `remotes/origin/main`.
    pub full_name: String,
    /// The commit.
    pub commit: CommitId,
}

impl RefInfo {
    /// Returns the name without `heads/`, `tags/` or `remotes/`.
    pub fn name(&self) -> &str {
        self.full_name
            .split_once('/')
            .map_or(self.full_name.as_str(), |(_, name)| name)
    }
}

/// What is checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A branch.
    Branch {
        /// Its name, without `heads/`.
        name: String,
        /// Its newest commit; `None` before the first.
        commit: Option<CommitId>,
    },
    /// A commit, on no branch.
    Detached(CommitId),
}

impl Repository {
    /// Returns what is checked out.
    pub fn head_state(&self) -> Result<Head> {
        head_state(&self.snapshot()?)
    }

    /// Returns the branches, in order of their names.
    pub fn branches(&self) -> Result<Vec<RefInfo>> {
        self.refs(HEADS)
    }

    /// Returns the tags, in order of their names.
    pub fn tags(&self) -> Result<Vec<RefInfo>> {
        self.refs(TAGS)
    }

    /// Returns the branches of all remotes, as they were when last fetched.
    pub fn remote_branches(&self) -> Result<Vec<RefInfo>> {
        self.refs(REMOTES)
    }

    /// Returns the refs whose full names start with `prefix`, in order.
    pub fn refs(&self, prefix: &str) -> Result<Vec<RefInfo>> {
        list(&self.snapshot()?, prefix)
    }

    /// Makes the branch `name` at `commit`.
    pub fn create_branch(&self, name: &str, commit: CommitId) -> Result<()> {
        self.create(&refs::branch_ref(name)?, "branch", commit)
    }

    /// Makes the tag `name` at `commit`.
    pub fn create_tag(&self, name: &str, commit: CommitId) -> Result<()> {
        self.create(&refs::tag_ref(name)?, "tag", commit)
    }

    fn create(&self, full_name: &str, what: &'static str, commit: CommitId) -> Result<()> {
        self.store().write(|txn| {
            if txn.target(full_name)?.is_some() {
                return Err(exists(what, full_name));
            }
            check_commit(txn, commit)?;
            refs::set(txn, full_name, &Target::Commit(commit))
        })
    }

    /// Moves the branch `name` to `commit` and returns where it was; makes it if it
    /// is not there.
    pub fn set_branch(&self, name: &str, commit: CommitId) -> Result<Option<CommitId>> {
        let full_name = refs::branch_ref(name)?;
        self.store().write(|txn| {
            check_commit(txn, commit)?;
            let before = txn.target(&full_name)?;
            refs::set(txn, &full_name, &Target::Commit(commit))?;
            Ok(match before {
                Some(Target::Commit(before)) => Some(before),
                _ => None,
            })
        })
    }

    /// Deletes the branch `name` and returns where it was. The branch that is
    /// checked out is not deleted; nor, unless `force`, is one with commits that no other
    /// branch or tag has.
    pub fn delete_branch(&self, name: &str, force: bool) -> Result<CommitId> {
        self.store()
            .write(|txn| self.remove_branch(txn, name, force))
    }

    /// Deletes branches as [`Repository::delete_branch`] does, all of them or none.
    pub fn delete_branches(&self, names: &[String], force: bool) -> Result<Vec<CommitId>> {
        self.store().write(|txn| {
            let each = names.iter();
            each.map(|name| self.remove_branch(txn, name, force))
                .collect()
        })
    }

    fn remove_branch(&self, txn: &mut WriteTxn<'_>, name: &str, force: bool) -> Result<CommitId> {
        let full_name = refs::branch_ref(name)?;
        let commit = self.existing(txn, &full_name, "branch")?;
        if txn.current_branch()?.as_ref() == Some(&full_name) {
            return Err(Error::Conflict {
                message: format!(
                    "the branch {name:?} is checked out; check out another one to delete it"
                ),
            }
            .into());
        }
        if !force && !is_kept(txn, &full_name, commit)? {
            return Err(Error::Conflict {
                message: format!(
                    "the branch {name:?} has commits that no other branch or tag has; \
                     merge it first, or delete it by force (`dml branch -d -f`)"
                ),
            }
            .into());
        }
        txn.delete(Table::Refs, full_name.as_bytes())?;
        txn.delete(Table::Refs, upstream_of(&full_name).as_bytes())?;
        Ok(commit)
    }

    /// Deletes the tag `name` and returns where it was.
    pub fn delete_tag(&self, name: &str) -> Result<CommitId> {
        self.store().write(|txn| self.remove_tag(txn, name))
    }

    /// Deletes tags, all of them or none, and returns where they were.
    pub fn delete_tags(&self, names: &[String]) -> Result<Vec<CommitId>> {
        self.store().write(|txn| {
            names
                .iter()
                .map(|name| self.remove_tag(txn, name))
                .collect()
        })
    }

    fn remove_tag(&self, txn: &mut WriteTxn<'_>, name: &str) -> Result<CommitId> {
        let full_name = refs::tag_ref(name)?;
        let commit = self.existing(txn, &full_name, "tag")?;
        txn.delete(Table::Refs, full_name.as_bytes())?;
        Ok(commit)
    }

    /// Returns whether `commit` is in the history of a branch, of a tag or of what is
    /// checked out. If not, nothing keeps it from being garbage.
    pub fn keeps_commit(&self, commit: CommitId) -> Result<bool> {
        is_kept(&self.snapshot()?, "", commit)
    }

    /// Renames a branch; `HEAD` follows.
    pub fn rename_branch(&self, old: &str, new: &str) -> Result<()> {
        let (old, new) = (refs::branch_ref(old)?, refs::branch_ref(new)?);
        self.store().write(|txn| {
            let current = txn.current_branch()?.as_ref() == Some(&old);
            let at = match txn.target(&old)? {
                // A branch that has no commit yet exists only while it is checked out.
                None if current => None,
                _ => Some(self.existing(txn, &old, "branch")?),
            };
            if old != new && txn.target(&new)?.is_some() {
                return Err(exists("branch", &new));
            }
            if let Some(commit) = at {
                txn.delete(Table::Refs, old.as_bytes())?;
                refs::set(txn, &new, &Target::Commit(commit))?;
            }
            if current {
                refs::set(txn, HEAD, &Target::Ref(new.clone()))?;
            }
            let followed = upstream_of(&old);
            if old != new
                && let Some(followed_ref) = txn.target(&followed)?
            {
                txn.delete(Table::Refs, followed.as_bytes())?;
                refs::set(txn, &upstream_of(&new), &followed_ref)?;
            }
            Ok(())
        })
    }

    /// Checks out `revision`: a branch by its name, or any commit, detached.
    pub fn checkout(&self, revision: &str) -> Result<Head> {
        // `heads/x`, and Git's `refs/heads/x`, mean the branch x.
        let revision = refs::without_refs(revision);
        let branch = revision.strip_prefix(HEADS).unwrap_or(revision);
        if let Ok(full_name) = refs::branch_ref(branch)
            && self.snapshot()?.target(&full_name)?.is_some()
        {
            return self.checkout_branch(branch);
        }
        let commit = self.commit_at(revision)?;
        self.checkout_commit(commit)
    }

    /// Checks out the branch `name`.
    pub fn checkout_branch(&self, name: &str) -> Result<Head> {
        let full_name = refs::branch_ref(name)?;
        self.store().write(|txn| {
            self.existing(txn, &full_name, "branch")?;
            check_no_merge(txn)?;
            refs::set(txn, HEAD, &Target::Ref(full_name.clone()))?;
            head_state(txn)
        })
    }

    /// Checks out a commit, detached: later commits are on no branch.
    pub fn checkout_commit(&self, commit: CommitId) -> Result<Head> {
        self.store().write(|txn| {
            check_commit(txn, commit)?;
            check_no_merge(txn)?;
            refs::set(txn, HEAD, &Target::Commit(commit))?;
            head_state(txn)
        })
    }

    /// Checks out a new branch at `commit`. When that is `None`, the branch has no history
    /// before its first commit.
    pub fn checkout_new(&self, name: &str, commit: Option<CommitId>) -> Result<Head> {
        let full_name = refs::branch_ref(name)?;
        self.store().write(|txn| {
            if txn.target(&full_name)?.is_some() {
                return Err(exists("branch", &full_name));
            }
            check_no_merge(txn)?;
            if let Some(commit) = commit {
                check_commit(txn, commit)?;
                refs::set(txn, &full_name, &Target::Commit(commit))?;
            }
            refs::set(txn, HEAD, &Target::Ref(full_name.clone()))?;
            head_state(txn)
        })
    }

    fn existing(
        &self,
        txn: &WriteTxn<'_>,
        full_name: &str,
        what: &'static str,
    ) -> Result<CommitId> {
        if let Some(Target::Commit(commit)) = txn.target(full_name)? {
            return Ok(commit);
        }
        let (space, name) = full_name.split_once('/').unwrap_or(("", full_name));
        let others = txn.ref_names(&format!("{space}/"))?;
        let others = others
            .iter()
            .filter_map(|other| Some(other.split_once('/')?.1));
        Err(Error::NotFoundNear {
            what,
            name: name.to_owned(),
            place: self.root().display().to_string(),
            similar: suggest::nearest(name, others),
        }
        .into())
    }
}

/// Returns the branches, tags and remote branches whose full names start with `prefix`;
/// not `HEAD` and other refs without a slash.
fn list(refs: &impl ReadRefs, prefix: &str) -> Result<Vec<RefInfo>> {
    let mut found = Vec::new();
    for full_name in refs.ref_names(prefix)? {
        if full_name.contains('/')
            && let Some(Target::Commit(commit)) = refs.target(&full_name)?
        {
            found.push(RefInfo { full_name, commit });
        }
    }
    Ok(found)
}

/// Returns the full name of the ref that says what the branch `full_name` follows.
fn upstream_of(full_name: &str) -> String {
    let name = full_name.strip_prefix(HEADS).unwrap_or(full_name);
    format!("{UPSTREAM}{name}")
}

/// Returns whether `commit` is in what is checked out or in a ref other than `full_name`.
fn is_kept(txn: &(impl ReadObjects + ReadRefs), full_name: &str, commit: CommitId) -> Result<bool> {
    let others = list(txn, "")?
        .into_iter()
        .filter(|other| other.full_name != full_name)
        .map(|other| other.commit);
    for other in others.chain(txn.head()?) {
        if ancestry::is_ancestor(txn, commit, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn head_state(refs: &impl ReadRefs) -> Result<Head> {
    Ok(match refs.target(HEAD)? {
        Some(Target::Commit(commit)) => Head::Detached(commit),
        Some(Target::Ref(full_name)) => {
            let commit = refs.head()?;
            let name = full_name
                .strip_prefix(HEADS)
                .unwrap_or(&full_name)
                .to_owned();
            Head::Branch { name, commit }
        }
        None => {
            return Err(Error::NotFound {
                what: "ref",
                name: HEAD.to_owned(),
                place: "this repository; run `dml fsck`".to_owned(),
            }
            .into());
        }
    })
}

fn check_commit(objects: &impl ReadObjects, commit: CommitId) -> Result<()> {
    objects.load::<_, crate::record::Commit>(commit).map(drop)
}

fn exists(what: &'static str, full_name: &str) -> Box<Error> {
    let name = full_name
        .split_once('/')
        .map_or(full_name, |(_, name)| name);
    Error::Exists {
        what,
        name: name.to_owned(),
    }
    .into()
}
