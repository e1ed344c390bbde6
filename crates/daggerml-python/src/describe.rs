//! What is told of nodes and recorded errors.

use daggerml::record::{ErrorInfo, Node};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::convert::to_python;
use crate::reference::Ref;

/// A node and the type of its value.
pub(crate) type Typed = (Ref, &'static str);

/// Returns a node record as a dict: its kind, and what that kind of node has.
pub(crate) fn node<'py>(py: Python<'py>, node: &Node) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    let kind = match node {
        Node::Literal { .. } => "literal",
        Node::Argv { .. } => "argv",
        Node::Import { dag, node, .. } => {
            told.set_item("dag", Ref::object(*dag))?;
            told.set_item("node", Ref::object(*node))?;
            "import"
        }
        Node::Builtin { op, .. } => {
            told.set_item("op", op.as_str())?;
            "builtin"
        }
        Node::Call { dag, .. } => {
            told.set_item("dag", Ref::object(*dag))?;
            "call"
        }
    };
    told.set_item("kind", kind)?;
    let args = node.args().iter().map(|arg| Ref::object(*arg));
    told.set_item("args", args.collect::<Vec<_>>())?;
    Ok(told)
}

/// Returns the stack of a recorded error: a list of frames.
pub(crate) fn stack<'py>(py: Python<'py>, error: &ErrorInfo) -> PyResult<Bound<'py, PyList>> {
    let stack = PyList::empty(py);
    for frame in &error.stack {
        stack.append(to_python(py, frame)?)?;
    }
    Ok(stack)
}
