//! Values to Python objects.

use daggerml::value::{Int, Value};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple, PyType};

use crate::errors::invalid;
use crate::runnable::Runnable;
use crate::uri::Uri;

/// Whether an object must be hashable, because a set holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Anywhere,
    InSet,
}

/// A new Python object equal to `value`.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    object(py, value, Place::Anywhere)
}

fn object<'py>(py: Python<'py>, value: &Value, place: Place) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(value) => int(py, value)?,
        Value::Float(value) => value.get().into_pyobject(py)?.into_any(),
        Value::String(value) => PyString::new(py, value).into_any(),
        Value::Bytes(value) => PyBytes::new(py, value).into_any(),
        Value::Uri(value) => Bound::new(py, Uri(value.clone()))?.into_any(),
        Value::List(values) => {
            let items = values.iter().map(|value| object(py, value, place));
            // Into Python at once: a list of a million needs no second vector.
            match place {
                Place::Anywhere => {
                    let list = PyList::empty(py);
                    items.into_iter().try_for_each(|item| list.append(item?))?;
                    list.into_any()
                }
                Place::InSet => PyTuple::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any(),
            }
        }
        Value::Set(set) => {
            let found = match place {
                Place::Anywhere => {
                    let found = PySet::empty(py)?;
                    for value in set.as_slice() {
                        found.add(object(py, value, Place::InSet)?)?;
                    }
                    found.into_any()
                }
                Place::InSet => {
                    let items = set
                        .as_slice()
                        .iter()
                        .map(|value| object(py, value, Place::InSet))
                        .collect::<PyResult<Vec<_>>>()?;
                    PyFrozenSet::new(py, items)?.into_any()
                }
            };
            if found.len()? != set.len() {
                return Err(collision(py, "set", "elements"));
            }
            found
        }
        Value::Map(map) => {
            if place == Place::InSet {
                return Err(invalid(
                    py,
                    "this set holds a map, which a Python set cannot: a dict has no hash"
                        .to_owned(),
                ));
            }
            let dict = entries(py, map.as_slice())?;
            if dict.len() != map.len() {
                return Err(collision(py, "map", "keys"));
            }
            dict.into_any()
        }
        Value::Runnable(runnable) => self::runnable(py, runnable)?.into_any(),
    })
}

fn entries<'py>(py: Python<'py>, entries: &[(Value, Value)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in entries {
        dict.set_item(
            object(py, key, Place::InSet)?,
            object(py, value, Place::Anywhere)?,
        )?;
    }
    Ok(dict)
}

fn runnable<'py>(
    py: Python<'py>,
    runnable: &daggerml::value::Runnable,
) -> PyResult<Bound<'py, Runnable>> {
    let sub = match &runnable.sub {
        Some(sub) => Some(self::runnable(py, sub)?.unbind()),
        None => None,
    };
    Bound::new(
        py,
        Runnable {
            uri: Py::new(py, Uri(runnable.uri.clone()))?,
            adapter: runnable.adapter.clone(),
            kwargs: entries(py, runnable.kwargs.as_slice())?.unbind(),
            sub,
        },
    )
}

fn int<'py>(py: Python<'py>, value: &Int) -> PyResult<Bound<'py, PyAny>> {
    if let Some(small) = value.to_i64() {
        return Ok(small.into_pyobject(py)?.into_any());
    }
    let bytes = PyBytes::new(py, &value.to_big().to_signed_bytes_le());
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "signed"), true)?;
    let class: Bound<'py, PyType> = py.get_type::<PyInt>();
    class.call_method(
        intern!(py, "from_bytes"),
        (bytes, intern!(py, "little")),
        Some(&kwargs),
    )
}

/// Python takes 1, 1.0 and True for one key; the stored value has them apart.
fn collision(py: Python<'_>, what: &str, parts: &str) -> PyErr {
    invalid(
        py,
        format!(
            "this {what} cannot be a Python {}: some of its {parts} are different here but equal \
             in Python (such as 1, 1.0 and True); read it with `dml cat`",
            if what == "map" { "dict" } else { what },
        ),
    )
}
