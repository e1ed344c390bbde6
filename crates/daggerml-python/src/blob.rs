//! `Blob`: bytes of any length as a value; and reading and putting them.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use daggerml::id::BlobId;
use daggerml::{Error, dag, value};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::errors::OrRaise;
use crate::listener::Listener;
use crate::repository::Shared;

/// Bytes of any length, as a value of a DAG: how many there are, and their id.
///
/// `Dag.put_file` makes one. Its bytes are read by `BlobNode.open` and `Dml.open_blob`. Equal bytes
/// have equal ids.
#[pyclass(frozen, module = "daggerml")]
pub(crate) struct Blob(pub(crate) value::Blob);

#[pymethods]
impl Blob {
    #[new]
    fn new(py: Python<'_>, blob_id: &str, size: u64) -> PyResult<Self> {
        let id: BlobId = blob_id.parse().or_raise(py)?;
        Ok(Self(value::Blob { id, size }))
    }

    /// Returns the id, in hexadecimal.
    #[getter]
    fn id(&self) -> String {
        self.0.id.to_string()
    }

    /// Returns how many bytes there are.
    #[getter]
    fn size(&self) -> u64 {
        self.0.size
    }

    fn __repr__(&self) -> String {
        format!("Blob('{}', {})", self.0.id, self.0.size)
    }

    fn __hash__(&self) -> u64 {
        let bytes = daggerml::id::ObjectId::from(self.0.id);
        u64::from_be_bytes(bytes.as_bytes().first_chunk().copied().unwrap_or_default())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other
            .cast::<Self>()
            .is_ok_and(|other| other.get().0 == self.0)
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (id, size) = (self.id().into_pyobject(py)?, self.0.size.into_pyobject(py)?);
        PyTuple::new(py, [id.into_any(), size.into_any()])
    }
}

/// Reads a blob.
#[pyclass(frozen, module = "daggerml._core")]
pub(crate) struct BlobReader {
    reader: Mutex<dag::BlobReader>,
    _repository: Shared,
}

impl BlobReader {
    pub(crate) fn open(repository: &Shared, blob: value::Blob) -> Result<Self, Box<Error>> {
        Ok(Self {
            reader: Mutex::new(repository.open_blob(blob)?),
            _repository: Shared::clone(repository),
        })
    }

    fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl Send + FnOnce(&mut dag::BlobReader) -> T,
    ) -> T {
        py.detach(|| work(&mut self.reader.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "PyO3 hands over paths as PathBuf"
)]
#[pymethods]
impl BlobReader {
    /// Returns `length` bytes from the place `at` on; fewer at the end.
    fn read_at<'py>(&self, py: Python<'py>, at: u64, length: u64) -> PyResult<Bound<'py, PyBytes>> {
        let size = self.work(py, |reader| reader.blob().size);
        let length = usize::try_from(length.min(size.saturating_sub(at)))?;
        PyBytes::new_with(py, length, |buffer| {
            self.work(py, |reader| reader.read_at(at, buffer))
                .or_raise(py)
                .map(drop)
        })
    }

    /// Writes all bytes to a file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let listener = Listener::new(None);
        let saved = self.work(py, |reader| reader.save(&path, &mut |_| check(&listener)));
        listener.or_raised(py, saved)
    }
}

/// Ends the work when a signal's handler raises.
pub(crate) fn check(listener: &Listener) -> Result<(), Box<Error>> {
    if listener.is_interrupted() {
        let message = "interrupted".to_owned();
        return Err(Error::Invalid { message }.into());
    }
    Ok(())
}

/// A Python object that has a method `read`, as binary files do.
pub(crate) struct Source<'s> {
    object: Py<PyAny>,
    /// What it raises is raised again when the work has ended.
    listener: &'s Listener,
}

impl<'s> Source<'s> {
    pub(crate) fn new(object: Py<PyAny>, listener: &'s Listener) -> Self {
        Self { object, listener }
    }
}

impl io::Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = Python::try_attach(|py| {
            let read = self
                .object
                .bind(py)
                .call_method1(intern!(py, "read"), (buffer.len(),))?;
            let bytes = read.cast::<PyBytes>()?.as_bytes();
            let Some(room) = buffer.get_mut(..bytes.len()) else {
                let text = "read() returned more bytes than were asked for";
                return Err(PyTypeError::new_err(text));
            };
            room.copy_from_slice(bytes);
            Ok(bytes.len())
        });
        match read {
            Some(Ok(length)) => Ok(length),
            Some(Err(raised)) => {
                self.listener.raise(raised);
                Err(io::Error::other("its read() raised"))
            }
            None => Err(io::Error::other("the interpreter is ending")),
        }
    }
}
