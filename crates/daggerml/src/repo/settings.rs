//! The settings of a repository: those in its own folder, and the user's.

use std::path::{Path, PathBuf};

use crate::config::{Config, FILE, MAX_FILE, Place};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::well_known::FOLDER;

/// The repository in this folder. Its settings may come from anybody, so they are read
/// by way of [`Folder`], which follows no links.
#[derive(Debug)]
struct InRepository(PathBuf);

impl Place for InRepository {
    fn path(&self) -> PathBuf {
        self.0.join(FOLDER).join(FILE)
    }

    fn read(&self) -> Result<Option<Vec<u8>>> {
        match Folder::open(&self.0.join(FOLDER))? {
            Some(folder) => folder.read(FILE, MAX_FILE),
            None => Ok(None),
        }
    }

    fn write(&self, content: &[u8]) -> Result<()> {
        match Folder::open(&self.0.join(FOLDER))? {
            Some(folder) => folder.replace(FILE, content),
            None => Err(Error::RepositoryNotFound {
                from: self.0.clone(),
            }
            .into()),
        }
    }
}

impl Config {
    /// Reads the settings that count in the repository in the folder `root`, or outside
    /// of any repository when it is `None`.
    pub fn of(root: Option<&Path>) -> Result<Self> {
        match root {
            Some(root) => Self::with_repository(Box::new(InRepository(root.to_owned()))),
            None => Self::of_user(),
        }
    }
}
