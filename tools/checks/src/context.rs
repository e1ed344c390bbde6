//! What every step needs to know: folders, programs, files.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::facts;

/// What every step needs to know.
pub struct Context {
    /// The repository.
    pub root: PathBuf,
    /// Everything that this program keeps: `target/checks`.
    pub work: PathBuf,
    /// Whether stamps of earlier runs count.
    pub use_cache: bool,
    /// Whether a step that can writes what differs.
    pub write: bool,
    /// What was asked of the step `fuzz`.
    pub fuzzing: Fuzzing,
    python: OnceLock<Python>,
    rustc: OnceLock<String>,
}

/// What was asked of the step `fuzz`.
#[derive(Debug, Default)]
pub struct Fuzzing {
    /// Minutes for each target; a few seconds when there are none.
    pub minutes: Option<u32>,
    /// Where the corpora are kept.
    pub corpora: Option<PathBuf>,
}

/// One Python interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The program.
    pub path: PathBuf,
    /// `3.11.7`.
    pub version: String,
    /// Is it the build without a global interpreter lock?
    pub free_threaded: bool,
}

impl Python {
    /// Returns its minor version: 11 for `3.11.7`.
    pub fn minor(&self) -> u32 {
        let minor = self.version.split('.').nth(1);
        minor.and_then(|part| part.parse().ok()).unwrap_or_default()
    }
}

