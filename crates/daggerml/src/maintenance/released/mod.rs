//! Repositories of daggerml 0.1, brought over: branches, tags, commits, DAGs and values.
//!
//! | module | holds |
//! |---|---|
//! | `packed` | `MessagePack`, which objects are written in there |
//! | `source` | the files of such a repository |
//! | `convert` | what is made of its objects |
//! | `values` | likewise, of its values |
//! | `time` | its times |

mod convert;
mod packed;
mod source;
mod time;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::id::CommitId;
use crate::repo::Repository;
use crate::repo::ancestry;
use crate::repo::refs::{self, ReadRefs, Target};
use crate::store::WriteTxn;
use convert::Converter;
use source::{Pointer, Source};

/// Branches and tags whose names are taken here go there.
const ASIDE: &str = "0.1";

/// A branch or tag that was brought over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its name there.
    pub from: String,
    /// Its name here.
    pub name: String,
    /// Its commit here.
    pub commit: CommitId,
    /// Whether it is new here, or was moved.
    pub changed: bool,
}

/// What was brought over, and what was not.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The branches.
    pub branches: Vec<Imported>,
    /// The tags.
    pub tags: Vec<Imported>,
    /// How many commits they have.
    pub commits: usize,
    /// How many DAGs these have, with those of calls.
    pub dags: usize,
    /// What is there and was not brought over, with how many there are.
    pub left: Vec<(String, u64)>,
    /// Text that was a URI there and is none, with the URI that it is here.
    pub uris: BTreeMap<String, String>,
    /// How many commits lack parents, which a shallow clone does not have.
    pub cut: usize,
}

/// Brings the repository of daggerml 0.1 in the folder `path` over, in one transaction.
/// What is here already stays as it is, so it may be run again. If it is a `rehearsal`,
/// nothing is written.
///
/// No program may write there meanwhile.
pub fn import(repository: &Repository, path: &Path, rehearsal: bool) -> Result<Import> {
    let source = Source::open(path)?;
    let mut report = None;
    let done = repository.store().write(|txn| {
        let mut found = Import::default();
        bring(&source, txn, &mut found)?;
        found.left = source.left()?;
        report = Some(found);
        if rehearsal {
            // What fails is undone.
            return Err(Error::Invalid {
                message: "it is a rehearsal".to_owned(),
            }
            .into());
        }
        Ok(())
    });
    match (done, report) {
        (Ok(()), Some(report)) => Ok(report),
        (Err(_), Some(report)) if rehearsal => Ok(report),
        (Err(error), _) => Err(error),
        (Ok(()), None) => Ok(Import::default()),
    }
}

fn bring(source: &Source, txn: &mut WriteTxn<'_>, found: &mut Import) -> Result<()> {
    let (heads, tags) = (source.pointers("heads")?, source.pointers("tags")?);
    let mut converter = Converter::new(source, txn);
    let mut commits = Vec::new();
    for pointer in heads.iter().chain(&tags) {
        commits.push(converter.commit(&pointer.commit)?);
    }
    found.commits = converter.commits.len();
    found.dags = converter.dags.len();
    found.cut = converter.cut.len();
    found.uris = std::mem::take(&mut converter.uris);
    let was_empty = txn.head()?.is_none();
    for (pointer, commit) in heads.iter().zip(&commits) {
        found.branches.push(point(txn, pointer, *commit, true)?);
    }
    for (pointer, commit) in tags.iter().zip(commits.iter().skip(heads.len())) {
        found.tags.push(point(txn, pointer, *commit, false)?);
    }
    if was_empty
        && let Some(branch) = source.branch()?
        && heads.iter().any(|head| head.name == branch)
    {
        // Nothing was checked out here: then it is what was checked out there.
        refs::set(txn, refs::HEAD, &Target::Ref(refs::branch_ref(&branch)?))?;
    }
    Ok(())
}

/// Lets a branch or tag be at a commit, unless its name is taken here.
fn point(
    txn: &mut WriteTxn<'_>,
    pointer: &Pointer,
    commit: CommitId,
    is_branch: bool,
) -> Result<Imported> {
    let aside = format!("{ASIDE}/{}", pointer.name);
    for name in [&pointer.name, &aside] {
        let full = if is_branch {
            refs::branch_ref(name)?
        } else {
            refs::tag_ref(name)?
        };
        let changed = match txn.target(&full)? {
            None => true,
            Some(Target::Commit(old)) if old == commit => false,
            Some(Target::Commit(old)) if is_branch => {
                if ancestry::is_ancestor(txn, commit, old)? {
                    false // it has gone on from there
                } else if ancestry::is_ancestor(txn, old, commit)? {
                    true
                } else {
                    continue;
                }
            }
            Some(_) => continue,
        };
        if changed {
            refs::set(txn, &full, &Target::Commit(commit))?;
        }
        return Ok(Imported {
            from: pointer.name.clone(),
            name: name.clone(),
            commit,
            changed,
        });
    }
    let what = if is_branch { "branch" } else { "tag" };
    Err(Error::Invalid {
        message: format!(
            "the {what}s {:?} and {aside:?} are here already, at other commits; rename or \
             delete one of them, or import into a new repository",
            pointer.name
        ),
    }
    .into())
}
