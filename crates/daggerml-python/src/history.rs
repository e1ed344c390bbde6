//! Branches, tags, and what is done with commits. Functions of a [`Repository`],
//! so that its own file holds what concerns DAGs.

use std::collections::BTreeMap;

use daggerml::Error;
use daggerml::history::{Choice, Conflict, FastForward, Favor, Merge, MergeOptions};
use daggerml::history::{RebaseOptions, RevertOptions};
use daggerml::id::CommitId;
use daggerml::name::Name;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{OrRaise, invalid};
use crate::reference::Ref;
use crate::repository::Repository;

/// Works with Python's lock released.
pub(crate) fn work<T: Send>(
    py: Python<'_>,
    repository: &Repository,
    work: impl Send + FnOnce(&daggerml::Repository) -> Result<T, Box<Error>>,
) -> PyResult<T> {
    let repository = repository.shared();
    py.detach(|| work(repository)).or_raise(py)
}

/// Returns the branches (or the tags) with their commits, in order of their names.
#[pyfunction]
pub(crate) fn refs<'py>(
    py: Python<'py>,
    repository: &Repository,
    tags: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let found = work(py, repository, |repository| {
        if tags {
            repository.tags()
        } else {
            repository.branches()
        }
    })?;
    let refs = PyDict::new(py);
    for info in found {
        refs.set_item(info.name(), Ref::object(info.commit))?;
    }
    Ok(refs)
}

/// Makes a branch; with `force`, moves one that is there. Returns its commit.
#[pyfunction]
pub(crate) fn create_branch(
    py: Python<'_>,
    repository: &Repository,
    name: &str,
    revision: &str,
    force: bool,
) -> PyResult<Ref> {
    work(py, repository, |repository| {
        let commit = repository.commit_at(revision)?;
        if force {
            repository.set_branch(name, commit)?;
        } else {
            repository.create_branch(name, commit)?;
        }
        Ok(Ref::object(commit))
    })
}

/// Deletes a branch; returns where it was.
#[pyfunction]
pub(crate) fn delete_branch(
    py: Python<'_>,
    repository: &Repository,
    name: &str,
    force: bool,
) -> PyResult<Ref> {
    work(py, repository, |repository| {
        repository.delete_branch(name, force).map(Ref::object)
    })
}

/// Gives a branch another name.
#[pyfunction]
pub(crate) fn rename_branch(
    py: Python<'_>,
    repository: &Repository,
    old: &str,
    new: &str,
) -> PyResult<()> {
    work(py, repository, |repository| {
        repository.rename_branch(old, new)
    })
}

/// Makes a tag; returns its commit.
#[pyfunction]
pub(crate) fn create_tag(
    py: Python<'_>,
    repository: &Repository,
    name: &str,
    revision: &str,
) -> PyResult<Ref> {
    work(py, repository, |repository| {
        let commit = repository.commit_at(revision)?;
        repository.create_tag(name, commit)?;
        Ok(Ref::object(commit))
    })
}

/// Deletes a tag; returns where it was.
#[pyfunction]
pub(crate) fn delete_tag(py: Python<'_>, repository: &Repository, name: &str) -> PyResult<Ref> {
    work(py, repository, |repository| {
        repository.delete_tag(name).map(Ref::object)
    })
}

/// Checks out a branch, or the commit that a revision stands for.
#[pyfunction]
pub(crate) fn checkout(py: Python<'_>, repository: &Repository, revision: &str) -> PyResult<()> {
    work(py, repository, |repository| {
        repository.checkout(revision).map(drop)
    })
}

/// Merges a revision into what is checked out; returns what is checked out then.
#[pyfunction]
#[pyo3(signature = (repository, revision, fast_forward, favor=None, message=None))]
pub(crate) fn merge(
    py: Python<'_>,
    repository: &Repository,
    revision: &str,
    fast_forward: &str,
    favor: Option<&str>,
    message: Option<String>,
) -> PyResult<Ref> {
    let options = MergeOptions {
        fast_forward: self::fast_forward(py, fast_forward)?,
        favor: side(py, favor)?,
        message,
        label: Some(revision.to_owned()),
    };
    work(py, repository, |repository| {
        match repository.merge(repository.commit_at(revision)?, &options)? {
            Merge::UpToDate => head(repository),
            Merge::FastForward(commit) | Merge::Merged(commit) => Ok(Ref::object(commit)),
            Merge::Conflicts(conflicts) => Err(Conflict::error("merge", &conflicts)),
        }
    })
}

/// Returns the names that a waiting merge has a conflict about, with what was chosen.
#[pyfunction]
pub(crate) fn conflicts<'py>(
    py: Python<'py>,
    repository: &Repository,
) -> PyResult<Bound<'py, PyDict>> {
    let state = work(py, repository, daggerml::Repository::merge_state)?;
    let found = PyDict::new(py);
    for conflict in state.into_iter().flat_map(|state| state.conflicts) {
        let choice = match conflict.choice {
            None => None,
            Some(Choice::Ours) => Some("ours".to_owned()),
            Some(Choice::Theirs) => Some("theirs".to_owned()),
            Some(Choice::Removed) => Some("removed".to_owned()),
            Some(Choice::Dag(dag)) => Some(dag.to_string()),
        };
        found.set_item(conflict.conflict.name.as_str(), choice)?;
    }
    Ok(found)
}

/// Says which side is right about a name; `choice` may be a revision of a DAG.
#[pyfunction]
pub(crate) fn resolve_conflict(
    py: Python<'_>,
    repository: &Repository,
    name: &str,
    choice: &str,
) -> PyResult<()> {
    work(py, repository, |repository| {
        repository.resolve_conflict(name, chosen(repository, choice)?)
    })
}

