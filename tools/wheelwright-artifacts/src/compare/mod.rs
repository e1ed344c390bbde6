//! Are two artifacts the same, and if not, where do they first differ?
//!
//! The verdict is a ladder: identical; equivalent after named passes, each of
//! which takes away one known source of difference; different.

mod locate;
mod pass;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::artifact::{Archive, Artifact, Limits, ReadError, record};

pub use locate::Place;
pub use pass::Pass;
pub use sums::Table;

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// The same bytes.
    Identical,
    /// The same but for what these passes take away.
    Equivalent {
        /// In a fixed order, each once.
        passes: BTreeSet<Pass>,
    },
    /// Something no pass explains.
    Different {
        /// The first difference, in the order of member paths.
        first: Difference,
        /// Passes that explain other differences met before it.
        passes: BTreeSet<Pass>,
    },
}

/// The first difference that no pass explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The member; `None` when it is about the whole file.
    pub member: Option<String>,
    /// Where in it.
    #[serde(flatten)]
    pub place: Place,
    /// What the first artifact has there.
    pub a: String,
    /// What the second has.
    pub b: String,
}

/// Why two artifacts could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// One of them cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A member cannot be unpacked.
    #[error("{file}: {member}: {reason}")]
    Member {
        /// The artifact.
        file: String,
        /// The member.
        member: String,
        /// Why not.
        reason: String,
    },
}

/// Compares two wheels or two sdists.
///
/// # Errors
/// When one of them, or a member of it, cannot be read.
pub fn compare(a: &Path, b: &Path) -> Result<Verdict, CompareError> {
    let limits = Limits::default();
    compare_artifacts(&Artifact::open(a, limits)?, &Artifact::open(b, limits)?)
}

/// Compares two artifacts that are already read.
///
/// # Errors
/// When a member cannot be unpacked.
pub fn compare_artifacts(a: &Artifact, b: &Artifact) -> Result<Verdict, CompareError> {
    if a.sha256 == b.sha256 {
        return Ok(Verdict::Identical);
    }
    let mut passes = BTreeSet::new();
    let (names_a, names_b) = (names(a), names(b));
    let only = |x: &BTreeMap<&str, usize>, y: &BTreeMap<&str, usize>| {
        x.keys()
            .find(|name| !y.contains_key(*name))
            .map(|name| (*name).to_owned())
    };
    let missing = match (only(&names_a, &names_b), only(&names_b, &names_a)) {
        (Some(name), other) if other.as_ref().is_none_or(|o| name <= *o) => {
            Some((name, "is there", "is not there"))
        }
        (_, Some(name)) => Some((name, "is not there", "is there")),
        (Some(name), None) => Some((name, "is there", "is not there")),
        (None, None) => None,
    };
    if let Some((name, a, b)) = missing {
        let first = Difference {
            member: Some(name),
            place: Place::default(),
            a: a.into(),
            b: b.into(),
        };
        return Ok(Verdict::Different { first, passes });
    }
    if a.archive.len() != names_a.len() || b.archive.len() != names_b.len() {
        let first = Difference {
            member: None,
            place: Place::default(),
            a: format!("{} members of {} names", a.archive.len(), names_a.len()),
            b: format!("{} members of {} names", b.archive.len(), names_b.len()),
        };
        if a.archive.len() != b.archive.len() {
            return Ok(Verdict::Different { first, passes });
        }
    }
    pass::archive(&a.archive, &b.archive, &mut passes);
    let mut changed = BTreeSet::new();
    let mut records = None;
    for (name, &index_a) in &names_a {
        let Some(&index_b) = names_b.get(name) else {
            continue;
        };
        pass::member(&a.archive, index_a, &b.archive, index_b, &mut passes);
        let (content_a, content_b) = (content(a, index_a)?, content(b, index_b)?);
        if content_a == content_b {
            continue;
        }
        if name.ends_with(".dist-info/RECORD") {
            records = Some((*name, content_a, content_b));
            continue;
        }
        match pass::content(name, &content_a, &content_b, &mut passes) {
            None => {
                changed.insert((*name).to_owned());
            }
            Some((rest_a, rest_b)) => {
                let first = locate::difference(name, &rest_a, &rest_b);
                return Ok(Verdict::Different { first, passes });
            }
        }
    }
    if let Some((name, record_a, record_b)) = records {
        if same_rows(&record_a, &record_b, &changed) {
            passes.insert(Pass::Record);
        } else {
            let first = locate::difference(name, &record_a, &record_b);
            return Ok(Verdict::Different { first, passes });
        }
    }
    if passes.is_empty() {
        // Every fact is the same, yet the bytes are not: how they are packed.
        passes.insert(Pass::Compression);
    }
    Ok(Verdict::Equivalent { passes })
}

/// Member paths; of several of one path the last, as readers take it.
fn names(artifact: &Artifact) -> BTreeMap<&str, usize> {
    (0..artifact.archive.len())
        .map(|index| (artifact.archive.path(index), index))
        .collect()
}

fn content(artifact: &Artifact, index: usize) -> Result<std::borrow::Cow<'_, [u8]>, CompareError> {
    match &artifact.archive {
        // Folders and links have no content to speak of.
        Archive::TarGz(tar) => tar.content(index).map(std::borrow::Cow::Borrowed),
        Archive::Zip(zip) => zip.content(index),
    }
    .map_err(|reason| CompareError::Member {
        file: artifact.file_name.clone(),
        member: artifact.archive.path(index).to_owned(),
        reason,
    })
}

/// Whether two RECORDs differ only in order and in the rows of `changed` members.
fn same_rows(a: &[u8], b: &[u8], changed: &BTreeSet<String>) -> bool {
    let rows = |bytes| -> Option<BTreeMap<String, String>> {
        let rows = record::parse(bytes).ok()?;
        let row = |r: record::Row| {
            let rest = if changed.contains(&r.path) {
                String::new()
            } else {
                format!("{:?} {:?}", r.hash, r.size)
            };
            (r.path, rest)
        };
        Some(rows.into_iter().map(row).collect())
    };
    matches!((rows(a), rows(b)), (Some(a), Some(b)) if a == b)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |passes: &BTreeSet<Pass>| passes.iter().map(Pass::name).collect::<Vec<_>>().join(", ");
        match self {
            Self::Identical => f.write_str("identical"),
            Self::Equivalent { passes } => write!(f, "equivalent after {}", list(passes)),
            Self::Different { first, passes } => {
                write!(f, "different: {first}")?;
                if !passes.is_empty() {
                    write!(f, " (also: {})", list(passes))?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(member) = &self.member {
            write!(f, "{member}: ")?;
        }
        write!(f, "{}{} / {}", self.place, self.a, self.b)
    }
}
