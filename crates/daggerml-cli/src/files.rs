//! Writing files whole: a reader never finds half of one.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::CommandError;

/// Writes the file `path` by `write`: under a name beside it first, which then
/// takes its place. When anything fails, what was there is still there.
pub fn replace<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    // A device or a pipe cannot be replaced, only written to.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let file = File::create(path).map_err(|error| CommandError::file("write", path, &error))?;
        return fill(&file, path, write);
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(name);
    let file = File::create(&part).map_err(|error| CommandError::file("write", path, &error))?;
    let done = fill(&file, path, write).and_then(|done| {
        file.sync_all()
            .and_then(|()| fs::rename(&part, path))
            .map_err(|error| CommandError::file("write", path, &error))?;
        Ok(done)
    });
    if done.is_err() {
        // Best effort: the failure itself is what to report.
        let _ = fs::remove_file(&part);
    }
    done
}

/// Writes the file `path` with this content.
pub fn write(path: &Path, content: &[u8]) -> Result<(), CommandError> {
    replace(path, |output| {
        let failed = |error: io::Error| CommandError::file("write", path, &error);
        output.write_all(content).map_err(failed)
    })
}

fn fill<T>(
    file: &File,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let mut output = BufWriter::new(file);
    let done = write(&mut output)?;
    output
        .flush()
        .map_err(|error| CommandError::file("write", path, &error))?;
    Ok(done)
}
