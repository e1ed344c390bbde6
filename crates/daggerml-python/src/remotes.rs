//! Remotes: which there are, and what is carried to and from them. Functions of a
//! [`Repository`].

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use daggerml::history::{Conflict, Merge};
use daggerml::id::CommitId;
use daggerml::repo::branches::{Head, REMOTES};
use daggerml::transfer::remote::{
    Carried, CloneOptions, Depth, FetchOptions, FetchReport, Filter, Force, Listener as Told,
    PullOptions, PushOptions, PushReport, RefChange, Remote, RemoteGcOptions, Step, Update,
    clone as cloning,
};
use daggerml::transfer::transport::Address;
use daggerml::{Error, Sharing};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::history::{fast_forward, side, work};
use crate::listener::Listener;
use crate::reference::Ref;
use crate::repository::Repository;

impl Told for Listener {
    fn step(&self, step: &Step) {
        self.told(|told| {
            told.set_item("phase", step.phase.as_str())?;
            told.set_item("objects", step.objects)?;
            told.set_item("bytes", step.bytes)?;
            told.set_item("total", step.total)
        });
    }

    fn interrupted(&self) -> bool {
        self.is_interrupted()
    }
}

/// Returns the remotes: name to address, without what may be secret in it.
#[pyfunction]
pub(crate) fn remotes<'py>(
    py: Python<'py>,
    repository: &Repository,
) -> PyResult<Bound<'py, PyDict>> {
    let found = work(py, repository, daggerml::Repository::remotes)?;
    let told = PyDict::new(py);
    for remote in found {
        let address = remote.shown(repository.shared());
        told.set_item(remote.name, address)?;
    }
    Ok(told)
}

/// Adds a remote, or with `again` gives one another address.
#[pyfunction]
pub(crate) fn set_remote(
    py: Python<'_>,
    repository: &Repository,
    name: &str,
    address: &str,
    again: bool,
) -> PyResult<()> {
    work(py, repository, |repository| {
        if again {
            repository.set_remote_url(name, address).map(drop)
        } else {
            repository.add_remote(name, address).map(drop)
        }
    })
}

/// Forgets a remote.
#[pyfunction]
pub(crate) fn remove_remote(py: Python<'_>, repository: &Repository, name: &str) -> PyResult<()> {
    work(py, repository, |repository| repository.remove_remote(name))
}

/// Returns the name of the remote that is meant where none is named.
#[pyfunction]
pub(crate) fn default_remote(py: Python<'_>, repository: &Repository) -> PyResult<String> {
    work(py, repository, |repository| {
        repository.default_remote().map(|remote| remote.name)
    })
}

/// Returns the branches of a remote as they were when they were last fetched; with `now`,
/// its branches and tags by their full names, asked for now.
#[pyfunction]
pub(crate) fn remote_refs<'py>(
    py: Python<'py>,
    repository: &Repository,
    name: &str,
    now: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let space = format!("{REMOTES}{name}/");
    let found = work(py, repository, |repository| {
        if now {
            return Remote::open(repository, name)?.refs();
        }
        repository.remote(name)?;
        repository.refs(&space)
    })?;
    let told = PyDict::new(py);
    for info in found {
        let short = info.full_name.strip_prefix(&space);
        told.set_item(short.unwrap_or(&info.full_name), Ref::object(info.commit))?;
    }
    Ok(told)
}

/// Returns what a branch (by default the one that is checked out) follows, and how far the
/// two are apart; `None` when it follows nothing.
#[pyfunction]
#[pyo3(signature = (repository, branch=None))]
pub(crate) fn upstream<'py>(
    py: Python<'py>,
    repository: &Repository,
    branch: Option<String>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let found = work(py, repository, |repository| {
        let (name, here) = match (branch, repository.head_state()?) {
            (Some(name), _) => {
                let here = repository.commit_at(&format!("heads/{name}")).ok();
                (name, here)
            }
            (None, Head::Branch { name, commit }) => (name, commit),
            (None, Head::Detached(_)) => return Ok(None),
        };
        let Some(upstream) = repository.upstream(&name)? else {
            return Ok(None);
        };
        let apart = match (here, upstream.commit) {
            (Some(ours), Some(theirs)) => Some(repository.ahead_behind(ours, theirs)?),
            _ => None,
        };
        Ok(Some((upstream, apart)))
    })?;
    let Some((upstream, apart)) = found else {
        return Ok(None);
    };
    let told = PyDict::new(py);
    told.set_item("name", upstream.name())?;
    told.set_item("remote", upstream.remote)?;
    told.set_item("branch", upstream.branch)?;
    told.set_item("commit", upstream.commit.map(Ref::object))?;
    told.set_item("ahead", apart.map(|(ahead, _)| ahead))?;
    told.set_item("behind", apart.map(|(_, behind)| behind))?;
    Ok(Some(told))
}

