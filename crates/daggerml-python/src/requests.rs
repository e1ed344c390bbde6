//! What an adapter reads and writes: the lines of standard input, and JSON.
//!
//! Python could do both. But a fresh process waits longer for its modules `json` and
//! `threading` than for all else that a call imports.

use std::time::Duration;

use daggerml::Error;
use daggerml::execution::{self, NextLine};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};

use crate::errors::OrRaise;

/// How often a wait lets Python's signal handlers run.
const TICK: Duration = Duration::from_millis(250);

/// The most lists and objects within each other that are written.
const DEEPEST: usize = 100;

/// The requests on standard input.
#[pyclass(frozen, module = "daggerml._core")]
pub(crate) struct Requests(execution::Requests);

#[pymethods]
impl Requests {
    /// Begins to read standard input.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let requests = execution::Requests::new().map_err(|source| Error::Io {
            action: "read",
            path: "standard input".into(),
            source,
        });
        requests.or_raise(py).map(Self)
    }

    /// Waits for the next line. Returns `None` when the input has ended.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        loop {
            match py.detach(|| self.0.next(TICK)) {
                NextLine::Line(line) => return Ok(Some(PyBytes::new(py, &line))),
                NextLine::End => return Ok(None),
                NextLine::Nothing => py.check_signals()?,
            }
        }
    }

    /// Says whether a request is worked on: then the end of the input ends this process.
    fn set_busy(&self, py: Python<'_>, busy: bool) {
        py.detach(|| self.0.set_busy(busy));
    }
}

/// Returns what a JSON text stands for.
#[pyfunction]
pub(crate) fn json_read<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    match serde_json::from_slice(text) {
        Ok(value) => object(py, value),
        Err(error) => Err(PyValueError::new_err(error.to_string())),
    }
}

/// Returns the JSON text of dicts with texts as keys, lists, texts, numbers, bools and `None`.
#[pyfunction]
pub(crate) fn json_write<'py>(
    py: Python<'py>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let text = json(value, 0)?.to_string();
    Ok(PyBytes::new(py, text.as_bytes()))
}

fn object(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Value::String(text) => PyString::new(py, &text).into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into_pyobject(py)?.into_any(),
            (None, Some(number)) => number.into_pyobject(py)?.into_any(),
            (None, None) => PyFloat::new(py, number.as_f64().unwrap_or(f64::NAN)).into_any(),
        },
        Value::Array(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(object(py, value)?)?;
            }
            list.into_any()
        }
        Value::Object(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                dict.set_item(key, object(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

fn json(value: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if depth > DEEPEST {
        let text = format!("more than {DEEPEST} lists and dicts are within each other");
        return Err(PyValueError::new_err(text));
    }
    let items = |items: &mut dyn Iterator<Item = Bound<'_, PyAny>>| {
        items
            .map(|item| json(&item, depth + 1))
            .collect::<PyResult<Vec<_>>>()
    };
    if value.is_none() {
        Ok(Value::Null)
    } else if let Ok(value) = value.cast::<PyBool>() {
        Ok(Value::Bool(value.is_true()))
    } else if let Ok(text) = value.cast::<PyString>() {
        // Half a surrogate pair is no character, and JSON cannot have it.
        Ok(Value::String(text.to_string_lossy().into_owned()))
    } else if value.is_instance_of::<PyInt>() {
        match value.extract::<i64>() {
            Ok(number) => Ok(number.into()),
            Err(_) => Ok(value.extract::<u64>()?.into()),
        }
    } else if let Ok(number) = value.cast::<PyFloat>() {
        let number = Number::from_f64(number.value());
        number.map_or_else(
            || Err(PyValueError::new_err("JSON has no infinity and no NaN")),
            |number| Ok(Value::Number(number)),
        )
    } else if let Ok(list) = value.cast::<PyList>() {
        // A copy, as of the dict below: another thread may change it meanwhile.
        items(&mut list.to_tuple().iter()).map(Value::Array)
    } else if let Ok(tuple) = value.cast::<PyTuple>() {
        items(&mut tuple.iter()).map(Value::Array)
    } else if let Ok(dict) = value.cast::<PyDict>() {
        let mut entries = Map::new();
        let copy = dict.copy()?;
        for (key, value) in copy.iter() {
            let key = key.cast::<PyString>()?.to_string_lossy().into_owned();
            entries.insert(key, json(&value, depth + 1)?);
        }
        Ok(Value::Object(entries))
    } else {
        let text = format!("JSON has no {}", value.get_type().name()?);
        Err(PyTypeError::new_err(text))
    }
}
