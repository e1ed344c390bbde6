//! The result of a verification: as a table, as JSON, as SARIF, and as a lock file.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};
use wheelwright_artifacts::audit::sarif_log;
use wheelwright_artifacts::rebuild::judge::{Judged, Verdict};

use super::installed::Comparison;
use super::statements::NotCounted;

/// Enough rebuilders agree on every file.
pub const AGREED: u8 = 0;
/// A rebuilder made other bytes, or other bytes are installed.
pub const DISAGREEMENT: u8 = 1;
/// Too few rebuilders made a file.
pub const TOO_FEW: u8 = 2;
/// A release or one of its files cannot be had.
pub const NOT_FOUND: u8 = 3;

/// What was found out about releases.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The releases, in the order they were asked for.
    pub releases: Vec<Released>,
    /// How many statements count.
    pub statements: usize,
    /// The statements that do not count.
    pub refused: Vec<NotCounted>,
}

/// What was found out about a release.
#[derive(Debug, Clone, Serialize)]
pub struct Released {
    /// The project.
    pub name: String,
    /// The version.
    pub version: String,
    /// Its files, by name.
    pub files: Vec<Judged>,
    /// How the installed files compare, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed: Option<Comparison>,
    /// Why there are no files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Report {
    /// Returns the exit code that says it all: the worst of what was found.
    pub fn exit_code(&self) -> u8 {
        let files = || self.releases.iter().flat_map(|release| &release.files);
        let any = |verdict| files().any(|file| file.verdict == verdict);
        let installed = self
            .releases
            .iter()
            .filter_map(|release| release.installed.as_ref());
        // Without a wheel that passed, the files' own verdicts say what is wrong.
        let changed = installed
            .filter(|comparison| comparison.wheel.is_some())
            .any(|comparison| !comparison.differences.is_empty());
        let unmatched = self.releases.iter().any(|release| {
            let found = release.installed.as_ref();
            found.is_some_and(|comparison| comparison.wheel.is_none())
        });
        if any(Verdict::Disagreement) || changed {
            DISAGREEMENT
        } else if any(Verdict::Unavailable) || files().next().is_none() || self.is_missing_one() {
            NOT_FOUND
        } else if any(Verdict::TooFew) || unmatched {
            TOO_FEW
        } else {
            AGREED
        }
    }

    fn is_missing_one(&self) -> bool {
        self.releases.iter().any(|release| release.files.is_empty())
    }

