//! `daggerml._core`: the engine and the `dml` command for Python.
//!
//! A thin layer: what a class here does is what the engine does, with Python's
//! values and errors. The classes that people use, with their docs, are in
//! `python/daggerml/src/daggerml`.
//!
//! | module | holds |
//! |---|---|
//! | `convert` | Python objects to values and back |
//! | `errors` | the engine's errors as Python exceptions |
//! | `reference`, `uri`, `blob`, `runnable` | the values that Python has no type for |
//! | `repository`, `open_dag`, `dag_view` | handles of the engine |
//! | `history`, `maintenance`, `remotes` | what `dml` does with a repository |
//! | `data`, `describe` | what is told of nodes |
//! | `drawing` | where the nodes of a drawing go |
//! | `execution`, `listener`, `calls` | running calls, and what is told of them |
//! | `worker`, `requests` | the DAG of a call and the lines of requests, for adapters |
//! | `helpers` | the programs that reach remotes |
//!
//! Threads: every class is frozen, and what changes in one is behind a lock of its own, so
//! that the module needs no global interpreter lock (GIL). A lock is only waited for, and
//! the store only touched, by a thread that is detached from Python: it holds no GIL that
//! whoever has the lock may want, and holds up no garbage collection.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]
#![expect(
    rustdoc::invalid_rust_codeblocks,
    reason = "docs of classes become Python docstrings, with Python examples"
)]

mod blob;
mod calls;
mod convert;
mod dag_view;
mod data;
mod describe;
mod drawing;
mod errors;
mod execution;
mod helpers;
mod history;
mod listener;
mod maintenance;
mod open_dag;
mod reference;
mod remotes;
mod repository;
mod requests;
mod runnable;
mod uri;
mod worker;

use pyo3::prelude::*;

/// The native part of `daggerml`.
#[pymodule(gil_used = false)]
mod _core {
    use std::ffi::OsString;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::blob::{Blob, BlobReader};
    #[pymodule_export]
    use crate::dag_view::DagView;
    #[pymodule_export]
    use crate::data::Data;
    #[pymodule_export]
    use crate::drawing::layout;
    #[pymodule_export]
    use crate::execution::{Executor, call_key, guard_stdin};
    #[pymodule_export]
    use crate::history::{
        checkout, conflicts, create_branch, create_tag, delete_branch, delete_dags, delete_tag,
        diff, merge, merge_abort, merge_continue, rebase, refs, rename_branch, rename_dag,
        resolve_conflict, revert,
    };
    #[pymodule_export]
    use crate::maintenance::{add_setting, fsck, gc, set_setting, setting, settings};
    #[pymodule_export]
    use crate::open_dag::OpenDag;
    #[pymodule_export]
    use crate::reference::Ref;
    #[pymodule_export]
    use crate::remotes::{
        clone, default_remote, fetch, pull, push, remote_fsck, remote_gc, remote_refs, remotes,
        remove_remote, set_remote, set_upstream, upstream,
    };
    #[pymodule_export]
    use crate::repository::Repository;
    #[pymodule_export]
    use crate::requests::{Requests, json_read, json_write};
    #[pymodule_export]
    use crate::runnable::Runnable;
    #[pymodule_export]
    use crate::uri::Uri;
    #[pymodule_export]
    use crate::worker::{begin_call, compile_module, end_call};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        daggerml::transfer::transport::set_helper_finder(crate::helpers::find);
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// Runs the `dml` command with `args` (the program's name first); returns its exit code.
    #[pyfunction]
    fn run_cli(py: Python<'_>, args: Vec<OsString>) -> u8 {
        py.detach(|| daggerml_cli::run(args))
    }

    /// Returns the names of all kinds of engine errors.
    #[pyfunction]
    fn error_kinds() -> Vec<&'static str> {
        daggerml::ErrorKind::ALL
            .iter()
            .map(|kind| kind.as_str())
            .collect()
    }
}
