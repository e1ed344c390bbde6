//! Do several builders' artifacts agree?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::checksums::{self, ChecksumsError};

/// What one builder made: digests by file name.
type Sums = BTreeMap<String, String>;

/// Several builders' artifacts beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    builders: Vec<PathBuf>,
    /// How many builders must have made an artifact.
    needed: usize,
    /// For each artifact, its digest at each builder, if that has it.
    rows: BTreeMap<String, Vec<Option<String>>>,
}

impl Table {
    /// Reads what each builder made: a folder of artifacts, or its `SHA256SUMS`. With
    /// `at_least`, that many builders must have made an artifact, and those that are not
    /// there at all made none; else all must.
    ///
    /// # Errors
    /// One is neither, or names no artifact.
    pub fn read(builders: &[PathBuf], at_least: Option<usize>) -> Result<Self, ChecksumsError> {
        let made = |path: &PathBuf| match at_least {
            Some(_) if !path.exists() => Ok(Sums::new()),
            _ => sums(path),
        };
        let sums: Vec<Sums> = builders.iter().map(made).collect::<Result<_, _>>()?;
        if sums.iter().all(Sums::is_empty) {
            let path = builders.first().cloned().unwrap_or_default();
            return Err(ChecksumsError::Empty { path });
        }
        let names: BTreeSet<&String> = sums.iter().flat_map(Sums::keys).collect();
        let row = |name: &String| sums.iter().map(|sums| sums.get(name).cloned()).collect();
        Ok(Self {
            builders: builders.to_vec(),
            needed: at_least.unwrap_or(builders.len()),
            rows: names
                .into_iter()
                .map(|name| (name.clone(), row(name)))
                .collect(),
        })
    }

    /// Whether enough builders made the same bytes of each artifact, and none made others.
    pub fn agrees(&self) -> bool {
        self.rows.values().all(|row| self.agreed(row).is_some())
    }

    /// Returns the digest on which enough builders agree and that no other contradicts.
    fn agreed<'a>(&self, row: &'a [Option<String>]) -> Option<&'a str> {
        let mut made = row.iter().flatten();
        let digest = made.next()?;
        let others: Vec<&String> = made.collect();
        let enough = 1 + others.len() >= self.needed;
        (enough && others.iter().all(|other| *other == digest)).then_some(digest)
    }
}

/// One line for each artifact: its digest where all agree; else, who has which.
impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, row) in &self.rows {
            if let Some(digest) = self.agreed(row) {
                write!(out, "same       {digest}  {name}")?;
                let made = row.iter().flatten().count();
                if made < row.len() {
                    write!(out, "  ({made} of {})", row.len())?;
                }
                writeln!(out)?;
            } else {
                writeln!(out, "DIFFERENT  {name}")?;
                for (builder, digest) in self.builders.iter().zip(row) {
                    let digest = digest.as_deref().unwrap_or("missing");
                    writeln!(out, "           {digest:64}  {}", builder.display())?;
                }
            }
        }
        let rows = self.rows.values();
        let different = rows.filter(|row| self.agreed(row).is_none()).count();
        write!(
            out,
            "{} artifacts, {} builders, {different} different",
            self.rows.len(),
            self.builders.len()
        )
    }
}

fn sums(path: &Path) -> Result<Sums, ChecksumsError> {
    let sums = if path.is_dir() {
        let files = checksums::artifacts(path)?;
        checksums::digests(&files)?
            .into_iter()
            .map(|(name, digest)| (name, digest.hex()))
            .collect()
    } else {
        checksums::read(path)?
    };
    if sums.is_empty() {
        return Err(ChecksumsError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_or_a_file_that_one_builder_has_alone_is_a_difference() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let write = |builder: &str, name: &str, text: &str| {
            std::fs::create_dir_all(path(builder)).unwrap();
            std::fs::write(path(builder).join(name), text).unwrap();
        };
        for builder in ["bazel", "cargo"] {
            write(builder, "a.whl", "a");
            write(builder, "b.tar.gz", "b");
            write(builder, "SHA256SUMS", builder); // no artifact
        }
        let table = |builders: &[&str]| {
            let paths: Vec<_> = builders.iter().map(|builder| path(builder)).collect();
            Table::read(&paths, None)
        };
        let same = table(&["bazel", "cargo", "bazel"]).unwrap();
        assert!(same.agrees());
        assert!(
            same.to_string()
                .ends_with("b.tar.gz\n2 artifacts, 3 builders, 0 different"),
            "{same}"
        );

        // A list in the place of the files.
        let digests = checksums::digests(&checksums::artifacts(&path("cargo")).unwrap()).unwrap();
        std::fs::write(path("listed"), checksums::write(&digests)).unwrap();
        assert!(table(&["bazel", "listed"]).unwrap().agrees());

        write("cargo", "a.whl", "other");
        write("cargo", "c.whl", "more");
        let different = table(&["bazel", "cargo"]).unwrap();
        assert!(!different.agrees());
        let text = different.to_string();
        assert!(
            text.contains("DIFFERENT  a.whl\n") && text.contains("missing"),
            "{text}"
        );
        assert!(
            text.ends_with("3 artifacts, 2 builders, 2 different"),
            "{text}"
        );

        // Two of three are enough, but no number outweighs another digest.
        let two_of = |builders: &[&str]| {
            let paths: Vec<_> = builders.iter().map(|builder| path(builder)).collect();
            Table::read(&paths, Some(2)).unwrap()
        };
        let two = two_of(&["bazel", "missing", "bazel"]);
        assert!(two.agrees());
        assert!(two.to_string().contains("  b.tar.gz  (2 of 3)\n"), "{two}");
        assert!(!two_of(&["bazel", "missing"]).agrees());
        assert!(!two_of(&["bazel", "bazel", "cargo"]).agrees());
    }

    #[test]
    fn what_names_no_artifact_is_no_builder() {
        let root = tempfile::tempdir().unwrap();
        for path in [root.path().to_owned(), root.path().join("missing")] {
            for at_least in [None, Some(2)] {
                assert!(Table::read(std::slice::from_ref(&path), at_least).is_err());
            }
        }
    }
}
