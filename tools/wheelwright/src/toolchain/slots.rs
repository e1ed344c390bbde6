//! Slots for rustc: as many compilers run at the same time as the machine has cores.
//!
//! Several cargos work at once, and none knows of the others. Three compilers on two cores
//! slow each other down (`docs/benchmarks.md` says by how much). So each waits for a slot, which
//! is a lock on a file; the system gives a lock back when its process ends, however it ends.
//!
//! Who waits stands in a queue of its rank, which is a lock as well, and gets a slot if
//! nobody stands in a better one. Libraries come before what is linked of them, which takes
//! longest and for which nothing waits; then those whose worker has more targets left. So
//! all workers end at about the same time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Names the folder of the slots to `wheelwright-rustc`.
const SLOTS: &str = "WHEELWRIGHT_SLOTS";
/// Says how many targets a worker has left.
const LEFT: &str = "WHEELWRIGHT_LEFT";
/// More targets than this make no difference.
const MOST_LEFT: usize = 8;

/// How long one waits until it looks again for a free slot.
const PAUSE: Duration = Duration::from_millis(20);

/// Lets the compilers that `command`, a cargo, starts wait for slots in `folder`. Its worker
/// has so many targets `left`.
///
/// # Errors
/// The folder cannot be made.
pub fn give(command: &mut Command, folder: &Path, left: usize) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    command.env(SLOTS, folder).env(LEFT, left.to_string());
    Ok(())
}

/// The right to compile, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _lock: File,
}

impl Slot {
    /// Waits for a slot, for a library or for what `is_linked` of them; `None` if there are
    /// none to wait for, or files cannot be locked here.
    pub(super) fn wait(is_linked: bool) -> Option<Self> {
        let folder = std::env::var_os(SLOTS)?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let left = std::env::var(LEFT).ok().and_then(|text| text.parse().ok());
        let rank = rank(is_linked, left.unwrap_or(0));
        Self::wait_in(Path::new(&folder), cores, rank).ok()
    }

    fn wait_in(folder: &Path, slots: usize, rank: usize) -> io::Result<Self> {
        let own = open(folder, &format!("queue-{rank}"))?;
        own.lock()?;
        loop {
            if let Some(_none_before) = all_free(folder, rank)?
                && let Some(lock) = one_free(folder, slots)?
            {
                return Ok(Self { _lock: lock });
            }
            thread::sleep(PAUSE);
        }
    }
}

/// The rank of who waits: a lower one is better.
fn rank(is_linked: bool, left: usize) -> usize {
    usize::from(is_linked) * (MOST_LEFT + 1) + MOST_LEFT.saturating_sub(left)
}

/// Locks the queues before that of `rank`, if nobody stands in them.
fn all_free(folder: &Path, rank: usize) -> io::Result<Option<Vec<File>>> {
    let mut locks = Vec::new();
    for before in 0..rank {
        match locked(folder, &format!("queue-{before}"))? {
            Some(lock) => locks.push(lock),
            None => return Ok(None),
        }
    }
    Ok(Some(locks))
}

fn one_free(folder: &Path, slots: usize) -> io::Result<Option<File>> {
    for number in 0..slots.max(1) {
        if let Some(lock) = locked(folder, &format!("slot-{number}"))? {
            return Ok(Some(lock));
        }
    }
    Ok(None)
}

/// Locks a file if nobody has.
fn locked(folder: &Path, name: &str) -> io::Result<Option<File>> {
    let file = open(folder, name)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Keeps what `command`, a compiler, starts itself from waiting for a slot while it has one.
pub(super) fn has_one(command: &mut Command) {
    command.env_remove(SLOTS).env_remove(LEFT);
}

fn open(folder: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(name))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_that_at_a_time_and_all_get_one() {
        let folder = tempfile::tempdir().unwrap();
        let count = || AtomicUsize::new(0);
        let (now, most, all) = (count(), count(), count());
        thread::scope(|scope| {
            for number in 0..12 {
                let (now, most, all, folder) = (&now, &most, &all, folder.path());
                scope.spawn(move || {
                    let slot = Slot::wait_in(folder, 2, number % 3).unwrap();
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
    fn whoever_has_more_left_goes_first_and_what_is_linked_last() {
        let ranks = [
            (false, 9),
            (false, 3),
            (false, 1),
            (true, 9),
            (true, 3),
            (true, 1),
        ]
        .map(|(is_linked, left)| rank(is_linked, left));
        assert!(ranks.is_sorted_by(|one, other| one < other), "{ranks:?}");

        let folder = tempfile::tempdir().unwrap();
        let first = Slot::wait_in(folder.path(), 1, 0).unwrap();
        let got = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for rank in [2, 1, 0] {
                let (got, folder) = (&got, folder.path());
                scope.spawn(move || {
                    let slot = Slot::wait_in(folder, 1, rank).unwrap();
                    got.lock().unwrap().push(rank);
                    drop(slot);
                });
            }
            let waits = |rank| locked(folder.path(), &format!("queue-{rank}")).unwrap();
            while (0..3).any(|rank| waits(rank).is_some()) {
                thread::sleep(Duration::from_millis(1));
            }
            drop(first);
        });
        assert_eq!(got.into_inner().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Slot::wait_in(&folder.path().join("none"), 2, 0).is_err());
    }
}
