//! From the name of a release to a verdict: do enough rebuilders say that its files are
//! what the source gives (`docs/spec/rebuild.md`)?

pub mod installed;
pub mod release;
pub mod report;
pub mod statements;

use std::path::PathBuf;

use wheelwright_artifacts::rebuild::judge::{Claim, Judged, Verdict, judge};
use wheelwright_artifacts::rebuild::trust::Trust;

use installed::Environment;
use release::{Origin, Wanted};
use report::{Released, Report};
use statements::Statements;

/// What is verified, and by what.
#[derive(Debug)]
pub struct Options<'a> {
    /// Where the files of releases are.
    pub origin: Origin<'a>,
    /// Whose statements count.
    pub trust: &'a Trust,
    /// How many rebuilders must agree, whatever `trust` says.
    pub threshold: Option<usize>,
    /// Compare the files that are installed here, too.
    pub environment: Option<&'a Environment>,
}

/// Verifies the releases `wanted` by the statements that were found.
pub fn verify(wanted: &[Wanted], statements: &Statements, options: &Options<'_>) -> Report {
    let releases = wanted
        .iter()
        .map(|wanted| one(wanted, &statements.claims, options))
        .collect();
    Report {
        releases,
        statements: statements.claims.len(),
        refused: statements.refused.clone(),
    }
}

fn one(wanted: &Wanted, claims: &[Claim], options: &Options<'_>) -> Released {
    let mut released = Released {
        name: wanted.name.clone(),
        version: wanted.version.to_string(),
        files: Vec::new(),
        installed: None,
        problem: None,
    };
    let listed = match options.origin.listed(wanted) {
        Ok(listed) => listed,
        Err(problem) => {
            released.problem = Some(problem);
            return released;
        }
    };
    if listed.is_empty() {
        let place = options.origin.to_string();
        released.problem = Some(format!("{place} has no file of this release"));
        return released;
    }
    let own = options.trust.threshold(&wanted.name);
    let needed = options.threshold.unwrap_or(own);
    let mut matches = options.environment.map(|place| place.start(wanted));
    for file in listed {
        let bytes = match options.origin.fetch(&file) {
            Ok(bytes) => bytes,
            Err(problem) => {
                released.files.push(unavailable(file.file, needed, problem));
                continue;
            }
        };
        let mut judged = judge(&file.file, &bytes.digest, claims, needed);
        if let Some(stated) = file.sha256.filter(|stated| *stated != bytes.digest) {
            judged.verdict = Verdict::Disagreement;
            judged.problem = Some(format!("the index says that its SHA-256 is {stated}"));
        }
        if let (Some(matches), Verdict::Agreed) = (&mut matches, judged.verdict) {
            matches.consider(&judged.file, bytes.content);
        }
        released.files.push(judged);
    }
    released.installed = matches.map(installed::Matches::finish);
    released
}

fn unavailable(file: String, needed: usize, problem: String) -> Judged {
    Judged {
        file,
        sha256: None,
        agree: Vec::new(),
        differ: std::collections::BTreeMap::new(),
        needed,
        verdict: Verdict::Unavailable,
        problem: Some(problem),
    }
}

/// An input of `verify` that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A text is not the name and version of a release.
    #[error("{text:?} is not NAME==VERSION, such as `daggerml==0.2.0`")]
    Release {
        /// The text.
        text: String,
    },
    /// A package is not installed where it was looked for.
    #[error("{} has no {name}-VERSION.dist-info folder", place.display())]
    NotInstalled {
        /// Where it was looked for.
        place: PathBuf,
        /// The package.
        name: String,
    },
}
