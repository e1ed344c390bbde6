//! A merge that waits for choices.
//!
//! It is kept as refs, so that nothing it needs is garbage: [`MERGE_HEAD`] is
//! their commit; [`MERGE_CHOICE`] is a commit outside of history whose message is
//! that of the merge and whose tree has the chosen DAGs. Choices that are not DAGs
//! (`ours`, `theirs`, removed) are the entries of [`Table::Meta`] under [`KEY`].
//! The conflicts themselves are found anew each time, so a commit made meanwhile
//! does no harm.

use std::collections::BTreeMap;

use super::merge::{none_waits, pending_join};
use super::three_way::Conflict;
use crate::error::{Error, Result};
use crate::id::{CommitId, DagId};
use crate::name::Name;
use crate::record::{Commit, Dag, Time};
use crate::repo::commit::{NameChanges, save};
use crate::repo::refs::{self, MERGE_HEAD, ReadRefs, Target};
use crate::repo::{Repository, tree};
use crate::sorting;
use crate::store::{ReadObjects, Table, WriteTxn};

/// The ref that holds the message and the DAGs chosen.
pub const MERGE_CHOICE: &str = "MERGE_CHOICE";

/// The key of the choices that are not DAGs.
const KEY: &[u8] = b"merge";

/// What a conflict is decided to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// As on our side.
    Ours,
    /// As on their side.
    Theirs,
    /// No DAG of that name.
    Removed,
    /// This DAG.
    Dag(DagId),
}

/// A merge that waits for choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeState {
    /// What is checked out.
    pub ours: CommitId,
    /// What is being merged.
    pub theirs: CommitId,
    /// The message that the merge commit will have.
    pub message: String,
    /// The conflicts, in order of their names.
    pub conflicts: Vec<MergeConflict>,
}

/// A conflict and the choice made, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeConflict {
    /// The conflict.
    pub conflict: Conflict,
    /// What it is decided to be.
    pub choice: Option<Choice>,
}

/// What is stored of a merge.
pub(super) struct Pending {
    pub theirs: CommitId,
    pub message: String,
    pub choices: BTreeMap<Name, Choice>,
}

impl Pending {
    pub(super) fn begin(theirs: CommitId, message: &str) -> Self {
        Self {
            theirs,
            message: message.to_owned(),
            choices: BTreeMap::new(),
        }
    }

    pub(super) fn load(txn: &(impl ReadObjects + ReadRefs)) -> Result<Option<Self>> {
        let (Some(Target::Commit(theirs)), Some(Target::Commit(choice))) =
            (txn.target(MERGE_HEAD)?, txn.target(MERGE_CHOICE)?)
        else {
            return Ok(None);
        };
        let choice: Commit = txn.load(choice)?;
        let chosen = tree::list(txn, choice.tree)?.into_iter();
        let mut choices = sorting::map(chosen.map(|(name, dag)| (name, Choice::Dag(dag))));
        for line in text(txn.fact(KEY)?).lines() {
            let (word, name) = line.split_once(' ').unwrap_or_default();
            let choice = match word {
                "ours" => Choice::Ours,
                "theirs" => Choice::Theirs,
                "removed" => Choice::Removed,
                _ => continue,
            };
            choices.insert(Name::new(name)?, choice);
        }
        Ok(Some(Self {
            theirs,
            message: choice.message,
            choices,
        }))
    }

    pub(super) fn save(&self, txn: &mut WriteTxn<'_>) -> Result<()> {
        let mut dags = NameChanges::new();
        // A name has no control characters, so a line holds one.
        let mut lines = String::new();
        for (name, choice) in &self.choices {
            let word = match choice {
                Choice::Dag(dag) => {
                    dags.insert(name.clone(), Some(*dag));
                    continue;
                }
                Choice::Ours => "ours",
                Choice::Theirs => "theirs",
                Choice::Removed => "removed",
            };
            lines.push_str(word);
            lines.push(' ');
            lines.push_str(name.as_str());
            lines.push('\n');
        }
        let tree = tree::update(txn, None, &dags)?;
        let choice = save(txn, tree, Vec::new(), "dml", &self.message, Time::now())?;
        refs::set(txn, MERGE_HEAD, &Target::Commit(self.theirs))?;
        refs::set(txn, MERGE_CHOICE, &Target::Commit(choice))?;
        txn.put(Table::Meta, KEY, lines.as_bytes())
    }

    pub(super) fn remove(txn: &mut WriteTxn<'_>) -> Result<()> {
        txn.delete(Table::Refs, MERGE_HEAD.as_bytes())?;
        txn.delete(Table::Refs, MERGE_CHOICE.as_bytes())?;
        txn.delete(Table::Meta, KEY)?;
        Ok(())
    }
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

impl Repository {
    /// Returns the merge that waits for choices, if one does.
    pub fn merge_state(&self) -> Result<Option<MergeState>> {
        let snapshot = self.snapshot()?;
        let Some(pending) = Pending::load(&snapshot)? else {
            return Ok(None);
        };
        let ours = snapshot.head()?.ok_or_else(super::rebase::nothing)?;
        let conflicts = pending_join(&snapshot, ours, pending.theirs)?.conflicts;
        Ok(Some(MergeState {
            ours,
            theirs: pending.theirs,
            message: pending.message,
            conflicts: conflicts
                .into_iter()
                .map(|conflict| MergeConflict {
                    choice: pending.choices.get(&conflict.name).copied(),
                    conflict,
                })
                .collect(),
        }))
    }

    /// Decides the conflict over `name`; deciding again replaces the choice.
    pub fn resolve_conflict(&self, name: &str, choice: Choice) -> Result<()> {
        let name = Name::new(name)?;
        self.store().write(|txn| {
            let mut pending = Pending::load(txn)?.ok_or_else(none_waits)?;
            let head = txn.head()?.ok_or_else(super::rebase::nothing)?;
            let conflicts = pending_join(txn, head, pending.theirs)?.conflicts;
            if !conflicts.iter().any(|conflict| conflict.name == name) {
                return Err(Error::NotFoundNear {
                    what: "conflict",
                    name: name.to_string(),
                    place: "the merge".to_owned(),
                    similar: conflicts
                        .iter()
                        .take(3)
                        .map(|c| c.name.to_string())
                        .collect(),
                }
                .into());
            }
            if let Choice::Dag(dag) = choice {
                txn.load::<_, Dag>(dag)?;
            }
            pending.choices.insert(name.clone(), choice);
            pending.save(txn)
        })
    }
}
