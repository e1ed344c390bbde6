//! Values to Python objects.

use std::mem::MaybeUninit;

use daggerml::dag::Encoded;
use daggerml::value::{Builder, Scalar, Value};
use daggerml::{Error, large, value};
use num_bigint::BigInt;
use pyo3::prelude::*;
use pyo3::types::{
    PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple, PyType,
};
use pyo3::{ffi, intern};

use crate::blob::Blob;
use crate::errors::{OrRaise, invalid};
use crate::runnable::Runnable;
use crate::uri::Uri;

/// Returns a new Python object equal to `value`.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    built(py, |objects| value.build(objects))
}

/// Returns a new Python object equal to a stored value.
pub(crate) fn decoded<'py>(py: Python<'py>, value: &Encoded<'_>) -> PyResult<Bound<'py, PyAny>> {
    built(py, |objects| value.build(objects))
}

fn built<'py, 'v>(
    py: Python<'py>,
    build: impl FnOnce(&mut Objects<'py, 'v>) -> Result<(), Failure>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut objects = Objects {
        py,
        stack: Vec::new(),
        keys: Vec::new(),
    };
    match build(&mut objects) {
        Ok(()) => Ok(objects.pop()),
        Err(Failure::Python(error)) => Err(error),
        Err(Failure::Engine(error)) => Err(error).or_raise(py),
    }
}

/// Why there is no object.
enum Failure {
    Python(PyErr),
    Engine(Box<Error>),
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Box<Error>> for Failure {
    fn from(error: Box<Error>) -> Self {
        Self::Engine(error)
    }
}

/// Builds Python objects.
struct Objects<'py, 'v> {
    py: Python<'py>,
    stack: Vec<Bound<'py, PyAny>>,
    /// Keys made recently, by their hash: the maps in a list often have the same keys.
    keys: Vec<Option<(&'v str, Bound<'py, PyAny>)>>,
}

/// How many keys are kept, and how long they may be.
const KEYS: usize = 64;
const LONGEST_KEY: usize = 64;

impl<'py, 'v> Objects<'py, 'v> {
    /// Returns the last object; every call has one.
    fn pop(&mut self) -> Bound<'py, PyAny> {
        let last = self.stack.pop();
        last.unwrap_or_else(|| self.py.None().into_bound(self.py))
    }

    /// Returns the last `length` objects, in order.
    fn last(&mut self, length: usize) -> std::vec::Drain<'_, Bound<'py, PyAny>> {
        self.stack.drain(self.stack.len().saturating_sub(length)..)
    }

    fn text_key(&mut self, text: &'v str) -> Bound<'py, PyAny> {
        let make = || PyString::new(self.py, text).into_any();
        if text.len() > LONGEST_KEY {
            return make();
        }
        if self.keys.is_empty() {
            self.keys.resize(KEYS, None);
        }
        match self.keys.get_mut(place(text)) {
            Some(Some((known, key))) if *known == text => key.clone(),
            Some(place) => place.insert((text, make())).1.clone(),
            None => make(),
        }
    }
}

/// Returns where a key is kept.
fn place(text: &str) -> usize {
    let hash = text.bytes().fold(text.len(), |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(byte))
    });
    hash % KEYS
}

impl<'v> Builder<'v> for Objects<'_, 'v> {
    type Error = Failure;

    fn scalar(&mut self, scalar: Scalar<'v>) -> Result<(), Failure> {
        let py = self.py;
        let object = match scalar {
            Scalar::String(text) => PyString::new(py, text).into_any(),
            Scalar::Int(number) => infallible(number.into_pyobject(py)).into_any(),
            Scalar::Float(number) => infallible(number.get().into_pyobject(py)).into_any(),
            Scalar::Null => py.None().into_bound(py),
            Scalar::Bool(value) => infallible(value.into_pyobject(py)).to_owned().into_any(),
            Scalar::Bytes(bytes) => self::bytes(py, bytes)?.into_any(),
            Scalar::Uri(uri) => Bound::new(py, Uri(uri))?.into_any(),
            Scalar::Big(number) => big(py, &number)?,
            Scalar::Blob(blob) => Bound::new(py, Blob(*blob))?.into_any(),
        };
        self.stack.push(object);
        Ok(())
    }

    fn int(&mut self, number: i64) -> Result<(), Failure> {
        let number = infallible(number.into_pyobject(self.py)).into_any();
        self.stack.push(number);
        Ok(())
    }

