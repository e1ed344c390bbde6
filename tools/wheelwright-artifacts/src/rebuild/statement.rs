//! A rebuild statement: the files that somebody built, from which source, with what.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical;

/// The type of every in-toto statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The type of what a rebuild statement says.
pub const PREDICATE: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/main/docs/spec/rebuild.md#v1"
);
/// The most files that a statement may be about.
const MOST_FILES: usize = 10_000;

/// Bytes that are not a rebuild statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a rebuild statement: {problem}")]
pub struct StatementError {
    /// Why not.
    pub problem: String,
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` passes values")]
fn error(problem: impl ToString) -> StatementError {
    StatementError {
        problem: problem.to_string(),
    }
}

/// What somebody built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// SHA-256 in lower-case hexadecimal, by file name.
    pub files: BTreeMap<String, String>,
    /// How they were built.
    pub predicate: Predicate,
}

/// How files were built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The build system: `cargo`, `bazel`, `nix`, or `pep517` for the backend that an
    /// sdist names.
    pub builder: String,
    /// What else could have changed the result, such as the locale.
    pub conditions: BTreeMap<String, String>,
    /// SHA-256 of the files of the source that pin the rest of the input, by path.
    pub pins: BTreeMap<String, String>,
    /// The machine that built.
    pub platform: String,
    /// What was built.
    pub source: Source,
    /// When the statement was made.
    pub time: Timestamp,
    /// The programs that built, by name.
    pub tools: BTreeMap<String, Tool>,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// A state of a git repository.
    Commit(Commit),
    /// An sdist of the release.
    Sdist(Sdist),
}

/// A state of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The commit, in full.
    pub commit: String,
    /// The tree of the commit, in full: equal for equal files, whoever made the commit.
    pub tree: String,
}

/// An sdist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sdist {
    /// Its file name.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// A program that built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// SHA-256 of the program, where it is one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What the program says of its version.
    pub version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    #[serde(rename = "_type")]
    kind: String,
    predicate: Predicate,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    subject: Vec<Subject>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    digest: BTreeMap<String, String>,
    name: String,
}

impl Statement {
    /// Returns the statement as canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let subject = self.files.iter().map(|(name, sha256)| Subject {
            digest: BTreeMap::from([("sha256".to_owned(), sha256.clone())]),
            name: name.clone(),
        });
        let json = Json {
            kind: STATEMENT.to_owned(),
            predicate: self.predicate.clone(),
            predicate_type: PREDICATE.to_owned(),
            subject: subject.collect(),
        };
        // A structure of texts always is JSON.
        canonical::to_bytes(&serde_json::to_value(json).unwrap_or(Value::Null))
    }

    /// Reads a statement. Nothing is left to interpretation: it must be canonical JSON
    /// of exactly the known fields.
    ///
    /// # Errors
    /// The bytes are not a rebuild statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let value: Value = serde_json::from_slice(bytes).map_err(error)?;
        if let Some(other) = value["predicateType"].as_str()
            && other != PREDICATE
        {
            return Err(error(format!(
                "its predicate is {other:?}, not {PREDICATE}"
            )));
        }
        let json: Json = serde_json::from_value(value).map_err(error)?;
        if json.kind != STATEMENT || json.predicate_type != PREDICATE {
            return Err(error(format!(
                "its type is {:?}, not {STATEMENT}",
                json.kind
            )));
        }
        if json.subject.is_empty() || json.subject.len() > MOST_FILES {
            let count = json.subject.len();
            return Err(error(format!(
                "it is about {count} files, not 1 to {MOST_FILES}"
            )));
        }
        let mut files = BTreeMap::new();
        for subject in json.subject {
            let name = subject.name;
            if !is_file_name(&name) {
                return Err(error(format!("{name:?} is not a file name")));
            }
            let digest = subject.digest.get("sha256");
            let digest = digest.filter(|text| is_hex(text, &[64])).cloned();
            let digest = digest.ok_or_else(|| error(format!("{name} has no SHA-256")))?;
            if files.insert(name.clone(), digest).is_some() {
                return Err(error(format!("{name} is there twice")));
            }
        }
        check(&json.predicate)?;
        let statement = Self {
            files,
            predicate: json.predicate,
        };
        if statement.to_bytes() != bytes {
            return Err(error(
                "it is not canonical JSON, its files are not sorted, or a key is there twice",
            ));
        }
        Ok(statement)
    }
}

fn check(predicate: &Predicate) -> Result<(), StatementError> {
    match &predicate.source {
        Source::Commit(source)
            if !is_hex(&source.commit, &[40, 64]) || !is_hex(&source.tree, &[40, 64]) =>
        {
            return Err(error(
                "its commit or tree is not 40 or 64 hexadecimal digits",
            ));
        }
        Source::Sdist(source) if !is_file_name(&source.file) => {
            return Err(error(format!("{:?} is not a file name", source.file)));
        }
        Source::Sdist(source) if !is_hex(&source.sha256, &[64]) => {
            return Err(error(format!("{:?} is not a SHA-256", source.sha256)));
        }
        _ => {}
    }
    let programs = predicate.tools.values();
    let digests: BTreeSet<&String> = programs
        .filter_map(|tool| tool.sha256.as_ref())
        .chain(predicate.pins.values())
        .collect();
    match digests.iter().find(|text| !is_hex(text, &[64])) {
        Some(wrong) => Err(error(format!("{wrong:?} is not a SHA-256"))),
        None => Ok(()),
    }
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Is this a name that a wheel or an sdist could have? It must not lead anywhere.
fn is_file_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+!".contains(&byte);
    name.len() <= 255
        && name.bytes().all(plain)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A statement about one file.
    pub(crate) fn statement(file: &str, content: &str, time: &str) -> Statement {
        let sha256 = crate::digest::Digest::of(content.as_bytes()).hex();
        Statement {
            files: BTreeMap::from([(file.to_owned(), sha256.clone())]),
            predicate: Predicate {
                builder: "cargo".to_owned(),
                conditions: BTreeMap::from([("cores".to_owned(), "2".to_owned())]),
                pins: BTreeMap::from([("Cargo.lock".to_owned(), sha256.clone())]),
                platform: "linux-x86_64".to_owned(),
                source: Source::Commit(Commit {
                    commit: "a".repeat(40),
                    tree: "b".repeat(40),
                }),
                time: time.parse().unwrap(),
                tools: BTreeMap::from([(
                    "rustc".to_owned(),
                    Tool {
                        sha256: Some(sha256),
                        version: "rustc 1.95.0".to_owned(),
                    },
                )]),
            },
        }
    }

    #[test]
    fn a_source_is_a_commit_or_an_sdist() {
        let mut statement = statement("a-1.0-py3-none-any.whl", "x", "2026-11-29T05:33:13Z");
        statement.predicate.source = Source::Sdist(Sdist {
            file: "a-1.0.tar.gz".to_owned(),
            sha256: "c".repeat(64),
        });
        let bytes = statement.to_bytes();
        assert_eq!(Statement::parse(&bytes).unwrap(), statement);
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("a-1.0.tar.gz", "../a.tar.gz"),
            ("cccc\"", "cccg\""),
            ("\"file\":", "\"commit\":\"c\",\"file\":"),
            ("\"file\":", "\"sdist\":"),
        ] {
            assert!(text.contains(from), "{from}");
            let wrong = text.replacen(from, to, 1);
            assert!(Statement::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_statement_is_read_as_it_is_written() {
        let statement = statement("a-1.0.tar.gz", "x", "2026-11-29T05:33:13Z");
        let bytes = statement.to_bytes();
        assert_eq!(Statement::parse(&bytes).unwrap(), statement);
        let text = String::from_utf8(bytes).unwrap();
        for (from, to, problem) in [
            (
                PREDICATE,
                "https://slsa.dev/provenance/v1",
                "its predicate is",
            ),
            (
                STATEMENT,
                "https://in-toto.io/Statement/v0.1",
                "its type is",
            ),
            ("\"builder\":", "\"builder\": ", "canonical"),
            (
                "\"platform\":",
                "\"builder\":\"nix\",\"platform\":",
                "canonical",
            ),
            ("\"builder\":", "\"aside\":1,\"builder\":", "unknown field"),
            ("a-1.0.tar.gz", "../a-1.0.tar.gz", "not a file name"),
            ("a-1.0.tar.gz", "", "not a file name"),
            ("\"sha256\":\"2d", "\"sha256\":\"2D", "SHA-256"),
            (
                "\"digest\":{\"sha256\"",
                "\"digest\":{\"sha512\"",
                "has no SHA-256",
            ),
            ("aaaa\"", "aaag\"", "commit"),
            ("2026-11-29T05", "2026-13-29T05", "month"),
        ] {
            assert!(text.contains(from), "{from}");
            let wrong = text.replacen(from, to, 1);
            let said = Statement::parse(wrong.as_bytes()).unwrap_err().to_string();
            assert!(said.contains(problem), "{said}: {problem}");
        }
    }
}
