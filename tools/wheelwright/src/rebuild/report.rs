//! What came of a rebuild: the verdict on each file, with how it was built.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use wheelwright_artifacts::compare::{Difference, Pass};
use wheelwright_artifacts::rebuild::statement::{Predicate, Source, Statement, Tool};

use super::environment::Locked;
use crate::attest;
use crate::verify::release::Wanted;

/// Every file is identical, or equivalent.
pub const SAME: u8 = 0;
/// A file is different.
pub const DIFFERENT: u8 = 1;
/// A file was not built.
pub const NOT_BUILT: u8 = 2;
/// The most differences of one file that the table shows.
const MOST_SHOWN: usize = 20;

/// What came of a rebuild.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The project.
    pub name: String,
    /// The version.
    pub version: String,
    /// What built, as a statement names it: `pep517` or `cargo`.
    pub builder: String,
    /// What was built.
    pub source: Source,
    /// The programs that built, besides the environments of the files.
    #[serde(skip)]
    pub tools: BTreeMap<String, Tool>,
    /// The digests of what pins the rest of the input.
    #[serde(skip)]
    pub pins: BTreeMap<String, String>,
    /// The files, in the order of the release.
    pub files: Vec<Rebuilt>,
}

/// One file of the release, and what was built again of it.
#[derive(Debug, Clone, Serialize)]
pub struct Rebuilt {
    /// The file.
    pub file: String,
    /// SHA-256 of the published file.
    pub sha256: String,
    /// How far the rebuilt one is the same.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How it was built.
    pub built: Built,
}

/// How far a rebuilt file is the same as the published one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Outcome {
    /// The same bytes.
    Identical,
    /// The same but for what these passes take away.
    Equivalent {
        /// In a fixed order, each once.
        passes: BTreeSet<Pass>,
    },
    /// Something no pass explains.
    Different {
        /// The passes that explain the rest.
        passes: BTreeSet<Pass>,
        /// In each member the first difference, published / rebuilt.
        differences: Vec<Difference>,
    },
    /// Nothing was built.
    NotBuilt {
        /// Why not.
        problem: String,
    },
}

/// How a file was built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Built {
    /// SHA-256 of the rebuilt file.
    pub sha256: Option<String>,
    /// The build backend that the source names.
    pub backend: String,
    /// The line `Generator` of the published wheel.
    pub generator: Option<String>,
    /// The build requirements are those of this time.
    pub as_of: Option<Timestamp>,
    /// The time that every member of the published wheel has.
    pub source_date_epoch: Option<u64>,
    /// Was there network while code of the package ran?
    pub network: String,
    /// The Python that built.
    pub python: String,
    /// What was installed to build.
    pub environment: Vec<Locked>,
    /// SHA-256 of the requirements with the hashes of their files.
    pub lock_sha256: Option<String>,
    /// What else a reader should know.
    pub notes: Vec<String>,
}

