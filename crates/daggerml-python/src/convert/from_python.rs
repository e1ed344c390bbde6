//! Python objects to values, and to collections that hold nodes.

use daggerml::id::NodeId;
use daggerml::large;
use daggerml::value::{Int, MAX_DEPTH, Map, Set, Value};
use num_bigint::BigInt;
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString,
    PyTuple,
};

use crate::blob::Blob;
use crate::errors::{invalid, no_codec, not_a_value};
use crate::reference::Ref;
use crate::runnable::Runnable;
use crate::uri::Uri;

/// What a Python object became.
pub(crate) enum Part {
    /// A value, with no node in it.
    Value(Value),
    /// A node of the DAG.
    Node(NodeId),
    /// A list with a node in it, at some depth.
    List(Vec<Part>),
    /// A set with a node in it.
    Set(Vec<Part>),
    /// A map with a node in it.
    Map(Vec<(Part, Part)>),
}

/// The most codecs that may follow one another on one object.
const MAX_CODECS: usize = 64;

/// Turns Python objects into values.
pub(crate) struct Encoder<'a, 'py> {
    py: Python<'py>,
    /// Called with an object whose type is not that of a value; returns another
    /// object, or the same when no codec knows it.
    codec: Option<&'a Bound<'py, PyAny>>,
}

impl<'a, 'py> Encoder<'a, 'py> {
    pub(crate) fn new(py: Python<'py>, codec: Option<&'a Bound<'py, PyAny>>) -> Self {
        Self { py, codec }
    }

    /// Returns the value equal to `object`, which must hold no nodes.
    pub(crate) fn value(&self, object: &Bound<'py, PyAny>) -> PyResult<Value> {
        match self.part(object)? {
            Part::Value(value) => Ok(value),
            _ => Err(invalid(self.py, "a node cannot be here".to_owned())),
        }
    }

    /// Returns what `object` becomes.
    pub(crate) fn part(&self, object: &Bound<'py, PyAny>) -> PyResult<Part> {
        self.convert(object, 1)
    }

    fn convert(&self, object: &Bound<'py, PyAny>, depth: usize) -> PyResult<Part> {
        if depth > MAX_DEPTH {
            let error = daggerml::error::ValueError::TooDeep { limit: MAX_DEPTH };
            return Err(not_a_value(self.py, error));
        }
        if let Some(part) = self.known(object, depth)? {
            return Ok(part);
        }
        let Some(codec) = self.codec else {
            return self.derived(object, depth);
        };
        let mut current = object.clone();
        for _ in 0..MAX_CODECS {
            let next = codec.call1((&current,))?;
            if next.is(&current) {
                return self.derived(&current, depth);
            }
            if let Some(part) = self.known(&next, depth)? {
                return Ok(part);
            }
            current = next;
        }
        Err(no_codec(self.py, object))
    }

