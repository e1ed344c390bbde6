//! Rebuilding a release of a repository that `wheelwright` itself builds.

use std::path::Path;
use std::process::Command;

use wheelwright_artifacts::artifact::{Artifact, Limits};

use super::report::{Built, Outcome, Rebuilt, Report};
use super::{Options, RebuildError, compared, fetch};
use crate::attest::{self, Builder};
use crate::index::Listed;
use crate::temporary;
use crate::toolchain::platform;
use crate::toolchain::process::run;
use crate::verify::release::Wanted;

/// Builds the package in the repository `source`, as it is committed, and compares the
/// files of the release with what comes of it. Without named files that is the sdist and
/// the wheels that are pure or for this machine.
pub(super) fn rebuild(
    wanted: &Wanted,
    source: &Path,
    listed: &[Listed],
    options: &Options<'_>,
) -> Result<Report, RebuildError> {
    attest::unchanged(source)?;
    let work = temporary::folder("wheelwright-rebuild-")
        .map_err(RebuildError::file(&std::env::temp_dir()))?;
    let out = options.out.unwrap_or(work.path());
    std::fs::create_dir_all(out).map_err(RebuildError::file(out))?;
    // The build fixes its paths and its conditions by itself, so that it is not put
    // elsewhere: what was compiled already is used.
    let own = std::env::current_exe().map_err(RebuildError::file(source))?;
    let mut command = Command::new(own);
    command
        .args([
            "build",
            "--no-smoke",
            "--package",
            &package(source, wanted)?,
            "--out",
        ])
        .arg(out)
        .current_dir(source);
    if options.files.is_empty() {
        command.arg("--host");
    }
    run(&mut command, "")?;
    let mut report = Report {
        builder: Builder::Cargo.name().to_owned(),
        tools: attest::tools(source, Builder::Cargo),
        pins: attest::pins(source)?,
        ..Report::new(wanted, attest::source(source)?)
    };
    for file in listed {
        let named = options.files.contains(&file.file);
        if named || (options.files.is_empty() && is_for_here(&file.file)) {
            report.add(one(file, out, options)?);
        }
    }
    Ok(report)
}

/// Returns the package's name as the repository writes it.
fn package(source: &Path, wanted: &Wanted) -> Result<String, RebuildError> {
    let fail = |problem: String| RebuildError::Source { problem };
    let workspace = crate::project::workspace::Workspace::read(source)
        .map_err(|error| fail(crate::errors::with_causes(&error)))?;
    let project = workspace
        .projects
        .iter()
        .find(|project| project.name.normal() == wanted.name);
    let place = source.display();
    let Some(project) = project else {
        return Err(fail(format!("{place} has no package {}", wanted.name)));
    };
    let version = project.version.to_string();
    if version.parse().ok().as_ref() != Some(&wanted.version) {
        return Err(fail(format!(
            "{place} has version {version} of it, not {}; check out its tag",
            wanted.version
        )));
    }
    Ok(project.name.written().to_owned())
}

/// Is this an sdist, a pure wheel, or one for this machine?
fn is_for_here(file: &str) -> bool {
    let tag = platform::host().map(|host| host.wheel_tag.clone());
    !crate::pack::is_wheel(file)
        || file.ends_with("-any.whl")
        || tag.is_ok_and(|tag| file.contains(&tag))
}

fn one(file: &Listed, out: &Path, options: &Options<'_>) -> Result<Rebuilt, RebuildError> {
    let published = fetch(options.origin, file)?;
    let sha256 = published.digest.clone();
    let path = Path::new(&file.file);
    let artifact = Artifact::from_bytes(path, published.content, Limits::default())?;
    let mut built = Built {
        backend: "wheelwright build".to_owned(),
        network: "on (crates and tools are fetched by hash)".to_owned(),
        python: options.python.description.clone(),
        ..Built::default()
    };
    let own = out.join(&file.file);
    let outcome = if own.is_file() {
        compared(&artifact, &own, &mut built)?
    } else {
        Outcome::NotBuilt {
            problem: "the repository makes no such file here".to_owned(),
        }
    };
    Ok(Rebuilt {
        file: file.file.clone(),
        sha256,
        outcome,
        built,
    })
}
