//! `wheelwright verify`: from the name of a release to a verdict.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use super::Outcome;
use crate::index::Index;
use crate::index::address::Address;
use crate::index::retry::Retry;
use crate::release::plan::Plan;
use crate::verify::attestation::Attestations;
use crate::verify::installed::Environment;
use crate::verify::release::{Origin, Wanted};
use crate::verify::statements::Statements;
use crate::verify::{self, Options};

/// Check that independent rebuilders made the very files of a release
///
/// Takes every file of each release, and the statements of rebuilders; counts those that
/// trust.toml trusts. Exits with 0 when enough agree on every file, 1 when one made other
/// bytes, 2 when too few made a file (or the input cannot be used), 3 when a release or a
/// file cannot be had. How to use it: docs/guide/verifying.md.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Releases, as NAME==VERSION; with --installed, NAME is enough. Or one folder, whose
    /// every wheel and sdist is judged
    #[arg(value_name = "NAME==VERSION|FOLDER", required_unless_present = "plan")]
    releases: Vec<String>,
    /// The releases of a plan, as `wheelwright release plan` writes it
    #[arg(long, value_name = "FILE", conflicts_with = "releases")]
    plan: Option<PathBuf>,
    /// Whose statements count
    #[arg(long, value_name = "FILE", default_value = "trust.toml")]
    trust: PathBuf,
    /// How many rebuilders must agree, whatever the file says
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    threshold: Option<u16>,
    /// Where statements are: a file, a folder, or the address of a file; may be repeated
    /// [default: the folder of --folder]
    #[arg(long, value_name = "PLACE")]
    statements: Vec<String>,
    /// The simple index that has the files, such as `https://HOST/simple/`
    #[arg(
        long,
        value_name = "URL",
        env = "WHEELWRIGHT_INDEX",
        hide_env_values = true
    )]
    index: Option<String>,
    /// Take the files from this folder, not from an index
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Compare what is installed in this `site-packages` folder with the files that pass
    #[arg(long, value_name = "FOLDER")]
    installed: Option<PathBuf>,
    /// Sigstore's trusted root, for attestations of an index [default: the public one, as of
    /// this program's build]
    #[arg(long, value_name = "FILE")]
    sigstore_root: Option<PathBuf>,
    /// Write requirements of exactly the files that pass, by hash
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print the findings as SARIF 2.1.0
    #[arg(long)]
    sarif: bool,
}

impl Args {
    pub(super) fn run(mut self) -> Outcome {
        self.take_folder();
        let trust = super::trust::read(&self.trust)?;
        let environment = self.installed.as_deref().map(Environment::new);
        let wanted = self.wanted(environment.as_ref())?;
        let retry = Retry {
            attempts: 3,
            pause: Duration::from_millis(500),
        };
        let mut places = self.statements.clone();
        if places.is_empty() {
            let folder = self.folder.as_ref();
            let folder = folder.ok_or("name where the statements are (--statements)")?;
            places.push(folder.display().to_string());
        }
        let statements = Statements::read(&places, &trust, Timestamp::now(), retry)?;
        let index = match (&self.folder, &self.index) {
            (None, Some(address)) => Some(Index::new(Address::parse(address)?, retry)),
            _ => None,
        };
        let origin = match (&index, &self.folder) {
            (Some(index), _) => Origin::Index(index),
            (None, Some(folder)) => Origin::Folder(folder),
            (None, None) => return Err("name an index (--index) or a folder (--folder)".into()),
        };
        let attestations = match &self.sigstore_root {
            Some(path) => Attestations::new(Some(&String::from_utf8(super::read(path)?)?)),
            None => Attestations::new(None),
        };
        let attestations = attestations?;
        let report = verify::verify(
            &wanted,
            &statements,
            &Options {
                origin,
                trust: &trust,
                threshold: self.threshold.map(usize::from),
                environment: environment.as_ref(),
                attestations: Some(&attestations),
            },
        );
        if let (Some(path), Some(lock)) = (&self.lock, report.lock()) {
            std::fs::write(path, lock)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        let text = if self.json {
            serde_json::to_string_pretty(&report)? + "\n"
        } else if self.sarif {
            serde_json::to_string_pretty(&report.sarif())? + "\n"
        } else {
            report.table()
        };
        super::print(text.as_bytes())?;
        Ok(ExitCode::from(report.exit_code()))
    }

    /// Takes an argument that is a folder for what it is.
    fn take_folder(&mut self) {
        if let ([only], None) = (&self.releases[..], &self.folder)
            && self.installed.is_none() // else it is the name of a package
            && !only.contains("==")
            && Path::new(only).is_dir()
        {
            self.folder = Some(PathBuf::from(only));
            self.releases.clear();
        }
    }

    fn wanted(&self, environment: Option<&Environment>) -> Result<Vec<Wanted>, Box<dyn Error>> {
        if let Some(plan) = &self.plan {
            return Ok(Plan::read(plan)?.releases()?);
        }
        if let (true, Some(folder)) = (self.releases.is_empty(), &self.folder) {
            let found = Origin::Folder(folder).releases()?;
            if found.is_empty() {
                return Err(format!("{} has no wheel and no sdist", folder.display()).into());
            }
            return Ok(found);
        }
        let releases = self.releases.iter();
        let one = |text: &String| match environment {
            Some(environment) if !text.contains("==") => environment.release(text),
            _ => text.parse(),
        };
        Ok(releases
            .map(one)
            .collect::<Result<_, verify::VerifyError>>()?)
    }
}
