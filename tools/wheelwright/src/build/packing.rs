//! Artifacts out of what was compiled: packed where something changed, written, audited.

use std::path::Path;

use wheelwright_artifacts::audit::{AuditError, audit_file};
use wheelwright_artifacts::digest::{Digest, Pieces};
use wheelwright_artifacts::parallel;

use super::compile::{Compiled, Extension, Extensions};
use super::plan::{Item, Job, Kind, Plan};
use super::report::{self, Row, Verdict};
use super::stamp::Stamps;
use super::{Options, cffi};
use crate::errors::with_causes;
use crate::pack::layout::Layout;
use crate::pack::{Artifact, PackError, sdist, wheel};
use crate::project::Project;
use crate::project::abi::Abi;
use crate::project::files::{self, File};
use crate::project::workspace::Workspace;
use crate::toolchain::platform::Platform;
use crate::toolchain::rust;

/// What the last build left, so that a wheel of which nothing changed is not compressed
/// again. That takes most of the time of a build that compiles nothing.
struct LastBuild<'a> {
    out: &'a Path,
    stamps: Stamps,
    /// The program that packs: another one may compress in another way.
    packer: Option<Digest>,
}

impl<'a> LastBuild<'a> {
    fn open(workspace: &Workspace, options: &'a Options) -> Self {
        let packer = || Digest::of_file(&std::env::current_exe().ok()?).ok();
        Self {
            out: &options.out,
            stamps: Stamps::open(&workspace.work_folder()),
            packer: if options.fresh { None } else { packer() },
        }
    }

    /// Packs a wheel, or takes the one that is there, if the same program made it out of
    /// the same files.
    fn pack(&self, layout: &Layout) -> Result<Artifact, PackError> {
        let Some(packer) = self.packer else {
            return layout.pack();
        };
        // The wheel's own bytes count too, so that a damaged one is packed again.
        let key = |wheel: &[u8]| {
            let mut pieces = Pieces::default();
            pieces.add("packer", packer.hex().as_bytes());
            layout.add_to(&mut pieces);
            pieces.add("packed", wheel);
            pieces.finish()
        };
        let file_name = layout.file_name();
        let stamp = format!("packed-{file_name}");
        if let Ok(bytes) = std::fs::read(self.out.join(file_name))
            && self.stamps.holds(&stamp, &key(&bytes))
        {
            return Ok(Artifact {
                file_name: file_name.to_owned(),
                bytes,
            });
        }
        let artifact = layout.pack()?;
        self.stamps.set(&stamp, &key(&artifact.bytes));
        Ok(artifact)
    }
}

/// Packs and audits every artifact of the plan, as many at a time as there are
/// processors: compressing is most of what a build does that compiles nothing.
pub(super) fn all(
    workspace: &Workspace,
    plan: &Plan,
    extensions: &[(&str, Extensions)],
    options: &Options,
) -> Vec<Row> {
    let last = LastBuild::open(workspace, options);
    parallel::map(plan.items.len(), |place| {
        let item = &plan.items[place];
        let extension = match item.kind {
            Kind::NativeWheel(platform, abi) => extensions
                .iter()
                .find(|(name, _)| *name == item.project.name.normal())
                .and_then(|(_, built)| built.get(&Job { platform, abi }.name())),
            _ => None,
        };
        let row = make(&workspace.root, item, extension, &last);
        report::announce(&row);
        row
    })
}

/// Packs one artifact into the folder `out` and audits it.
fn make(
    root: &Path,
    item: &Item<'_>,
    extension: Option<&Result<Extension, String>>,
    last: &LastBuild<'_>,
) -> Row {
    let said = |error: PackError| with_causes(&error);
    let artifact = match item.kind {
        Kind::Sdist => sdist::pack(item.project, false).map_err(said),
        Kind::PureWheel => wheel::lay_out(item.project, None, &[])
            .and_then(|layout| last.pack(&layout))
            .map_err(said),
        Kind::NativeWheel(platform, abi) => lay_out(item.project, platform, abi, extension)
            .and_then(|layout| last.pack(&layout).map_err(said)),
    };
    let artifact = artifact.and_then(|artifact| match artifact.write(last.out) {
        Ok(_) => Ok(artifact),
        Err(error) => Err(said(error)),
    });
    match artifact {
        Ok(artifact) => Row {
            package: item.project.name.to_string(),
            platform: item.platform_name(),
            size: Some(artifact.bytes.len()),
            sha256: Some(Digest::of(&artifact.bytes).hex()),
            build: Verdict::Passed,
            audit: audit(root, &last.out.join(&artifact.file_name), item.project),
            smoke: Verdict::NotRun,
            artifact: artifact.file_name,
        },
        Err(problem) => Row {
            artifact: item.file_name(),
            package: item.project.name.to_string(),
            platform: item.platform_name(),
            size: None,
            sha256: None,
            build: Verdict::Failed(problem),
            audit: Verdict::NotRun,
            smoke: Verdict::NotRun,
        },
    }
}

/// Lays out the wheel of a native package.
fn lay_out(
    project: &Project,
    platform: &Platform,
    abi: Abi,
    extension: Option<&Result<Extension, String>>,
) -> Result<Layout, String> {
    let extension = extension
        .ok_or("it was not compiled")?
        .as_ref()
        .map_err(Clone::clone)?;
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    // The name that maturin gives it, too.
    let sbom = [File {
        path: format!("sboms/{}.cyclonedx.json", extension.crate_name),
        bytes: read(&extension.sbom)?,
    }];
    let tag = &platform.wheel_tag;
    let layout = match &extension.compiled {
        Compiled::Programs(folder) => {
            let programs = files::every(folder, "").map_err(|error| with_causes(&error))?;
            wheel::lay_out_programs(project, tag, programs, &sbom)
        }
        Compiled::Cffi(library) => {
            let declarations = read(&library.with_file_name(cffi::FILE))?;
            wheel::lay_out_cffi(project, tag, read(library)?, declarations, &sbom)
        }
        Compiled::Library(path) => {
            let native = wheel::Native {
                extension: &read(path)?,
                platform_tag: tag,
                abi,
            };
            wheel::lay_out(project, Some(native), &sbom)
        }
    };
    layout.map_err(|error| with_causes(&error))
}

/// Audits an artifact by its package's policy; no folder of this build may be
/// in it.
pub(super) fn audit(root: &Path, path: &Path, project: &Project) -> Verdict {
    let mut policy = project.settings.audit.clone();
    let own = [root.to_owned(), rust::cargo_home()];
    policy.machine_paths.extend(
        own.iter()
            .filter_map(|path| path.to_str())
            .map(str::to_owned),
    );
    let report = policy
        .check()
        .map_err(AuditError::from)
        .and_then(|policy| audit_file(path, &policy));
    match report {
        Ok(report) if report.is_clean() => Verdict::Passed,
        Ok(report) => Verdict::Failed(report.lines().trim_end().to_owned()),
        Err(error) => Verdict::Failed(with_causes(&error)),
    }
}
