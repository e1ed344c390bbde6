//! Two copies of a repository, built under conditions that differ in everything that
//! must not change the result.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::project::workspace;
use crate::toolchain::rust;
use crate::work_tree::{self, GIT};

/// One set of conditions.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// Where the copy is.
    pub folder: PathBuf,
    /// Environment variables that differ from ours.
    pub environment: Vec<(&'static str, OsString)>,
    /// The mask for new files' modes, where a system has one.
    pub umask: &'static str,
    /// Are files made in reverse order, and readable by their owner alone?
    reverse: bool,
}

impl Conditions {
    /// As one usually works.
    pub fn usual(base: &Path) -> Self {
        Self {
            folder: base.join("a"),
            environment: vec![("TZ", "UTC".into()), ("LC_ALL", "C".into())],
            umask: "022",
            reverse: false,
        }
    }

    /// As nobody does: a longer path with a space and an accent, another home
    /// and another one for cargo, a private umask, an odd time zone and
    /// locale, another idea of the time, one core, and files that were made in
    /// another order.
    ///
    /// # Errors
    /// The homes cannot be made.
    pub fn unusual(base: &Path) -> io::Result<Self> {
        let home = base.join("home of b");
        let cargo_home = home.join("cargo");
        copy_crates(&rust::cargo_home(), &cargo_home)?;
        let mut environment: Vec<(&'static str, OsString)> = vec![
            ("HOME", home.clone().into()),
            ("USERPROFILE", home.into()),
            ("CARGO_HOME", cargo_home.into()),
            ("USER", "somebody".into()),
            ("LOGNAME", "somebody".into()),
            ("TZ", "Pacific/Chatham".into()),
            ("LC_ALL", "tr_TR.UTF-8".into()),
            ("LANG", "tr_TR.UTF-8".into()),
            ("SOURCE_DATE_EPOCH", "1234567890".into()),
            ("PYTHONHASHSEED", "42".into()),
            ("CARGO_BUILD_JOBS", "1".into()),
        ];
        if let Some(old) = std::env::home_dir() {
            // What is found through the home folder and is not what we test.
            if std::env::var_os("RUSTUP_HOME").is_none() {
                environment.push(("RUSTUP_HOME", old.join(".rustup").into()));
            }
            if std::env::var_os("PIP_CACHE_DIR").is_none() && old.join(".cache/pip").is_dir() {
                environment.push(("PIP_CACHE_DIR", old.join(".cache/pip").into()));
            }
        }
        Ok(Self {
            folder: base.join("b, in a much longer folder with an \u{e9}"),
            environment,
            umask: "077",
            reverse: true,
        })
    }

    /// Copies the repository in `root`, its history only if a backend may ask for it.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy(&self, root: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        let history = workspace::is_of_a_backend(root);
        let walk = WalkDir::new(root)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| {
                let is_history = entry.depth() > 0 && entry.file_name() == GIT;
                !work_tree::is_left_out(entry) && (history || !is_history)
            });
        for entry in walk {
            let entry = entry?;
            // What a link leads to is what a build reads.
            if entry.path().is_file() {
                files.push(entry.into_path());
            }
        }
        if self.reverse {
            files.reverse();
        }
        for file in files {
            let relative = file.strip_prefix(root).unwrap_or(&file);
            let copy = self.folder.join(relative);
            if let Some(folder) = copy.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&copy, std::fs::read(&file)?)?;
            #[cfg(unix)]
            if self.reverse {
                use std::os::unix::fs::PermissionsExt as _;
                std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600))?;
            }
        }
        Ok(())
    }
}

/// Copies the crates that cargo fetched, so that another home needs no network.
fn copy_crates(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    let files = ["config.toml", "config", "registry/cache", "registry/index"];
    for file in files
        .iter()
        .flat_map(|name| WalkDir::new(from.join(name)))
        .flatten()
    {
        if file.file_type().is_file() {
            let copy = to.join(file.path().strip_prefix(from).unwrap_or(file.path()));
            if let Some(folder) = copy.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::copy(file.path(), copy)?;
        }
    }
    Ok(())
}
