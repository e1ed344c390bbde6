//! Comparing what an index serves with the plan, and with a build of one's own.

use std::path::Path;

use wheelwright_artifacts::artifact::{Artifact, Limits};
use wheelwright_artifacts::compare;
use wheelwright_artifacts::digest::Digest;
use wheelwright_artifacts::rebuild::judge::{Judged, Verdict, weigh};

use super::plan::{File, Package, Plan};
use crate::index::{Index, Listed};
use crate::verify::release::Origin;
use crate::verify::{self, Judge};

/// The name under which the plan speaks.
const PLAN: &str = "the plan";
/// The name under which the build of one's own speaks.
const OWN: &str = "the rebuilt file";

/// Downloads every file of the plan, and compares it with the plan and, if there
/// is one, with the file of the same name in `rebuilt`. The files are in the order of the
/// plan, then those that were not planned.
///
/// # Errors
/// A sentence on why the index cannot be read. What is wrong with a file is in the result.
pub fn verify(plan: &Plan, index: &Index, rebuilt: Option<&Path>) -> Result<Vec<Judged>, String> {
    let (mut planned, mut surplus) = (Vec::new(), Vec::new());
    for (wanted, package) in plan.releases()?.iter().zip(&plan.packages) {
        let mut judge = Planned { package, rebuilt };
        let mut found = verify::examine(Origin::Index(index), wanted, &mut judge)?;
        for file in &package.files {
            let at = found.iter().position(|judged| judged.file == file.file);
            planned.push(if let Some(at) = at {
                found.remove(at)
            } else {
                let problem = "the index does not have it".to_owned();
                verify::unavailable(&file.file, judge.needed(), problem)
            });
        }
        surplus.extend(found);
    }
    planned.extend(surplus);
    Ok(planned)
}

/// The plan for a package, and perhaps a build of one's own, as a judge.
struct Planned<'a> {
    package: &'a Package,
    rebuilt: Option<&'a Path>,
}

impl Planned<'_> {
    fn file(&self, name: &str) -> Option<&File> {
        self.package.files.iter().find(|file| file.file == name)
    }
}

impl Judge for Planned<'_> {
    fn longest(&self, file: &str) -> Result<Option<u64>, String> {
        let planned = self.file(file).map(|file| file.size);
        planned
            .map(Some)
            .ok_or_else(|| "the index has it, and it was not planned".to_owned())
    }

    fn needed(&self) -> usize {
        1 + usize::from(self.rebuilt.is_some())
    }

    fn judge(&self, file: &str, sha256: &str) -> Judged {
        let own = self.rebuilt.map(|folder| folder.join(file));
        let own = own.map(|path| Digest::of_file(&path).map(|digest| digest.hex()));
        let mut said: Vec<(&str, &str)> = Vec::new();
        said.extend(self.file(file).map(|file| (PLAN, file.sha256.as_str())));
        if let Some(Ok(own)) = &own {
            said.push((OWN, own));
        }
        let mut judged = weigh(file, sha256, said, self.needed());
        if let Some(Err(error)) = own {
            judged.problem = Some(format!("cannot read {OWN}: {error}"));
        } else if let Some(planned) = judged.differ.get(PLAN) {
            judged.problem = Some(format!(
                "the index serves SHA-256 {sha256}, planned was {planned}"
            ));
        }
        judged
    }

    fn look(&mut self, _: &Listed, judged: &mut Judged, content: Vec<u8>) {
        if let Some(folder) = self.rebuilt.filter(|_| judged.differ.contains_key(OWN)) {
            judged.problem = Some(differs(content, &folder.join(&judged.file)));
        }
    }
}

/// Returns how the rebuilt file differs from what the index serves.
fn differs(served: Vec<u8>, rebuilt: &Path) -> String {
    let read = |bytes| Artifact::from_bytes(rebuilt, bytes, Limits::default());
    let both =
        read(served).and_then(|served| Ok((served, Artifact::open(rebuilt, Limits::default())?)));
    let how = match both {
        Ok((served, own)) => compare::compare_artifacts(&served, &own)
            .map_or_else(|error| error.to_string(), |verdict| verdict.to_string()),
        Err(error) => error.to_string(),
    };
    format!("the index's file and {OWN}: {how}")
}

/// Returns what is wrong with a file, if anything is.
pub fn problem(judged: &Judged) -> Option<&str> {
    (judged.verdict != Verdict::Agreed).then(|| {
        judged
            .problem
            .as_deref()
            .unwrap_or("it is not the planned file")
    })
}
