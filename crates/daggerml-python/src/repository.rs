//! `Repository`: a handle of a repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use daggerml::history::HistoryOptions;
use daggerml::id::DagId;
use daggerml::name::Name;
use daggerml::record::Kind;
use daggerml::repo::refs::ReadRefs;
use daggerml::repo::tree;
use daggerml::store::Absent;
use daggerml::{Error, Sharing};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::blob::{Blob, BlobReader};
use crate::calls;
use crate::dag_view::DagView;
use crate::data::Data;
use crate::describe;
use crate::errors::OrRaise;
use crate::open_dag::OpenDag;
use crate::reference::Ref;

/// A repository that this process has open. LMDB allows a process to open a
/// file only once, so every handle of a repository shares one of these.
pub(crate) type Shared = Arc<daggerml::Repository>;

/// A handle of a repository: the folder that holds `.dml`.
#[pyclass(frozen, module = "daggerml._core")]
pub(crate) struct Repository(Shared);

/// The repositories that this process has open, by folder.
static OPEN: Mutex<Option<HashMap<PathBuf, Weak<daggerml::Repository>>>> = Mutex::new(None);

fn shared(
    root: &Path,
    open: impl FnOnce(&Path) -> Result<daggerml::Repository, Box<Error>>,
) -> Result<Shared, Box<Error>> {
    let root = daggerml::repo::canonical(root);
    let mut all = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    if let Some(found) = all.get(&root).and_then(Weak::upgrade) {
        found.store().check_there()?;
        return Ok(found);
    }
    all.retain(|_, handle| handle.strong_count() > 0);
    let made = Arc::new(open(&root)?);
    all.insert(root, Arc::downgrade(&made));
    Ok(made)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "PyO3 hands over paths as PathBuf"
)]
#[pymethods]
impl Repository {
    /// Makes a new repository in the folder `root`; `group` says whether everybody in
    /// the folder's group may use it.
    #[staticmethod]
    fn init(py: Python<'_>, root: PathBuf, group: bool) -> PyResult<Self> {
        let sharing = if group {
            Sharing::Group
        } else {
            Sharing::Private
        };
        py.detach(|| {
            let made = daggerml::Repository::init_for(&root, sharing)?;
            Ok::<_, Box<Error>>(Self::made(&root, made))
        })
        .or_raise(py)
    }

    /// Returns a reader of a blob's bytes.
    fn open_blob(&self, py: Python<'_>, blob: &Blob) -> PyResult<BlobReader> {
        let blob = blob.0;
        py.detach(|| BlobReader::open(&self.0, blob)).or_raise(py)
    }

    /// Opens the repository in the folder `root`.
    #[staticmethod]
    fn open(py: Python<'_>, root: PathBuf) -> PyResult<Self> {
        py.detach(|| shared(&root, daggerml::Repository::open))
            .or_raise(py)
            .map(Self)
    }

    /// Opens the repository in the folder `start` or the nearest one above it.
    #[staticmethod]
    fn discover(py: Python<'_>, start: PathBuf) -> PyResult<Self> {
        py.detach(|| {
            let root = daggerml::Repository::root_of(&start)?;
            shared(&root, daggerml::Repository::open)
        })
        .or_raise(py)
        .map(Self)
    }

    /// Returns the folder that holds `.dml`.
    #[getter]
    fn root(&self) -> &Path {
        self.0.root()
    }

    /// Begins a new DAG.
    fn new_dag(&self, py: Python<'_>, name: &str, message: &str) -> PyResult<OpenDag> {
        let dag = py.detach(|| self.0.new_dag(name, message)).or_raise(py)?;
        Ok(OpenDag::new(Arc::clone(&self.0), dag))
    }

    /// Continues a draft, taking it over from whoever has it.
    fn resume(&self, py: Python<'_>, index: &Ref) -> PyResult<OpenDag> {
        let id = index.to_index(py)?;
        let dag = py.detach(|| self.0.resume(id)).or_raise(py)?;
        Ok(OpenDag::new(Arc::clone(&self.0), dag))
    }

    /// Throws a draft away.
    fn discard(&self, py: Python<'_>, index: &Ref) -> PyResult<()> {
        let id = index.to_index(py)?;
        py.detach(|| self.0.discard(id)).or_raise(py)
    }

