//! The statements that are at hand, and which of them count.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use walkdir::WalkDir;
use wheelwright_artifacts::rebuild::envelope::LONGEST;
use wheelwright_artifacts::rebuild::judge::{self, Claim};
use wheelwright_artifacts::rebuild::trust::Trust;

use super::VerifyError;
use crate::attest::SUFFIX;
use crate::index::address::Address;
use crate::index::retry::Retry;
use crate::index::{Index, Listed};

/// How deep below a folder statements are looked for.
const DEPTH: usize = 4;

/// The statements that are at hand.
#[derive(Debug, Default)]
pub struct Statements {
    /// What trusted rebuilders say.
    pub claims: Vec<Claim>,
    /// The statements that do not count.
    pub refused: Vec<NotCounted>,
}

/// A statement that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCounted {
    /// Where it is.
    pub statement: String,
    /// Why it does not count.
    pub reason: String,
}

impl Statements {
    /// Reads the statements at `places`: files, folders with files of the name
    /// `*.rebuild.json`, and addresses of files.
    ///
    /// # Errors
    /// A place cannot be read. What is wrong with a statement is in the result.
    pub fn read(
        places: &[String],
        trust: &Trust,
        now: Timestamp,
        retry: Retry,
    ) -> Result<Self, VerifyError> {
        let mut found = Self::default();
        for place in places {
            if place.starts_with("https://") || place.starts_with("http://") {
                found.add(place, &download(place, retry), trust, now);
                continue;
            }
            for path in files(Path::new(place))? {
                found.add(&path.display().to_string(), &file(&path), trust, now);
            }
        }
        Ok(found)
    }

    fn add(&mut self, name: &str, bytes: &Result<Vec<u8>, String>, trust: &Trust, now: Timestamp) {
        let mut refuse = |reason: String| {
            self.refused.push(NotCounted {
                statement: name.to_owned(),
                reason,
            });
        };
        match bytes {
            Err(problem) => refuse(problem.clone()),
            Ok(bytes) => {
                let (claims, refused) = judge::read(bytes, trust, now);
                refused.iter().for_each(|why| refuse(why.to_string()));
                self.claims.extend(claims);
            }
        }
    }
}

/// Returns the statements at a path: itself, or those in the folder, sorted.
fn files(place: &Path) -> Result<Vec<PathBuf>, VerifyError> {
    let unreadable = |source| VerifyError::File {
        path: place.to_owned(),
        source,
    };
    if !std::fs::metadata(place).map_err(unreadable)?.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let walk = WalkDir::new(place).max_depth(DEPTH).sort_by_file_name();
    let mut files = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| unreadable(error.into()))?;
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_file() && name.ends_with(SUFFIX) {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// Reads a file, up to a byte more than a statement may have.
fn file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LONGEST as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(bytes)
}

fn download(place: &str, retry: Retry) -> Result<Vec<u8>, String> {
    let address = Address::parse(place).map_err(|error| error.to_string())?;
    let file = Listed {
        file: String::new(),
        url: address.url().clone(),
        sha256: None,
        yanked: false,
        uploaded: None,
        provenance: None,
    };
    let found = Index::new(address, retry).download_up_to(&file, LONGEST as u64);
    let found = found.map_err(|error| error.to_string())?;
    found.ok_or_else(|| format!("it has more than {LONGEST} bytes"))
}
