//! `OpenDag`: a DAG that is being made.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use daggerml::id::NodeId;
use daggerml::record::{Builtin, CallKey, ErrorInfo};
use daggerml::{Error, dag};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::blob::{Source, check};
use crate::convert::{Encoder, Part, decoded};
use crate::data::Data;
use crate::describe::{self, Typed};
use crate::errors::{OrRaise, invalid};
use crate::listener::Listener;
use crate::reference::Ref;
use crate::repository::Shared;

/// A DAG that is being made.
#[pyclass(frozen, module = "daggerml._core")]
pub(crate) struct OpenDag {
    // Dropped before the repository that it belongs to.
    dag: Mutex<dag::Draft>,
    /// For the DAG of a call: its key, after those of the calls it is nested in.
    ancestors: Vec<CallKey>,
    _repository: Shared,
}

/// Puts the bytes of something, and tells the listener.
type Put<'p> = dyn Fn(&mut dag::Draft, &Listener) -> Result<NodeId, Box<Error>> + Sync + 'p;

impl OpenDag {
    pub(crate) fn new(repository: Shared, dag: dag::Draft) -> Self {
        Self::of_call(repository, dag, Vec::new())
    }

    pub(crate) fn of_call(repository: Shared, dag: dag::Draft, ancestors: Vec<CallKey>) -> Self {
        Self {
            dag: Mutex::new(dag),
            ancestors,
            _repository: repository,
        }
    }

    /// Returns the calls that those of this DAG are nested in, outermost first.
    pub(crate) fn ancestors(&self) -> &[CallKey] {
        &self.ancestors
    }

    fn put_bytes(&self, py: Python<'_>, name: Option<&str>, put: &Put<'_>) -> PyResult<Typed> {
        let listener = Listener::new(None);
        let done = py.detach(|| {
            let mut dag = self.dag.lock().unwrap_or_else(PoisonError::into_inner);
            let node = put(&mut dag, &listener)?;
            named(&mut dag, name, (node, "blob"))
        });
        listener.or_raised(py, done)
    }

