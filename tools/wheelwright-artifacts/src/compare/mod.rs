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

use crate::artifact::{Archive, Artifact, Kind, Limits, MemberKind, ReadError, record};

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
    let Explanation {
        passes,
        differences,
    } = explain(a, b)?;
    Ok(match differences.into_iter().next() {
        Some(first) => Verdict::Different { first, passes },
        None => Verdict::Equivalent { passes },
    })
}

/// Everything in which two artifacts of unequal bytes differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The passes that explain a difference.
    pub passes: BTreeSet<Pass>,
    /// What no pass explains, in each member the first place: members that one of them
    /// lacks, then contents in the order of member paths. RECORD is named only if it
    /// differs by more than follows from these.
    pub differences: Vec<Difference>,
}

/// Explains how two artifacts differ.
///
/// # Errors
/// When a member cannot be unpacked.
pub fn explain(a: &Artifact, b: &Artifact) -> Result<Explanation, CompareError> {
    let mut passes = BTreeSet::new();
    let (names_a, names_b) = (names(a), names(b));
    let mut differences = missing(&names_a, &names_b);
    let is_folder = |artifact: &Artifact, names: &BTreeMap<&str, usize>, name: &str| {
        let at = names.get(name);
        at.is_some_and(|at| artifact.archive.kind(*at) == MemberKind::Folder)
    };
    differences.retain(|difference| {
        let name = difference.member.as_deref().unwrap_or_default();
        let folder =
            a.kind == Kind::Wheel && (is_folder(a, &names_a, name) || is_folder(b, &names_b, name));
        if folder {
            passes.insert(Pass::Folders);
        }
        !folder
    });
    let mut changed: BTreeSet<String> = differences
        .iter()
        .filter_map(|difference| difference.member.clone())
        .collect();
    let counted = |artifact: &Artifact, names: &BTreeMap<_, _>| {
        format!(
            "{} members of {} names",
            artifact.archive.len(),
            names.len()
        )
    };
    // Names were compared: more members than names are some of one name.
    let doubled =
        |artifact: &Artifact, names: &BTreeMap<_, _>| artifact.archive.len() - names.len();
    if doubled(a, &names_a) != doubled(b, &names_b) {
        differences.push(Difference {
            member: None,
            place: Place::default(),
            a: counted(a, &names_a),
            b: counted(b, &names_b),
        });
    }
    pass::archive(&a.archive, &b.archive, &mut passes);
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
        changed.insert((*name).to_owned());
        if let Some((rest_a, rest_b)) = pass::content(name, &content_a, &content_b, &mut passes) {
            differences.push(locate::difference(name, &rest_a, &rest_b));
        }
    }
    if let Some((name, record_a, record_b)) = records {
        if !same_rows(&record_a, &record_b, &changed) {
            differences.push(locate::difference(name, &record_a, &record_b));
        } else if differences.is_empty() {
            passes.insert(Pass::Record);
        }
    }
    if passes.is_empty() && differences.is_empty() {
        // Every fact is the same, yet the bytes are not: how they are packed.
        passes.insert(Pass::Compression);
    }
    Ok(Explanation {
        passes,
        differences,
    })
}

/// Returns the members that only one of two artifacts has, by path.
fn missing(a: &BTreeMap<&str, usize>, b: &BTreeMap<&str, usize>) -> Vec<Difference> {
    let names: BTreeSet<&str> = a.keys().chain(b.keys()).copied().collect();
    let say = |there: bool| if there { "is there" } else { "is not there" };
    let alone = names
        .into_iter()
        .filter(|name| a.contains_key(name) != b.contains_key(name));
    alone
        .map(|name| Difference {
            member: Some(name.to_owned()),
            place: Place::default(),
            a: say(a.contains_key(name)).to_owned(),
            b: say(b.contains_key(name)).to_owned(),
        })
        .collect()
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
        let rows = record::parse(bytes).ok()?.into_iter();
        let others = rows.filter(|row| !changed.contains(&row.path));
        Some(
            others
                .map(|row| (row.path, format!("{:?} {:?}", row.hash, row.size)))
                .collect(),
        )
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
