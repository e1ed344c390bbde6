//! The engine's errors as Python exceptions.

use daggerml::error::ValueError;
use daggerml::id::{DagId, NodeId};
use daggerml::record::ErrorInfo;
use daggerml::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::describe;
use crate::reference::Ref;

/// The result of something that the engine was asked to do.
pub(crate) trait OrRaise<T> {
    /// Returns the value, or the error as the exception that `daggerml.errors` has for
    /// its kind.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T, E: Into<Box<Error>>> OrRaise<T> for Result<T, E> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| exception(py, &error.into()))
    }
}

/// Returns the exception for `error`.
fn exception(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        Error::Failed {
            dag,
            node,
            info,
            transient,
        } => failed(py, *dag, *node, info, *transient),
        _ => raised(py, error.kind(), error.to_string(), error.hint()),
    }
}

/// Returns the exception for an error that was recorded in `dag`, and may not come again
/// if it is `transient`.
pub(crate) fn failed(
    py: Python<'_>,
    dag: DagId,
    node: Option<NodeId>,
    info: &ErrorInfo,
    transient: bool,
) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = || {
        let make = MAKE.import(py, "daggerml.errors", "recorded_error")?;
        make.call1((
            &info.message,
            &info.origin,
            &info.kind,
            describe::stack(py, info)?,
            Ref::object(dag),
            node.map(Ref::object),
            transient,
        ))
    };
    make().map_or_else(|failed: PyErr| failed, PyErr::from_value)
}

/// Returns an exception of the given kind, made by `daggerml.errors`.
pub(crate) fn raised(
    py: Python<'_>,
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    MAKE.import(py, "daggerml.errors", "engine_error")
        .and_then(|make| make.call1((kind.as_str(), message, hint)))
        .map_or_else(|failed| failed, PyErr::from_value)
}

/// Returns an exception that says that `message` is not a value, a name or an id.
pub(crate) fn invalid(py: Python<'_>, message: String) -> PyErr {
    raised(py, ErrorKind::Invalid, message, None)
}

/// Returns the exception for a value that cannot be stored, as conversions raise it.
pub(crate) fn not_a_value(py: Python<'_>, error: ValueError) -> PyErr {
    exception(py, &error.into())
}

/// Returns the exception for an object whose type no codec knows.
pub(crate) fn no_codec(py: Python<'_>, object: &Bound<'_, PyAny>) -> PyErr {
    static CODEC_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let make = || {
        let class = CODEC_ERROR.import(py, "daggerml.errors", "CodecError")?;
        class.call_method1("unsupported", (object,))
    };
    make().map_or_else(|failed: PyErr| failed, PyErr::from_value)
}
