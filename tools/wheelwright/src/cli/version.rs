//! `wheelwright version`: the one version of the repository.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use super::{FAILED, Outcome};
use crate::project::workspace;
use crate::version::places::{self, Plan};
use crate::version::{Level, Stage, Version};

/// Show, check or change the version of the repository, everywhere at once
///
/// The root Cargo.toml holds it. Lock files, every pyproject.toml, the ranges
/// between packages, the changelog and the pages that wheelwright.toml lists
/// follow.
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
        /// X.Y.Z or X.Y.Z-rc.N (also alpha, beta), or Python's X.Y.ZrcN
        #[arg(value_name = "VERSION")]
        to: Version,
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
                let packages = workspace::settings(&root)?.packages.len();
                super::print(format!("{current} in {packages} Python packages\n").as_bytes())?;
            }
            Action::Set { to, dry_run } => return set(&root, current, to, dry_run),
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