    /// Returns the table that people read.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for release in &self.releases {
            release.write(&mut text);
        }
        for refused in &self.refused {
            let _ = writeln!(
                text,
                "not counted: {}: {}",
                refused.statement, refused.reason
            );
        }
        let verdict = match self.exit_code() {
            AGREED => "enough rebuilders agree on every file",
            DISAGREEMENT => "DISAGREEMENT: do not use these files before you know why",
            TOO_FEW => "NOT ENOUGH: too few rebuilders have made these files",
            _ => "NOT FOUND: a release or a file of it cannot be had",
        };
        let count = self.statements;
        let _ = writeln!(text, "{verdict} ({count} statements counted)");
        text
    }

    /// Returns requirements that install exactly the files that passed, each by its
    /// hash; `None` if none passed.
    pub fn lock(&self) -> Option<String> {
        let mut text =
            String::from("# Files on which enough rebuilders agree, by `wheelwright verify`.\n");
        let mut any = false;
        for release in &self.releases {
            let passed = release
                .files
                .iter()
                .filter(|file| file.verdict == Verdict::Agreed);
            let hashes: Vec<&String> = passed.filter_map(|file| file.sha256.as_ref()).collect();
            if hashes.is_empty() {
                continue;
            }
            any = true;
            let _ = write!(text, "{}=={}", release.name, release.version);
            for hash in hashes {
                let _ = write!(text, " \\\n    --hash=sha256:{hash}");
            }
            text.push('\n');
        }
        any.then_some(text)
    }

    /// Returns the findings as SARIF 2.1.0.
    pub fn sarif(&self) -> Value {
        const RULES: [(&str, &str, Verdict); 3] = [
            (
                "rebuild-disagreement",
                "no rebuilder made other bytes",
                Verdict::Disagreement,
            ),
            (
                "rebuild-too-few",
                "enough rebuilders made the file",
                Verdict::TooFew,
            ),
            (
                "rebuild-unavailable",
                "the file can be had",
                Verdict::Unavailable,
            ),
        ];
        let rules = RULES
            .map(|(id, summary, _)| json!({ "id": id, "shortDescription": { "text": summary } }));
        let finding = |rule: &str, file: &str, text: String| {
            json!({
                "ruleId": rule,
                "level": "error",
                "message": { "text": text },
                "locations": [{ "physicalLocation": { "artifactLocation": { "uri": file } } }],
            })
        };
        let mut results = Vec::new();
        for release in &self.releases {
            let name = format!("{}=={}", release.name, release.version);
            for file in &release.files {
                let rule = RULES
                    .iter()
                    .find(|(_, _, verdict)| *verdict == file.verdict);
                results.extend(rule.map(|(id, _, _)| finding(id, &file.file, words(file))));
            }
            let changed = release
                .installed
                .iter()
                .flat_map(|found| &found.differences);
            results.extend(changed.map(|text| finding(RULES[0].0, &name, text.clone())));
            let missing = release.problem.iter();
            results.extend(missing.map(|text| finding(RULES[2].0, &name, text.clone())));
        }
        sarif_log(&rules, &results)
    }
}

impl Released {
    fn write(&self, text: &mut String) {
        let name = format!("{} {}", self.name, self.version);
        if let Some(problem) = &self.problem {
            let _ = writeln!(text, "{name}: {problem}");
            return;
        }
        let _ = writeln!(text, "{name}: {} files", self.files.len());
        let names = |file: &Judged| match file.agree.join(", ") {
            none if none.is_empty() => "nobody".to_owned(),
            names => names,
        };
        let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
        let first = width(&mut self.files.iter().map(|file| file.file.len()));
        let second = width(&mut self.files.iter().map(|file| names(file).len())).max(10);
        let _ = writeln!(
            text,
            "{:<first$}  {:<16}  {:<second$}  verdict",
            "file", "sha256", "rebuilt by"
        );
        for file in &self.files {
            let digest = file.sha256.as_deref().unwrap_or("-");
            let digest = digest.get(..16).unwrap_or(digest);
            let _ = writeln!(
                text,
                "{:<first$}  {digest:<16}  {:<second$}  {}",
                file.file,
                names(file),
                words(file)
            );
        }
        match &self.installed {
            Some(Comparison {
                wheel: Some(wheel),
                differences,
            }) if differences.is_empty() => {
                let _ = writeln!(text, "installed: every file is as in {wheel}");
            }
            Some(Comparison { differences, .. }) => {
                for difference in differences {
                    let _ = writeln!(text, "installed: {difference}");
                }
            }
            None => {}
        }
    }
}

/// Returns the verdict on a file in words.
fn words(file: &Judged) -> String {
    let word = match file.verdict {
        Verdict::Agreed if file.publisher.is_some() => "agreed, publisher as expected".to_owned(),
        Verdict::Agreed => "agreed".to_owned(),
        Verdict::TooFew => format!("TOO FEW ({} of {})", file.agree.len(), file.needed),
        Verdict::Unavailable => "UNAVAILABLE".to_owned(),
        Verdict::Disagreement => "DISAGREEMENT".to_owned(),
    };
    let others = file.differ.iter();
    let others = others.map(|(name, sha256)| format!("{name} made {}", &sha256[..16]));
    let why: Vec<String> = file.problem.iter().cloned().chain(others).collect();
    if why.is_empty() {
        word
    } else {
        format!("{word}: {}", why.join("; "))
    }
}
