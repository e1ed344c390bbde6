//! `Ref`: what an object or a draft is known by.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

use daggerml::id::DraftId;
use daggerml::id::{NodeId, ObjectId, TypedId};
use daggerml::record::Kind;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::PyTuple;

use crate::errors::{OrRaise, invalid};

/// Stands for an object of the repository or a draft: `node:1f3a...`.
///
/// Two refs that are equal stand for equal content.
///
///     >>> from daggerml import Ref
///     >>> ref = Ref("dag:" + "0" * 64)
///     >>> ref.ns(), len(ref.id())
///     ('dag', 64)
#[pyclass(frozen, module = "daggerml")]
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ref(Target);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Target {
    Object(Kind, ObjectId),
    Index(DraftId),
}

impl Ref {
    /// Returns a ref of an object.
    pub(crate) fn object<I: TypedId>(id: I) -> Self {
        Self(Target::Object(I::KIND, id.object()))
    }

    /// Returns a ref of an object of any kind.
    pub(crate) fn any(kind: Kind, id: ObjectId) -> Self {
        Self(Target::Object(kind, id))
    }

    /// Returns the id, if it is of the right kind of object.
    pub(crate) fn to_id<I: TypedId>(&self, py: Python<'_>) -> PyResult<I> {
        match self.0 {
            Target::Object(kind, id) if kind == I::KIND => Ok(I::from_object(id)),
            _ => Err(invalid(
                py,
                format!("{} is not a ref of a {}", self.to(), I::KIND),
            )),
        }
    }

    /// Returns a ref of a draft.
    pub(crate) fn index(id: DraftId) -> Self {
        Self(Target::Index(id))
    }

    /// Returns the draft that it stands for.
    pub(crate) fn to_index(&self, py: Python<'_>) -> PyResult<DraftId> {
        match self.0 {
            Target::Index(id) => Ok(id),
            Target::Object(..) => Err(invalid(
                py,
                format!("{} is not a ref of a draft", self.to()),
            )),
        }
    }

    /// Returns the node that it stands for.
    pub(crate) fn node(&self, py: Python<'_>) -> PyResult<NodeId> {
        self.to_id(py)
    }
}

#[pymethods]
impl Ref {
    #[new]
    fn new(py: Python<'_>, to: &str) -> PyResult<Self> {
        let Some((ns, id)) = to.split_once(':') else {
            return Err(invalid(
                py,
                format!("{to:?} is not a ref: write it as kind:id"),
            ));
        };
        if ns == "index" {
            return id.parse().map(|id| Self(Target::Index(id))).or_raise(py);
        }
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.as_str() == ns) else {
            let kinds = Kind::ALL.map(Kind::as_str).join(", ");
            return Err(invalid(
                py,
                format!("{to:?} is not a ref: {ns:?} is none of {kinds}, index"),
            ));
        };
        Ok(Self(Target::Object(
            kind,
            ObjectId::from_str(id).or_raise(py)?,
        )))
    }

    /// Returns the whole ref as text: `node:1f3a...`.
    #[getter]
    fn to(&self) -> String {
        match &self.0 {
            Target::Object(kind, id) => format!("{kind}:{id}"),
            Target::Index(id) => format!("index:{id}"),
        }
    }

    /// Returns what it stands for: `"node"`, `"dag"`, `"commit"`, `"index"` ...
    fn ns(&self) -> &'static str {
        match &self.0 {
            Target::Object(kind, _) => kind.as_str(),
            Target::Index(_) => "index",
        }
    }

    /// Returns the id alone: 64 hexadecimal digits for an object.
    fn id(&self) -> String {
        match &self.0 {
            Target::Object(_, id) => id.to_string(),
            Target::Index(id) => id.to_string(),
        }
    }

    /// Returns the kind with the first 12 characters of the id: enough for people.
    #[getter]
    fn short(&self) -> String {
        let id: String = self.id().chars().take(12).collect();
        format!("{}:{id}", self.ns())
    }

    fn __repr__(&self) -> String {
        format!("Ref('{}')", self.to())
    }

    fn __str__(&self) -> String {
        self.to()
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<bool> {
        let Ok(other) = other.cast::<Self>() else {
            return match op {
                CompareOp::Eq => Ok(false),
                CompareOp::Ne => Ok(true),
                _ => Err(PyTypeError::new_err("a Ref can only be compared to a Ref")),
            };
        };
        Ok(op.matches(self.cmp(other.get())))
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, [self.to()])
    }
}
