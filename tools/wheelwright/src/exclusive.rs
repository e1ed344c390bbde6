//! Locks that keep others, threads and programs, out of a folder.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Locks the file at `path`, which is made with its folder if need be, until the
/// returned one is dropped. `waiting` is called if somebody else has it.
pub(crate) fn lock(path: &Path, waiting: impl FnOnce()) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::create(path)?;
    if file.try_lock().is_err() {
        waiting();
        file.lock()?;
    }
    Ok(file)
}
