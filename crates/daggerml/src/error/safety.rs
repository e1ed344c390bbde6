//! Why something in a repository's folder is not used.

use std::path::Path;

use crate::well_known::{FOLDER, SAFE};

/// Why something in a repository's folder is not used: a repository that comes from
/// somebody else must not lead elsewhere, and nobody else may change one in use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeReason {
    /// It is a link, a pipe, a device ...
    #[error("it is {found}, and only {wanted} is used there")]
    Kind {
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// It belongs to somebody else.
    #[error("it belongs to another user (number {owner}; this process runs as {user})")]
    Owner {
        /// The number of its owner.
        owner: u32,
        /// The number of the user that this process runs as.
        user: u32,
    },
    /// Everybody may write to it.
    #[error("everybody may write to it (mode {mode:04o})")]
    Writable {
        /// Its permissions.
        mode: u32,
    },
    /// It has more names, perhaps outside of the repository.
    #[error("it has {names} names (hard links), so it may be a file of elsewhere too")]
    Names {
        /// How many.
        names: u64,
    },
    /// It is too large for what it is.
    #[error("it has more than the {most} bytes that it may have")]
    TooLarge {
        /// The most bytes.
        most: u64,
    },
    /// Another file took its place while it was opened.
    #[error("another file took its place while it was opened")]
    Replaced,
}

impl UnsafeReason {
    /// Returns what to do about `path`.
    pub(super) fn hint(&self, path: &Path) -> String {
        let file = quoted(path);
        match self {
            Self::Kind { found, .. } if found == "a link" && path.ends_with(FOLDER) => {
                "if it leads to a repository of yours, name that one: `dml --repository FOLDER`"
                    .to_owned()
            }
            Self::Kind { .. } => format!(
                "links, pipes and the like in a repository may be traps: see where it comes \
                 from, and remove {file} if you want to go on"
            ),
            Self::Owner { .. } => allow(path),
            Self::Writable { .. } => {
                format!(
                    "take that right away with `chmod o-w {file}`; or, {}",
                    allow(path)
                )
            }
            Self::Names { .. } => {
                format!(
                    "give it a copy of its own: `cp -p {file} {file}.own && mv {file}.own {file}`"
                )
            }
            Self::TooLarge { .. } => {
                format!("see what is in it, and make {file} smaller or remove it")
            }
            Self::Replaced => "somebody else changes the repository's folder: see who".to_owned(),
        }
    }
}

/// Returns how to allow the repository that `path` is the folder of, or is in.
fn allow(path: &Path) -> String {
    let root = path.ancestors().find(|above| above.ends_with(FOLDER));
    let root = root.and_then(Path::parent).unwrap_or(path);
    format!(
        "if you trust everybody who can write there, allow it: `dml config --user --add {} {}`",
        SAFE,
        quoted(root)
    )
}

/// Returns the path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@\\,".contains(c);
    if text.chars().all(plain) && !cfg!(windows) {
        return text;
    }
    if cfg!(windows) {
        return format!("\"{text}\"");
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
