//! `wheelwright rebuild`: builds a release again, and says how far the bytes are the same.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use super::Outcome;
use crate::attest;
use crate::index::Index;
use crate::index::address::Address;
use crate::index::retry::Retry;
use crate::project::workspace::Workspace;
use crate::rebuild::{self, Options, RebuildError};
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;
use crate::verify::release::{Origin, Wanted};

/// What this command exits with when the release cannot be had.
const NOT_FOUND: u8 = 3;

/// Build a release again, of whoever's package, and compare it with the published files
///
/// Takes the sdist of the release (or a git repository, --source), installs its build
/// requirements as of the day of the upload, each file by hash, builds the wheel that is
/// for any platform, or for this machine, and compares: identical, equivalent after named
/// passes, or different and where. Exits with 0 (identical or equivalent), 1 (different),
/// 2 (not built, or the input cannot be used) or 3 (there is no such release). What is
/// taken and how it is compared: docs/spec/rebuild.md.
///
/// A build runs code of the package with your rights. It has no network where this
/// machine can do that, but it sees your files: use a machine or an account for it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The release
    #[arg(value_name = "NAME==VERSION")]
    release: String,
    /// Yes, run code of the package with my rights
    #[arg(long)]
    run_code: bool,
    /// The simple index that has the release and the build requirements
    #[arg(
        long,
        value_name = "URL",
        env = "WHEELWRIGHT_INDEX",
        hide_env_values = true,
        required_unless_present = "folder"
    )]
    index: Option<String>,
    /// Take the release from this folder, not from an index
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Build from this git repository, at the release's tag, not from the sdist
    #[arg(long, value_name = "FOLDER")]
    source: Option<PathBuf>,
    /// Rebuild this wheel (may be repeated) [default: the one for any platform, or one for
    /// this machine]
    #[arg(long, value_name = "NAME")]
    file: Vec<String>,
    /// The Python that builds (CPython 3.9 or newer)
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Take the build requirements of this time [default: that of the upload]
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// How long a step of the build may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    time: u64,
    /// Keep the rebuilt files in this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Take equivalent for different
    #[arg(long)]
    strict: bool,
    /// Sign a statement of the files that are identical, into this file
    #[arg(long, value_name = "FILE", requires = "key")]
    attest: Option<PathBuf>,
    /// The private Ed25519 key, in OpenSSH's format or PKCS #8, without a passphrase
    #[arg(long, value_name = "FILE", requires = "attest")]
    key: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let wanted: Wanted = self.release.parse()?;
        if !self.run_code {
            return Err(format!(
                "rebuilding {wanted} runs code of that package with your rights; say --run-code \
                 if you mean it, best on a machine or an account that has nothing to lose"
            )
            .into());
        }
        let key = self.key.as_deref().map(attest::key).transpose()?;
        let retry = Retry {
            attempts: 3,
            pause: Duration::from_millis(500),
        };
        let address = self.index.as_deref().map(Address::parse).transpose()?;
        let index = address.clone().map(|address| Index::new(address, retry));
        let origin = match (&self.folder, &index) {
            (Some(folder), _) => Origin::Folder(folder),
            (None, Some(index)) => Origin::Index(index),
            (None, None) => return Err("name an index (--index) or a folder (--folder)".into()),
        };
        let python = Python::find(self.python.as_deref())?;
        let tools = Tools::new(&work_folder()?, &python);
        let report = rebuild::rebuild(
            &wanted,
            &Options {
                origin,
                index: address.as_ref(),
                files: &self.file,
                source: self.source.as_deref(),
                python: &python,
                tools: &tools,
                as_of: self.as_of,
                out: self.out.as_deref(),
                time: Duration::from_secs(self.time),
            },
        );
        let report = match report {
            Ok(report) => report,
            Err(error @ RebuildError::Release { .. }) => {
                super::complain(&error.to_string());
                return Ok(ExitCode::from(NOT_FOUND));
            }
            Err(error) => return Err(error.into()),
        };
        let text = if self.json {
            serde_json::to_string_pretty(&report)? + "\n"
        } else {
            report.table()
        };
        super::print(text.as_bytes())?;
        if let (Some(out), Some(key)) = (&self.attest, &key) {
            match report.statement() {
                Some(statement) => {
                    attest::write(&statement, key, out)?;
                    eprintln!(
                        "signed: {} ({} files)",
                        out.display(),
                        statement.files.len()
                    );
                }
                None => eprintln!("not signed: no file is identical"),
            }
        }
        Ok(ExitCode::from(report.exit_code(self.strict)))
    }
}

/// Returns where tools are installed: in the repository, or below the home folder.
fn work_folder() -> Result<PathBuf, Box<dyn std::error::Error>> {
    if let Ok(workspace) = Workspace::find(&std::env::current_dir()?) {
        return Ok(workspace.work_folder());
    }
    let home = std::env::home_dir().ok_or("there is no home folder for tools")?;
    Ok(home.join(".cache").join("wheelwright"))
}
