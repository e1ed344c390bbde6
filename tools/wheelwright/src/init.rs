//! What a project needs to be built and released by wheelwright: `wheelwright.toml`, and a
//! workflow in which one machine builds everything.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::project::workspace::{self, FILE};
use crate::toolchain::platform;

/// The workflow, with a place for the version.
const WORKFLOW: &str = include_str!("../data/release.yml");

/// Where the workflow goes.
const WORKFLOW_FILE: &str = ".github/workflows/release.yml";

/// The lock of a build's crates.
const LOCK: &str = "Cargo.lock";

/// A file that a project needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it goes, from the project's folder.
    pub path: &'static str,
    /// What belongs in it.
    pub text: String,
    /// How it stands.
    pub state: State,
}

/// How a file that a project needs stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not there.
    Missing,
    /// It is there, as it would be written.
    Same,
    /// Another one is there.
    Other,
}

/// A project that cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The folder holds no project.
    #[error(
        "{} holds no pyproject.toml and no setup.py; run this in the folder of a package",
        folder.display()
    )]
    NoProject {
        /// The folder.
        folder: PathBuf,
    },
    /// The project is a package of a repository that has its settings.
    #[error(
        "{} already says what is built here; add the package to its list `packages`", path.display()
    )]
    Within {
        /// The repository's `wheelwright.toml`.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What the project in `folder` needs, and how each file stands.
///
/// # Errors
/// There is no project, or a file cannot be read.
pub fn wanted(folder: &Path) -> Result<Vec<Wanted>, InitError> {
    if !workspace::is_package(folder) {
        return Err(InitError::NoProject {
            folder: folder.to_owned(),
        });
    }
    let above = folder.ancestors().skip(1).map(|above| above.join(FILE));
    if let Some(path) = above.into_iter().find(|path| path.is_file()) {
        return Err(InitError::Within { path });
    }
    let mut files = Vec::new();
    // With that file, a package that its own backend builds would have to say everything
    // itself. It has no platforms to choose, either.
    if !workspace::is_of_a_backend(folder) {
        files.push((FILE, settings()));
    }
    files.push((WORKFLOW_FILE, workflow()));
    let file = |(path, text): (&'static str, String)| {
        let state = state(&folder.join(path), &text)?;
        Ok(Wanted { path, text, state })
    };
    files.into_iter().map(file).collect()
}

/// Writes the files that are missing. Those that are there stay as they are.
///
/// # Errors
/// One cannot be written.
pub fn write(folder: &Path, files: &[Wanted]) -> Result<(), InitError> {
    for file in files.iter().filter(|file| file.state == State::Missing) {
        let path = folder.join(file.path);
        create(&path, &file.text).map_err(|source| InitError::File { path, source })?;
    }
    Ok(())
}

/// What whoever prepared the project in `folder` still has to do by hand.
pub fn still_to_do(folder: &Path) -> Vec<&'static str> {
    let mut steps = Vec::new();
    if !workspace::is_of_a_backend(folder) && !folder.join(LOCK).is_file() {
        steps.push(
            "run `cargo generate-lockfile` and commit Cargo.lock: a build takes what it lists",
        );
    }
    steps.push(
        "run `wheelwright build --host` for this machine's wheels, `wheelwright build` for all",
    );
    steps.push("set up trusted publishing, as the workflow's first lines say, then push a tag v*");
    steps
}

fn settings() -> String {
    let mut text = String::from(
        "# What `wheelwright build` makes. `wheelwright platforms` lists what else there is.\n\
         packages = [\".\"] # folders of pyproject.toml files, in publish order\n\
         platforms = [\n",
    );
    for name in platform::usual() {
        let _ = writeln!(text, "    {name:?},");
    }
    text.push_str(
        "]\n\n[audit]\nprofile = \"index\" # what an index refuses or breaks users; \
         \"ours\" is stricter\n",
    );
    text
}

fn workflow() -> String {
    WORKFLOW.replace("VERSION", env!("CARGO_PKG_VERSION"))
}

fn state(path: &Path, text: &str) -> Result<State, InitError> {
    match std::fs::read(path) {
        Ok(bytes) if bytes == text.as_bytes() => Ok(State::Same),
        Ok(_) => Ok(State::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::Missing),
        Err(source) => Err(InitError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a file that must not be there yet, whoever else writes at this moment.
fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::File::create_new(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}
