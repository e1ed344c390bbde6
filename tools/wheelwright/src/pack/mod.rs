//! The packer: deterministic wheels and sdists.
//!
//! The bytes of an artifact follow from its files' names and contents alone.

mod cargo_config;
mod crate_readme;
pub mod crates;
pub mod layout;
pub mod normal;
mod other_workspaces;
mod placed;
mod resolve;
pub mod sdist;
pub mod tar;
pub mod wheel;
pub mod zip;

use std::io;
use std::path::{Path, PathBuf};

use crate::project::ProjectError;

/// A finished wheel or sdist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its file name.
    pub file_name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// Writes the artifact into `folder`, all or nothing; a file that is there
    /// already with the same content is left alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, PackError> {
        let path = folder.join(&self.file_name);
        let write = |source| PackError::Write {
            path: path.clone(),
            source,
        };
        if std::fs::read(&path).is_ok_and(|bytes| bytes == self.bytes) {
            return Ok(path);
        }
        std::fs::create_dir_all(folder).map_err(write)?;
        let mut file = tempfile::Builder::new()
            .prefix(".wheelwright-")
            .permissions_of_a_download()
            .tempfile_in(folder)
            .map_err(write)?;
        io::Write::write_all(&mut file, &self.bytes).map_err(write)?;
        file.persist(&path).map_err(|error| write(error.error))?;
        Ok(path)
    }
}

/// A temporary file is private by default; an artifact is for everyone.
trait DownloadPermissions {
    fn permissions_of_a_download(&mut self) -> &mut Self;
}

impl DownloadPermissions for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_of_a_download(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt as _;
        self.permissions(std::fs::Permissions::from_mode(0o644))
    }

    #[cfg(not(unix))]
    fn permissions_of_a_download(&mut self) -> &mut Self {
        self
    }
}

/// Is this the file name of a wheel?
pub fn is_wheel(file_name: &str) -> bool {
    Path::new(file_name)
        .extension()
        .is_some_and(|extension| extension == "whl")
}

/// Is this the file name of a wheel or an sdist?
pub fn is_artifact(file_name: &str) -> bool {
    is_wheel(file_name) || file_name.ends_with(".tar.gz")
}

/// An artifact that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The project cannot be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two files have one path in the artifact.
    #[error("two files are called {path} in {artifact}")]
    Duplicate {
        /// The path.
        path: String,
        /// The artifact.
        artifact: String,
    },
    /// Two files have paths that only some systems tell apart.
    #[error("{path} and {other} are one file on Windows and macOS; rename one")]
    Case {
        /// The path.
        path: String,
        /// The other one.
        other: String,
    },
    /// A file has a name that not every system can store.
    #[error("{path:?} cannot be packed: {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A text is not a platform tag.
    #[error("{tag:?} is not a platform tag: small letters, digits and _, with dots between")]
    Tag {
        /// The tag.
        tag: String,
    },
    /// A file or an artifact is larger than its format can hold.
    #[error("{artifact} is too large for its format")]
    TooLarge {
        /// The artifact.
        artifact: String,
    },
    /// An artifact that another backend made cannot be taken.
    #[error("cannot take {artifact}: {problem}")]
    Foreign {
        /// The artifact.
        artifact: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A native package was given no extension, or a pure one was given one.
    #[error("{project} {problem}")]
    Extension {
        /// The package.
        project: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Cargo could not say what an extension is made of.
    #[error("cannot collect the crates of {project}: {problem}")]
    Crates {
        /// The package.
        project: String,
        /// What is wrong.
        problem: String,
    },
}
