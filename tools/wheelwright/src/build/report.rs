//! What a build did, as a table or as JSON.

use std::fmt::Write as _;

use serde::{Serialize, Serializer};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Well.
    Passed,
    /// Not well, and why.
    Failed(String),
    /// It was not asked for, or cannot be done for this artifact here.
    NotRun,
}

impl Verdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed(_) => "FAILED",
            Self::NotRun => "-",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Passed => serializer.serialize_str("ok"),
            Self::Failed(problem) => serializer.serialize_str(&format!("failed: {problem}")),
            Self::NotRun => serializer.serialize_none(),
        }
    }
}

/// One artifact.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its file name.
    pub artifact: String,
    /// Its package.
    pub package: String,
    /// Its platform, if it is for one.
    pub platform: Option<String>,
    /// Its size in bytes.
    pub size: Option<usize>,
    /// Its digest.
    pub sha256: Option<String>,
    /// Was it built?
    pub build: Verdict,
    /// Did it pass `audit`?
    pub audit: Verdict,
    /// Did it pass its package's smoke steps?
    pub smoke: Verdict,
}

impl Row {
    fn problems(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("build", &self.build),
            ("audit", &self.audit),
            ("smoke", &self.smoke),
        ]
        .into_iter()
        .filter_map(|(step, verdict)| match verdict {
            Verdict::Failed(problem) => Some((step, problem.as_str())),
            _ => None,
        })
    }
}

/// A whole build.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// One for each artifact, in publish order.
    pub rows: Vec<Row>,
    /// Wheels and sdists in the folder that are not part of this version.
    pub unexpected: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// Did every step of every artifact end well?
    pub fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.problems().next().is_none())
    }

    /// What went wrong, each thing once, with the artifacts that it stopped: what is wrong
    /// with a package stops each of its wheels in the same words.
    fn problems(&self) -> Vec<(&'static str, &str, Vec<&str>)> {
        let mut found: Vec<(&'static str, &str, Vec<&str>)> = Vec::new();
        for row in &self.rows {
            for (step, problem) in row.problems() {
                match found
                    .iter_mut()
                    .find(|(known, words, _)| (*known, *words) == (step, problem))
                {
                    Some((_, _, artifacts)) => artifacts.push(&row.artifact),
                    None => found.push((step, problem, vec![&row.artifact])),
                }
            }
        }
        found
    }

    /// The table that people read.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let width = self
            .rows
            .iter()
            .map(|row| row.artifact.len())
            .max()
            .unwrap_or(0);
        let _ = writeln!(
            text,
            "{:<width$}  {:>9}  {:<16}  {:<6}  smoke",
            "artifact", "size", "sha256", "audit"
        );
        for row in &self.rows {
            let size = row.size.map_or_else(|| "FAILED".to_owned(), thousands);
            let digest = row.sha256.as_deref().map_or("-", |digest| &digest[..16]);
            let _ = writeln!(
                text,
                "{:<width$}  {size:>9}  {digest:<16}  {:<6}  {}",
                row.artifact,
                row.audit.word(),
                row.smoke.word()
            );
        }
        for (step, problem, artifacts) in self.problems() {
            let more = match artifacts.len() - 1 {
                0 => String::new(),
                more => format!(" and of {more} more"),
            };
            let _ = writeln!(
                text,
                "\n{step} of {}{more} failed:\n{problem}",
                artifacts[0]
            );
        }
        for name in &self.unexpected {
            let _ = writeln!(
                text,
                "note: {name} is in the same folder and is not of this version; remove it before you publish"
            );
        }
        let failed = self
            .rows
            .iter()
            .filter(|row| row.problems().next().is_some())
            .count();
        let _ = writeln!(
            text,
            "\n{} artifacts, {failed} failed, {:.1} s",
            self.rows.len(),
            self.seconds
        );
        text
    }
}

/// Says on standard error that an artifact is there, or is not.
pub fn announce(row: &Row) {
    match &row.build {
        Verdict::Failed(problem) => {
            eprintln!(
                "FAILED {}: {}",
                row.artifact,
                problem.lines().next().unwrap_or_default()
            );
        }
        _ => eprintln!("packed {}", row.artifact),
    }
}

/// The line of a problem that says most: of a traceback, the first that is not indented.
fn gist(problem: &str) -> &str {
    let mut lines = problem.lines();
    let first = lines.next().unwrap_or_default();
    if first.ends_with("Traceback (most recent call last):") {
        lines.find(|line| !line.starts_with(' ')).unwrap_or(first)
    } else {
        first
    }
}

/// Says on standard error how an artifact did when it was tried.
pub fn announce_smoke(row: &Row) {
    match &row.smoke {
        Verdict::Failed(problem) => eprintln!("FAILED {}: {}", row.artifact, gist(problem)),
        Verdict::Passed => eprintln!("tried  {}", row.artifact),
        Verdict::NotRun => {}
    }
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(artifact: &str, build: Verdict) -> Row {
        Row {
            artifact: artifact.to_owned(),
            package: "thing".to_owned(),
            platform: None,
            size: None,
            sha256: None,
            build,
            audit: Verdict::NotRun,
            smoke: Verdict::NotRun,
        }
    }

    #[test]
    fn of_a_traceback_the_error_is_told() {
        let problem = "`python -c import a` failed (1): Traceback (most recent call last):\n  \
                       File \"<string>\", line 1\nModuleNotFoundError: No module named 'b'\nadvice";
        assert_eq!(gist(problem), "ModuleNotFoundError: No module named 'b'");
        assert_eq!(
            gist("it was not compiled\nas cargo says"),
            "it was not compiled"
        );
    }

    #[test]
    fn what_stops_several_artifacts_is_said_once() {
        let no_license = || Verdict::Failed("there is no LICENSE".to_owned());
        let report = Report {
            rows: vec![
                row("a.whl", no_license()),
                row("b.whl", Verdict::Failed("it was not compiled".to_owned())),
                row("c.tar.gz", no_license()),
            ],
            unexpected: Vec::new(),
            seconds: 0.0,
        };
        let text = report.table();
        assert_eq!(text.matches("there is no LICENSE").count(), 1, "{text}");
        assert!(
            text.contains("build of a.whl and of 1 more failed:"),
            "{text}"
        );
        assert!(text.contains("build of b.whl failed:"), "{text}");
        assert!(text.contains("3 artifacts, 3 failed"), "{text}");
    }
}
