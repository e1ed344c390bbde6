//! What `cargo tree` says is linked into a package on one target: normal
//! dependencies, with the features that cargo would give them.
//!
//! `cargo metadata` cannot say it: it joins the features of build scripts, tests and
//! other packages, and names a dependency of another platform if a build script
//! needs the same crate on this one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{Metadata, Package, PackageId};

use super::SbomError;
use crate::toolchain::rust;

/// Every linked package below `root`, itself too, with those that it uses.
pub type Edges<'a> = BTreeMap<&'a PackageId, BTreeSet<&'a PackageId>>;

/// Asks cargo about the package of `manifest` on `target`.
pub fn edges<'a>(
    metadata: &'a Metadata,
    root: &'a Package,
    manifest: &Path,
    target: &str,
    features: &[String],
) -> Result<Edges<'a>, SbomError> {
    let output = Command::new(rust::cargo())
        .args(["tree", "--locked", "--manifest-path"])
        .arg(manifest)
        .args(["--target", target, "--edges", "normal,no-proc-macro"])
        .args(features)
        .args(["--prefix", "depth", "--format", " {p}"])
        .output()
        .map_err(|error| SbomError::Tree {
            problem: error.to_string(),
        })?;
    if !output.status.success() {
        return Err(SbomError::Tree {
            problem: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    read(metadata, root, &String::from_utf8_lossy(&output.stdout))
}

/// Reads lines such as `2 serde v1.0.0 (source) (*)`: a depth and a package. What
/// is below a package is written once only.
fn read<'a>(metadata: &'a Metadata, root: &'a Package, text: &str) -> Result<Edges<'a>, SbomError> {
    let mut edges = Edges::from([(&root.id, BTreeSet::new())]);
    let mut above: Vec<&PackageId> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let unclear = || SbomError::Tree {
            problem: format!("the line {line:?} names no package of the workspace's lock file"),
        };
        let (depth, package) = line.split_once(' ').ok_or_else(unclear)?;
        let depth: usize = depth.parse().map_err(|_| unclear())?;
        let id = &find(metadata, package).ok_or_else(unclear)?.id;
        above.truncate(depth);
        if let Some(user) = above.last().copied() {
            edges.entry(user).or_default().insert(id);
        }
        edges.entry(id).or_default();
        above.push(id);
    }
    Ok(edges)
}

fn find<'a>(metadata: &'a Metadata, line: &str) -> Option<&'a Package> {
    let mut words = line.splitn(3, ' ');
    let name = words.next()?;
    let version = words.next()?.strip_prefix('v')?;
    let rest = words.next().unwrap_or_default();
    let mut all: Vec<&Package> = metadata
        .packages
        .iter()
        .filter(|package| *package.name == *name && package.version.to_string() == version)
        .collect();
    if all.len() > 1 {
        // Of one name and version, but from several places; a registry is not named.
        let place = |package: &Package| match &package.source {
            Some(source) => source.repr.split_once('+').map(|(_, url)| url.to_owned()),
            None => package.manifest_path.parent().map(ToString::to_string),
        };
        let named = |package: &&Package| {
            place(package).is_some_and(|place| {
                let place = place
                    .split(['?', '#'])
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                rest.contains(&format!("({place}"))
            })
        };
        let registry = |package: &&Package| {
            package
                .source
                .as_ref()
                .is_some_and(|source| !source.repr.starts_with("git+"))
        };
        all = match all.iter().copied().find(named) {
            Some(one) => vec![one],
            None => all.into_iter().filter(registry).collect(),
        };
    }
    all.first().copied()
}
