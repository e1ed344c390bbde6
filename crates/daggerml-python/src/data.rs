//! `Data`: a value as the engine holds it, to look into without copying it to Python.

use std::sync::Arc;

use daggerml::dag::apply;
use daggerml::record::Builtin;
use daggerml::value::Value;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

use crate::convert::{Encoder, to_python};
use crate::errors::OrRaise;

/// A value as the engine holds it.
#[pyclass(frozen, module = "daggerml._core")]
pub(crate) struct Data(Arc<Value>);

impl Data {
    pub(crate) fn new(value: Value) -> Self {
        Self(Arc::new(value))
    }
}

/// Returns the number of elements, for values that have some.
fn length(value: &Value) -> Option<usize> {
    match value {
        Value::List(values) => Some(values.len()),
        Value::Set(set) => Some(set.len()),
        Value::Map(map) => Some(map.len()),
        _ => None,
    }
}

#[pymethods]
impl Data {
    /// Returns the value's type: `"int"`, `"map"` ...
    #[getter]
    fn r#type(&self) -> &'static str {
        self.0.type_name()
    }

    /// Returns a new Python object equal to the value.
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0)
    }

    fn __len__(&self) -> PyResult<usize> {
        length(&self.0).ok_or_else(|| {
            PyTypeError::new_err(format!("a value of type {} has no len()", self.r#type()))
        })
    }

    /// Returns an element of a list or map, or a slice of a list.
    fn get(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        let encoder = Encoder::new(py, None);
        let mut args = vec![Value::Null];
        let op = if let Ok(slice) = key.cast::<PySlice>() {
            for bound in ["start", "stop", "step"] {
                args.push(encoder.value(&slice.getattr(bound)?)?);
            }
            Builtin::Slice
        } else {
            args.push(encoder.value(key)?);
            Builtin::Get
        };
        let mut refs: Vec<&Value> = args.iter().collect();
        if let Some(first) = refs.first_mut() {
            *first = &self.0;
        }
        apply(op, &refs).or_raise(py).map(Self::new)
    }

    /// Returns whether a list or set has the element, or a map the key.
    fn contains(&self, py: Python<'_>, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let item = Encoder::new(py, None).value(item)?;
        let found = apply(Builtin::Contains, &[&self.0, &item]).or_raise(py)?;
        Ok(found == Value::Bool(true))
    }

    /// Returns a map's keys, or the elements of a set, in canonical order.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let keys: Vec<_> = match &*self.0 {
            Value::Map(map) => map.as_slice().iter().map(|(key, _)| key).collect(),
            Value::Set(set) => set.as_slice().iter().collect(),
            other => {
                return Err(PyTypeError::new_err(format!(
                    "a value of type {} has no keys",
                    other.type_name()
                )));
            }
        };
        let list = PyList::empty(py);
        for key in keys {
            list.append(to_python(py, key)?)?;
        }
        Ok(list)
    }
}
