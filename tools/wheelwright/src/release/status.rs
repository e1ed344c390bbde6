//! What an index has of a release, file by file, by digest.

use serde::Serialize;
use wheelwright_artifacts::artifact::file_name::{SdistName, WheelName, normalize};

use super::plan::{self, Plan};
use crate::index::{Index, IndexError};

/// How a planned file is on the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// With the planned bytes.
    Present,
    /// Not at all.
    Missing,
    /// With other bytes: nothing can mend that but another version.
    Different,
    /// The index has a file of this version that was not planned.
    Surplus,
}

/// One file of the release, or of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The package.
    pub package: String,
    /// The file's name.
    pub file: String,
    /// How it is there.
    pub state: State,
    /// The planned SHA-256.
    pub planned: Option<String>,
    /// The index's SHA-256.
    pub found: Option<String>,
    /// Is it withdrawn?
    pub yanked: bool,
}

/// What an index has of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Every planned file in publish order, then what else is there.
    pub files: Vec<Row>,
}

impl Status {
    /// Asks the index about every package of the plan.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn of(plan: &Plan, index: &Index) -> Result<Self, IndexError> {
        let mut files = Vec::new();
        let mut surplus = Vec::new();
        for package in &plan.packages {
            let listed = index.listed(&normalize(&package.name))?;
            for planned in &package.files {
                let there = listed.iter().find(|listed| listed.file == planned.file);
                let found = there.map(|file| index.sha256(file)).transpose()?;
                files.push(Row {
                    package: package.name.clone(),
                    file: planned.file.clone(),
                    state: match &found {
                        None => State::Missing,
                        Some(sha256) if *sha256 == planned.sha256 => State::Present,
                        Some(_) => State::Different,
                    },
                    planned: Some(planned.sha256.clone()),
                    found,
                    yanked: there.is_some_and(|file| file.yanked),
                });
            }
            let strange = listed.iter().filter(|listed| {
                same_version(&listed.file, &plan.version)
                    && package
                        .files
                        .iter()
                        .all(|planned| planned.file != listed.file)
            });
            surplus.extend(strange.map(|listed| Row {
                package: package.name.clone(),
                file: listed.file.clone(),
                state: State::Surplus,
                planned: None,
                found: listed.sha256.clone(),
                yanked: listed.yanked,
            }));
        }
        files.extend(surplus);
        Ok(Self { files })
    }

    /// Has the index exactly the planned files, with the planned bytes?
    pub fn is_complete(&self) -> bool {
        self.files.iter().all(|row| row.state == State::Present)
    }

    /// How many files are in this state.
    pub fn count(&self, state: State) -> usize {
        self.files.iter().filter(|row| row.state == state).count()
    }

    /// What keeps the release from ever being complete, a line each.
    pub fn conflicts(&self) -> Vec<String> {
        self.files.iter().filter_map(Row::conflict).collect()
    }

    /// One line: how much is there.
    pub fn summary(&self) -> String {
        format!(
            "{} files planned: {} present, {} missing, {} different; {} not planned",
            self.files.len() - self.count(State::Surplus),
            self.count(State::Present),
            self.count(State::Missing),
            self.count(State::Different),
            self.count(State::Surplus)
        )
    }
}

impl Row {
    fn conflict(&self) -> Option<String> {
        match self.state {
            State::Present | State::Missing => None,
            State::Different => Some(format!(
                "{}: the index has other bytes (SHA-256 {}, planned {})",
                self.file,
                self.found.as_deref().unwrap_or("unknown"),
                self.planned.as_deref().unwrap_or("unknown"),
            )),
            State::Surplus => Some(format!(
                "{}: the index has it, and it was not planned",
                self.file
            )),
        }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let word = match self.state {
            State::Present => "present",
            State::Missing => "missing",
            State::Different => "DIFFERENT",
            State::Surplus => "SURPLUS",
        };
        let yanked = if self.yanked { "  (yanked)" } else { "" };
        format!("{word:<9}  {}{yanked}", self.file)
    }
}

/// Is the file of this version? Versions are compared as Python does, since
/// file names may spell them otherwise.
fn same_version(file: &str, version: &str) -> bool {
    let written = WheelName::parse(file)
        .map(|name| name.version)
        .or_else(|_| SdistName::parse(file).map(|name| name.version));
    let written = written.ok().and_then(|written| written.parse().ok());
    written.is_some() && written == plan::pep440(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_python_does() {
        assert!(same_version("a-1.0.0rc1.tar.gz", "1.0.0-rc.1"));
        assert!(same_version("a-1.0-py3-none-any.whl", "1.0.0"));
        assert!(!same_version("a-1.0.1.tar.gz", "1.0.0"));
        assert!(same_version("a-1.0.post1.tar.gz", "1.0-1"));
        assert!(!same_version("a.exe", "1.0.0"));
    }
}
