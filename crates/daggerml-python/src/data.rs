//! `Data`: a value as the engine holds it, to look into without copying it to Python.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use daggerml::Error;
use daggerml::dag::{Encoded, apply};
use daggerml::record::Builtin;
use daggerml::value::Value;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PySlice};

use crate::convert::{Encoder, decoded, to_python};
use crate::errors::OrRaise;

/// How many elements are looked up in the stored bytes, which takes longer the further they are
/// from the beginning. For more than that, all of the value is decoded.
const LOOKS: usize = 8;

/// A value as the engine holds it.
#[pyclass(frozen, module = "daggerml._core")]
pub(crate) struct Data {
    /// As it is stored; `None` for a value that was computed.
    stored: Option<Encoded<'static>>,
    /// As it was decoded, if it was.
    value: OnceLock<Arc<Value>>,
    looks: AtomicUsize,
}

impl Data {
    pub(crate) fn new(value: Value) -> Self {
        Self {
            stored: None,
            value: OnceLock::from(Arc::new(value)),
            looks: AtomicUsize::new(0),
        }
    }

    pub(crate) fn stored(stored: Encoded<'static>) -> Self {
        Self {
            stored: Some(stored),
            value: OnceLock::new(),
            looks: AtomicUsize::new(0),
        }
    }

    /// Returns the value, decoded.
    fn decoded(&self) -> Result<&Arc<Value>, Box<Error>> {
        if let (None, Some(stored)) = (self.value.get(), &self.stored) {
            let value = Arc::new(stored.value()?);
            return Ok(self.value.get_or_init(|| value));
        }
        Ok(self.value.get_or_init(|| Arc::new(Value::Null)))
    }

    /// Returns an element without decoding the value; `None` when it must be decoded.
    fn element(&self, key: &Value) -> Result<Option<Self>, Box<Error>> {
        match &self.stored {
            Some(stored)
                if self.value.get().is_none()
                    && self.looks.fetch_add(1, Ordering::Relaxed) < LOOKS =>
            {
                Ok(stored.element(key)?.map(Self::stored))
            }
            _ => Ok(None),
        }
    }

    fn type_name(&self) -> Result<&'static str, Box<Error>> {
        match (self.value.get(), &self.stored) {
            (None, Some(stored)) => stored.type_name(),
            _ => Ok(self.decoded()?.type_name()),
        }
    }

    fn length(&self) -> Result<Option<usize>, Box<Error>> {
        match (self.value.get(), &self.stored) {
            (None, Some(stored)) => stored.length(),
            _ => Ok(length(self.decoded()?)),
        }
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
    fn r#type(&self, py: Python<'_>) -> PyResult<&'static str> {
        self.type_name().or_raise(py)
    }

    /// Returns a new Python object equal to the value.
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.stored {
            Some(stored) => decoded(py, stored),
            None => to_python(py, self.decoded().or_raise(py)?),
        }
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        match self.length().or_raise(py)? {
            Some(length) => Ok(length),
            None => Err(PyTypeError::new_err(format!(
                "a value of type {} has no len()",
                self.r#type(py)?
            ))),
        }
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
            let key = encoder.value(key)?;
            if let Some(element) = self.element(&key).or_raise(py)? {
                return Ok(element);
            }
            args.push(key);
            Builtin::Get
        };
        let value = self.decoded().or_raise(py)?;
        let mut refs: Vec<&Value> = args.iter().collect();
        if let Some(first) = refs.first_mut() {
            *first = value;
        }
        apply(op, &refs).or_raise(py).map(Self::new)
    }

    /// Returns whether a list or set has the element, or a map the key.
    fn contains(&self, py: Python<'_>, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        let item = Encoder::new(py, None).value(item)?;
        let value = self.decoded().or_raise(py)?;
        let found = apply(Builtin::Contains, &[&**value, &item]).or_raise(py)?;
        Ok(found == Value::Bool(true))
    }

    /// Returns a map's keys, or the elements of a set, in canonical order.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let value = self.decoded().or_raise(py)?;
        let keys: Vec<_> = match &**value {
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
