//! Crates that wheels hold in two versions.
//!
//! The linker orders objects by name: the crate's, then a suffix that each build system
//! chooses to tell two versions apart. With one version of each crate the suffix does not
//! matter; with two, Bazel's wheels may differ from cargo's.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;

/// The crate that is the extension module.
const EXTENSION: &str = "daggerml-python";

/// Finds crates that the extension links in more than one version, for any target.
pub fn findings(context: &Context, log: &mut Log) -> Result<Vec<String>> {
    let mut command = context.cargo();
    command
        .args(["tree", "--locked", "--package", EXTENSION, "--target=all"])
        .args(["--edges=normal,no-proc-macro", "--prefix=none"])
        .arg("--format={p}");
    let (status, text) = log.capture(&mut command)?;
    if !status.success() {
        return Ok(vec![format!(
            "cargo tree cannot say what {EXTENSION} links"
        )]);
    }
    Ok(twice(&text))
}

fn twice(tree: &str) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in tree.lines() {
        let mut words = line.split(' ');
        if let (Some(name), Some(version)) = (words.next(), words.next())
            && version.starts_with('v')
        {
            versions.entry(name).or_default().insert(version);
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
        .into_iter()
        .map(|(name, versions)| {
            let versions = Vec::from_iter(versions).join(" and ");
            format!(
                "Cargo.lock: wheels hold {name} {versions}, which Bazel may link in another order \
                 than cargo, and so make other bytes; let all its users ask for one version \
                 (`cargo tree --invert {name}@VERSION` names them)"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_of_a_crate_are_found_by_its_whole_name() {
        let tree = "one v1.0.0 (/src/one)\nheed v0.22.1\nheed-types v0.21.0\nheed v0.22.1 (*)\n";
        assert_eq!(twice(tree), Vec::<String>::new());
        let found = twice(&format!("{tree}heed v0.23.0\n"));
        assert!(found.len() == 1 && found[0].contains("heed v0.22.1 and v0.23.0"));
    }
}
