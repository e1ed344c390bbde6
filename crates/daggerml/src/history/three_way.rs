//! Three-way: what two sides changed since a base, put together.

use std::collections::BTreeMap;

use super::merge_state::Choice;
use crate::error::{Error, Result};
use crate::id::{DagId, TreeId};
use crate::name::Name;
use crate::repo::commit::NameChanges;
use crate::repo::tree;
use crate::store::ReadObjects;

/// A name that both sides changed, each in its own way. `None` means that there is no DAG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name.
    pub name: Name,
    /// Its DAG before both.
    pub base: Option<DagId>,
    /// Its DAG on our side.
    pub ours: Option<DagId>,
    /// Its DAG on their side.
    pub theirs: Option<DagId>,
}

impl Conflict {
    /// Returns the error that names conflicts which are left by an action, like `merge`.
    pub fn error(action: &'static str, conflicts: &[Self]) -> Box<Error> {
        let names = conflicts.iter().map(|each| each.name.to_string());
        Error::Conflicts {
            action,
            names: names.collect(),
        }
        .into()
    }
}

/// Which side is right where both changed a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Favor {
    /// Neither: it is a conflict.
    #[default]
    Neither,
    /// Ours.
    Ours,
    /// Theirs.
    Theirs,
}

/// Both sides' changes together.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// What to do to our tree.
    pub changes: NameChanges,
    /// What stays as on our side until someone chooses.
    pub conflicts: Vec<Conflict>,
}

/// Joins the changes from `base` to `theirs` into `ours`. It costs what differs.
pub(super) fn join(
    objects: &impl ReadObjects,
    base: Option<TreeId>,
    ours: Option<TreeId>,
    theirs: Option<TreeId>,
    favor: Favor,
) -> Result<Joined> {
    let mut joined = Joined::default();
    let our_changes = tree::diff(objects, base, ours)?;
    for (name, (base, theirs)) in tree::diff(objects, base, theirs)? {
        let ours = our_changes.get(&name).map_or(base, |(_, ours)| *ours);
        if ours == theirs {
            continue;
        }
        if ours == base || favor == Favor::Theirs {
            joined.changes.insert(name, theirs);
        } else if favor == Favor::Neither {
            joined.conflicts.push(Conflict {
                name,
                base,
                ours,
                theirs,
            });
        }
    }
    Ok(joined)
}

impl Joined {
    /// Decides conflicts as `choices` say; those that they do not name are left.
    pub fn choose(mut self, choices: &BTreeMap<Name, Choice>) -> Self {
        for conflict in std::mem::take(&mut self.conflicts) {
            let chosen = match choices.get(&conflict.name) {
                Some(Choice::Ours) => conflict.ours,
                Some(Choice::Theirs) => conflict.theirs,
                Some(Choice::Removed) => None,
                Some(Choice::Dag(dag)) => Some(*dag),
                None => {
                    self.conflicts.push(conflict);
                    continue;
                }
            };
            self.changes.insert(conflict.name, chosen);
        }
        self
    }

    /// Returns what to do to our tree, if no conflict is left.
    pub fn decided(self, action: &'static str) -> Result<NameChanges> {
        if self.conflicts.is_empty() {
            return Ok(self.changes);
        }
        Err(Conflict::error(action, &self.conflicts))
    }
}
