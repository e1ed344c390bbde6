//! `wheelwright release`: from artifacts to an index, and back.

mod install;
mod prepare;
mod upload;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;

use super::Outcome;
use crate::index::Index;
use crate::index::address::Address;
use crate::index::retry::Retry;
use crate::project::workspace;
use crate::release::plan::Plan;

/// Plan, check, upload and verify a release
///
/// `plan` names the exact files by digest. Everything after it goes by that
/// plan and by what the index lists, so a release can stop anywhere and go on.
#[derive(clap::Args)]
#[command(after_help = VARIABLES)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

const VARIABLES: &str = "\
Addresses come from --index and --upload-url, or WHEELWRIGHT_INDEX and \
WHEELWRIGHT_UPLOAD_URL; whoever uploads is named by UV_PUBLISH_TOKEN, or \
UV_PUBLISH_USERNAME and UV_PUBLISH_PASSWORD. None of them is ever printed.";

#[derive(Subcommand)]
enum Action {
    Changelog(prepare::Changelog),
    Plan(prepare::Plan),
    Check(prepare::Check),
    Assets(prepare::Assets),
    Status(upload::Status),
    Stage(upload::Stage),
    Upload(upload::Upload),
    Resume(upload::Resume),
    Verify(upload::Verify),
    Try(install::Try),
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        match self.action {
            Action::Changelog(args) => args.run(),
            Action::Plan(args) => args.run(),
            Action::Check(args) => args.run(),
            Action::Assets(args) => args.run(),
            Action::Status(args) => args.run(),
            Action::Stage(args) => args.run(),
            Action::Upload(args) => args.run(),
            Action::Resume(args) => args.run(),
            Action::Verify(args) => args.run(),
            Action::Try(args) => args.run(),
        }
    }
}

/// Where the artifacts and the plan are.
#[derive(clap::Args)]
struct Planned {
    /// The plan [default: target/wheelwright/plan.json]
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// The folder of the artifacts [default: dist, beside wheelwright.toml]
    #[arg(long, value_name = "FOLDER")]
    dist: Option<PathBuf>,
}

impl Planned {
    fn read(&self) -> Result<(Plan, PathBuf), Box<dyn std::error::Error>> {
        let plan = match &self.plan {
            Some(path) => Plan::read(path)?,
            None => Plan::read(&plan_file(&root()?))?,
        };
        Ok((plan, dist(self.dist.as_ref())?))
    }
}

/// The index, and how patient we are with it.
#[derive(clap::Args)]
struct Asked {
    /// The simple index to read, such as `https://HOST/simple/`
    #[arg(
        long,
        value_name = "URL",
        env = "WHEELWRIGHT_INDEX",
        hide_env_values = true
    )]
    index: String,
    /// How often to ask before giving up
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    attempts: u32,
    /// The first pause between attempts, in milliseconds; each is twice the last
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pause: u64,
}

impl Asked {
    fn index(&self) -> Result<Index, Box<dyn std::error::Error>> {
        let retry = Retry {
            attempts: self.attempts,
            pause: Duration::from_millis(self.pause),
        };
        Ok(Index::new(Address::parse(&self.index)?, retry))
    }
}

fn root() -> Result<PathBuf, Box<dyn std::error::Error>> {
    Ok(workspace::root(&std::env::current_dir()?)?)
}

fn dist(given: Option<&PathBuf>) -> Result<PathBuf, Box<dyn std::error::Error>> {
    match given {
        Some(folder) => Ok(folder.clone()),
        None => Ok(root()?.join("dist")),
    }
}

fn plan_file(root: &Path) -> PathBuf {
    root.join("target").join("wheelwright").join("plan.json")
}

/// Success, or the exit code of what did not pass.
fn passed(all: bool) -> ExitCode {
    if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(super::FAILED)
    }
}

/// An error of an upload, as a failure rather than as unusable input.
fn failed(error: &dyn std::error::Error) -> ExitCode {
    super::complain(&crate::errors::with_causes(error));
    passed(false)
}
