//! `Executor`: runs the calls of a repository.

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use daggerml::config::Config;
use daggerml::execution::{
    self, AdapterCommand, AdapterName, AdapterRegistry, CallOptions, ExecutorOptions, Prepared,
};
use daggerml::id::{DagId, NodeId};
use daggerml::record::CallKey;
use daggerml::value::Value;
use daggerml::{Error, dag};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyList, PyString};

use crate::convert::{Encoder, Part};
use crate::errors::{OrRaise, invalid};
use crate::listener::Listener;
use crate::open_dag::{OpenDag, stage};
use crate::reference::Ref;
use crate::repository::{Repository, Shared};

/// The ref of a call's node and the type of its value; `None` when it ended in an error.
type Called = (Ref, Option<&'static str>);

/// An adapter as Python tells it: command, most warm processes, whether it shares
/// the repository.
type Adapter = (Vec<OsString>, usize, bool);

/// Runs the calls of a repository.
#[pyclass(frozen, module = "daggerml._core")]
pub(crate) struct Executor {
    // Dropped before the repository that it works for.
    executor: Mutex<Option<execution::Executor>>,
    _repository: Shared,
}

/// How calls are to be run, from Python's keyword arguments.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    cache: bool,
    timeout: Option<f64>,
    retries: Option<u32>,
}

impl Options {
    fn with(self, py: Python<'_>, dag: &OpenDag) -> PyResult<CallOptions> {
        let mut options = CallOptions {
            cache: self.cache,
            ancestors: dag.ancestors().to_vec(),
            ..CallOptions::default()
        };
        if let Some(seconds) = self.timeout {
            let limit = Duration::try_from_secs_f64(seconds);
            options.timeout =
                Some(limit.map_err(|error| invalid(py, format!("timeout: {error}")))?);
        }
        options.retries = self.retries.unwrap_or(options.retries);
        Ok(options)
    }
}

/// Puts the parts of a call into `dag`, and looks the call up.
fn prepare(
    executor: &execution::Executor,
    dag: &mut dag::Draft,
    parts: Vec<Part>,
    options: &CallOptions,
) -> Result<Prepared, Box<Error>> {
    let nodes = staged(dag, parts)?;
    executor.prepare(dag, &nodes, options)
}

/// Puts the parts of a call into `dag`.
fn staged(dag: &mut dag::Draft, parts: Vec<Part>) -> Result<Vec<NodeId>, Box<Error>> {
    let staged = parts.into_iter().map(|part| stage(dag, part));
    staged.map(|put| put.map(|(node, _)| node)).collect()
}

/// Records a call that made `made`.
fn record(
    dag: &mut dag::Draft,
    nodes: &[NodeId],
    made: DagId,
) -> Result<(NodeId, Option<&'static str>), Box<Error>> {
    let node = dag.record_call(nodes, made)?;
    let type_name = match dag.node(node)?.datum() {
        Some(_) => Some(dag.value_type(node)?),
        None => None,
    };
    Ok((node, type_name))
}

/// Reads the parts of a call.
fn encoded(encoder: &Encoder<'_, '_>, parts: &Bound<'_, PyList>) -> PyResult<Vec<Part>> {
    parts.iter().map(|part| encoder.part(&part)).collect()
}

impl Executor {
    fn engine(&self, py: Python<'_>) -> PyResult<execution::Executor> {
        let executor = self.executor.lock_py_attached(py);
        let executor = executor.unwrap_or_else(PoisonError::into_inner);
        let closed = || Error::Closed {
            message: "this executor was closed".to_owned(),
        };
        executor.clone().ok_or_else(closed).or_raise(py)
    }

    fn key(&self, py: Python<'_>, text: &str) -> PyResult<(execution::Executor, CallKey)> {
        let executor = self.engine(py)?;
        let key = py.detach(|| executor.repository().find_call(text));
        Ok((executor, key.or_raise(py)?))
    }
}

