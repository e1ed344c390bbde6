//! Garbage collection, finding damage, settings. Functions of a [`Repository`].

use daggerml::config::{Config, Scope};
use daggerml::maintenance::fsck::Subject;
use daggerml::maintenance::{Totals, fsck as checking, gc as collecting};
use daggerml::record::Kind;
use daggerml::transfer::remote::checked_setting;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::errors::OrRaise;
use crate::repository::Repository;

/// Removes objects that nothing refers to. Returns the numbers kept and removed, by kind, and the bytes
/// that the data file had before and has now.
#[pyfunction]
pub(crate) fn gc<'py>(
    py: Python<'py>,
    repository: &Repository,
    dry_run: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let store = repository.shared().store();
    let options = collecting::Options { dry_run };
    let report = py
        .detach(|| collecting::gc(store, options, &mut |_| ()))
        .or_raise(py)?;
    let told = PyDict::new(py);
    told.set_item("kept", totals(py, &report.kept)?)?;
    told.set_item("removed", totals(py, &report.removed)?)?;
    let file = PyDict::new(py);
    file.set_item("before", report.file.before)?;
    file.set_item("after", report.file.after)?;
    told.set_item("file", file)?;
    Ok(told)
}

fn totals<'py>(py: Python<'py>, totals: &Totals) -> PyResult<Bound<'py, PyDict>> {
    let told = PyDict::new(py);
    for (kind, total) in totals.iter().filter(|(_, total)| total.objects > 0) {
        told.set_item(kind.as_str(), total.objects)?;
    }
    Ok(told)
}

/// Checks everything. Returns what is damaged, as dicts in the form of `dml fsck --json`.
#[pyfunction]
pub(crate) fn fsck<'py>(py: Python<'py>, repository: &Repository) -> PyResult<Bound<'py, PyList>> {
    let store = repository.shared().store();
    let report = py
        .detach(|| checking::fsck(store, &mut |_| ()))
        .or_raise(py)?;
    let findings = PyList::empty(py);
    for finding in &report.findings {
        let told = PyDict::new(py);
        let subject = match &finding.subject {
            Subject::Page(_) => "page",
            Subject::Object(kind, id) => {
                told.set_item("kind", kind.map(Kind::as_str))?;
                told.set_item("id", id.to_string())?;
                "object"
            }
            Subject::Entry(..) => "entry",
        };
        told.set_item("subject", subject)?;
        told.set_item("name", finding.subject.to_string())?;
        told.set_item("detail", &finding.detail)?;
        let referrers = finding.referrers.iter().map(ToString::to_string);
        told.set_item("referrers", referrers.collect::<Vec<_>>())?;
        let lost = finding.lost.iter().map(ToString::to_string);
        told.set_item("lost", lost.collect::<Vec<_>>())?;
        findings.append(told)?;
    }
    Ok(findings)
}

/// Returns the settings that count, by key.
#[pyfunction]
pub(crate) fn settings<'py>(
    py: Python<'py>,
    repository: &Repository,
) -> PyResult<Bound<'py, PyDict>> {
    let config = config(py, repository)?;
    let told = PyDict::new(py);
    for setting in config.list() {
        told.set_item(setting.key, setting.value)?;
    }
    Ok(told)
}

/// Returns the setting `key` that counts; `None` when there is none.
#[pyfunction]
pub(crate) fn setting(
    py: Python<'_>,
    repository: &Repository,
    key: &str,
) -> PyResult<Option<String>> {
    let found = config(py, repository)?.get(key).or_raise(py)?;
    Ok(found.map(|setting| setting.value))
}

/// Changes a setting of the repository, or of the user; `None` removes it.
#[pyfunction]
pub(crate) fn set_setting(
    py: Python<'_>,
    repository: &Repository,
    key: &str,
    value: Option<&str>,
    user: bool,
) -> PyResult<()> {
    let mut config = config(py, repository)?;
    let scope = if user { Scope::User } else { Scope::Repository };
    py.detach(|| match value {
        Some(value) => config.set(scope, key, &checked_setting(key, value)?),
        None => config.unset(scope, key).map(drop),
    })
    .or_raise(py)
}

/// Adds to a setting of the repository, or of the user, that is a list.
#[pyfunction]
pub(crate) fn add_setting(
    py: Python<'_>,
    repository: &Repository,
    key: &str,
    value: &str,
    user: bool,
) -> PyResult<()> {
    let mut config = config(py, repository)?;
    let scope = if user { Scope::User } else { Scope::Repository };
    py.detach(|| config.add(scope, key, value).map(drop))
        .or_raise(py)
}

fn config(py: Python<'_>, repository: &Repository) -> PyResult<Config> {
    let root = repository.shared().root();
    py.detach(|| Config::of(Some(root))).or_raise(py)
}
