//! cargo's configuration files. Those of the repository are part of the build; those of
//! the user, or of a folder above the repository, must not change what it makes.

use std::path::{Path, PathBuf};

use toml::Table;
use wheelwright_artifacts::digest::Pieces;

use super::BuildError;
use crate::toolchain::rust;

/// Tables that change what is compiled. Compilers, linkers and flags are not listed: the
/// build sets them by environment variables, which override these files.
const DECISIVE: &[&str] = &["profile", "env", "patch", "paths"];
/// Files of the repository that say how to build, wherever its crates are.
const OWN: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain.toml",
    "rust-toolchain",
];

/// Refuses settings from outside the repository in `root` that would make other
/// bytes of it.
///
/// # Errors
/// There are such settings.
pub(super) fn check(root: &Path) -> Result<(), BuildError> {
    let folders = root.ancestors().skip(1).map(|folder| folder.join(".cargo"));
    for folder in folders.chain([rust::cargo_home()]) {
        for name in ["config.toml", "config"] {
            let path = folder.join(name);
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            if let Some(table) = decisive(&text) {
                return Err(BuildError::Settings { path, table });
            }
        }
    }
    Ok(())
}

/// The first table of a cargo configuration that would change what is compiled.
fn decisive(text: &str) -> Option<&'static str> {
    let settings: Table = toml::from_str(text).ok()?;
    let has = |table: &str| settings.get(table).is_some_and(|value| !is_empty(value));
    DECISIVE.iter().copied().find(|table| has(table))
}

fn is_empty(value: &toml::Value) -> bool {
    value.as_table().is_some_and(Table::is_empty)
}

/// Adds the repository's own files that every crate's build reads.
///
/// # Errors
/// One is there and cannot be read.
pub(super) fn add(root: &Path, pieces: &mut Pieces) -> Result<(), BuildError> {
    for name in OWN {
        let path: PathBuf = root.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => pieces.add(name, &bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(BuildError::Work { path, source }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::decisive;

    #[test]
    fn what_decides_over_bytes_is_told_from_what_does_not() {
        for (text, found) in [
            ("[profile.release]\nlto = false\n", Some("profile")),
            ("[env]\nCFLAGS = \"-O0\"\n", Some("env")),
            ("[env]\n", None),
            ("[net]\noffline = true\n[build]\njobs = 2\n", None),
            ("not toml", None),
        ] {
            assert_eq!(decisive(text), found, "{text}");
        }
    }
}
