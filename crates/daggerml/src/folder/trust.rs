//! Whose folders and files are used.
//!
//! Whoever can write to a repository's folder can change its files while they are in
//! use. They can cut off the data file, which ends this process; swap a file for a link
//! after it was looked at and before it is opened; or hold a lock for ever. Checks of names
//! do not help against that. So a folder of another user, or one that everybody may write
//! to, is not used at all unless the user's own settings name it in `safe.directories`.
//!
//! As in git, the owner's group is trusted. Many systems give every user a group of their
//! own that may write to everything (umask 002), and whoever shares a group intends to.
//!
//! On Windows, files do not tell their owners, so nothing is judged here. There the rights
//! of the folder above are inherited.

use std::path::{Path, PathBuf};

use super::facts::{Facts, OTHERS_WRITE, SHARED};
use super::system;
use crate::config::{Config, Scope};
use crate::error::{Error, Result, UnsafeReason};
use crate::well_known::{FOLDER, SAFE, SAFE_VARIABLE};

/// Why a folder is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It is the user's own, and only they can make files in it.
    Own,
    /// It is the user's own, and a group's.
    Shared,
    /// The user's settings say so.
    Allowed,
    /// It is not a repository's but a remote's: what is in it is verified by its content.
    Remote,
}

impl Trust {
    /// Judges the folder `path` of a repository.
    pub fn of(facts: &Facts, path: &Path) -> Result<Self> {
        let reason = match facts.owner {
            Some(owner) if !is_me(owner) => UnsafeReason::Owner {
                owner,
                user: system::user(),
            },
            _ if facts.mode & OTHERS_WRITE != 0 => UnsafeReason::Writable { mode: facts.mode },
            _ if facts.mode & SHARED == SHARED => return Ok(Self::Shared),
            _ => return Ok(Self::Own),
        };
        if is_allowed(path)? {
            return Ok(Self::Allowed);
        }
        Err(Error::Unsafe {
            path: path.to_owned(),
            reason,
        }
        .into())
    }

    /// Refuses a file or folder in `folder` that others may change.
    pub fn accept(self, facts: &Facts, folder: &Facts, path: &Path) -> Result<()> {
        let reason = match facts.owner {
            _ if matches!(self, Self::Allowed | Self::Remote) => return Ok(()),
            // In a folder that is shared, everybody in the group makes files.
            Some(owner) if self == Self::Own && !may_own(owner, folder) => UnsafeReason::Owner {
                owner,
                user: system::user(),
            },
            _ if facts.mode & OTHERS_WRITE != 0 => UnsafeReason::Writable { mode: facts.mode },
            _ => return Ok(()),
        };
        // The file is in the repository's folder, or in a folder in that one.
        for above in path.ancestors().skip(1).take(2) {
            if is_allowed(above)? {
                return Ok(());
            }
        }
        Err(Error::Unsafe {
            path: path.to_owned(),
            reason,
        }
        .into())
    }
}

/// Returns whether `owner` is the user that this process acts for. Root that a user became by
/// `sudo` acts for that user.
fn is_me(owner: u32) -> bool {
    let user = system::user();
    let behind = || std::env::var("SUDO_UID").is_ok_and(|id| id.parse() == Ok(owner));
    owner == user || (user == 0 && behind())
}

/// Returns whether `owner` may have made a file in `folder`, which is the user's: root may
/// do everything anyhow.
fn may_own(owner: u32, folder: &Facts) -> bool {
    owner == 0 || is_me(owner) || folder.owner == Some(owner)
}

/// Returns whether the user's settings allow the repository whose folder is `path`.
fn is_allowed(path: &Path) -> Result<bool> {
    let mut listed: Vec<PathBuf> = Vec::new();
    if let Some(more) = std::env::var_os(SAFE_VARIABLE) {
        listed.extend(std::env::split_paths(&more));
    }
    let settings = Config::of_user()?.get_list_in(Scope::User, SAFE)?;
    listed.extend(settings.into_iter().map(PathBuf::from));
    let root = match path.parent() {
        Some(root) if path.ends_with(FOLDER) => root,
        _ => path,
    };
    Ok(listed.iter().any(|entry| covers(entry, root)))
}

/// Returns whether `entry` stands for the folder `root`: it is `*`, the folder itself, or one
/// above it followed by `/*`.
fn covers(entry: &Path, root: &Path) -> bool {
    let same = |entry: &Path| std::fs::canonicalize(entry).unwrap_or_else(|_| entry.to_owned());
    if entry == Path::new("*") {
        return true;
    }
    if !entry.is_absolute() {
        return false; // It would mean another folder in each working directory.
    }
    match entry.parent() {
        Some(above) if entry.ends_with("*") => {
            let above = same(above);
            root.starts_with(&above) && root != above
        }
        _ => same(entry) == root,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_for_folders() {
        let here = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(here.path()).unwrap();
        let inner = root.join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let all = root.join("*");
        let yes = [
            (Path::new("*"), &inner),
            (&inner, &inner),
            (&root, &root),
            (&all, &inner),
        ];
        for (entry, folder) in yes {
            assert!(covers(entry, folder), "{entry:?} {folder:?}");
        }
        let sibling = root.join("a/bc");
        let no = [
            (root.as_path(), &inner),
            (&all, &root),
            (&inner, &sibling),
            (Path::new("a/b"), &inner),
            (Path::new(""), &inner),
            (Path::new("."), &inner),
        ];
        for (entry, folder) in no {
            assert!(!covers(entry, folder), "{entry:?} {folder:?}");
        }
    }
}
