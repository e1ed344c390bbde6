//! Making commits.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::id::{CommitId, DagId, TreeId};
use crate::name::Name;
use crate::record::{Commit, Dag, Time};
use crate::repo::refs::{self, ReadRefs};
use crate::repo::revision::resolve::similar_dags;
use crate::repo::{Repository, tree};
use crate::sorting;
use crate::store::{ReadObjects, WriteTxn};

/// Names to be set to DAGs, or removed.
pub(crate) type NameChanges = BTreeMap<Name, Option<DagId>>;

/// Commits `changes` on top of what is checked out.
pub(crate) fn commit_changes(
    txn: &mut WriteTxn<'_>,
    changes: &NameChanges,
    author: &str,
    message: &str,
) -> Result<CommitId> {
    let parent = txn.head()?;
    let before = tree_of(txn, parent)?;
    let tree = tree::update(txn, before, changes)?;
    let parents = parent.into_iter().collect();
    let commit = save(txn, tree, parents, author, message, Time::now())?;
    refs::advance(txn, commit)?;
    Ok(commit)
}

/// Returns the tree of `commit`; `None`, which stands for the empty tree, when there is
/// no commit.
pub(crate) fn tree_of(
    objects: &impl ReadObjects,
    commit: Option<CommitId>,
) -> Result<Option<TreeId>> {
    commit
        .map(|commit| Ok(objects.load::<_, Commit>(commit)?.tree))
        .transpose()
}

/// Stores a commit. Its time is `time`, or just after the time of its newest parent if that
/// is later. So commits are ordered by time even where clocks are wrong.
pub(crate) fn save(
    txn: &mut WriteTxn<'_>,
    tree: TreeId,
    parents: Vec<CommitId>,
    author: &str,
    message: &str,
    mut time: Time,
) -> Result<CommitId> {
    for parent in &parents {
        let before = txn.load::<_, Commit>(*parent)?.time;
        time = time.max(Time(before.0.saturating_add(1)));
    }
    txn.save(&Commit {
        tree,
        parents,
        author: author.to_owned(),
        message: message.to_owned(),
        time,
    })
}

impl Repository {
    /// Returns the author of new commits: `DML_AUTHOR`, else the setting `user.name`,
    /// else the name of the system's user.
    pub fn author(&self) -> Result<String> {
        let variable = |name| {
            std::env::var_os(name)
                .map(|text| text.to_string_lossy().into_owned())
                .filter(|text| !text.is_empty())
        };
        if let Some(author) = variable("DML_AUTHOR") {
            return Ok(author);
        }
        if let Some(author) = Config::of(Some(self.root()))?.get("user.name")? {
            return Ok(author.value);
        }
        Ok(variable("USER")
            .or_else(|| variable("USERNAME"))
            .unwrap_or_else(|| "unknown".to_owned()))
    }

    /// Sets names to finished DAGs, or removes them, in one commit.
    pub fn commit_names(&self, changes: &NameChanges, message: &str) -> Result<CommitId> {
        let author = self.author()?;
        self.store().write(|txn| {
            for dag in changes.values().flatten() {
                txn.load::<_, Dag>(*dag)?;
            }
            commit_changes(txn, changes, &author, message)
        })
    }

    /// Removes the names of DAGs, in one commit. The DAGs stay in the commits before.
    pub fn delete_dags(&self, names: &[&str], message: Option<&str>) -> Result<CommitId> {
        let author = self.author()?;
        let names = names
            .iter()
            .map(|name| Name::new(name))
            .collect::<Result<Vec<_>, _>>()?;
        let message = message.map_or_else(|| format!("Delete {}", joined(&names)), str::to_owned);
        self.store().write(|txn| {
            names
                .iter()
                .try_for_each(|name| self.named_in_head(txn, name).map(drop))?;
            let changes = sorting::map(names.iter().map(|name| (name.clone(), None)));
            commit_changes(txn, &changes, &author, &message)
        })
    }

    /// Gives a DAG another name, in one commit. It is an error when a DAG has the new name
    /// already, unless `force` is set, which replaces that one.
    pub fn rename_dag(
        &self,
        old: &str,
        new: &str,
        force: bool,
        message: Option<&str>,
    ) -> Result<CommitId> {
        let author = self.author()?;
        let (old, new) = (Name::new(old)?, Name::new(new)?);
        let message = message.map_or_else(|| format!("Rename {old} to {new}"), str::to_owned);
        self.store().write(|txn| {
            let (dag, tree) = self.named_in_head(txn, &old)?;
            if !force && tree::lookup(txn, tree, &new)?.is_some() {
                return Err(Error::Exists {
                    what: "dag",
                    name: new.to_string(),
                }
                .into());
            }
            let changes = sorting::map([(old.clone(), None), (new.clone(), Some(dag))]);
            commit_changes(txn, &changes, &author, &message)
        })
    }

    /// Returns the DAG of that name in what is checked out, and the tree that has it.
    fn named_in_head(&self, txn: &WriteTxn<'_>, name: &Name) -> Result<(DagId, TreeId)> {
        let head = txn.head()?;
        let tree = tree_of(txn, head)?;
        let dag = tree.map_or(Ok(None), |tree| tree::lookup(txn, tree, name))?;
        dag.zip(tree)
            .ok_or_else(|| self.dag_not_found(txn, tree, name))
    }

    /// Returns the error that says that a name is not in `tree`.
    pub(crate) fn dag_not_found(
        &self,
        objects: &impl ReadObjects,
        tree: Option<TreeId>,
        name: &Name,
    ) -> Box<Error> {
        Error::NotFoundNear {
            what: "dag",
            name: name.to_string(),
            place: self.root().display().to_string(),
            similar: tree.map_or_else(Vec::new, |tree| similar_dags(objects, tree, name.as_str())),
        }
        .into()
    }
}

fn joined(names: &[Name]) -> String {
    names
        .iter()
        .map(Name::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
