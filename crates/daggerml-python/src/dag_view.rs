//! `DagView`: a finished DAG, to read.

use daggerml::{Error, dag};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::decoded;
use crate::data::Data;
use crate::describe;
use crate::errors::{OrRaise, failed};
use crate::reference::Ref;
use crate::repository::Shared;

/// A finished DAG, to read.
#[pyclass(frozen, module = "daggerml._core")]
pub(crate) struct DagView {
    view: dag::DagView,
    _repository: Shared,
}

impl DagView {
    pub(crate) fn new(repository: Shared, view: dag::DagView) -> Self {
        Self {
            view,
            _repository: repository,
        }
    }

    fn read<T: Send>(
        &self,
        py: Python<'_>,
        read: impl Send + FnOnce(&dag::DagView) -> Result<T, Box<Error>>,
    ) -> PyResult<T> {
        py.detach(|| read(&self.view)).or_raise(py)
    }
}

#[pymethods]
impl DagView {
    /// Returns the DAG's ref.
    #[getter]
    fn dag(&self) -> Ref {
        Ref::object(self.view.id())
    }

    /// Returns the result. The error of a DAG that ended in one is raised.
    fn result(&self, py: Python<'_>) -> PyResult<Ref> {
        self.view.result().or_raise(py).map(Ref::object)
    }

    /// Returns the error that the DAG ended in, as an exception; `None` when it has a result.
    fn error<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let info = self.view.error()?;
        let exception = failed(
            py,
            self.view.id(),
            None,
            info,
            self.view.dag().is_transient(),
        );
        Some(exception.into_value(py).into_bound(py).into_any())
    }

    /// Returns the node of that name.
    fn named(&self, py: Python<'_>, name: &str) -> PyResult<Ref> {
        self.view.named(name).or_raise(py).map(Ref::object)
    }

    /// Returns the names, in order, with their nodes.
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        for (name, node) in self.view.names() {
            found.set_item(name.as_str(), Ref::object(node))?;
        }
        Ok(found)
    }

    /// Returns the labels, in order.
    fn tags(&self) -> Vec<String> {
        self.view.tags().iter().map(ToString::to_string).collect()
    }

    /// Returns the number of nodes, without making a ref of each.
    fn count(&self) -> usize {
        self.view.len()
    }

    /// Returns the nodes, in the order they were made.
    fn nodes(&self) -> Vec<Ref> {
        self.view.nodes().iter().copied().map(Ref::object).collect()
    }

    /// Returns the node that holds the arguments, in the DAG of a call.
    fn argv(&self) -> Option<Ref> {
        self.view.argv().map(Ref::object)
    }

    /// Returns the type of a node's value.
    fn type_of(&self, py: Python<'_>, node: &Ref) -> PyResult<&'static str> {
        let node = node.node(py)?;
        self.read(py, |view| view.value_type(node))
    }

    /// Returns a node's value.
    fn value<'py>(&self, py: Python<'py>, node: &Ref) -> PyResult<Bound<'py, PyAny>> {
        let node = node.node(py)?;
        // With the lock while the objects are made, from the bytes where they are stored.
        let made = self.read(py, |view| {
            view.read(node, |value| {
                Python::try_attach(|py| decoded(py, value).map(Bound::unbind))
            })
        })?;
        match made {
            Some(made) => made.map(|made| made.into_bound(py)),
            None => Err(PyRuntimeError::new_err("the interpreter is ending")),
        }
    }

    /// Returns a node's value, as the engine holds it.
    fn data(&self, py: Python<'_>, node: &Ref) -> PyResult<Data> {
        let node = node.node(py)?;
        self.read(py, |view| view.encoded(node)).map(Data::stored)
    }

    /// Returns what is recorded of a node: its kind, its arguments, where it comes from; and where its
    /// value stays, if that is at a remote.
    fn describe<'py>(&self, py: Python<'py>, node: &Ref) -> PyResult<Bound<'py, PyDict>> {
        let id = node.node(py)?;
        let (node, promised) = self.read(py, |view| Ok((view.node(id)?, view.promised(id)?)))?;
        let told = describe::node(py, &node)?;
        if let Some(absent) = promised {
            let promised = PyDict::new(py);
            promised.set_item("remote", absent.remote)?;
            promised.set_item("bytes", absent.bytes)?;
            told.set_item("promised", promised)?;
        }
        Ok(told)
    }
}
