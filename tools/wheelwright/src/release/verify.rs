//! Comparing what an index serves with the plan, and with a build of one's own.

use std::path::Path;

use serde::Serialize;
use wheelwright_artifacts::artifact::file_name::normalize;
use wheelwright_artifacts::artifact::{Artifact, Limits};
use wheelwright_artifacts::compare;
use wheelwright_artifacts::digest::Digest;

use super::index::{Index, IndexError};
use super::plan::{File, Plan};
use super::status::{State, Status};

/// One file as the index serves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The file.
    pub file: String,
    /// What is wrong; nothing if it is the planned file, and equal to the
    /// rebuilt one.
    pub problem: Option<String>,
}

/// Downloads every file of the plan, and compares it with the plan and, if there
/// is one, with the file of the same name in `rebuilt`.
///
/// # Errors
/// The index cannot be read. What is wrong with a file is in the verdicts.
pub fn verify(
    plan: &Plan,
    index: &Index,
    rebuilt: Option<&Path>,
) -> Result<Vec<Verdict>, IndexError> {
    let mut verdicts = Vec::new();
    for package in &plan.packages {
        let listed = index.listed(&normalize(&package.name))?;
        for planned in &package.files {
            let problem = match listed.iter().find(|listed| listed.file == planned.file) {
                None => Some("the index does not have it".to_owned()),
                Some(there) => match index.download_up_to(there, planned.size)? {
                    None => Some(format!(
                        "the index serves more than the planned {} bytes",
                        planned.size
                    )),
                    Some(served) => wrong(planned, &served, rebuilt),
                },
            };
            verdicts.push(Verdict {
                file: planned.file.clone(),
                problem,
            });
        }
    }
    let surplus = Status::of(plan, index)?.files;
    let surplus = surplus
        .into_iter()
        .filter(|row| row.state == State::Surplus);
    verdicts.extend(surplus.map(|row| Verdict {
        file: row.file,
        problem: Some("the index has it, and it was not planned".to_owned()),
    }));
    Ok(verdicts)
}

/// What is wrong with the bytes that the index serves for a planned file.
fn wrong(planned: &File, served: &[u8], rebuilt: Option<&Path>) -> Option<String> {
    let sha256 = Digest::of(served).hex();
    let rebuilt = rebuilt.and_then(|folder| differs(served, &folder.join(&planned.file)));
    let other = (sha256 != planned.sha256).then(|| {
        let planned = &planned.sha256;
        format!("the index serves SHA-256 {sha256}, planned was {planned}")
    });
    rebuilt.or(other)
}

/// How the rebuilt file differs from what the index serves.
fn differs(served: &[u8], rebuilt: &Path) -> Option<String> {
    let own = match std::fs::read(rebuilt) {
        Ok(own) => own,
        Err(error) => {
            return Some(format!(
                "cannot read the rebuilt {}: {error}",
                rebuilt.display()
            ));
        }
    };
    if own == served {
        return None;
    }
    let read = |bytes| Artifact::from_bytes(rebuilt, bytes, Limits::default());
    let verdict = read(served.to_vec()).and_then(|served| Ok((served, read(own)?)));
    let how = match verdict {
        Ok((served, own)) => compare::compare_artifacts(&served, &own)
            .map_or_else(|error| error.to_string(), |verdict| verdict.to_string()),
        Err(error) => error.to_string(),
    };
    Some(format!("the index's file and the rebuilt one: {how}"))
}
