//! Helpers of remotes: those that installed packages offer.

use std::ffi::OsString;

use daggerml::Error;
use daggerml::transfer::transport::HelperCommand;
use pyo3::prelude::*;

/// Returns the program that reaches the remotes of `scheme`, if a package offers one.
pub(crate) fn find(scheme: &str) -> Result<Option<HelperCommand>, Box<Error>> {
    Python::attach(|py| -> PyResult<_> {
        let module = py.import("daggerml.remotes.installed")?;
        let words: Option<Vec<OsString>> = module.call_method1("command", (scheme,))?.extract()?;
        let mut words = words.unwrap_or_default().into_iter();
        Ok(words.next().map(|program| HelperCommand {
            program,
            args: words.collect(),
        }))
    })
    .map_err(|error| {
        Error::Invalid {
            message: format!("cannot look for the helper of {scheme}:// remotes: {error}"),
        }
        .into()
    })
}