impl Report {
    /// A report on no file yet.
    pub(super) fn new(wanted: &Wanted, source: Source) -> Self {
        Self {
            name: wanted.name.clone(),
            version: wanted.version.to_string(),
            builder: "pep517".to_owned(),
            source,
            tools: BTreeMap::new(),
            pins: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, file: Rebuilt) {
        self.files.push(file);
    }

    /// Returns the exit code: the worst of what was found. With `strict`, only identical
    /// files are well.
    pub fn exit_code(&self, strict: bool) -> u8 {
        let any = |is: fn(&Outcome) -> bool| self.files.iter().any(|file| is(&file.outcome));
        let differs = any(|outcome| matches!(outcome, Outcome::Different { .. }));
        let only_like = any(|outcome| matches!(outcome, Outcome::Equivalent { .. }));
        if differs || (strict && only_like) {
            DIFFERENT
        } else if any(|outcome| matches!(outcome, Outcome::NotBuilt { .. })) {
            NOT_BUILT
        } else {
            SAME
        }
    }

    /// Returns the statement that the identical files were built here; `None` if there is
    /// none. A file that is only equivalent has other bytes, of which nobody asks.
    pub fn statement(&self) -> Option<Statement> {
        let identical = self.files.iter();
        let identical: Vec<&Rebuilt> = identical
            .filter(|file| file.outcome == Outcome::Identical)
            .collect();
        let built = &identical.first()?.built;
        let (mut tools, mut pins) = (self.tools.clone(), self.pins.clone());
        tools.insert("wheelwright".to_owned(), attest::own());
        for file in &identical {
            let environment = file.built.environment.iter();
            tools.extend(environment.map(|one| (one.name.clone(), tool(&one.version))));
        }
        if !built.python.is_empty() {
            tools.insert("python".to_owned(), tool(&built.python));
        }
        let mut conditions = attest::conditions();
        let epoch = built.source_date_epoch.map(|epoch| epoch.to_string());
        conditions.extend(epoch.map(|epoch| ("SOURCE_DATE_EPOCH".to_owned(), epoch)));
        if !built.network.is_empty() {
            conditions.insert("network".to_owned(), built.network.clone());
        }
        let lock = built.lock_sha256.clone();
        pins.extend(lock.map(|sha256| ("build-requirements.txt".to_owned(), sha256)));
        Some(Statement {
            files: identical
                .iter()
                .map(|file| (file.file.clone(), file.sha256.clone()))
                .collect(),
            predicate: Predicate {
                builder: self.builder.clone(),
                conditions,
                pins,
                platform: attest::machine(),
                source: self.source.clone(),
                time: attest::now(),
                tools,
            },
        })
    }

    /// Returns the text that people read.
    pub fn table(&self) -> String {
        let mut text = match &self.source {
            Source::Sdist(sdist) => format!("{} {} from {}\n", self.name, self.version, sdist.file),
            Source::Commit(commit) => {
                let commit = commit.commit.get(..12).unwrap_or(&commit.commit);
                format!("{} {} from commit {commit}\n", self.name, self.version)
            }
        };
        for file in &self.files {
            file.write(&mut text);
        }
        text
    }
}

fn tool(version: &str) -> Tool {
    Tool {
        sha256: None,
        version: version.to_owned(),
    }
}

impl Rebuilt {
    fn write(&self, text: &mut String) {
        // Writing to a String cannot fail.
        let names = |passes: &BTreeSet<Pass>| {
            let names = passes.iter().map(Pass::name);
            names.collect::<Vec<_>>().join(", ")
        };
        let file = &self.file;
        let _ = match &self.outcome {
            Outcome::Identical => writeln!(text, "identical   {file}"),
            Outcome::Equivalent { passes } => {
                writeln!(text, "equivalent  {file}: after {}", names(passes))
            }
            Outcome::Different { differences, .. } => {
                let count = differences.len();
                writeln!(text, "DIFFERENT   {file}: {count} members")
            }
            Outcome::NotBuilt { problem } => writeln!(text, "NOT BUILT   {file}: {problem}"),
        };
        if let Outcome::Different {
            passes,
            differences,
        } = &self.outcome
        {
            for difference in differences.iter().take(MOST_SHOWN) {
                let _ = writeln!(text, "  {difference}");
            }
            if differences.len() > MOST_SHOWN {
                let _ = writeln!(
                    text,
                    "  and {} more (--json)",
                    differences.len() - MOST_SHOWN
                );
            }
            if !passes.is_empty() {
                let _ = writeln!(text, "  also: {}", names(passes));
            }
        }
        let built = &self.built;
        if !built.backend.is_empty() {
            let environment = built.environment.iter();
            let environment: Vec<String> = environment
                .map(|one| format!("{} {}", one.name, one.version))
                .collect();
            let environment = match environment.join(", ") {
                none if none.is_empty() => "nothing installed".to_owned(),
                names => names,
            };
            let _ = writeln!(
                text,
                "  built by {} with {}; {}; network {}",
                built.backend, environment, built.python, built.network
            );
        }
        for note in &built.notes {
            let _ = writeln!(text, "  note: {note}");
        }
    }
}