    /// Returns nodes of a draft that were flushed, in the order they were made, for reading:
    /// at most `limit`, without the first `skip`. Values of more than `most` bytes are left out.
    fn draft_nodes<'py>(
        &self,
        py: Python<'py>,
        index: &Ref,
        skip: usize,
        limit: usize,
        most: usize,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let id = index.to_index(py)?;
        let found = py
            .detach(|| self.0.draft_nodes(id, skip, limit, most))
            .or_raise(py)?;
        let found = found.into_iter().map(|made| {
            let told = describe::node(py, &made.node)?;
            told.set_item("ref", Ref::object(made.id))?;
            let names = made.names.iter().map(Name::as_str);
            told.set_item("names", names.collect::<Vec<_>>())?;
            told.set_item("type", made.type_name)?;
            let data = made.value.map(|value| Py::new(py, Data::new(value)));
            told.set_item("data", data.transpose()?)?;
            Ok(told)
        });
        found.collect()
    }

    /// Returns the drafts that were flushed, oldest first.
    fn indexes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let found = py.detach(|| self.0.drafts()).or_raise(py)?;
        let found = found.into_iter().map(|info| {
            let told = PyDict::new(py);
            told.set_item("index", Ref::index(info.id))?;
            told.set_item("name", info.name.as_str())?;
            told.set_item("message", info.message)?;
            told.set_item("state", if info.frozen { "frozen" } else { "open" })?;
            told.set_item("note", info.note)?;
            told.set_item("nodes", info.nodes)?;
            Ok(told)
        });
        found.collect()
    }

    /// Returns the DAG of that name in a revision; by default in what is checked out.
    #[pyo3(signature = (name, revision=None))]
    fn load(&self, py: Python<'_>, name: &str, revision: Option<&str>) -> PyResult<DagView> {
        let view = py
            .detach(|| match revision {
                None => self.0.load(name),
                Some(revision) => self.0.view(self.find_dag(name, revision)?),
            })
            .or_raise(py)?;
        Ok(DagView::new(Arc::clone(&self.0), view))
    }

    /// Returns the DAG that `dag` stands for.
    fn view(&self, py: Python<'_>, dag: &Ref) -> PyResult<DagView> {
        let id = dag.to_id(py)?;
        let view = py.detach(|| self.0.view(id)).or_raise(py)?;
        Ok(DagView::new(Arc::clone(&self.0), view))
    }

    /// Returns what is checked out: branch, commit and the number of DAGs.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (branch, commit, dags, shallow, promised) = py
            .detach(|| {
                let snapshot = self.0.snapshot()?;
                let branch = snapshot.current_branch()?;
                let commit = snapshot.head()?;
                let dags = self.0.dags()?.len();
                let absents = snapshot.absents()?;
                let is_commit = |(_, absent): &&(_, Absent)| absent.kind == Kind::Commit;
                let commits = absents.iter().filter(is_commit).count();
                Ok::<_, Box<Error>>((branch, commit, dags, commits, absents.len() - commits))
            })
            .or_raise(py)?;
        let status = PyDict::new(py);
        status.set_item("root", self.root().as_os_str())?;
        let branch = branch.map(|name| name.trim_start_matches("heads/").to_owned());
        status.set_item("branch", branch)?;
        status.set_item("commit", commit.map(Ref::object))?;
        status.set_item("dags", dags)?;
        status.set_item("shallow", shallow > 0)?;
        status.set_item("promised", promised)?;
        Ok(status)
    }

    /// Returns the names of the DAGs in a revision, with their refs.
    #[pyo3(signature = (revision=None))]
    fn dags<'py>(&self, py: Python<'py>, revision: Option<&str>) -> PyResult<Bound<'py, PyDict>> {
        let found = py
            .detach(|| match revision {
                None => self.0.dags(),
                Some(revision) => {
                    let tree = self.0.tree_at(revision)?;
                    tree::list(&self.0.snapshot()?, tree)
                }
            })
            .or_raise(py)?;
        let dags = PyDict::new(py);
        for (name, dag) in found {
            dags.set_item(name.as_str(), Ref::object(dag))?;
        }
        Ok(dags)
    }

    /// Returns the calls under way, then the others, newest first: at most `limit` of them,
    /// without the first `skip`.
    #[pyo3(signature = (limit=None, skip=0))]
    fn execs<'py>(
        &self,
        py: Python<'py>,
        limit: Option<usize>,
        skip: usize,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        calls::list(py, &self.0, limit.unwrap_or(usize::MAX), skip)
    }

    /// Returns what is known of one call.
    fn exec_state<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyDict>> {
        calls::one(py, &self.0, key)
    }

    /// Returns why the call of a key, or of a list of runnable and arguments, is a hit or
    /// a miss.
    #[pyo3(signature = (call, codec=None))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        call: &Bound<'py, PyAny>,
        codec: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        calls::explain(py, &self.0, call, codec)
    }

    /// Returns the calls within a call's DAG whose error it handed on, outermost first.
    fn failed_within(&self, py: Python<'_>, dag: &Ref) -> PyResult<Vec<String>> {
        let dag = dag.to_id(py)?;
        let found = py.detach(|| self.0.failed_within(dag)).or_raise(py)?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    /// Returns the attempts at a call that ended, newest first.
    fn exec_attempts<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Vec<Bound<'py, PyDict>>> {
        calls::attempts(py, &self.0, key)
    }

    /// Returns what was written to standard error in an attempt, from 1; by default the newest.
    #[pyo3(signature = (key, attempt=None))]
    fn exec_log<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        attempt: Option<usize>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &calls::log(py, &self.0, key, attempt)?))
    }

    /// Returns what the newest run of a call wrote to standard error, also when it still runs,
    /// or what came after a part: the bytes, where to go on, whether they are of another run
    /// than those before, and whether more may come.
    #[pyo3(signature = (key, after=None))]
    fn exec_log_part<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        after: Option<(i64, u64)>,
    ) -> PyResult<calls::ToldLog<'py>> {
        calls::log_part(py, &self.0, key, after)
    }

    /// Returns what a revision stands for: a commit, tree, DAG, node ...
    fn rev_parse(&self, py: Python<'_>, revision: &str) -> PyResult<Ref> {
        let found = py.detach(|| self.0.resolve(revision)).or_raise(py)?;
        Ok(Ref::any(found.kind(), found.id()))
    }

    /// Returns the commits up to a revision, newest first; only those that changed the DAG
    /// of the name `dag`, and without what merges brought in, if so asked. The first `skip`
    /// of them are left out. `more` are other revisions whose commits are told too.
    #[expect(
        clippy::too_many_arguments,
        reason = "as Python's `log` has them, and more"
    )]
    #[pyo3(signature = (revision, limit, dag, first_parent, skip=0, more=Vec::new()))]
    fn log<'py>(
        &self,
        py: Python<'py>,
        revision: &str,
        limit: Option<usize>,
        dag: Option<&str>,
        first_parent: bool,
        skip: usize,
        more: Vec<String>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let entries = py
            .detach(|| {
                let range = self.0.range(revision)?;
                let mut include = vec![range.include];
                for revision in &more {
                    include.push(self.0.range(revision)?.include);
                }
                let options = HistoryOptions {
                    include,
                    exclude: range.exclude.into_iter().collect(),
                    limit: limit.map(|limit| limit.saturating_add(skip)),
                    dag: dag.map(Name::new).transpose()?,
                    first_parent,
                };
                let entries = self.0.log(options)?.skip(skip);
                entries.collect::<Result<Vec<_>, Box<Error>>>()
            })
            .or_raise(py)?;
        let told = entries.into_iter().map(|entry| {
            let told = PyDict::new(py);
            told.set_item("commit", Ref::object(entry.id))?;
            let parents = entry.commit.parents.iter().copied().map(Ref::object);
            told.set_item("parents", parents.collect::<Vec<_>>())?;
            told.set_item("author", entry.commit.author)?;
            told.set_item("message", entry.commit.message)?;
            told.set_item("time", entry.commit.time.0)?;
            Ok(told)
        });
        told.collect()
    }
}

impl Repository {
    /// Returns the handle of a repository that was just made in the folder `root`.
    pub(crate) fn made(root: &Path, made: daggerml::Repository) -> Self {
        let made = Arc::new(made);
        let mut all = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let root = daggerml::repo::canonical(root);
        all.get_or_insert_default()
            .insert(root, Arc::downgrade(&made));
        Self(made)
    }

    /// Returns the engine's handle.
    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    fn find_dag(&self, name: &str, revision: &str) -> Result<DagId, Box<Error>> {
        let tree = self.0.tree_at(revision)?;
        let found = tree::lookup(&self.0.snapshot()?, tree, &Name::new(name)?)?;
        found.ok_or_else(|| {
            Error::NotFound {
                what: "dag",
                name: name.to_owned(),
                place: revision.to_owned(),
            }
            .into()
        })
    }
}
