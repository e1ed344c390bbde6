//! `daggerml._core`: the engine and the `dml` command for Python.

use pyo3::prelude::*;

/// The native part of `daggerml`.
#[pymodule]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};
    use std::ffi::OsString;

    use pyo3::pyfunction;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// Runs the `dml` command with `args` (the program's name first); returns its exit code.
    #[pyfunction]
    fn run_cli(args: Vec<OsString>) -> u8 {
        daggerml_cli::run(args)
    }
}
