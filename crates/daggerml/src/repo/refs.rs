//! Refs: names for commits. `HEAD` says which one is current.

use std::fmt;

use crate::error::{Error, NameError, Result};
use crate::id::CommitId;
use crate::name::Name;
use crate::store::{ReadEntries, Table, WriteTxn};

/// The ref that says what is checked out.
pub const HEAD: &str = "HEAD";

/// The ref that is set to the other side's commit while a merge waits for choices.
pub const MERGE_HEAD: &str = "MERGE_HEAD";

/// The longest name of a branch or tag, in bytes: LMDB's keys have at most 511.
const LONGEST: usize = 400;

/// What a ref is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A commit.
    Commit(CommitId),
    /// Another ref, by its full name (`heads/main`), which need not exist yet.
    Ref(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(id) => id.fmt(f),
            Self::Ref(name) => write!(f, "ref: {name}"),
        }
    }
}

impl Target {
    pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        if let Some(other) = text.strip_prefix("ref: ") {
            return Ok(Self::Ref(other.to_owned()));
        }
        text.parse().map(Self::Commit).map_err(|_| {
            Error::Invalid {
                message: format!("the ref {name:?} is damaged: it holds {text:?}; run `dml fsck`"),
            }
            .into()
        })
    }
}

/// Reading refs, from a snapshot or in a write transaction.
pub trait ReadRefs: ReadEntries {
    /// Returns a fact about the repository that is not a ref.
    fn fact(&self, key: &[u8]) -> Result<Option<&[u8]>> {
        self.entry(Table::Meta, key)
    }

    /// Returns the full names of the refs that start with `prefix`, in order.
    fn ref_names(&self, prefix: &str) -> Result<Vec<String>> {
        let keys = self.entry_keys(Table::Refs, prefix.as_bytes())?;
        let names = keys.iter().map(|key| String::from_utf8_lossy(key));
        Ok(names.map(std::borrow::Cow::into_owned).collect())
    }

    /// Returns what the ref `name` (full: `heads/main`, `HEAD`) is set to.
    fn target(&self, name: &str) -> Result<Option<Target>> {
        self.entry(Table::Refs, name.as_bytes())?
            .map(|bytes| Target::parse(name, bytes))
            .transpose()
    }

    /// Returns the full name of the branch that is checked out; `None` when `HEAD` is a commit.
    fn current_branch(&self) -> Result<Option<String>> {
        Ok(match self.target(HEAD)? {
            Some(Target::Ref(name)) => Some(name),
            _ => None,
        })
    }

    /// Returns the commit that `HEAD` is at; `None` before the first commit.
    fn head(&self) -> Result<Option<CommitId>> {
        match self.target(HEAD)? {
            Some(Target::Commit(id)) => Ok(Some(id)),
            Some(Target::Ref(name)) => match self.target(&name)? {
                Some(Target::Commit(id)) => Ok(Some(id)),
                _ => Ok(None),
            },
            None => Ok(None),
        }
    }
}

impl<T: ReadEntries> ReadRefs for T {}

/// Sets the ref `name`.
pub fn set(txn: &mut WriteTxn<'_>, name: &str, target: &Target) -> Result<()> {
    txn.put(Table::Refs, name.as_bytes(), target.to_string().as_bytes())
}

/// Moves what is checked out to `commit`: the current branch, or `HEAD` itself.
pub fn advance(txn: &mut WriteTxn<'_>, commit: CommitId) -> Result<()> {
    let name = txn.current_branch()?.unwrap_or_else(|| HEAD.to_owned());
    set(txn, &name, &Target::Commit(commit))
}

/// Refuses to go on while a merge waits for choices.
pub(crate) fn check_no_merge(refs: &impl ReadRefs) -> Result<()> {
    if refs.target(MERGE_HEAD)?.is_some() {
        return Err(Error::Conflict {
            message: "a merge waits for choices; finish it with `dml merge --continue` \
                      or give it up with `dml merge --abort`"
                .to_owned(),
        }
        .into());
    }
    Ok(())
}

/// Returns the full name of a branch, checked: not empty, no control characters, no
/// empty part between slashes, none of the characters that revisions use.
pub fn branch_ref(name: &str) -> Result<String> {
    full_ref("heads", name)
}

/// Returns the full name of a tag; the same rules.
pub fn tag_ref(name: &str) -> Result<String> {
    full_ref("tags", name)
}

fn full_ref(space: &str, name: &str) -> Result<String> {
    let name = Name::new(name)?;
    let text = name.as_str();
    match fault(text) {
        None => Ok(format!("{space}/{text}")),
        Some(why) => Err(NameError::Ref {
            name: text.to_owned(),
            why,
        }
        .into()),
    }
}

/// The first parts of the full names of refs, and of those names in Git.
const SPACES: [&str; 5] = ["heads", "tags", "remotes", "upstream", "refs"];

/// Returns the first part of `name` if full names of refs begin so. A branch `heads/x` would
/// be mistaken for the branch `x`.
fn space_of(name: &str) -> Option<&'static str> {
    let (first, _) = name.split_once('/')?;
    SPACES.into_iter().find(|space| *space == first)
}

/// Returns the full name of a ref as we write it: Git's `refs/heads/main` is `heads/main`.
pub(crate) fn without_refs(name: &str) -> &str {
    name.strip_prefix("refs/")
        .filter(|rest| space_of(rest).is_some_and(|space| space != "refs"))
        .unwrap_or(name)
}

/// Returns why `name` cannot name a branch or tag.
fn fault(name: &str) -> Option<String> {
    let odd = |c: &char| c.is_whitespace() || "~^:{}@?*[\\".contains(*c);
    let why = if let Some(c) = name.chars().find(odd) {
        return Some(format!("it has the character {c:?}"));
    } else if name.len() > LONGEST {
        return Some(format!("it is longer than {LONGEST} bytes"));
    } else if let Some(space) = space_of(name) {
        return Some(format!("{space}/ begins the full name of a ref"));
    } else if name == HEAD {
        "that is what is checked out"
    } else if name.starts_with('-') {
        "it begins with - like an option"
    } else if name.contains("..") {
        "it has .. in it like a range"
    } else if name.split('/').any(|part| part.is_empty() || part == ".") {
        "between slashes there must be text other than ."
    } else {
        return None;
    };
    Some(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_of_git_are_read() {
        assert_eq!(without_refs("refs/heads/main"), "heads/main");
        assert_eq!(without_refs("refs/x"), "refs/x");
        assert_eq!(without_refs("refs/refs/x"), "refs/refs/x");
        assert_eq!(without_refs("main"), "main");
    }

    #[test]
    fn names_say_what_is_wrong_with_them() {
        for name in ["main", "a/b.c", "数据", "v1.0", "a-", "heads", "x/heads/y"] {
            assert_eq!(fault(name), None, "{name}");
        }
        for (name, why) in [
            ("a b", "character ' '"),
            ("a@b", "character '@'"),
            ("HEAD", "checked out"),
            ("-x", "option"),
            ("a..b", "range"),
            ("x/../y", "range"),
            ("/a", "slashes"),
            ("a/", "slashes"),
            ("a//b", "slashes"),
            ("a/./b", "slashes"),
            ("heads/x", "full name"),
            ("refs/heads/x", "full name"),
            ("remotes/origin/x", "full name"),
        ] {
            assert!(fault(name).unwrap_or_default().contains(why), "{name}");
        }
        assert!(fault(&"x".repeat(LONGEST + 1)).is_some());
    }
}
