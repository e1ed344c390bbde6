//! `Uri`: a URI as a value.

use std::hash::{DefaultHasher, Hash, Hasher};

use daggerml::value;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors::OrRaise;

/// A URI, in the canonical form of RFC 3986.
///
///     >>> from daggerml import Uri
///     >>> Uri("S3://bucket/%7euser/./data.csv")
///     Uri('s3://bucket/~user/data.csv')
///     >>> Uri("s3://bucket/a") == Uri("s3://bucket/b/../a")
///     True
#[pyclass(frozen, module = "daggerml")]
pub(crate) struct Uri(pub(crate) value::Uri);

#[pymethods]
impl Uri {
    #[new]
    fn new(py: Python<'_>, uri: &str) -> PyResult<Self> {
        value::Uri::new(uri).or_raise(py).map(Self)
    }

    /// Returns the URI's text.
    #[getter]
    fn uri(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the scheme, in lower case.
    #[getter]
    fn scheme(&self) -> &str {
        self.0.scheme()
    }

    fn __str__(&self) -> &str {
        self.0.as_str()
    }

    fn __repr__(&self) -> String {
        format!("Uri('{}')", self.0)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|other| other.get().0 == self.0)
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, [self.0.as_str()])
    }

    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["uri"])
    }
}
