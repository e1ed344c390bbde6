//! `wheelwright build`: every artifact of the repository.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{FAILED, Outcome};
use crate::build::plan::Plan;
use crate::build::report::Report;
use crate::build::{self, Options};
use crate::project::abi::Interpreter;
use crate::project::workspace::{self, Workspace};
use crate::toolchain::platform::Platform;

/// Build every wheel and sdist of the repository, audit and try them
///
/// Finds wheelwright.toml from the current folder upward, or the pyproject.toml of a
/// single package. Everything that a
/// build needs besides rustup and Python is fetched, pinned, into
/// target/wheelwright. What has not changed is not compiled again.
#[derive(clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Args {
    /// Native wheels for this machine only
    #[arg(long, conflicts_with = "platform")]
    host: bool,
    /// Native wheels for this platform only (may be repeated)
    #[arg(long, value_name = "NAME")]
    platform: Vec<String>,
    /// Wheels for this Python only, such as `cp312`, `cp314t` or `pp311` (may be repeated)
    #[arg(long, value_name = "NAME")]
    interpreter: Vec<Interpreter>,
    /// Also the wheels that only a release has ([tool.wheelwright] release-interpreters)
    #[arg(long)]
    for_release: bool,
    /// Artifacts of this package only (may be repeated)
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,
    /// Compile even what has not changed
    #[arg(long)]
    fresh: bool,
    /// Do not install and try the artifacts
    #[arg(long)]
    no_smoke: bool,
    /// The Python to use (CPython 3.9 or newer)
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// The simple index from which locked dependencies come to try a package [default: pip's]
    #[arg(long, value_name = "URL")]
    index: Option<String>,
    /// Where artifacts go [default: dist, in the repository's folder]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let root = workspace::root(&std::env::current_dir()?)?;
        if workspace::is_of_a_backend(&root) {
            let options = self.options(&root);
            return self.tell(&build::backend::build(&root, &options)?);
        }
        let mut workspace = Workspace::read(&root)?;
        workspace.choose(&self.interpreter)?;
        let platforms: Vec<&Platform> = if self.host {
            workspace.host()?
        } else if self.platform.is_empty() {
            workspace.platforms.clone()
        } else {
            self.platform
                .iter()
                .map(|name| workspace.table.by_name(name))
                .collect::<Result<_, _>>()?
        };
        let mut plan = Plan::new(&workspace, &self.package, &platforms)?;
        if !self.for_release && self.interpreter.is_empty() {
            plan.leave_to_releases();
        }
        let options = self.options(&root);
        self.tell(&build::build(&workspace, &plan, &options)?)
    }

    fn options(&self, root: &Path) -> Options {
        Options {
            out: self.out.clone().unwrap_or_else(|| root.join("dist")),
            python: self.python.clone(),
            fresh: self.fresh,
            smoke: !self.no_smoke,
            index: self.index.clone(),
        }
    }

    fn tell(&self, report: &Report) -> Outcome {
        if self.json {
            super::print(format!("{}\n", serde_json::to_string_pretty(report)?).as_bytes())?;
        } else {
            super::print(report.table().as_bytes())?;
        }
        Ok(if report.passed() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FAILED)
        })
    }
}