#[pymethods]
impl Executor {
    /// Makes an executor that knows these adapters, and those that the user's settings allow.
    #[new]
    #[pyo3(signature = (repository, adapters, *, lease=None))]
    fn new(
        py: Python<'_>,
        repository: &Repository,
        adapters: HashMap<String, Adapter>,
        lease: Option<f64>,
    ) -> PyResult<Self> {
        let shared = Arc::clone(repository.shared());
        let mut registry = AdapterRegistry::default();
        for (name, (command, processes, shares_repository)) in adapters {
            let name = AdapterName::new(&name).or_raise(py)?;
            let mut words = command.into_iter();
            let Some(program) = words.next() else {
                return Err(invalid(py, format!("the adapter {name} has no program")));
            };
            let mut command = AdapterCommand::new(program);
            command.args = words.collect();
            (command.processes, command.shares_repository) = (processes, shares_repository);
            registry.add(name, command);
        }
        let mut options = ExecutorOptions::default();
        if let Some(seconds) = lease {
            let lease = Duration::try_from_secs_f64(seconds);
            options.lease = lease.map_err(|error| invalid(py, format!("lease: {error}")))?;
        }
        py.detach(|| registry.add_from(&Config::of(Some(shared.root()))?))
            .or_raise(py)?;
        let executor = execution::Executor::new((*shared).clone(), registry, options);
        Ok(Self {
            executor: Mutex::new(Some(executor)),
            _repository: shared,
        })
    }

    /// Returns the names of the adapters, in order.
    fn adapters(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let executor = self.engine(py)?;
        Ok(executor
            .adapters()
            .names()
            .map(ToString::to_string)
            .collect())
    }

