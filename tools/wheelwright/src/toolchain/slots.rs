//! Slots for rustc: as many compilers run at the same time as the machine has cores.
//!
//! Several cargos work at once, and none knows of the others. Three compilers on two cores
//! slow each other down: their caches are too small for all. So each waits for a slot, which
//! is a lock on a file, in the order in which they came; the system gives a lock back when
//! its process ends, however it ends.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Names the folder of the slots to `wheelwright-rustc`.
const SLOTS: &str = "WHEELWRIGHT_SLOTS";

/// How long one waits until it looks again for a free slot.
const PAUSE: Duration = Duration::from_millis(20);

/// Lets the compilers that `command`, a cargo, starts wait for slots in `folder`.
///
/// # Errors
/// The folder cannot be made.
pub fn give(command: &mut Command, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    command.env(SLOTS, folder);
    Ok(())
}

/// The right to compile, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _lock: File,
}

impl Slot {
    /// Waits for a slot; `None` if there are none to wait for, or files cannot be locked here.
    pub(super) fn wait() -> Option<Self> {
        let folder = std::env::var_os(SLOTS)?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::wait_in(Path::new(&folder), cores).ok()
    }

    fn wait_in(folder: &Path, slots: usize) -> io::Result<Self> {
        let queue = open(folder, OsStr::new("queue"))?;
        queue.lock()?;
        loop {
            for number in 0..slots.max(1) {
                let slot = open(folder, OsStr::new(&number.to_string()))?;
                match slot.try_lock() {
                    Ok(()) => return Ok(Self { _lock: slot }),
                    Err(std::fs::TryLockError::WouldBlock) => {}
                    Err(std::fs::TryLockError::Error(error)) => return Err(error),
                }
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Keeps what `command`, a compiler, starts itself from waiting for a slot while it has one.
pub(super) fn has_one(command: &mut Command) {
    command.env_remove(SLOTS);
}

fn open(folder: &Path, name: &OsStr) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(name))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_that_at_a_time_and_all_get_one() {
        let folder = tempfile::tempdir().unwrap();
        let (now, most, all) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let slot = Slot::wait_in(folder.path(), 2).unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                    all.fetch_add(1, Ordering::SeqCst);
                    drop(slot);
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(all.into_inner(), 12);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Slot::wait_in(&folder.path().join("none"), 2).is_err());
    }
}