    /// Works on the DAG with Python's lock released.
    pub(crate) fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl Send + FnOnce(&mut dag::Draft) -> Result<T, Box<Error>>,
    ) -> PyResult<T> {
        py.detach(|| work(&mut self.dag.lock().unwrap_or_else(PoisonError::into_inner)))
            .or_raise(py)
    }

    /// Does the same on a thread that is detached from the interpreter.
    pub(crate) fn work_detached<T>(
        &self,
        work: impl FnOnce(&mut dag::Draft) -> Result<T, Box<Error>>,
    ) -> Result<T, Box<Error>> {
        work(&mut self.dag.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts `part`: a value as a literal, a collection that holds nodes as a builtin.
pub(crate) fn stage(
    dag: &mut dag::Draft,
    part: Part,
) -> Result<(NodeId, &'static str), Box<Error>> {
    let (op, parts) = match part {
        Part::Value(value) => {
            let type_name = value.type_name();
            return Ok((dag.put(value)?, type_name));
        }
        Part::Node(node) if dag.contains(node) => return Ok((node, dag.value_type(node)?)),
        Part::Node(node) => {
            return Err(Error::Invalid {
                message: format!("node {node} is not in this DAG; import it first"),
            }
            .into());
        }
        Part::List(parts) => (Builtin::List, parts),
        Part::Set(parts) => (Builtin::Set, parts),
        Part::Map(entries) => {
            let parts = entries.into_iter().flat_map(|(key, value)| [key, value]);
            (Builtin::Map, parts.collect())
        }
    };
    let args = parts
        .into_iter()
        .map(|part| stage(dag, part).map(|(node, _)| node))
        .collect::<Result<Vec<_>, _>>()?;
    // The constructors are named like the types that they make.
    Ok((dag.builtin(op, &args)?, op.as_str()))
}

/// Returns the error that Python tells in these parts.
pub(crate) fn error_info(
    py: Python<'_>,
    message: String,
    origin: String,
    kind: String,
    stack: &Bound<'_, PyList>,
) -> PyResult<ErrorInfo> {
    let encoder = Encoder::new(py, None);
    let stack = stack
        .iter()
        .map(|frame| encoder.value(&frame))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(ErrorInfo {
        origin,
        kind,
        message,
        stack,
    })
}

fn named(
    dag: &mut dag::Draft,
    name: Option<&str>,
    (node, type_name): (NodeId, &'static str),
) -> Result<Typed, Box<Error>> {
    if let Some(name) = name {
        dag.set_name(name, node)?;
    }
    Ok((Ref::object(node), type_name))
}

#[pymethods]
impl OpenDag {
    /// Returns the ref that the DAG can be resumed by.
    #[getter]
    fn index(&self, py: Python<'_>) -> PyResult<Ref> {
        self.work(py, |dag| Ok(Ref::index(dag.id())))
    }

    /// Returns the name that it will be committed under, and the message.
    fn info(&self, py: Python<'_>) -> PyResult<(String, String)> {
        self.work(py, |dag| {
            let info = dag.info();
            Ok((info.name.to_string(), info.message.clone()))
        })
    }

    /// Puts a value; `codec` turns objects that stand for no value into ones that do.
    #[pyo3(signature = (value, name=None, codec=None))]
    fn put<'py>(
        &self,
        py: Python<'py>,
        value: &Bound<'py, PyAny>,
        name: Option<&str>,
        codec: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Typed> {
        let part = Encoder::new(py, codec).part(value)?;
        self.work(py, |dag| {
            let staged = stage(dag, part)?;
            named(dag, name, staged)
        })
    }

    /// Puts the bytes of a file as a blob.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "PyO3 hands over paths as PathBuf"
    )]
    #[pyo3(signature = (path, name=None))]
    fn put_file(&self, py: Python<'_>, path: PathBuf, name: Option<&str>) -> PyResult<Typed> {
        self.put_bytes(py, name, &|dag, listener| {
            dag.put_file(&path, &mut |_| check(listener))
        })
    }

    /// Puts as a blob all bytes that the method `read` of `source` returns.
    #[pyo3(signature = (source, name=None))]
    fn put_blob<'py>(
        &self,
        py: Python<'py>,
        source: &Bound<'py, PyAny>,
        name: Option<&str>,
    ) -> PyResult<Typed> {
        let source = source.clone().unbind();
        self.put_bytes(py, name, &|dag, listener| {
            let source = Python::attach(|py| source.clone_ref(py));
            let mut source = Source::new(source, listener);
            dag.put_blob(&mut source, &mut |_| check(listener))
        })
    }

    /// Applies a builtin operation to `args` (values or refs of nodes).
    #[pyo3(signature = (op, args, name=None, codec=None))]
    fn builtin<'py>(
        &self,
        py: Python<'py>,
        op: &str,
        args: &Bound<'py, PyList>,
        name: Option<&str>,
        codec: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Typed> {
        let Some(op) = Builtin::from_name(op) else {
            return Err(invalid(py, format!("there is no builtin {op:?}")));
        };
        let encoder = Encoder::new(py, codec);
        let args = args
            .iter()
            .map(|arg| encoder.part(&arg))
            .collect::<PyResult<Vec<_>>>()?;
        self.work(py, |dag| {
            let args = args
                .into_iter()
                .map(|part| stage(dag, part).map(|(node, _)| node))
                .collect::<Result<Vec<_>, _>>()?;
            let node = dag.builtin(op, &args)?;
            let typed = (node, dag.value_type(node)?);
            named(dag, name, typed)
        })
    }

    /// Imports a node of a finished DAG: `node`, or the result when that is `None`.
    #[pyo3(signature = (dag, node=None, name=None))]
    fn import_node(
        &self,
        py: Python<'_>,
        dag: &Ref,
        node: Option<&Ref>,
        name: Option<&str>,
    ) -> PyResult<Typed> {
        let source = dag.to_id(py)?;
        let node = node.map(|node| node.node(py)).transpose()?;
        self.work(py, |dag| {
            let node = dag.import(source, node)?;
            let typed = (node, dag.value_type(node)?);
            named(dag, name, typed)
        })
    }

    /// Gives a node a name.
    fn set_name(&self, py: Python<'_>, name: &str, node: &Ref) -> PyResult<()> {
        let node = node.node(py)?;
        self.work(py, |dag| dag.set_name(name, node))
    }

    /// Labels the DAG.
    fn add_tag(&self, py: Python<'_>, tag: &str) -> PyResult<()> {
        self.work(py, |dag| dag.add_tag(tag))
    }

    /// Returns the labels, in order.
    fn tags(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.work(py, |dag| {
            Ok(dag.tags().iter().map(ToString::to_string).collect())
        })
    }

    /// Returns the nodes, in the order they were made.
    fn nodes(&self, py: Python<'_>) -> PyResult<Vec<Ref>> {
        self.work(py, |dag| Ok(dag.nodes().map(Ref::object).collect()))
    }

    /// Returns the node of that name.
    fn named(&self, py: Python<'_>, name: &str) -> PyResult<Ref> {
        self.work(py, |dag| dag.named(name).map(Ref::object))
    }

    /// Returns the names, in order, with their nodes.
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let names = self.work(py, |dag| {
            let names = dag.names();
            Ok(names
                .map(|(name, node)| (name.to_string(), Ref::object(node)))
                .collect::<Vec<_>>())
        })?;
        let found = PyDict::new(py);
        for (name, node) in names {
            found.set_item(name, node)?;
        }
        Ok(found)
    }

    /// Returns the node that holds the arguments, in the DAG of a call.
    fn argv(&self, py: Python<'_>) -> PyResult<Option<Ref>> {
        self.work(py, |dag| Ok(dag.argv().map(Ref::object)))
    }

    /// Returns the type of a node's value.
    fn type_of(&self, py: Python<'_>, node: &Ref) -> PyResult<&'static str> {
        let node = node.node(py)?;
        self.work(py, |dag| dag.value_type(node))
    }

    /// Returns a node's value.
    fn value<'py>(&self, py: Python<'py>, node: &Ref) -> PyResult<Bound<'py, PyAny>> {
        let node = node.node(py)?;
        let value = self.work(py, |dag| dag.encoded(node))?;
        decoded(py, &value)
    }

    /// Returns a node's value, as the engine holds it.
    fn data(&self, py: Python<'_>, node: &Ref) -> PyResult<Data> {
        let node = node.node(py)?;
        self.work(py, |dag| dag.encoded(node)).map(Data::stored)
    }

    /// Returns what is recorded of a node: its kind, its arguments, where it comes from.
    fn describe<'py>(&self, py: Python<'py>, node: &Ref) -> PyResult<Bound<'py, PyDict>> {
        let node = node.node(py)?;
        let node = self.work(py, |dag| dag.node(node))?;
        describe::node(py, &node)
    }

    /// Ends the DAG with a node as its result. Returns the refs of the DAG and the commit.
    fn commit(&self, py: Python<'_>, node: &Ref) -> PyResult<(Ref, Ref)> {
        let node = node.node(py)?;
        let made = self.work(py, |dag| dag.commit(node))?;
        Ok((Ref::object(made.dag), Ref::object(made.commit)))
    }

    /// Ends the DAG with an error. Returns the refs of the DAG and the commit.
    fn fail(
        &self,
        py: Python<'_>,
        message: String,
        origin: String,
        kind: String,
        stack: &Bound<'_, PyList>,
    ) -> PyResult<(Ref, Ref)> {
        let error = error_info(py, message, origin, kind, stack)?;
        let made = self.work(py, |dag| dag.fail(error))?;
        Ok((Ref::object(made.dag), Ref::object(made.commit)))
    }

    /// Writes everything to disk, so that the DAG can be resumed after a crash.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        self.work(py, dag::Draft::flush)
    }

    /// Refuses changes until it is unfrozen.
    fn freeze(&self, py: Python<'_>, note: &str) -> PyResult<()> {
        self.work(py, |dag| dag.freeze(note))
    }

    /// Allows changes again.
    fn unfreeze(&self, py: Python<'_>) -> PyResult<()> {
        self.work(py, dag::Draft::unfreeze)
    }

    /// Throws the DAG away.
    fn discard(&self, py: Python<'_>) -> PyResult<()> {
        self.work(py, dag::Draft::discard)
    }
}