    /// Calls `parts[0]` with the others as arguments and records the call in `dag`.
    #[pyo3(signature = (dag, parts, options, name=None, codec=None, on_event=None))]
    #[expect(clippy::too_many_arguments, reason = "as Python's `call` has them")]
    fn call<'py>(
        &self,
        py: Python<'py>,
        dag: &OpenDag,
        parts: &Bound<'py, PyList>,
        options: Options,
        name: Option<&str>,
        codec: Option<&Bound<'py, PyAny>>,
        on_event: Option<Py<PyAny>>,
    ) -> PyResult<Called> {
        let executor = self.engine(py)?;
        let options = options.with(py, dag)?;
        let encoder = Encoder::new(py, codec);
        let parts = encoded(&encoder, parts)?;
        let prepared = dag.work(py, |dag| prepare(&executor, dag, parts, &options))?;
        // The DAG can be used by other threads meanwhile.
        let listener = Listener::new(on_event);
        let made = py.detach(|| executor.run(&prepared, &options, &listener));
        let made = listener.or_raised(py, made)?;
        dag.work(py, |dag| {
            let (node, type_name) = record(dag, prepared.nodes(), made)?;
            if let Some(name) = name {
                dag.set_name(name, node)?;
            }
            Ok((Ref::object(node), type_name))
        })
    }

    /// Calls `runnable` with each of `items` and `args` as arguments, as in `call`, at most
    /// `parallel` at a time. Those that were not begun because an earlier one failed are `None`.
    /// The list `items` is empty when they begin.
    #[pyo3(signature = (
        dag, runnable, items, args, options, parallel, stop_on_error, codec=None, on_event=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "as Python's `map` has them")]
    fn map<'py>(
        &self,
        py: Python<'py>,
        dag: &OpenDag,
        runnable: &Bound<'py, PyAny>,
        items: &Bound<'py, PyList>,
        args: &Bound<'py, PyList>,
        options: Options,
        parallel: usize,
        stop_on_error: bool,
        codec: Option<&Bound<'py, PyAny>>,
        on_event: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let executor = self.engine(py)?;
        let options = options.with(py, dag)?;
        let encoder = Encoder::new(py, codec);
        // What is kept of an item is its node, and then its call's DAG.
        let mut shared: Option<(NodeId, Vec<NodeId>)> = None;
        let mut own = Vec::with_capacity(items.len());
        for item in items.iter() {
            py.check_signals()?;
            let item = encoder.part(&item)?;
            if shared.is_some() {
                own.push(dag.work(py, |dag| stage(dag, item))?.0);
                continue;
            }
            let (runnable, args) = (encoder.part(runnable)?, encoded(&encoder, args)?);
            shared = Some(dag.work(py, |dag| {
                let (first, _) = stage(dag, runnable)?;
                own.push(stage(dag, item)?.0);
                Ok((first, staged(dag, args)?))
            })?);
        }
        let Some((first, rest)) = shared else {
            return Ok(PyList::empty(py));
        };
        items.del_slice(0, items.len())?;
        let nodes = |own: NodeId| [&[first, own], &*rest].concat();
        let listener = Listener::new(on_event);
        let made = py.detach(|| {
            let mut calls = own
                .iter()
                .map(|own| dag.work_detached(|dag| executor.prepare(dag, &nodes(*own), &options)));
            executor.run_many(&mut calls, parallel, stop_on_error, &options, &listener)
        });
        listener.or_raised(py, Ok(()))?;
        let made = made.into_iter().map(Option::transpose);
        let made = made.collect::<Result<Vec<_>, _>>().or_raise(py)?;
        let made = dag.work(py, |dag| {
            let record = |(own, made): (NodeId, Option<DagId>)| {
                made.map(|made| record(dag, &nodes(own), made)).transpose()
            };
            own.into_iter()
                .zip(made)
                .map(record)
                .collect::<Result<Vec<_>, _>>()
        })?;
        // A type has one text for all items.
        let told = made.into_iter().map(|called| {
            called.map(|(node, type_name)| {
                (
                    Ref::object(node),
                    type_name.map(|name| PyString::intern(py, name)),
                )
            })
        });
        PyList::new(py, told)
    }

    /// Records a call like `call` does, which another DAG has made already.
    #[pyo3(signature = (dag, parts, made, name, codec=None))]
    fn record<'py>(
        &self,
        py: Python<'py>,
        dag: &OpenDag,
        parts: &Bound<'py, PyList>,
        made: &Ref,
        name: &str,
        codec: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Called> {
        self.engine(py).map(drop)?; // one that was closed records nothing
        let made = made.to_id(py)?;
        let encoder = Encoder::new(py, codec);
        let parts = encoded(&encoder, parts)?;
        dag.work(py, |dag| {
            let nodes = staged(dag, parts)?;
            let (node, type_name) = record(dag, &nodes, made)?;
            dag.set_name(name, node)?;
            Ok((Ref::object(node), type_name))
        })
    }

    /// Runs a call of which only the key is known again, and returns the DAG that it makes.
    #[pyo3(signature = (key, on_event=None))]
    fn run_again(&self, py: Python<'_>, key: &str, on_event: Option<Py<PyAny>>) -> PyResult<Ref> {
        let (executor, key) = self.key(py, key)?;
        let listener = Listener::new(on_event);
        let made = py.detach(|| executor.run_again(key, &listener));
        listener.or_raised(py, made).map(Ref::object)
    }

    /// Lets a call be run again. Returns whether it was cached.
    fn invalidate(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        let (executor, key) = self.key(py, key)?;
        py.detach(|| executor.repository().invalidate_call(key))
            .or_raise(py)
    }

    /// Asks whoever runs a call to stop. Returns whether it is under way.
    fn cancel(&self, py: Python<'_>, key: &str) -> PyResult<bool> {
        let (executor, key) = self.key(py, key)?;
        py.detach(|| executor.repository().cancel_call(key))
            .or_raise(py)
    }

    /// Ends the adapters that were kept warm.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let mut executor = self.executor.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = executor.take();
            // Others are told that it is closed while its adapters end.
            drop(executor);
            drop(taken);
        });
    }
}

/// Returns the key of a call of `parts[0]` with the others as arguments.
#[pyfunction]
pub(crate) fn call_key<'py>(py: Python<'py>, parts: &Bound<'py, PyList>) -> PyResult<String> {
    let encoder = Encoder::new(py, None);
    let mut data = Vec::new();
    for part in parts.iter() {
        let value: Value = encoder.value(&part)?;
        data.push(execution::datum_id(value).or_raise(py)?);
    }
    match data.split_first() {
        Some((runnable, args)) => Ok(CallKey::new(*runnable, args).to_string()),
        None => Err(invalid(py, "a call needs a runnable".to_owned())),
    }
}

/// Kills this process and its group when the other end of standard input is closed.
#[pyfunction]
pub(crate) fn guard_stdin(py: Python<'_>) -> PyResult<()> {
    execution::guard_stdin()
        .map_err(|source| Error::Io {
            action: "watch",
            path: "standard input".into(),
            source,
        })
        .or_raise(py)
}
