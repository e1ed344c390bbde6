//! What is told of calls: those under way, and the attempts that were made.

use daggerml::execution::{Attempt, CallState, Explanation, Filter, LogPosition};
use daggerml::record::Time;
use daggerml::value::Value;
use daggerml::{Error, execution::claim::Claim};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::convert::{Encoder, to_python};
use crate::errors::OrRaise;
use crate::reference::Ref;
use crate::repository::Shared;

fn attempt<'py>(py: Python<'py>, made: &Attempt) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("exec", Ref::object(made.id))?;
    told.set_item("status", made.exec.status.as_str())?;
    told.set_item("dag", made.exec.dag.map(Ref::object))?;
    told.set_item("adapter", &made.exec.adapter)?;
    told.set_item("started", made.exec.started.0)?;
    told.set_item("finished", made.exec.finished.0)?;
    told.set_item("log", made.exec.log.is_some())?;
    told.set_item("transient", made.transient)?;
    Ok(told)
}

fn running<'py>(py: Python<'py>, claim: &Claim, dead: bool) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("state", claim.state.as_str())?;
    told.set_item("attempt", claim.attempt)?;
    told.set_item("adapter", &claim.adapter)?;
    told.set_item("since", claim.since.0)?;
    told.set_item("host", &claim.host)?;
    told.set_item("pid", claim.pid)?;
    told.set_item("dead", dead)?;
    told.set_item("cancel", claim.cancel)?;
    Ok(told)
}

fn state<'py>(py: Python<'py>, call: &CallState) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("key", call.key.to_string())?;
    told.set_item("dag", call.answer.map(Ref::object))?;
    let claim = call.claim.as_ref();
    told.set_item(
        "running",
        claim
            .map(|claim| running(py, claim, call.dead))
            .transpose()?,
    )?;
    let newest = call.newest.as_ref();
    told.set_item("newest", newest.map(|made| attempt(py, made)).transpose()?)?;
    Ok(told)
}

/// Returns the calls under way, then the others, newest first: at most `limit` of them,
/// without the first `skip`.
pub(crate) fn list<'py>(
    py: Python<'py>,
    shared: &Shared,
    limit: usize,
    skip: usize,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let calls = py.detach(|| shared.calls(Filter::default())).or_raise(py)?;
    let wanted = calls.iter().skip(skip).take(limit);
    wanted.map(|call| state(py, call)).collect()
}

/// Returns what is known of one call.
pub(crate) fn one<'py>(
    py: Python<'py>,
    shared: &Shared,
    key: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let call = py
        .detach(|| shared.call(shared.find_call(key)?))
        .or_raise(py)?;
    state(py, &call)
}

/// Returns why a call is a hit or a miss.
fn explanation<'py>(py: Python<'py>, found: &Explanation) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    told.set_item("key", found.call.key.to_string())?;
    told.set_item("name", found.name.as_deref())?;
    told.set_item("verdict", found.verdict.as_str())?;
    told.set_item("meaning", found.verdict.meaning())?;
    let made = found.answer.as_ref().or(found.call.newest.as_ref());
    told.set_item("attempt", made.map(|made| attempt(py, made)).transpose()?)?;
    told.set_item(
        "nearest",
        found.nearest.as_ref().map(|it| it.key.to_string()),
    )?;
    told.set_item(
        "nearest_recorded",
        found.nearest.as_ref().map(|it| it.first.0),
    )?;
    let mut differences = Vec::new();
    for it in found
        .nearest
        .iter()
        .flat_map(|nearest| &nearest.differences)
    {
        let one = PyDict::new(py);
        let value = |value: &Option<Value>| value.as_ref().map(|it| to_python(py, it)).transpose();
        one.set_item("part", &it.part)?;
        one.set_item("path", daggerml_cli::path_text(&it.path))?;
        one.set_item("before", value(&it.before)?)?;
        one.set_item("after", value(&it.after)?)?;
        one.set_item("diff", it.diff.as_deref())?;
        differences.push(one);
    }
    told.set_item("differences", differences)?;
    told.set_item("compared", found.compared)?;
    told.set_item("limited", found.limited)?;
    told.set_item("text", daggerml_cli::explained(found))?;
    Ok(told)
}

/// Explains the call of a key, or of parts: a runnable and arguments.
pub(crate) fn explain<'py>(
    py: Python<'py>,
    shared: &Shared,
    call: &Bound<'py, PyAny>,
    codec: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let found = if let Ok(key) = call.extract::<String>() {
        py.detach(|| shared.explain(shared.find_call(&key)?))
    } else {
        let encoder = Encoder::new(py, codec);
        let values = call
            .cast::<PyList>()?
            .iter()
            .map(|part| encoder.value(&part))
            .collect::<PyResult<Vec<_>>>()?;
        py.detach(|| shared.explain_call(values))
    };
    explanation(py, &found.or_raise(py)?)
}

/// Returns the attempts at a call that ended, newest first.
pub(crate) fn attempts<'py>(
    py: Python<'py>,
    shared: &Shared,
    key: &str,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let made = py
        .detach(|| shared.attempts(shared.find_call(key)?))
        .or_raise(py)?;
    made.iter().map(|made| attempt(py, made)).collect()
}

/// Returns the log of an attempt, from 1; of the newest by default.
pub(crate) fn log(
    py: Python<'_>,
    shared: &Shared,
    key: &str,
    number: Option<usize>,
) -> PyResult<Vec<u8>> {
    py.detach(|| {
        let made = shared.attempts(shared.find_call(key)?)?;
        let newest_first = number.map_or(Some(0), |number| made.len().checked_sub(number));
        match newest_first.and_then(|at| made.get(at)) {
            Some(made) => shared.log_of(&made.exec),
            None => Err(Error::NotFound {
                what: "attempt",
                name: number.unwrap_or(1).to_string(),
                place: format!("the call {key}"),
            }
            .into()),
        }
    })
    .or_raise(py)
}

/// Bytes of a log, where to go on, whether they are of another run, and whether more may come.
pub(crate) type ToldLog<'py> = (Bound<'py, PyBytes>, (i64, u64), bool, bool);

/// Returns what came after a part of a call's log, and where that ends.
pub(crate) fn log_part<'py>(
    py: Python<'py>,
    shared: &Shared,
    key: &str,
    after: Option<(i64, u64)>,
) -> PyResult<ToldLog<'py>> {
    let after = after.map(|(started, offset)| LogPosition {
        started: Time(started),
        offset,
    });
    let part = py
        .detach(|| shared.log_part(shared.find_call(key)?, after))
        .or_raise(py)?;
    let position = (part.position.started.0, part.position.offset);
    let bytes = PyBytes::new(py, &part.bytes);
    Ok((bytes, position, part.begins, part.live))
}
