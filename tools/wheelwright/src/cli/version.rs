//! `wheelwright version`: the one version of the repository.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use super::{FAILED, Outcome};
use crate::build::backend;
use crate::project::workspace;
use crate::version::places::{self, Plan};
use crate::version::single::{Single, SingleError};
use crate::version::{Level, Stage, Version};

/// Show, check or change the version of the repository, everywhere at once
///
/// The root Cargo.toml holds it. Lock files, every pyproject.toml, the ranges
/// between packages, the changelog and the pages that wheelwright.toml lists
/// follow. Of a single package that its own backend builds, pyproject.toml
/// holds it, and each `__version__ = "..."` of the import package follows.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the version
    Show {
        /// Print it as JSON, in all its forms
        #[arg(long)]
        json: bool,
    },
    /// Check that every place states it
    Check,
    /// Set it, in every place
    Set {
        /// X.Y.Z or X.Y.Z-rc.N (also alpha, beta), or Python's X.Y.ZrcN; any version of
        /// PEP 440 for a package that its own backend builds
        #[arg(value_name = "VERSION")]
        to: String,
        /// Print what would change; write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Set the next one
    Bump {
        /// What to count up
        level: Level,
        /// Make it a pre-release of this stage
        #[arg(long, value_name = "STAGE")]
        pre: Option<Stage>,
        /// Print what would change; write nothing
        #[arg(long)]
        dry_run: bool,
    },
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let root = workspace::root(&std::env::current_dir()?)?;
        if workspace::is_of_a_backend(&root) {
            return of_a_backend(&root, self.action);
        }
        let current = places::stated(&root)?;
        match self.action {
            Action::Show { json: false } => super::print(format!("{current}\n").as_bytes())?,
            Action::Show { json: true } => {
                let forms = serde_json::json!({
                    "semver": current.semver(),
                    "pep440": current.pep440(),
                    "tag": current.tag(),
                    "range": current.range(),
                    "prerelease": current.pre.is_some(),
                });
                super::print(format!("{forms:#}\n").as_bytes())?;
            }
            Action::Check => {
                let plan = places::plan(&root, current)?;
                for change in &plan.changes {
                    eprintln!("error: {change}");
                }
                if !plan.changes.is_empty() {
                    return Ok(ExitCode::from(FAILED));
                }
                let packages = workspace::settings(&root)?.folders().count();
                super::print(format!("{current} in {packages} Python packages\n").as_bytes())?;
            }
            Action::Set { to, dry_run } => return set(&root, current, to.parse()?, dry_run),
            Action::Bump {
                level,
                pre,
                dry_run,
            } => {
                return set(&root, current, current.bump(level, pre)?, dry_run);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The version of a package that its own backend builds.
fn of_a_backend(root: &Path, action: Action) -> Outcome {
    let single = match (Single::read(root), &action) {
        // Only what was built tells the version that a backend makes.
        (Err(SingleError::Dynamic { .. }), Action::Show { json })
            if backend::workspace(root, &root.join("dist")).is_ok() =>
        {
            let built = backend::workspace(root, &root.join("dist"))?;
            return show(&built.projects[0].version, *json);
        }
        // There is nothing to compare.
        (Err(SingleError::Dynamic { .. }), Action::Check) => {
            super::print(b"the build backend makes the version of 1 Python package\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        (single, _) => single?,
    };
    let current = single.version.clone();
    let (wanted, dry_run) = match action {
        Action::Show { json } => return show(&current, json),
        Action::Check => {
            for place in single.others(&current) {
                let (path, what, says) = (place.path.display(), &place.what, &place.says);
                super::complain(&format!("{path}: {what} is {says}, not {current}"));
            }
            if single.others(&current).next().is_some() {
                return Ok(ExitCode::from(FAILED));
            }
            super::print(format!("{current} in 1 Python package\n").as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Action::Set { to, dry_run } => {
            let wanted: pep440_rs::Version = to
                .parse()
                .map_err(|_| format!("{to:?} is not a version of PEP 440, such as 1.2.0rc1"))?;
            (wanted, dry_run)
        }
        Action::Bump {
            level,
            pre,
            dry_run,
        } => {
            let ours: Version = current.to_string().parse().map_err(|_| {
                format!("{current} is not of the form X.Y.Z; `wheelwright version set` takes any")
            })?;
            (ours.bump(level, pre)?.pep440().parse()?, dry_run)
        }
    };
    let mut text = String::new();
    for place in single.others(&wanted) {
        let path = place.path.strip_prefix(root).unwrap_or(&place.path);
        let (path, what, says) = (path.display(), &place.what, &place.says);
        let _ = writeln!(text, "{path}: {what}: {says} -> {wanted}");
    }
    let _ = writeln!(text, "{current} -> {wanted}");
    if !dry_run {
        single.set(&wanted)?;
    }
    super::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a version that only Python has to know.
fn show(version: &pep440_rs::Version, json: bool) -> Outcome {
    let text = if json {
        let forms = serde_json::json!({
            "pep440": version.to_string(),
            "tag": format!("v{version}"),
            "prerelease": version.any_prerelease(),
        });
        format!("{forms:#}\n")
    } else {
        format!("{version}\n")
    };
    super::print(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn set(root: &Path, current: Version, wanted: Version, dry_run: bool) -> Outcome {
    let plan: Plan = places::plan(root, wanted)?;
    let mut text = String::new();
    for change in plan.changes.iter().filter(|change| change.editable) {
        let _ = writeln!(
            text,
            "{}: {}: {} -> {}",
            change.path, change.what, change.from, change.to
        );
    }
    let _ = writeln!(text, "{current} -> {wanted}");
    if !dry_run {
        plan.write()?;
    }
    super::print(text.as_bytes())?;
    let stuck: Vec<_> = plan
        .changes
        .iter()
        .filter(|change| !change.editable)
        .collect();
    for change in &stuck {
        eprintln!("error: {change}");
    }
    Ok(if stuck.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}
