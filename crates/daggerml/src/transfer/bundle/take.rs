//! Take: a bundle's objects come in, and what they are about gets a name.

use std::io::Read;

use super::{Applied, Limits, apply};
use crate::error::{Error, Result};
use crate::id::{CommitId, DagId, TypedId};
use crate::name::Name;
use crate::record::{Kind, Reference};
use crate::repo::Repository;
use crate::repo::ancestry::is_ancestor;
use crate::repo::commit::commit_changes;
use crate::repo::refs::{self, ReadRefs, Target, check_no_merge};
use crate::store::WriteTxn;

/// The most roots that an error lists.
const SHOWN: usize = 5;

/// What is to keep what a bundle brings from being garbage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: the next garbage collection removes it.
    #[default]
    Nothing,
    /// A branch of this name at the bundle's commit: made, or moved forward.
    Branch(String),
    /// A commit that gives the bundle's DAG this name.
    Dag(Name),
}

/// What keeps what a bundle brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// A branch, which was made.
    Made,
    /// A branch, which moved forward from here.
    Moved(CommitId),
    /// A branch, which was there already.
    Unchanged,
    /// A commit, which was made.
    Committed(CommitId),
}

impl Repository {
    /// Takes in the bundle in `input`, as [`apply`](fn@super::apply) does, and `keep`s what it is
    /// about. All of that is done, or nothing.
    pub fn take_bundle(
        &self,
        input: &mut dyn Read,
        limits: &Limits,
        keep: &Keep,
    ) -> Result<(Applied, Kept)> {
        let author = self.author()?;
        let branch = match keep {
            Keep::Branch(name) => refs::branch_ref(name)?,
            _ => String::new(),
        };
        apply(self.store(), input, limits, |txn, roots| match keep {
            Keep::Nothing => Ok(Kept::Nothing),
            Keep::Branch(name) => {
                let commit = CommitId::from_object(only(roots, Kind::Commit)?.id);
                move_forward(txn, name, &branch, commit)
            }
            Keep::Dag(name) => {
                let dag = DagId::from_object(only(roots, Kind::Dag)?.id);
                let changes = crate::sorting::map([(name.clone(), Some(dag))]);
                let message = format!("Take {name} from a bundle");
                commit_changes(txn, &changes, &author, &message).map(Kept::Committed)
            }
        })
    }
}

fn move_forward(
    txn: &mut WriteTxn<'_>,
    name: &str,
    full_name: &str,
    commit: CommitId,
) -> Result<Kept> {
    let kept = match txn.target(full_name)? {
        Some(Target::Commit(before)) if before == commit => return Ok(Kept::Unchanged),
        Some(Target::Commit(before)) if is_ancestor(txn, before, commit)? => Kept::Moved(before),
        Some(_) => {
            return Err(Error::Conflict {
                message: format!(
                    "the branch {name:?} has commits that the bundle's commit does not follow; \
                     give that another branch, and merge them"
                ),
            }
            .into());
        }
        None => Kept::Made,
    };
    if txn.current_branch()?.as_deref() == Some(full_name) {
        check_no_merge(txn)?;
    }
    refs::set(txn, full_name, &Target::Commit(commit))?;
    Ok(kept)
}

/// Returns the one root, which must be of this kind.
fn only(roots: &[Reference], kind: Kind) -> Result<Reference> {
    match roots {
        [root] if root.kind == kind => Ok(*root),
        _ => {
            let mut found: Vec<_> = roots
                .iter()
                .take(SHOWN)
                .map(|root| format!("{} {}", root.kind, root.id.short()))
                .collect();
            if roots.len() > SHOWN {
                found.push(format!("{} more", roots.len() - SHOWN));
            }
            Err(Error::Invalid {
                message: format!("the bundle holds {}, not one {kind}", found.join(", ")),
            }
            .into())
        }
    }
}
