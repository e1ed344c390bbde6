//! `Runnable`: something that can be called, as a value.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString, PyTuple};

use crate::uri::Uri;

/// Something that can be called.
///
/// `uri` names it, `adapter` says who runs it, `kwargs` configure it, and `sub`
/// is the runnable that it wraps. `target` is the same as `uri`.
///
///     >>> from daggerml import Runnable, Uri
///     >>> run = Runnable(Uri("python:mean"), adapter="local", kwargs={"ddof": 1})
///     >>> run.uri, run.adapter, run.kwargs
///     (Uri('python:mean'), 'local', {'ddof': 1})
///     >>> Runnable(Uri("docker:img"), sub=run).innermost() == run
///     True
#[pyclass(frozen, module = "daggerml")]
pub(crate) struct Runnable {
    pub(crate) uri: Py<Uri>,
    pub(crate) adapter: String,
    pub(crate) kwargs: Py<PyDict>,
    pub(crate) sub: Option<Py<Self>>,
}

#[pymethods]
impl Runnable {
    #[new]
    #[pyo3(signature = (uri=None, sub=None, kwargs=None, adapter="", *, target=None))]
    fn new(
        py: Python<'_>,
        uri: Option<&Bound<'_, PyAny>>,
        sub: Option<Py<Self>>,
        kwargs: Option<&Bound<'_, PyMapping>>,
        adapter: &str,
        target: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let ((Some(uri), None) | (None, Some(uri))) = (uri, target) else {
            return Err(PyTypeError::new_err(
                "a Runnable needs one uri (which may also be called target)",
            ));
        };
        let uri = match uri.cast::<Uri>() {
            Ok(uri) => uri.clone().unbind(),
            Err(_) => py.get_type::<Uri>().call1((uri,))?.cast_into()?.unbind(),
        };
        let copy = PyDict::new(py);
        if let Some(kwargs) = kwargs {
            copy.update(kwargs)?;
        }
        if let Some(key) = copy
            .keys()
            .iter()
            .find(|key| !key.is_instance_of::<PyString>())
        {
            return Err(PyTypeError::new_err(format!(
                "the kwargs of a Runnable have string keys, not {}",
                key.get_type().name()?
            )));
        }
        Ok(Self {
            uri,
            adapter: adapter.to_owned(),
            kwargs: copy.unbind(),
            sub,
        })
    }

    /// Returns what to run.
    #[getter]
    fn uri(&self, py: Python<'_>) -> Py<Uri> {
        self.uri.clone_ref(py)
    }

    /// Returns what to run: the same as `uri`.
    #[getter]
    fn target(&self, py: Python<'_>) -> Py<Uri> {
        self.uri.clone_ref(py)
    }

    /// Returns the adapter that runs it; empty for what the engine itself runs.
    #[getter]
    fn adapter(&self) -> &str {
        &self.adapter
    }

    /// Its settings (a copy).
    #[getter]
    fn kwargs(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        Ok(self.kwargs.bind(py).copy()?.unbind())
    }

    /// Returns the runnable that this one wraps.
    #[getter]
    fn sub(&self, py: Python<'_>) -> Option<Py<Self>> {
        self.sub.as_ref().map(|sub| sub.clone_ref(py))
    }

    /// Returns the last in the chain of `sub`: what is run in the end.
    fn innermost(slf: &Bound<'_, Self>) -> Py<Self> {
        let py = slf.py();
        let mut current = slf.clone().unbind();
        while let Some(sub) = current.get().sub.as_ref().map(|sub| sub.clone_ref(py)) {
            current = sub;
        }
        current
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut parts = vec![self.uri.bind(py).repr()?.to_string()];
        if let Some(sub) = &self.sub {
            parts.push(format!("sub={}", sub.bind(py).repr()?));
        }
        if !self.kwargs.bind(py).is_empty() {
            parts.push(format!("kwargs={}", self.kwargs.bind(py).repr()?));
        }
        if !self.adapter.is_empty() {
            parts.push(format!(
                "adapter={}",
                PyString::new(py, &self.adapter).repr()?
            ));
        }
        Ok(format!("Runnable({})", parts.join(", ")))
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(other) = other.cast::<Self>() else {
            return Ok(false);
        };
        let other = other.get();
        if self.adapter != other.adapter || self.uri.get().0 != other.uri.get().0 {
            return Ok(false);
        }
        let subs = match (&self.sub, &other.sub) {
            (None, None) => true,
            (Some(a), Some(b)) => a.bind(py).eq(b)?,
            _ => false,
        };
        Ok(subs && self.kwargs.bind(py).eq(&other.kwargs)?)
    }

    /// Equal runnables have equal hashes; kwargs are left out, as a dict has no hash.
    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.uri.get().0.hash(&mut hasher);
        self.adapter.hash(&mut hasher);
        hasher.finish()
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (&self.uri, &self.sub, &self.kwargs, &self.adapter).into_pyobject(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.kwargs)?;
        visit.call(&self.sub)
    }
}
