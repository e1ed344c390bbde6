//! Stamps: a step whose inputs have not changed since it passed need not run.
//!
//! A stamp is the hash of everything the step reads: the files of the
//! repository under its input paths, this program's own source, the compiler,
//! the interpreter, the environment variables that matter, and the artifacts in
//! `dist/` where it uses them.

use std::fs;
use std::path::{Path, PathBuf};

use blake3::Hasher;

use crate::context::{Context, environment, files_in};
use crate::error::{Error, Result};
use crate::steps::{Inputs, Step};

/// What is always an input: the checks themselves and how they are built.
const OWN: &[&str] = &[
    "tools/checks/",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo/",
];

/// The state of one step's inputs.
pub struct Stamp {
    path: PathBuf,
    key: String,
}

impl Stamp {
    /// Hashes the inputs of a step; `None` for a step that always runs.
    pub fn of(context: &Context, step: &Step) -> Result<Option<Self>> {
        let (paths, dist) = match step.inputs {
            Inputs::Always => return Ok(None),
            Inputs::Files(paths) => (paths, false),
            Inputs::FilesAndDist(paths) => (paths, true),
        };
        let mut hasher = Hasher::new();
        feed(&mut hasher, step.name.as_bytes());
        feed(&mut hasher, context.rustc().as_bytes());
        if let Ok(python) = context.python() {
            feed(&mut hasher, format!("{python:?}").as_bytes());
        }
        feed(&mut hasher, format!("{:?}", environment()).as_bytes());
        for file in context.files()? {
            if covers(paths, &file) || covers(OWN, &file) {
                feed(&mut hasher, file.as_bytes());
                feed_file(&mut hasher, &context.root.join(&file))?;
            }
        }
        feed(&mut hasher, (step.also)(context)?.as_bytes());
        if dist {
            feed(&mut hasher, dist_hash(context)?.as_bytes());
        }
        Ok(Some(Self {
            path: context.work.join("stamps").join(step.name),
            key: hasher.finalize().to_hex().to_string(),
        }))
    }

    /// The note of the run that passed with these very inputs, if there was one
    /// and the outputs it left are still there unchanged.
    pub fn note(&self, outputs: &str) -> Option<String> {
        let text = fs::read_to_string(&self.path).ok()?;
        let mut lines = text.lines();
        (lines.next()? == self.key && lines.next()? == outputs)
            .then(|| lines.collect::<Vec<_>>().join("\n"))
    }

    /// Remembers that the step passed.
    pub fn keep(&self, outputs: &str, note: &str) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(Error::io(folder))?;
        }
        let text = format!("{}\n{outputs}\n{note}\n", self.key);
        fs::write(&self.path, text).map_err(Error::io(&self.path))
    }

    /// Forgets an earlier pass, before the step runs again.
    pub fn forget(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns the hash of every artifact in `dist/`.
pub fn dist_hash(context: &Context) -> Result<String> {
    folder_hash(&context.dist())
}

/// Returns the hash of every file in a folder.
pub fn folder_hash(folder: &Path) -> Result<String> {
    let mut hasher = Hasher::new();
    for path in files_in(folder)? {
        feed(&mut hasher, path.to_string_lossy().as_bytes());
        if path.is_file() {
            feed_file(&mut hasher, &path)?;
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Returns the hash of some bytes, short enough for a file name.
pub fn short(parts: &[&[u8]]) -> String {
    let mut hasher = Hasher::new();
    for part in parts {
        feed(&mut hasher, part);
    }
    hasher.finalize().to_hex()[..12].to_owned()
}

/// Returns whether a file is one of the paths, or in one that is a folder.
pub fn covers(paths: &[&str], file: &str) -> bool {
    paths.iter().any(|path| {
        path.is_empty() || file == *path || (path.ends_with('/') && file.starts_with(path))
    })
}

fn feed(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn feed_file(hasher: &mut Hasher, path: &Path) -> Result<()> {
    let meta = path.symlink_metadata().map_err(Error::io(path))?;
    if meta.is_symlink() {
        let target = fs::read_link(path).map_err(Error::io(path))?;
        feed(hasher, target.to_string_lossy().as_bytes());
        return Ok(());
    }
    if meta.is_dir() {
        return Ok(()); // a git submodule or an untracked repository: not ours
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        feed(hasher, &[u8::from(meta.permissions().mode() & 0o111 != 0)]);
    }
    feed(hasher, &fs::read(path).map_err(Error::io(path))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_files_folders_or_everything() {
        assert!(covers(&["docs/"], "docs/spec/cli.md"));
        assert!(covers(&["README.md"], "README.md"));
        assert!(covers(&[""], "anything"));
        assert!(!covers(&["docs/"], "docs.md"));
        assert!(!covers(&["README.md"], "README.md.orig"));
        assert!(
            !covers(&["python"], "python/x.py"),
            "a folder is written with its slash"
        );
    }

    #[test]
    fn the_parts_of_a_hash_do_not_run_together() {
        assert_ne!(short(&[b"ab", b"c"]), short(&[b"a", b"bc"]));
    }
}
