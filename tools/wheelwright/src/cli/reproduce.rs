//! `wheelwright reproduce`: the same bytes, under unlike conditions.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{FAILED, Outcome};
use crate::project::abi::Interpreter;
use crate::project::workspace;
use crate::reproduce::{self, Options};
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;

/// Build twice under unlike conditions and compare every byte
///
/// The second build has another path (longer, with a space and an accent), home
/// folder, cargo home, zig folder, umask, time zone, locale, `SOURCE_DATE_EPOCH`,
/// user name, number of cores and order of files; on Linux its programs also see
/// folders listed the other way round and a date 40 days ahead. Both start from
/// nothing, so this takes twice as long as a first build. Exits with 1 if an
/// artifact differs, and keeps both builds.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Native wheels for this machine only
    #[arg(long, conflicts_with = "platform")]
    host: bool,
    /// Native wheels for this platform only (may be repeated)
    #[arg(long, value_name = "NAME")]
    platform: Vec<String>,
    /// Artifacts of this package only (may be repeated)
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,
    /// Wheels for this Python only, such as `cp312`, `cp314t` or `pp311` (may be repeated)
    #[arg(long, value_name = "NAME")]
    interpreter: Vec<Interpreter>,
    /// Also the wheels that only a release has ([tool.wheelwright] release-interpreters)
    #[arg(long)]
    for_release: bool,
    /// Build once, and compare with the artifacts in this folder
    #[arg(long, value_name = "FOLDER")]
    against: Option<PathBuf>,
    /// Where the builds are done [default: target/wheelwright/reproduce]
    #[arg(long, value_name = "FOLDER")]
    work: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let root = workspace::root(&std::env::current_dir()?)?;
        let own = workspace::work_folder(&root);
        let mut build = Vec::new();
        if self.host {
            build.push("--host".to_owned());
        }
        build.extend(
            self.platform
                .iter()
                .map(|name| format!("--platform={name}")),
        );
        build.extend(
            self.interpreter
                .iter()
                .map(|name| format!("--interpreter={name}")),
        );
        if self.for_release {
            build.push("--for-release".to_owned());
        }
        build.extend(self.package.iter().map(|name| format!("--package={name}")));
        let work = match self.work {
            Some(work) => std::path::absolute(work)?,
            None => own.join("reproduce"),
        };
        let options = Options {
            build,
            against: self.against,
        };
        let tools = Tools::new(&own, &Python::find(None)?);
        let comparisons = reproduce::reproduce(&root, &work, &tools, &options)?;
        let different = comparisons.iter().filter(|one| !one.identical).count();
        if self.json {
            super::print(format!("{}\n", serde_json::to_string_pretty(&comparisons)?).as_bytes())?;
        } else {
            let mut text = String::new();
            for one in &comparisons {
                let verdict = if one.identical {
                    "identical"
                } else {
                    "DIFFERENT"
                };
                writeln!(text, "{verdict}  {}", one.artifact)?;
                if let Some(difference) = &one.difference {
                    writeln!(text, "           {difference}")?;
                }
            }
            writeln!(
                text,
                "{} artifacts, {different} different",
                comparisons.len()
            )?;
            super::print(text.as_bytes())?;
        }
        if different > 0 {
            return Ok(ExitCode::from(FAILED));
        }
        std::fs::remove_dir_all(&work)?;
        Ok(ExitCode::SUCCESS)
    }
}