/// Lets a branch (by default the one that is checked out) follow a branch of a remote, as
/// `REMOTE/BRANCH`; or nothing.
#[pyfunction]
#[pyo3(signature = (repository, upstream, branch=None))]
pub(crate) fn set_upstream(
    py: Python<'_>,
    repository: &Repository,
    upstream: Option<&str>,
    branch: Option<String>,
) -> PyResult<()> {
    work(py, repository, |repository| {
        let invalid = |message: String| Err(Error::Invalid { message }.into());
        let name = match (branch, repository.head_state()?) {
            (Some(name), _) | (None, Head::Branch { name, .. }) => name,
            (None, Head::Detached(_)) => {
                return invalid("no branch is checked out; name the branch".to_owned());
            }
        };
        match upstream.map(|text| text.split_once('/').ok_or(text)) {
            None => repository.unset_upstream(&name).map(drop),
            Some(Ok((remote, there))) => repository.set_upstream(&name, remote, there),
            Some(Err(text)) => invalid(format!(
                "{text:?} is not REMOTE/BRANCH; is it \"origin/{text}\"?"
            )),
        }
    })
}

/// Moves refs at a remote, after what they need was sent.
#[pyfunction]
#[pyo3(signature = (repository, remote, refs, *, branches, tags, force, set_upstream, dry_run, on_step=None))]
#[expect(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    clippy::needless_pass_by_value,
    reason = "they are keywords in Python"
)]
pub(crate) fn push<'py>(
    py: Python<'py>,
    repository: &Repository,
    remote: &str,
    refs: Vec<String>,
    branches: bool,
    tags: bool,
    force: &str,
    set_upstream: bool,
    dry_run: bool,
    on_step: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let listener = Listener::new(on_step);
    let shared = repository.shared();
    let report = py.detach(|| {
        let updates = refs.iter().map(|text| Update::parse(shared, text));
        let options = PushOptions {
            updates: updates.collect::<Result<_, _>>()?,
            all: branches,
            tags,
            force: match force {
                "yes" => Force::Yes,
                "lease" => Force::WithLease,
                _ => Force::No,
            },
            dry_run,
            set_upstream,
        };
        Remote::open(shared, remote)?.push(shared, &options, &listener)
    });
    let PushReport { changes, sent, .. } = listener.or_raised(py, report)?;
    carried(py, &changes, sent)
}

/// Brings the tracking refs of a remote up to date, after what they need was taken in.
#[pyfunction]
#[pyo3(signature = (repository, remote, *, tags, prune, dry_run, depth, unshallow, filter, on_step=None))]
#[expect(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "they are keywords in Python"
)]
pub(crate) fn fetch<'py>(
    py: Python<'py>,
    repository: &Repository,
    remote: &str,
    tags: bool,
    prune: bool,
    dry_run: bool,
    depth: Option<NonZeroU32>,
    unshallow: bool,
    filter: Option<&str>,
    on_step: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let listener = Listener::new(on_step);
    let shared = repository.shared();
    let report = py.detach(|| {
        let options = FetchOptions {
            tags,
            prune,
            dry_run,
            depth: depth_of(depth, unshallow),
            filter: filter.map(Filter::parse).transpose()?,
        };
        Remote::open(shared, remote)?.fetch(shared, &options, &listener)
    });
    let FetchReport {
        changes, received, ..
    } = listener.or_raised(py, report)?;
    carried(py, &changes, received)
}

/// Fetches, and merges a branch of the remote into what is checked out.
#[pyfunction]
#[pyo3(signature = (repository, remote, *, branch, ff, favor, depth, on_step=None))]
#[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
pub(crate) fn pull<'py>(
    py: Python<'py>,
    repository: &Repository,
    remote: &str,
    branch: Option<String>,
    ff: &str,
    favor: Option<&str>,
    depth: Option<NonZeroU32>,
    on_step: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = PullOptions {
        branch,
        fetch: FetchOptions {
            depth: depth_of(depth, false),
            ..FetchOptions::default()
        },
        fast_forward: fast_forward(py, ff)?,
        favor: side(py, favor)?,
    };
    let listener = Listener::new(on_step);
    let shared = repository.shared();
    let pulled = py.detach(|| {
        let pulled = Remote::open(shared, remote)?.pull(shared, &options, &listener)?;
        match &pulled.merge {
            Merge::Conflicts(conflicts) => Err(Conflict::error("merge", conflicts)),
            _ => Ok(pulled),
        }
    });
    let pulled = listener.or_raised(py, pulled)?;
    let told = carried(py, &pulled.fetched.changes, pulled.fetched.received)?;
    let (merge, commit) = match pulled.merge {
        Merge::FastForward(commit) => ("fast_forward", Some(commit)),
        Merge::Merged(commit) => ("merged", Some(commit)),
        Merge::UpToDate | Merge::Conflicts(_) => ("up_to_date", None),
    };
    told.set_item("from", pulled.from)?;
    told.set_item("merge", merge)?;
    told.set_item("commit", commit.map(Ref::object))?;
    Ok(told)
}

