//! From the name of a release to a verdict: do enough rebuilders say that its files are
//! what the source gives (`docs/spec/rebuild.md`)?

pub mod attestation;
pub mod installed;
pub mod release;
pub mod report;
pub mod statements;

use std::path::PathBuf;

use wheelwright_artifacts::rebuild::judge::{Claim, Judged, Verdict, judge};
use wheelwright_artifacts::rebuild::trust::{Publisher, Trust};

use crate::index::Listed;
use attestation::Attestations;
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
    /// What checks an index's attestations, where `trust` says who must have published.
    pub attestations: Option<&'a Attestations>,
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
    let own = options.trust.threshold(&wanted.name);
    let mut rebuilders = Rebuilders {
        claims,
        needed: options.threshold.unwrap_or(own),
        matches: options.environment.map(|place| place.start(wanted)),
        publisher: options
            .trust
            .publisher(&wanted.name)
            .zip(options.attestations),
        origin: options.origin,
    };
    match examine(options.origin, wanted, &mut rebuilders) {
        Err(problem) => released.problem = Some(problem),
        Ok(files) if files.is_empty() => {
            let place = options.origin.to_string();
            released.problem = Some(format!("{place} has no file of this release"));
        }
        Ok(files) => {
            released.files = files;
            released.installed = rebuilders.matches.map(installed::Matches::finish);
        }
    }
    released
}

/// What judges the files of a release.
pub(crate) trait Judge {
    /// Returns the most bytes that a file may have, where that is known.
    ///
    /// # Errors
    /// A sentence on why the file is not looked at.
    fn longest(&self, file: &str) -> Result<Option<u64>, String>;

    /// Returns how many must agree on a file.
    fn needed(&self) -> usize;

    /// Judges a file by the SHA-256 of its bytes.
    fn judge(&self, file: &str, sha256: &str) -> Judged;

    /// Looks at the bytes of a file that was judged.
    fn look(&mut self, file: &Listed, judged: &mut Judged, content: Vec<u8>);
}

/// Reads every file of a release from where it is, and has each judged: by its own bytes,
/// with the index's word on their digest compared. Both `wheelwright verify` and
/// `wheelwright release verify` end here.
///
/// # Errors
/// A sentence on why the place cannot be read.
pub(crate) fn examine(
    origin: Origin<'_>,
    wanted: &Wanted,
    by: &mut dyn Judge,
) -> Result<Vec<Judged>, String> {
    let mut files = Vec::new();
    for file in origin.listed(wanted)? {
        let fetched = by
            .longest(&file.file)
            .and_then(|most| origin.fetch(&file, most));
        let bytes = match fetched {
            Ok(bytes) => bytes,
            Err(problem) => {
                files.push(unavailable(&file.file, by.needed(), problem));
                continue;
            }
        };
        let mut judged = by.judge(&file.file, &bytes.digest);
        if let Some(stated) = file
            .sha256
            .as_ref()
            .filter(|stated| **stated != bytes.digest)
        {
            judged.verdict = Verdict::Disagreement;
            judged.problem = Some(format!("the index says that its SHA-256 is {stated}"));
        }
        by.look(&file, &mut judged, bytes.content);
        files.push(judged);
    }
    Ok(files)
}

/// Rebuilders' statements, as a judge.
struct Rebuilders<'a> {
    claims: &'a [Claim],
    needed: usize,
    /// The environment with which files that pass are compared.
    matches: Option<installed::Matches<'a>>,
    /// Who must have published the files, and what finds out.
    publisher: Option<(&'a Publisher, &'a Attestations)>,
    origin: Origin<'a>,
}

impl Judge for Rebuilders<'_> {
    fn longest(&self, _: &str) -> Result<Option<u64>, String> {
        Ok(None)
    }

    fn needed(&self) -> usize {
        self.needed
    }

    fn judge(&self, file: &str, sha256: &str) -> Judged {
        judge(file, sha256, self.claims, self.needed)
    }

    fn look(&mut self, file: &Listed, judged: &mut Judged, content: Vec<u8>) {
        if let Some((publisher, attestations)) = self.publisher {
            attestations.check(self.origin, file, publisher, judged);
        }
        if let (Some(matches), Verdict::Agreed) = (&mut self.matches, judged.verdict) {
            matches.consider(&judged.file, content);
        }
    }
}

/// A file that cannot be had, or is not looked at.
pub(crate) fn unavailable(file: &str, needed: usize, problem: String) -> Judged {
    Judged {
        file: file.to_owned(),
        sha256: None,
        agree: Vec::new(),
        differ: std::collections::BTreeMap::new(),
        needed,
        verdict: Verdict::Unavailable,
        publisher: None,
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
