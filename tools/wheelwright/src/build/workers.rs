//! Workers, which compile several targets at the same time.
//!
//! Each build ends in one long step with a single thread, which optimizes the whole
//! program. So there are as many workers as the machine has cores and memory for. A
//! worker compiles its targets one after another in a target folder of its own. A target
//! always has the same worker, and so finds what was compiled the last time.

use std::path::{Path, PathBuf};
use std::thread;

use crate::toolchain::platform::{Platform, Table};

/// No more than this: each worker compiles its own build scripts and procedural macros.
const MOST: usize = 4;

/// The memory that one build needs, in bytes, with a good margin.
const MEMORY: u64 = 2 << 30;

/// One worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worker {
    number: usize,
    /// How many there are.
    pub(super) workers: usize,
}

impl Worker {
    /// All workers of this machine.
    pub(super) fn all() -> Vec<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let memory = available_memory().map_or(1, |bytes| bytes / MEMORY);
        let workers = cores
            .min(usize::try_from(memory).unwrap_or(MOST))
            .clamp(1, MOST);
        (0..workers)
            .map(|number| Self { number, workers })
            .collect()
    }

    /// Does this worker compile for `platform`?
    pub(super) fn takes(self, platform: &Platform, table: &Table) -> bool {
        let mut rows = table.rows().iter();
        let place = rows.position(|known| known.name == platform.name);
        place.unwrap_or_default() % self.workers == self.number
    }

    /// The folder in which this worker's cargo compiles.
    pub(super) fn target_folder(self, work: &Path) -> PathBuf {
        match self.number {
            0 => work.join("cargo"),
            number => work.join(format!("cargo-{number}")),
        }
    }
}

/// How much memory can be had without swapping, where the system says so.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_is_in_one_lane() {
        for workers in 1..=MOST {
            let all: Vec<Worker> = (0..workers)
                .map(|number| Worker { number, workers })
                .collect();
            let table = Table::own();
            for platform in table.rows() {
                let takers = all.iter().filter(|worker| worker.takes(platform, &table));
                let takers = takers.count();
                assert_eq!(takers, 1, "{}", platform.name);
            }
        }
    }

    #[test]
    fn lanes_have_folders_of_their_own() {
        let work = Path::new("work");
        let workers = Worker::all();
        let folders: std::collections::BTreeSet<_> = workers
            .iter()
            .map(|worker| worker.target_folder(work))
            .collect();
        assert_eq!(folders.len(), workers.len());
        assert!(folders.contains(&work.join("cargo")));
    }
}
