//! What is done with an index: status, stage, upload, resume, verify.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use super::super::Outcome;
use super::{Asked, Planned, failed, passed};
use crate::index::address::Address;
use crate::release::status::{self, State};
use crate::release::upload::{self, Options, UploadError, Uploader};
use crate::release::verify;
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;

/// Show what the index has of the release, file by file, by digest
///
/// Exits with 0 only if it has exactly the planned files with the planned bytes.
#[derive(clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    planned: Planned,
    #[command(flatten)]
    asked: Asked,
    /// How long to wait until it is complete, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(self) -> Outcome {
        let (plan, _) = self.planned.read()?;
        let index = self.asked.index()?;
        if self.wait > 0 {
            let settled = upload::settle(&plan, &index, Duration::from_secs(self.wait));
            // What is not there is shown below, file by file.
            if let Err(error @ UploadError::Index(_)) = settled {
                return Err(error.into());
            }
        }
        let found = status::Status::of(&plan, &index)?;
        if self.json {
            super::super::print(format!("{}\n", serde_json::to_string_pretty(&found)?).as_bytes())?;
        } else {
            super::super::print(report(&found).as_bytes())?;
        }
        Ok(passed(found.is_complete()))
    }
}

fn report(found: &status::Status) -> String {
    let mut text = String::new();
    for row in &found.files {
        text.push_str(&row.line());
        text.push('\n');
    }
    for conflict in found.conflicts() {
        let _ = writeln!(text, "{conflict}");
    }
    text.push_str(&found.summary());
    text.push('\n');
    text
}

/// Copy what the index lacks into a folder for each package, in publish order
///
/// For a publisher that takes folders. Refuses when the index has other bytes.
#[derive(clap::Args)]
pub(super) struct Stage {
    #[command(flatten)]
    planned: Planned,
    #[command(flatten)]
    asked: Asked,
    /// The folder of these folders; what is in it is removed
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

impl Stage {
    pub(super) fn run(self) -> Outcome {
        let (plan, folder) = self.planned.read()?;
        match upload::stage(&plan, &folder, &self.asked.index()?, &self.out) {
            Ok(found) => {
                let line = format!(
                    "{} of {} files to upload, in {}\n",
                    found.count(State::Missing),
                    found.files.len(),
                    self.out.display()
                );
                super::super::print(line.as_bytes())?;
                Ok(passed(true))
            }
            Err(error) => Ok(failed(&error)),
        }
    }
}

/// Options of both ways to upload.
#[derive(clap::Args)]
struct Send {
    #[command(flatten)]
    planned: Planned,
    #[command(flatten)]
    asked: Asked,
    /// The service that takes uploads
    #[arg(
        long,
        value_name = "URL",
        env = "WHEELWRIGHT_UPLOAD_URL",
        hide_env_values = true
    )]
    upload_url: String,
    /// How long the index may take to list the files, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    wait: u64,
}

impl Send {
    fn run(self, first: bool) -> Outcome {
        let (plan, folder) = self.planned.read()?;
        let index = self.asked.index()?;
        let to = Address::parse(&self.upload_url)?;
        let work = super::root()?.join("target").join("wheelwright");
        let uploader = Uploader::new(Tools::new(&work, &Python::find(None)?).uv()?, to);
        let options = Options {
            first,
            wait: Duration::from_secs(self.wait),
        };
        let mut say = |line: &str| {
            // A reader that went away does not stop an upload.
            let _ = super::super::print(format!("{line}\n").as_bytes());
        };
        match upload::upload(&plan, &folder, &index, &uploader, options, &mut say) {
            Ok(done) => {
                say(&format!(
                    "{} is complete: {} files uploaded, {} were there",
                    plan.version, done.uploaded, done.before
                ));
                Ok(passed(true))
            }
            Err(error) => Ok(failed(&error)),
        }
    }
}

/// Upload a release of which nothing is on the index yet
#[derive(clap::Args)]
pub(super) struct Upload {
    #[command(flatten)]
    options: Send,
}

impl Upload {
    pub(super) fn run(self) -> Outcome {
        self.options.run(true)
    }
}

/// Upload what the index lacks of a release
///
/// Refuses, before it uploads anything, when the index or the folder has other
/// bytes than planned.
#[derive(clap::Args)]
pub(super) struct Resume {
    #[command(flatten)]
    options: Send,
}

impl Resume {
    pub(super) fn run(self) -> Outcome {
        self.options.run(false)
    }
}

/// Download every file from the index and compare it with the plan
#[derive(clap::Args)]
pub(super) struct Verify {
    #[command(flatten)]
    planned: Planned,
    #[command(flatten)]
    asked: Asked,
    /// Compare also with a build of one's own in this folder
    #[arg(long, value_name = "FOLDER")]
    against: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Outcome {
        let (plan, _) = self.planned.read()?;
        let verdicts = verify::verify(&plan, &self.asked.index()?, self.against.as_deref())?;
        let problems = verdicts.iter().filter_map(verify::problem);
        let wrong = problems.count();
        if self.json {
            let json = serde_json::to_string_pretty(&verdicts)?;
            super::super::print(format!("{json}\n").as_bytes())?;
        } else {
            let mut text = String::new();
            for verdict in &verdicts {
                match verify::problem(verdict) {
                    None => {
                        let _ = writeln!(text, "identical  {}", verdict.file);
                    }
                    Some(problem) => {
                        let _ = writeln!(text, "WRONG      {}: {problem}", verdict.file);
                    }
                }
            }
            let _ = writeln!(text, "{} files, {wrong} wrong", verdicts.len());
            super::super::print(text.as_bytes())?;
        }
        Ok(passed(wrong == 0))
    }
}
