//! What an adapter's worker does with a call: begin its DAG, and pack what came out.

use std::ffi::CString;
use std::sync::Arc;

use daggerml::record::CallKey;
use daggerml::value::Value;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::convert::to_python;
use crate::errors::{OrRaise, invalid};
use crate::open_dag::{OpenDag, error_info};
use crate::reference::Ref;
use crate::repository::Repository;

/// An error in parts: message, origin, type and stack.
type ErrorParts<'py> = (String, String, String, Bound<'py, PyList>);

#[expect(
    clippy::needless_pass_by_value,
    reason = "PyO3 hands over lists as Vec"
)]
/// Begins the DAG of the call in a bundle. Returns the DAG and the runnable. The `ancestors`
/// are the keys of the calls that it is nested in, and its own.
#[pyfunction]
pub(crate) fn begin_call<'py>(
    py: Python<'py>,
    repository: &Repository,
    bundle: &[u8],
    ancestors: Vec<String>,
) -> PyResult<(OpenDag, Bound<'py, PyAny>)> {
    let shared = repository.shared();
    let ancestors = ancestors
        .iter()
        .map(|key| key.parse().or_raise(py))
        .collect::<PyResult<Vec<CallKey>>>()?;
    let (dag, runnable) = py
        .detach(|| shared.take_call("call", bundle))
        .or_raise(py)?;
    let runnable = to_python(py, &Value::Runnable(Box::new(runnable)))?;
    Ok((
        OpenDag::of_call(Arc::clone(shared), dag, ancestors),
        runnable,
    ))
}

/// Ends the DAG of a call with a result or an error. Returns the DAG, and the bundle to
/// answer with. A partial one (`thin`) leaves out what the DAG's repository has.
#[pyfunction]
#[pyo3(signature = (dag, result, error, *, thin))]
pub(crate) fn end_call<'py>(
    py: Python<'py>,
    dag: &OpenDag,
    result: Option<&Ref>,
    error: Option<ErrorParts<'py>>,
    thin: bool,
) -> PyResult<(Ref, Bound<'py, PyBytes>)> {
    let outcome = match (result, error) {
        (Some(node), None) => Ok(node.node(py)?),
        (None, Some((message, origin, kind, stack))) => {
            Err(error_info(py, message, origin, kind, &stack)?)
        }
        _ => {
            let text = "a call ends in a result or an error".to_owned();
            return Err(invalid(py, text));
        }
    };
    let (bundle, made) = dag.work(py, |dag| dag.end_as_bundle(outcome, thin))?;
    Ok((Ref::object(made), PyBytes::new(py, &bundle)))
}

/// Compiles the text of a module, as `compile(source, file, "exec")` does. That also makes the types of
/// all syntax trees, which a new process seldom needs, and which takes it 2 ms. A comment
/// that names an encoding is obeyed here.
#[pyfunction]
pub(crate) fn compile_module<'py>(
    py: Python<'py>,
    source: &str,
    file: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let (source, file) = (CString::new(source)?, CString::new(file)?);
    // SAFETY: the interpreter is attached, and both texts end in a zero byte and outlive the call. It
    // returns a new reference, or null with an exception set.
    unsafe {
        let code = ffi::Py_CompileString(source.as_ptr(), file.as_ptr(), ffi::Py_file_input);
        Bound::from_owned_ptr_or_err(py, code)
    }
}
