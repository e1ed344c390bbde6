//! `SHA256SUMS`: what `sha256sum --check` reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::digest::Digest;

/// Why checksums could not be written or checked.
#[derive(Debug, thiserror::Error)]
pub enum ChecksumsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Two files of one name would be one line.
    #[error("{name} is given twice; checksums are listed by file name")]
    Twice {
        /// The name.
        name: String,
    },
    /// A folder or a list without an artifact.
    #[error("{} has no artifact (.whl, .tar.gz)", path.display())]
    Empty {
        /// The folder or the list.
        path: PathBuf,
    },
    /// A line of a checksum file is not `HEX  NAME`.
    #[error("{}: line {line} is not `HEX  NAME`", path.display())]
    Line {
        /// The checksum file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
}

/// Digests by file name.
///
/// # Errors
/// When a file cannot be read, or two have one name.
pub fn digests(files: &[PathBuf]) -> Result<BTreeMap<String, Digest>, ChecksumsError> {
    let mut sums = BTreeMap::new();
    for path in files {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let digest = digest(path)?;
        if sums.insert(name.clone(), digest).is_some() {
            return Err(ChecksumsError::Twice { name });
        }
    }
    Ok(sums)
}

/// The text of `SHA256SUMS`, sorted by file name.
pub fn write(sums: &BTreeMap<String, Digest>) -> String {
    sums.iter().fold(String::new(), |mut out, (name, digest)| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}  {name}", digest.hex());
        out
    })
}

/// The digests that a checksum file states, in lower case, by file name.
///
/// # Errors
/// When it is unreadable or no checksum file.
pub fn read(sums: &Path) -> Result<BTreeMap<String, String>, ChecksumsError> {
    let text = std::fs::read_to_string(sums).map_err(|source| ChecksumsError::Io {
        path: sums.to_owned(),
        source,
    })?;
    let mut stated = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let bad = || ChecksumsError::Line {
            path: sums.to_owned(),
            line: index + 1,
        };
        let (hex, name) = line.split_once("  ").ok_or_else(bad)?;
        let is_hex = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex || name.is_empty() || name.contains(['/', '\\']) {
            return Err(bad());
        }
        if stated
            .insert(name.to_owned(), hex.to_ascii_lowercase())
            .is_some()
        {
            return Err(ChecksumsError::Twice {
                name: name.to_owned(),
            });
        }
    }
    Ok(stated)
}

/// Checks the files that `sums` lists, beside it. Gives one line for each that
/// is missing or has another digest.
///
/// # Errors
/// When the checksum file is unreadable or no checksum file.
pub fn check(sums: &Path) -> Result<Vec<String>, ChecksumsError> {
    let folder = sums.parent().unwrap_or(Path::new(""));
    let mut wrong = Vec::new();
    for (name, stated) in read(sums)? {
        match digest(&folder.join(&name)) {
            Ok(found) if found.hex() == stated => {}
            Ok(found) => wrong.push(format!("{name}: is {}, listed {stated}", found.hex())),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    Ok(wrong)
}

/// The wheels and sdists of a folder.
///
/// # Errors
/// When it cannot be read.
pub fn artifacts(folder: &Path) -> Result<Vec<PathBuf>, ChecksumsError> {
    let io = |source| ChecksumsError::Io {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".whl") || name.ends_with(".tar.gz") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn digest(path: &Path) -> Result<Digest, ChecksumsError> {
    Digest::of_file(path).map_err(|source| ChecksumsError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_checked_and_found_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("b.whl"), "b").unwrap();
        std::fs::write(path("a.whl"), "a").unwrap();
        let text = write(&digests(&[path("b.whl"), path("a.whl")]).unwrap());
        assert!(text.starts_with(
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.whl\n"
        ));
        std::fs::write(path("SHA256SUMS"), &text).unwrap();
        assert_eq!(check(&path("SHA256SUMS")).unwrap(), Vec::<String>::new());
        std::fs::write(path("a.whl"), "changed").unwrap();
        std::fs::remove_file(path("b.whl")).unwrap();
        let wrong = check(&path("SHA256SUMS")).unwrap();
        assert!(
            wrong[0].contains("a.whl: is") && wrong[1].contains("b.whl"),
            "{wrong:?}"
        );
        std::fs::write(path("SHA256SUMS"), "zz  ../a\n").unwrap();
        assert!(check(&path("SHA256SUMS")).is_err());
        assert!(digests(&[path("a.whl"), path("a.whl")]).is_err());
    }
}