impl Context {
    /// Finds the repository around the current directory.
    pub fn new(use_cache: bool, write: bool, fuzzing: Fuzzing) -> Result<Self> {
        let here = env::current_dir().map_err(Error::io(Path::new(".")))?;
        let root = here
            .ancestors()
            .find(|folder| folder.join("rust-toolchain.toml").is_file())
            .ok_or_else(|| Error::Missing {
                what: format!("{} is not inside the repository", here.display()),
            })?
            .to_path_buf();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self {
            work: root.join(target).join("checks"),
            root,
            use_cache,
            write,
            fuzzing,
            python: OnceLock::new(),
            rustc: OnceLock::new(),
        })
    }

    /// Waits until no other run works in the same folders; the lock ends with
    /// the file.
    pub fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.work).map_err(Error::io(&self.work))?;
        let path = self.work.join("lock");
        let file = File::create(&path).map_err(Error::io(&path))?;
        if file.try_lock().is_err() {
            eprintln!("waiting for another cargo checks in this clone");
            file.lock().map_err(Error::io(&path))?;
        }
        Ok(file)
    }

    /// Cargo's target folder.
    pub fn target(&self) -> &Path {
        self.work.parent().unwrap_or(&self.work)
    }

    /// A program of the debug build.
    pub fn debug(&self, name: &str) -> PathBuf {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.target().join("debug").join(file)
    }

    /// The folder of finished artifacts.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// A command that runs in the repository, without what the cargo that
    /// started this program said to it alone.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }

    /// Cargo, the one that started this program.
    pub fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// What `rustc -vV` says.
    pub fn rustc(&self) -> &str {
        self.rustc.get_or_init(|| {
            let rustc = self.command("rustc").arg("-vV").output();
            rustc.map_or_else(
                |error| error.to_string(),
                |output| String::from_utf8_lossy(&output.stdout).into_owned(),
            )
        })
    }

    /// The Python that makes the virtual environments: `$PYTHON`, or the first
    /// on the search path that is new enough and has a global interpreter lock.
    pub fn python(&self) -> Result<&Python> {
        if let Some(python) = self.python.get() {
            return Ok(python);
        }
        let asked = env::var("PYTHON").ok();
        let names = match &asked {
            Some(name) => vec![name.as_str()],
            None => vec!["python3", "python", "py"],
        };
        let oldest = self.oldest_python()?;
        let mut found = names.iter().filter_map(|name| self.probe(Path::new(name)));
        let python = found
            .find(|python| python.minor() >= oldest && (asked.is_some() || !python.free_threaded));
        let python = python.ok_or_else(|| Error::Missing {
            what: format!(
                "no CPython 3.{oldest} or newer (tried {}); install one, or set PYTHON to it",
                names.join(", ")
            ),
        })?;
        Ok(self.python.get_or_init(|| python))
    }

    /// Returns the minor version of the oldest CPython that is supported.
    pub fn oldest_python(&self) -> Result<u32> {
        let pythons = facts::pythons(self)?;
        let oldest = pythons.first().and_then(|python| python.strip_prefix("3."));
        oldest
            .and_then(|minor| minor.parse().ok())
            .ok_or_else(|| Error::Malformed {
                path: facts::FILE.into(),
                problem: "`facts.pythons` begins with no version such as \"3.9\"".to_owned(),
            })
    }

    /// Asks a program whether it is a CPython that our wheels support: a free-threaded one
    /// cannot load the stable ABI, and needs wheels of its own.
    pub fn probe(&self, program: &Path) -> Option<Python> {
        let ask = "import sys, sysconfig; \
                   free = sysconfig.get_config_var('Py_GIL_DISABLED'); \
                   name = 'free-threaded' if free else sys.implementation.name; \
                   print(name, '%d.%d.%d' % sys.version_info[:3], \
                   sys.version_info.releaselevel, sys.executable)";
        let output = self
            .command(program)
            .args(["-I", "-c", ask])
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut words = text.trim_end().splitn(4, ' ');
        let (name, version, level, path) =
            (words.next()?, words.next()?, words.next()?, words.next()?);
        let python = Python {
            path: PathBuf::from(path),
            version: version.to_owned(),
            free_threaded: name == "free-threaded",
        };
        let supported = match name {
            "free-threaded" => facts::are_for_free_threaded(self, python.minor()).ok()?,
            name => name == "cpython",
        };
        (supported && level == "final" && version.starts_with("3.")).then_some(python)
    }

    /// Every file of the repository that git tracks or would add, by its path
    /// with `/` between the parts. Asked anew each time: steps may be slow.
    pub fn files(&self) -> Result<Vec<String>> {
        let mut git = self.command("git");
        git.args([
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let line = crate::log::line(&git);
        let output = git.output().map_err(|source| Error::Start {
            line: line.clone(),
            source,
        })?;
        if !output.status.success() {
            return Err(Error::Status {
                line,
                status: format!(
                    "{}: {}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr)
                ),
            });
        }
        let mut files: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|path| !path.is_empty() && self.root.join(path).symlink_metadata().is_ok())
            .map(str::to_owned)
            .collect();
        files.sort_unstable();
        files.dedup();
        Ok(files)
    }

    /// Reads a text file of the repository.
    pub fn read(&self, path: &str) -> Result<String> {
        let path = self.root.join(path);
        fs::read_to_string(&path).map_err(Error::io(&path))
    }

    /// Returns the files in `dist/` whose names end so, sorted.
    pub fn artifacts(&self, ending: &str) -> Result<Vec<PathBuf>> {
        let mut found = files_in(&self.dist())?;
        found.retain(|path| path.to_string_lossy().ends_with(ending));
        Ok(found)
    }

    /// Returns an empty folder below the work folder.
    pub fn emptied(&self, name: &str) -> Result<PathBuf> {
        let folder = self.work.join(name);
        if folder.is_dir() {
            fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
        }
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        Ok(folder)
    }
}

/// Returns what is in a folder, sorted; nothing if there is no such folder.
pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    let paths = entries.map(|entry| Ok(entry.map_err(Error::io(folder))?.path()));
    let mut found: Vec<PathBuf> = paths.collect::<Result<_>>()?;
    found.sort();
    Ok(found)
}

/// Returns the environment variables that can change what a step does.
pub fn environment() -> BTreeMap<String, String> {
    let matters = |name: &str| {
        [
            "RUSTFLAGS",
            "RUSTDOCFLAGS",
            "CC",
            "CFLAGS",
            "AR",
            "PYTHON",
            "LANG",
            "TZ",
        ]
        .contains(&name)
            || [
                "CARGO_BUILD_",
                "CARGO_PROFILE_",
                "CARGO_TARGET_",
                "PYO3_",
                "PYTHON",
                "LC_",
            ]
            .iter()
            .any(|start| name.starts_with(start))
    };
    env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .filter(|(name, _)| matters(name))
        .collect()
}