/// Ends a merge whose conflicts are resolved; returns its commit.
#[pyfunction]
pub(crate) fn merge_continue(py: Python<'_>, repository: &Repository) -> PyResult<Ref> {
    work(py, repository, |repository| {
        repository.merge_continue().map(Ref::object)
    })
}

/// Gives up a merge that waits.
#[pyfunction]
pub(crate) fn merge_abort(py: Python<'_>, repository: &Repository) -> PyResult<()> {
    work(py, repository, daggerml::Repository::merge_abort)
}

/// Makes the commits of what is checked out anew on top of a revision.
#[pyfunction]
#[pyo3(signature = (repository, revision, favor, resolve))]
pub(crate) fn rebase(
    py: Python<'_>,
    repository: &Repository,
    revision: &str,
    favor: Option<&str>,
    resolve: BTreeMap<String, String>,
) -> PyResult<Ref> {
    let favor = side(py, favor)?;
    work(py, repository, |repository| {
        let onto = repository.commit_at(revision)?;
        let choices = choices(repository, resolve)?;
        let done = repository.rebase(onto, &RebaseOptions { favor, choices })?;
        Ok(Ref::object(done.new))
    })
}

/// Commits the undoing of a commit.
#[pyfunction]
#[pyo3(signature = (repository, revision, message, mainline, favor, resolve))]
pub(crate) fn revert(
    py: Python<'_>,
    repository: &Repository,
    revision: &str,
    message: Option<String>,
    mainline: Option<usize>,
    favor: Option<&str>,
    resolve: BTreeMap<String, String>,
) -> PyResult<Ref> {
    let favor = side(py, favor)?;
    work(py, repository, |repository| {
        let options = RevertOptions {
            mainline,
            favor,
            choices: choices(repository, resolve)?,
            message,
        };
        let commit = repository.commit_at(revision)?;
        repository.revert(commit, &options).map(Ref::object)
    })
}

/// Returns the names whose DAGs differ, with the DAG before and after.
#[pyfunction]
#[pyo3(signature = (repository, revision, relative_to=None))]
pub(crate) fn diff<'py>(
    py: Python<'py>,
    repository: &Repository,
    revision: &str,
    relative_to: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    let changes = work(py, repository, |repository| {
        let after = repository.tree_at(revision)?;
        let before = match relative_to {
            Some(revision) => Some(repository.tree_at(revision)?),
            None => first_parent(repository, revision)?
                .map(|parent| repository.commit(parent).map(|commit| commit.tree))
                .transpose()?,
        };
        repository.diff(before, Some(after))
    })?;
    let found = PyDict::new(py);
    for change in changes {
        let pair = (
            change.before.map(Ref::object),
            change.after.map(Ref::object),
        );
        found.set_item(change.name.as_str(), pair)?;
    }
    Ok(found)
}

/// Takes names away, by a commit.
#[pyfunction]
#[pyo3(signature = (repository, names, message=None))]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 makes the vector")]
pub(crate) fn delete_dags(
    py: Python<'_>,
    repository: &Repository,
    names: Vec<String>,
    message: Option<&str>,
) -> PyResult<Ref> {
    work(py, repository, |repository| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        repository.delete_dags(&names, message).map(Ref::object)
    })
}

/// Gives a DAG another name, by a commit.
#[pyfunction]
#[pyo3(signature = (repository, old, new, force, message=None))]
pub(crate) fn rename_dag(
    py: Python<'_>,
    repository: &Repository,
    old: &str,
    new: &str,
    force: bool,
    message: Option<&str>,
) -> PyResult<Ref> {
    work(py, repository, |repository| {
        repository
            .rename_dag(old, new, force, message)
            .map(Ref::object)
    })
}

fn choices(
    repository: &daggerml::Repository,
    resolve: BTreeMap<String, String>,
) -> Result<BTreeMap<Name, Choice>, Box<Error>> {
    let mut choices = BTreeMap::new();
    for (name, choice) in resolve {
        choices.insert(Name::new(&name)?, chosen(repository, &choice)?);
    }
    Ok(choices)
}

fn chosen(repository: &daggerml::Repository, choice: &str) -> Result<Choice, Box<Error>> {
    Ok(match choice {
        "ours" => Choice::Ours,
        "theirs" => Choice::Theirs,
        "removed" => Choice::Removed,
        revision => Choice::Dag(repository.dag_at(revision)?),
    })
}

fn head(repository: &daggerml::Repository) -> Result<Ref, Box<Error>> {
    repository.commit_at("HEAD").map(Ref::object)
}

fn first_parent(
    repository: &daggerml::Repository,
    revision: &str,
) -> Result<Option<CommitId>, Box<Error>> {
    let commit = repository.commit(repository.commit_at(revision)?)?;
    Ok(commit.parents.first().copied())
}

/// Reads whether a branch may just move.
pub(crate) fn fast_forward(py: Python<'_>, ff: &str) -> PyResult<FastForward> {
    match ff {
        "auto" => Ok(FastForward::Allow),
        "never" => Ok(FastForward::Never),
        "only" => Ok(FastForward::Only),
        other => Err(invalid(
            py,
            format!("ff is \"auto\", \"never\" or \"only\", not {other:?}"),
        )),
    }
}

/// Reads which side is right in a conflict.
pub(crate) fn side(py: Python<'_>, favor: Option<&str>) -> PyResult<Favor> {
    match favor {
        None => Ok(Favor::Neither),
        Some("ours") => Ok(Favor::Ours),
        Some("theirs") => Ok(Favor::Theirs),
        Some(other) => Err(invalid(
            py,
            format!("favor is \"ours\" or \"theirs\", not {other:?}"),
        )),
    }
}
