//! The crates that `Cargo.lock` lists, as cargo finds or fetches them.

use cargo_metadata::{Error, Metadata, MetadataCommand};

use super::BuildError;
use crate::pack::PackError;
use crate::pack::crates::LocalCrates;
use crate::toolchain::rust;

/// Asks cargo, which fetches what is missing, where every crate is.
pub(super) fn metadata(crates: &LocalCrates) -> Result<Metadata, BuildError> {
    MetadataCommand::new()
        .cargo_path(rust::cargo())
        .current_dir(&crates.root)
        .manifest_path(crates.manifest())
        .other_options(["--locked".to_owned()])
        .exec()
        .map_err(|error| explained(crates, error))
}

/// The error for what cargo says of the lock file, or of a place that it cannot reach.
fn explained(crates: &LocalCrates, error: Error) -> BuildError {
    let folder = crates.root.clone();
    let said = match error {
        Error::CargoMetadata { stderr } => stderr.trim().to_owned(),
        other => other.to_string(),
    };
    if said.contains("--locked was passed") {
        return BuildError::StaleLock { folder };
    }
    // What cargo says before all that it could not load, from any kind of place.
    let unreachable = [
        "failed to load source",
        "failed to download",
        "failed to clone",
    ];
    if unreachable.iter().any(|words| said.contains(words)) {
        return BuildError::Unreachable { folder, said };
    }
    BuildError::Pack(PackError::Crates {
        project: crates.extension.name.clone(),
        problem: said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::crates::LocalCrate;

    fn told(stderr: &str) -> String {
        let extension = LocalCrate {
            name: "thing".to_owned(),
            folder: String::new(),
        };
        let crates = LocalCrates {
            root: "folder".into(),
            all: vec![extension.clone()],
            extension,
        };
        let stderr = stderr.to_owned();
        explained(&crates, Error::CargoMetadata { stderr }).to_string()
    }

    #[test]
    fn what_cargo_says_is_followed_by_what_to_do() {
        let stale = told(
            "error: cannot update the lock file folder/Cargo.lock because --locked was passed to \
             prevent this\n",
        );
        assert!(stale.contains("cargo update --workspace"), "{stale}");
        let git = told(
            "error: failed to get `foo` as a dependency\n\nCaused by:\n  failed to load source \
             for dependency `foo`\n\nCaused by:\n  failed to clone into: db/foo\n",
        );
        assert!(
            git.contains("`foo`") && git.contains("cargo fetch --locked"),
            "{git}"
        );
        let other = told("error: failed to parse manifest at `folder/Cargo.toml`\n");
        assert!(
            other.starts_with("cannot collect the crates of thing"),
            "{other}"
        );
    }
}