    fn float(&mut self, number: f64) -> Result<(), Failure> {
        self.stack.push(PyFloat::new(self.py, number).into_any());
        Ok(())
    }

    fn key(&mut self, key: Scalar<'v>) -> Result<(), Failure> {
        let Scalar::String(text) = key else {
            return self.scalar(key);
        };
        let key = self.text_key(text);
        self.stack.push(key);
        Ok(())
    }

    fn list(&mut self, length: usize) -> Result<(), Failure> {
        let py = self.py;
        let list = PyList::new(py, self.last(length))?;
        self.stack.push(list.into_any());
        Ok(())
    }

    fn set(&mut self, length: usize) -> Result<(), Failure> {
        let py = self.py;
        let set = PySet::empty(py)?;
        for element in self.last(length) {
            set.add(hashable(element)?)?;
        }
        if set.len() != length {
            return Err(collision(py, "set", "elements").into());
        }
        self.stack.push(set.into_any());
        Ok(())
    }

    fn map(&mut self, length: usize) -> Result<(), Failure> {
        let py = self.py;
        let dict = PyDict::new(py);
        let mut parts = self.last(2 * length);
        while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
            dict.set_item(key, value)?;
        }
        drop(parts);
        if dict.len() != length {
            return Err(collision(py, "map", "keys").into());
        }
        self.stack.push(dict.into_any());
        Ok(())
    }

    fn runnable(&mut self, uri: value::Uri, adapter: &'v str) -> Result<(), Failure> {
        let sub = self.pop();
        let kwargs = self.pop();
        let runnable = Runnable {
            uri: Py::new(self.py, Uri(uri))?,
            adapter: adapter.to_owned(),
            kwargs: kwargs.cast_into::<PyDict>().map_err(PyErr::from)?.unbind(),
            sub: match sub.cast_into::<Runnable>() {
                Ok(sub) => Some(sub.unbind()),
                Err(_) => None,
            },
        };
        self.stack.push(Bound::new(self.py, runnable)?.into_any());
        Ok(())
    }
}

/// Returns a Python object with a copy of `bytes`.
fn bytes<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    if bytes.len() < large::LARGE {
        return Ok(PyBytes::new(py, bytes));
    }
    // PyO3 has nothing that makes it before it is filled and does not write it twice.
    let length = isize::try_from(bytes.len())?;
    // SAFETY: the new object is one of this size whose bytes may be written until somebody else
    // has it, and are not read before.
    unsafe {
        let made = ffi::PyBytes_FromStringAndSize(std::ptr::null(), length);
        let made = Bound::from_owned_ptr_or_err(py, made)?;
        let start = ffi::PyBytes_AsString(made.as_ptr()).cast::<MaybeUninit<u8>>();
        let fresh = std::slice::from_raw_parts_mut(start, bytes.len());
        large::ask_for_large_pages(fresh);
        fresh.write_copy_of_slice(bytes);
        Ok(made.cast_into_unchecked())
    }
}

fn infallible<T>(made: Result<T, std::convert::Infallible>) -> T {
    match made {
        Ok(object) => object,
        Err(never) => match never {},
    }
}

/// Returns what stands for an element of a set: the same, made of what Python can hash.
fn hashable(element: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = element.py();
    if let Ok(list) = element.cast_exact::<PyList>() {
        let items = list.iter().map(hashable).collect::<PyResult<Vec<_>>>()?;
        return Ok(PyTuple::new(py, items)?.into_any());
    }
    if let Ok(set) = element.cast_exact::<PySet>() {
        return Ok(PyFrozenSet::new(py, set.iter())?.into_any());
    }
    if element.is_exact_instance_of::<PyDict>() {
        return Err(invalid(
            py,
            "this set holds a map, which a Python set cannot: a dict has no hash".to_owned(),
        ));
    }
    Ok(element)
}

fn big<'py>(py: Python<'py>, number: &BigInt) -> PyResult<Bound<'py, PyAny>> {
    let bytes = PyBytes::new(py, &number.to_signed_bytes_le());
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "signed"), true)?;
    let class: Bound<'py, PyType> = py.get_type::<PyInt>();
    class.call_method(
        intern!(py, "from_bytes"),
        (bytes, intern!(py, "little")),
        Some(&kwargs),
    )
}

/// Python treats 1, 1.0 and True as one key; in the stored value they are three.
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
