//! Rebuild statements about artifacts that were just built here (`docs/spec/rebuild.md`).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use wheelwright_artifacts::checksums::{self, ChecksumsError};
use wheelwright_artifacts::digest::Digest;
use wheelwright_artifacts::rebuild::envelope::Envelope;
use wheelwright_artifacts::rebuild::key::{KeyError, PrivateKey};
use wheelwright_artifacts::rebuild::statement::{Commit, Predicate, Source, Statement, Tool};

use crate::git::git;
use crate::toolchain::process::run;
use crate::toolchain::python::Python;
use crate::toolchain::rust::Rust;
use crate::toolchain::tools::{self, Tools};
use crate::toolchain::{ToolError, platform};

/// What the name of a statement's file ends with.
pub const SUFFIX: &str = ".rebuild.json";

/// Files of a repository that pin what a build takes from elsewhere.
const PINS: &[&str] = &[
    "Cargo.lock",
    "MODULE.bazel",
    "MODULE.bazel.lock",
    "flake.lock",
    "rust-toolchain.toml",
    "wheelwright.toml",
];

/// The build system that made the artifacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Builder {
    /// `wheelwright build`
    Cargo,
    /// Bazel's rules
    Bazel,
    /// Nix's derivations
    Nix,
}

impl Builder {
    /// Returns its name, as a statement has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Bazel => "bazel",
            Self::Nix => "nix",
        }
    }
}

/// A statement that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The key cannot be used.
    #[error("cannot use the key {}", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// Why not.
        source: KeyError,
    },
    /// An artifact cannot be read.
    #[error(transparent)]
    Checksums(#[from] ChecksumsError),
    /// There is no artifact.
    #[error("there is no artifact (.whl, .tar.gz) to attest; build first, or name its folder")]
    Nothing,
    /// A tool is missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The statement would name a commit that the files were not built from.
    #[error(
        "{} has changes that are not committed, so no commit says what was built:\n{changes}",
        root.display()
    )]
    Changed {
        /// The repository.
        root: PathBuf,
        /// What `git status` says.
        changes: String,
    },
}

/// Reads a private key from its file.
///
/// # Errors
/// The file cannot be read, or holds no key that can be used.
pub fn key(path: &Path) -> Result<PrivateKey, AttestError> {
    let text = std::fs::read_to_string(path).map_err(|source| AttestError::File {
        path: path.to_owned(),
        source,
    })?;
    PrivateKey::parse(&text).map_err(|source| AttestError::Key {
        path: path.to_owned(),
        source,
    })
}

