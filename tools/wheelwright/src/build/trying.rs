//! Trying what was built: each package with the Python at hand, and a wheel for a
//! free-threaded `CPython` (or both kinds) or for `PyPy` with that one.

use std::path::Path;

use super::plan::{Item, Kind, Plan};
use super::report::{self, Row, Verdict};
use super::stamp::Stamps;
use crate::project::Project;
use crate::project::abi::{self, Abi};
use crate::project::workspace::Workspace;
use crate::smoke::{self, SmokeError, install::Interpreter};
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;

/// Installs and tries every package of which a wheel runs here.
pub(super) fn all(
    workspace: &Workspace,
    plan: &Plan<'_>,
    out: &Path,
    tools: &Tools,
    python: &Python,
    rows: &mut [Row],
) {
    let own = interpreter(python);
    let runs_here = |item: &Item<'_>| match item.kind {
        Kind::Sdist => false,
        Kind::PureWheel => true,
        Kind::NativeWheel(platform, abi) => {
            platform.is_host() && own.is_none_or(|own| item.project.loads_in(abi, own))
        }
    };
    let trying = Trying {
        out,
        tools,
        stamps: Stamps::open(&workspace.work_folder()),
    };
    let mut seen = Vec::new();
    for project in &workspace.projects {
        // The last one fits this Python best, so that pip takes it.
        let position = plan.items.iter().zip(rows.iter()).rposition(|(item, row)| {
            item.project.name == project.name && row.sha256.is_some() && runs_here(item)
        });
        let Some(position) = position else { continue };
        seen.extend(rows[position].sha256.clone());
        let name = format!("smoke-{}", project.name.file());
        trying.one(project, python, &name, &seen, &mut rows[position]);
    }
    for (item, row) in plan.items.iter().zip(rows) {
        let (platform, wanted) = match item.kind {
            Kind::NativeWheel(platform, Abi::Version(wanted)) => (platform, wanted),
            Kind::NativeWheel(platform, Abi::StableOfBoth(minor)) => {
                let kind = abi::Kind::FreeThreaded;
                (platform, abi::Interpreter { minor, kind })
            }
            _ => continue,
        };
        if wanted.kind == abi::Kind::CPython || !platform.is_host() || runs_here(item) {
            continue;
        }
        let Some(sha256) = row.sha256.clone() else {
            continue;
        };
        let Some(python) = find(wanted) else {
            let program = wanted.program();
            eprintln!("not tried: {} (no {program} here)", row.artifact);
            continue;
        };
        let name = format!("smoke-{}-{wanted}", item.project.name.file());
        trying.one(item.project, &python, &name, &[sha256], row);
    }
}

/// What all that is tried has in common.
struct Trying<'a> {
    out: &'a Path,
    tools: &'a Tools,
    stamps: Stamps,
}

impl Trying<'_> {
    /// Installs and tries a package with a Python, unless `wheels`, by their digests, are
    /// those that were tried under this `name` the last time.
    fn one(
        &self,
        project: &Project,
        python: &Python,
        name: &str,
        wheels: &[String],
        row: &mut Row,
    ) {
        let key = smoke::key(project, python, wheels);
        row.smoke = if self.stamps.holds(name, &key) {
            Verdict::Passed
        } else {
            match smoke::package(project, self.out, self.tools, Interpreter::Own(python)) {
                Ok(()) => {
                    self.stamps.set(name, &key);
                    Verdict::Passed
                }
                // Whoever says nothing about trying the package is not held to it.
                Err(error @ SmokeError::Missing { .. }) if !project.says_how_it_is_tried() => {
                    eprintln!("warning: not tried: {error}");
                    return;
                }
                Err(error) => Verdict::Failed(crate::errors::with_causes(&error)),
            }
        };
        report::announce_smoke(row);
    }
}

/// Which Python this is, if wheels can be for it alone.
fn interpreter(python: &Python) -> Option<abi::Interpreter> {
    if let Some(minor) = python.pypy {
        let kind = abi::Kind::PyPy;
        return Some(abi::Interpreter { minor, kind });
    }
    let minor = python.cpython?;
    Some(if python.free_threaded {
        let kind = abi::Kind::FreeThreaded;
        abi::Interpreter { minor, kind }
    } else {
        abi::Interpreter::cpython(minor)
    })
}

/// The Python of a kind and version, if its program is on the search path.
fn find(wanted: abi::Interpreter) -> Option<Python> {
    let found = Python::find(Some(Path::new(&wanted.program()))).ok()?;
    (interpreter(&found) == Some(wanted)).then_some(found)
}