    /// Objects of exactly the types that stand for values; `None` for any other.
    fn known(&self, object: &Bound<'py, PyAny>, depth: usize) -> PyResult<Option<Part>> {
        let value = if object.is_none() {
            Value::Null
        } else if let Ok(text) = object.cast_exact::<PyString>() {
            string(text)?
        } else if let Ok(number) = object.cast_exact::<PyInt>() {
            int(number)?
        } else if let Ok(number) = object.cast_exact::<PyFloat>() {
            Value::Float(number.value().into())
        } else if let Ok(truth) = object.cast_exact::<PyBool>() {
            Value::Bool(truth.is_true())
        } else if let Ok(list) = object.cast_exact::<PyList>() {
            return self.list(&list.to_tuple(), depth).map(Some);
        } else if let Ok(dict) = object.cast_exact::<PyDict>() {
            return self.map(dict, depth).map(Some);
        } else if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            return self.list(tuple, depth).map(Some);
        } else if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            Value::Bytes(large::copy(bytes.as_bytes()))
        } else if object.is_exact_instance_of::<PySet>()
            || object.is_exact_instance_of::<PyFrozenSet>()
        {
            return self.set(object, depth).map(Some);
        } else if let Ok(uri) = object.cast_exact::<Uri>() {
            Value::Uri(uri.get().0.clone())
        } else if let Ok(node) = object.cast_exact::<Ref>() {
            return node.get().node(self.py).map(|node| Some(Part::Node(node)));
        } else if let Ok(run) = object.cast_exact::<Runnable>() {
            Value::Runnable(Box::new(self.runnable(run.get(), depth)?))
        } else if let Ok(blob) = object.cast_exact::<Blob>() {
            Value::from(blob.get().0)
        } else if let Ok(bytes) = object.cast_exact::<PyByteArray>() {
            Value::Bytes(bytes.to_vec())
        } else {
            return Ok(None);
        };
        Ok(Some(Part::Value(value)))
    }

    /// Objects of types derived from those that stand for values.
    fn derived(&self, object: &Bound<'py, PyAny>, depth: usize) -> PyResult<Part> {
        Ok(Part::Value(if let Ok(text) = object.cast::<PyString>() {
            string(text)?
        } else if let Ok(number) = object.cast::<PyInt>() {
            int(number)?
        } else if let Ok(number) = object.cast::<PyFloat>() {
            Value::Float(number.value().into())
        } else if let Ok(list) = object.cast::<PyList>() {
            return self.list(&list.to_tuple(), depth);
        } else if let Ok(tuple) = object.cast::<PyTuple>() {
            return self.list(tuple, depth);
        } else if let Ok(dict) = object.cast::<PyDict>() {
            return self.map(dict, depth);
        } else if object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>() {
            return self.set(object, depth);
        } else if let Ok(bytes) = object.cast::<PyBytes>() {
            Value::Bytes(large::copy(bytes.as_bytes()))
        } else {
            return Err(no_codec(self.py, object));
        }))
    }

    /// Takes a tuple, which nobody can change meanwhile: of a list, it is a copy that was
    /// made at one moment. So are the copies of sets and dicts below.
    fn list(&self, items: &Bound<'py, PyTuple>, depth: usize) -> PyResult<Part> {
        let mut parts = Parts::with_capacity(items.len());
        for item in items.iter() {
            parts.push(self.convert(&item, depth + 1)?);
        }
        Ok(match parts {
            Parts::Values(values) => Part::Value(Value::List(values)),
            Parts::Mixed(parts) => Part::List(parts),
        })
    }

    fn set(&self, set: &Bound<'py, PyAny>, depth: usize) -> PyResult<Part> {
        // A copy, since a codec or another thread may change the set meanwhile; in one step,
        // as Python does it.
        let copy = self.py.get_type::<PyList>().call1((set,))?;
        let copy = copy.cast::<PyList>()?;
        let mut parts = Parts::with_capacity(copy.len());
        for item in copy.iter() {
            parts.push(self.convert(&item, depth + 1)?);
        }
        Ok(match parts {
            Parts::Values(values) => Part::Value(Value::Set(
                Set::new(values).map_err(|error| not_a_value(self.py, error))?,
            )),
            Parts::Mixed(parts) => Part::Set(parts),
        })
    }

    fn map(&self, dict: &Bound<'py, PyDict>, depth: usize) -> PyResult<Part> {
        // A copy, since a codec or another thread may change the dict meanwhile.
        let copy = dict.copy()?;
        let mut values = Vec::with_capacity(copy.len());
        let mut parts = Vec::new();
        for (key, value) in copy.iter() {
            let pair = (
                self.convert(&key, depth + 1)?,
                self.convert(&value, depth + 1)?,
            );
            match pair {
                (Part::Value(key), Part::Value(value)) => values.push((key, value)),
                pair => parts.push(pair),
            }
        }
        if parts.is_empty() {
            let map = Map::new(values).map_err(|error| not_a_value(self.py, error))?;
            return Ok(Part::Value(Value::Map(map)));
        }
        let values = values.into_iter();
        parts.extend(values.map(|(key, value)| (Part::Value(key), Part::Value(value))));
        Ok(Part::Map(parts))
    }

    fn runnable(&self, run: &Runnable, depth: usize) -> PyResult<daggerml::value::Runnable> {
        let Part::Value(Value::Map(kwargs)) = self.map(run.kwargs.bind(self.py), depth)? else {
            return Err(invalid(
                self.py,
                "the kwargs of a Runnable cannot hold a node; use its value() there, \
                 or pass the node as an argument of the call"
                    .to_owned(),
            ));
        };
        let sub = match &run.sub {
            Some(_) if depth >= MAX_DEPTH => {
                let error = daggerml::error::ValueError::TooDeep { limit: MAX_DEPTH };
                return Err(not_a_value(self.py, error));
            }
            Some(sub) => Some(Box::new(self.runnable(sub.get(), depth + 1)?)),
            None => None,
        };
        Ok(daggerml::value::Runnable {
            uri: run.uri.get().0.clone(),
            adapter: run.adapter.clone(),
            kwargs,
            sub,
        })
    }
}

/// The elements of a list or set so far: values alone while that is all there is.
enum Parts {
    Values(Vec<Value>),
    Mixed(Vec<Part>),
}

impl Parts {
    fn with_capacity(capacity: usize) -> Self {
        Self::Values(Vec::with_capacity(capacity))
    }

    fn push(&mut self, part: Part) {
        match (&mut *self, part) {
            (Self::Values(values), Part::Value(value)) => values.push(value),
            (Self::Values(values), part) => {
                let mut parts: Vec<_> = values.drain(..).map(Part::Value).collect();
                parts.push(part);
                *self = Self::Mixed(parts);
            }
            (Self::Mixed(parts), part) => parts.push(part),
        }
    }
}

fn string(text: &Bound<'_, PyString>) -> PyResult<Value> {
    match text.to_cow() {
        Ok(text) => Ok(Value::String(text.into_owned())),
        Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(text.py()) => Err(invalid(
            text.py(),
            format!(
                "the string {} holds half a surrogate pair, which no UTF-8 text can",
                text.repr()?
            ),
        )),
        Err(error) => Err(error),
    }
}

fn int(number: &Bound<'_, PyInt>) -> PyResult<Value> {
    if let Ok(small) = number.extract::<i64>() {
        return Ok(Value::from(small));
    }
    let py = number.py();
    // An exact int, whatever a subclass does; one bit more, for the sign.
    let number = number.as_any().call_method0(intern!(py, "__index__"))?;
    let bits: usize = number.call_method0(intern!(py, "bit_length"))?.extract()?;
    let kwargs = PyDict::new(py);
    kwargs.set_item(intern!(py, "signed"), true)?;
    let bytes = number.call_method(
        intern!(py, "to_bytes"),
        (bits / 8 + 1, intern!(py, "little")),
        Some(&kwargs),
    )?;
    let bytes = bytes.cast::<PyBytes>()?;
    let number = BigInt::from_signed_bytes_le(bytes.as_bytes());
    Ok(Value::Int(Int::from(number)))
}