/// Reads a private key from the environment variable `name`; `None` if it is not set, or
/// empty, as a secret is that nobody gave to a job.
///
/// # Errors
/// The variable holds no key that can be used.
pub fn key_in(name: &str) -> Result<Option<PrivateKey>, AttestError> {
    let Some(text) = std::env::var_os(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // A secret store may have cut the line end off, which the format needs.
    let text = format!("{}\n", text.to_string_lossy().trim_end());
    let key = PrivateKey::parse(&text).map_err(|source| AttestError::Key {
        path: PathBuf::from(format!("${name}")),
        source,
    });
    key.map(Some)
}

/// Makes the statement that `files`, which are wheels, sdists or folders of them, were
/// built by `builder` from the repository in `root`.
///
/// # Errors
/// There is no artifact, a file cannot be read, or the repository is not as committed.
pub fn statement(
    root: &Path,
    builder: Builder,
    files: &[PathBuf],
) -> Result<Statement, AttestError> {
    let mut artifacts = Vec::new();
    for path in files {
        if path.is_dir() {
            artifacts.extend(checksums::artifacts(path)?);
        } else {
            artifacts.push(path.clone());
        }
    }
    if artifacts.is_empty() {
        return Err(AttestError::Nothing);
    }
    let digests = checksums::digests(&artifacts)?;
    unchanged(root)?;
    Ok(Statement {
        files: digests
            .into_iter()
            .map(|(name, digest)| (name, digest.hex()))
            .collect(),
        predicate: Predicate {
            builder: builder.name().to_owned(),
            conditions: conditions(),
            pins: pins(root)?,
            platform: machine(),
            source: source(root)?,
            time: now(),
            tools: tools(root, builder),
        },
    })
}

/// Returns the digests of the files of a repository that pin what comes from elsewhere.
///
/// # Errors
/// One cannot be read.
pub(crate) fn pins(root: &Path) -> Result<BTreeMap<String, String>, AttestError> {
    let mut pins = BTreeMap::new();
    for name in PINS {
        let path = root.join(name);
        if path.is_file() {
            pins.insert((*name).to_owned(), digest(&path)?);
        }
    }
    Ok(pins)
}

/// Checks that nothing that git tracks in `root` differs from what is committed.
///
/// # Errors
/// Something does, or git cannot say it.
pub(crate) fn unchanged(root: &Path) -> Result<(), AttestError> {
    let changes = git(root, &["status", "--porcelain", "--untracked-files=no"])?;
    if changes.is_empty() {
        return Ok(());
    }
    Err(AttestError::Changed {
        root: root.to_owned(),
        changes,
    })
}

/// Returns what is committed in the repository in `root`.
///
/// # Errors
/// git cannot say it.
pub(crate) fn source(root: &Path) -> Result<Source, ToolError> {
    Ok(Source::Commit(Commit {
        commit: git(root, &["rev-parse", "HEAD"])?,
        tree: git(root, &["rev-parse", "HEAD^{tree}"])?,
    }))
}

/// Signs a statement. Writes the envelope to `out`, and beside it a signature that
/// `ssh-keygen -Y verify` checks; returns the path of that.
///
/// # Errors
/// A file cannot be written.
pub fn write(statement: &Statement, key: &PrivateKey, out: &Path) -> Result<PathBuf, AttestError> {
    let envelope = Envelope::seal(statement.to_bytes(), key).to_bytes();
    let mut signature = out.as_os_str().to_owned();
    signature.push(".sig");
    let signature = PathBuf::from(signature);
    let text = key.sign_ssh(&envelope).map_err(|source| AttestError::Key {
        path: out.to_owned(),
        source,
    })?;
    for (path, bytes) in [(out, &envelope[..]), (&signature, text.as_bytes())] {
        std::fs::write(path, bytes).map_err(|source| AttestError::File {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(signature)
}

/// Returns the file name of a statement that was made here.
pub fn file_name(builder: Builder) -> String {
    format!("{}-{}{SUFFIX}", builder.name(), machine())
}

/// Returns the time in whole seconds.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn digest(path: &Path) -> Result<String, AttestError> {
    let digest = Digest::of_file(path).map_err(|source| AttestError::File {
        path: path.to_owned(),
        source,
    });
    Ok(digest?.hex())
}

/// Returns the name of this machine's platform.
pub(crate) fn machine() -> String {
    let unlisted = || format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    platform::host().map_or_else(|_| unlisted(), |host| host.name.clone())
}

/// Returns what of this machine a build must not depend on, so that a reader of two
/// statements that differ can see what else differs.
pub(crate) fn conditions() -> BTreeMap<String, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut conditions = BTreeMap::from([("cores".to_owned(), cores.to_string())]);
    for (name, variables) in [("locale", &["LC_ALL", "LANG"][..]), ("time zone", &["TZ"])] {
        let set = variables.iter().find_map(|name| std::env::var(name).ok());
        conditions.extend(set.map(|value| (name.to_owned(), value)));
    }
    conditions
}

/// Returns the programs that build with `builder`, as far as they are found: they are
/// for readers who look for the cause of a difference, and decide nothing.
pub(crate) fn tools(root: &Path, builder: Builder) -> BTreeMap<String, Tool> {
    let mut tools = BTreeMap::from([("wheelwright".to_owned(), own())]);
    let mut add = |name: &str, tool: Option<Tool>| {
        tools.extend(tool.map(|tool| (name.to_owned(), tool)));
    };
    match builder {
        Builder::Cargo => {
            add("rustc", rustc(root));
            add("zig", zig(root));
        }
        Builder::Bazel => add("bazel", version("bazelisk", root)),
        Builder::Nix => add("nix", version("nix", root)),
    }
    tools
}

/// Returns this program.
pub(crate) fn own() -> Tool {
    Tool {
        sha256: std::env::current_exe().ok().and_then(|own| hash(&own)),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn rustc(root: &Path) -> Option<Tool> {
    let rust = Rust::find(root).ok()?;
    let program = format!("rustc{}", std::env::consts::EXE_SUFFIX);
    Some(Tool {
        sha256: hash(&rust.sysroot.join("bin").join(program)),
        version: rust.version.lines().next().unwrap_or_default().to_owned(),
    })
}

fn zig(root: &Path) -> Option<Tool> {
    let work = root.join("target").join("wheelwright");
    let program = Tools::new(&work, &Python::find(None).ok()?).installed_zig()?;
    Some(Tool {
        sha256: hash(&program),
        version: tools::zig_version().to_owned(),
    })
}

/// Asks a program for its version.
fn version(program: &str, root: &Path) -> Option<Tool> {
    let mut command = Command::new(program);
    command.arg("--version").current_dir(root);
    let output = run(&mut command, "").ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    Some(Tool {
        sha256: None,
        version: said.lines().last().unwrap_or_default().trim().to_owned(),
    })
}

fn hash(path: &Path) -> Option<String> {
    Digest::of_file(path).ok().map(|digest| digest.hex())
}