/// Removes what no branch or tag of a remote reaches, and old results; `grace` is in seconds.
#[pyfunction]
#[pyo3(signature = (repository, remote, grace, result_days, dry_run))]
pub(crate) fn remote_gc<'py>(
    py: Python<'py>,
    repository: &Repository,
    remote: &str,
    grace: u64,
    result_days: Option<u64>,
    dry_run: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let options = RemoteGcOptions {
        grace: Duration::from_secs(grace),
        result_days,
        dry_run,
        ..RemoteGcOptions::default()
    };
    let listener = Listener::new(None);
    let shared = repository.shared();
    let report = py.detach(|| Remote::open(shared, remote)?.gc(shared, &options, &listener));
    let report = listener.or_raised(py, report)?;
    let told = PyDict::new(py);
    told.set_item("packs", report.packs)?;
    told.set_item("rewritten", report.rewritten)?;
    told.set_item("deleted", report.deleted)?;
    told.set_item("bytes", report.bytes)?;
    told.set_item("waiting", report.waiting)?;
    told.set_item("results", report.results)?;
    told.set_item("results_deleted", report.results_deleted)?;
    Ok(told)
}

/// Reads all of a remote. Returns what is damaged: the blob or ref, and what is wrong.
#[pyfunction]
pub(crate) fn remote_fsck(
    py: Python<'_>,
    repository: &Repository,
    remote: &str,
) -> PyResult<Vec<(String, String)>> {
    let listener = Listener::new(None);
    let shared = repository.shared();
    let report = py.detach(|| Remote::open(shared, remote)?.fsck(&listener));
    Ok(listener.or_raised(py, report)?.findings)
}

/// Makes a repository in the folder `root` that begins as the remote at `address` is.
#[pyfunction]
#[pyo3(signature = (address, root, *, remote, branch, tags, depth, filter, group, on_step=None))]
#[expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "they are keywords in Python, and PyO3 hands over paths as PathBuf"
)]
pub(crate) fn clone(
    py: Python<'_>,
    address: &str,
    root: PathBuf,
    remote: String,
    branch: Option<String>,
    tags: bool,
    depth: Option<NonZeroU32>,
    filter: Option<&str>,
    group: bool,
    on_step: Option<Py<PyAny>>,
) -> PyResult<Repository> {
    let listener = Listener::new(on_step);
    let cloned = py.detach(|| {
        let options = CloneOptions {
            remote,
            branch,
            tags,
            depth: depth_of(depth, false),
            filter: filter.map_or(Ok(Filter::None), Filter::parse)?,
            sharing: if group {
                Sharing::Group
            } else {
                Sharing::Private
            },
        };
        let here = std::env::current_dir().unwrap_or_default();
        let address = Address::parse(address, &here)?;
        let cloned = cloning(&address, &root, &options, &listener)?;
        Ok(Repository::made(&root, cloned.repository))
    });
    listener.or_raised(py, cloned)
}

fn depth_of(depth: Option<NonZeroU32>, unshallow: bool) -> Depth {
    match depth {
        _ if unshallow => Depth::Full,
        None => Depth::Keep,
        Some(count) => Depth::Last(count),
    }
}

/// Returns what was carried and what became of refs.
fn carried<'py>(
    py: Python<'py>,
    changes: &[RefChange],
    carried: Carried,
) -> PyResult<Bound<'py, PyDict>> {
    let commit = |id: Option<CommitId>| id.map(Ref::object);
    let mut told_changes = Vec::new();
    for change in changes {
        let told = PyDict::new(py);
        told.set_item("ref", &change.name)?;
        told.set_item("change", change.kind.as_str())?;
        told.set_item("before", commit(change.before))?;
        told.set_item("after", commit(change.after))?;
        told_changes.push(told);
    }
    let told = PyDict::new(py);
    told.set_item("changes", told_changes)?;
    told.set_item("packs", carried.packs)?;
    told.set_item("objects", carried.objects)?;
    told.set_item("bytes", carried.bytes)?;
    Ok(told)
}
